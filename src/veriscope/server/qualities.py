"""How the images of a study look, measured once and kept in the cache."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from veriscope.errors import VeriscopeError
from veriscope.io.atomic import write_json
from veriscope.measure.quality import Flag, PlaneQuality, flag_planes, plane_quality
from veriscope.server.models.images import ChannelQuality, Quality
from veriscope.server.problems import ProblemError
from veriscope.server.store import Store
from veriscope.server.stores import cached, image_store, image_version
from veriscope.workflow.layout import StudyFolder, StudyImage

__all__ = ["Qualities"]

_SCHEMA = "veriscope/quality/1"
_SIDE = 1024
_PER_AXIS = 3


@dataclass(frozen=True, slots=True)
class _Measured:
    planes: tuple[PlaneQuality, ...]
    is_sampled: bool


class Qualities:
    """How images look, by study.

    Parameters
    ----------
    told
        Told the identifier of a study when more of its images are measured.
    """

    def __init__(self, told: Callable[[str], None]) -> None:
        self._told = told
        self._known: dict[Path, _Measured] = {}
        self._begun: set[Path] = set()
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def close(self) -> None:
        """Measure no more."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def of_study(self, folder: StudyFolder, images: Sequence[StudyImage]) -> dict[str, Quality]:
        """Give what is known, and begin to measure the rest.

        Parameters
        ----------
        folder
            The study.
        images
            Its images.

        Returns
        -------
        dict
            By identifier of the image; without those not measured yet.
        """
        found = {image.image_id: self._recall(folder, image) for image in images}
        missing = [image for image in images if found[image.image_id] is None]
        with self._lock:
            if missing and folder.root not in self._begun:
                self._begun.add(folder.root)
                self._pool = self._pool or ThreadPoolExecutor(1, "quality")
                self._pool.submit(self._measure_all, folder, missing)
        return _described(images, {name: item for name, item in found.items() if item is not None})

    def of_image(self, folder: StudyFolder, images: Sequence[StudyImage], image: StudyImage) -> Quality:
        """Measure an image, and compare it with those of the study that are measured.

        Parameters
        ----------
        folder
            The study.
        images
            All images of the study.
        image
            The image.

        Returns
        -------
        Quality
            How it looks.
        """
        found = {item.image_id: self._recall(folder, item) for item in images}
        found[image.image_id] = self._measure(folder, image)
        return _described(images, {name: item for name, item in found.items() if item is not None})[
            image.image_id
        ]

    def _measure_all(self, folder: StudyFolder, images: Sequence[StudyImage]) -> None:
        for number, image in enumerate(images, 1):
            with contextlib.suppress(VeriscopeError, ProblemError, OSError):
                self._measure(folder, image)  # one that cannot be read says so where it is shown
            if number % 20 == 0 or number == len(images):
                self._told(folder.root.name)
        with self._lock:
            self._begun.discard(folder.root)

    def _recall(self, folder: StudyFolder, image: StudyImage) -> _Measured | None:
        try:
            path = _place(folder, image)
        except ProblemError:
            return None
        if path not in self._known and path.is_file():
            with contextlib.suppress(ValueError, KeyError, TypeError, OSError):
                said = json.loads(path.read_text(encoding="utf-8"))
                planes = tuple(PlaneQuality(**plane) for plane in said["planes"])
                self._known[path] = _Measured(planes, said["sampled"])
        return self._known.get(path)

    def _measure(self, folder: StudyFolder, image: StudyImage) -> _Measured:
        known = self._recall(folder, image)
        if known is not None:
            return known
        store = image_store(folder, image)
        n_channels = store.shapes[0][store.axes.index("c")] if "c" in store.axes else 1
        read = [_parts(store, channel) for channel in range(n_channels)]
        planes = tuple(plane_quality(parts) for parts, _ in read)
        found = _Measured(planes, any(is_sampled for _, is_sampled in read))
        path = _place(folder, image)
        with contextlib.suppress(VeriscopeError):  # a full disk: it is measured anew next time
            write_json(
                path, {"schema": _SCHEMA, "planes": [asdict(p) for p in planes], "sampled": found.is_sampled}
            )
        self._known[path] = found
        return found


def _place(folder: StudyFolder, image: StudyImage) -> Path:
    return cached(folder, "quality", image.image_id, image_version(folder, image), ".json")


def _parts(store: Store, channel: int) -> tuple[list[NDArray[Any]], bool]:
    """Read a channel, or nine parts of one that is large; of a stack the plane in the middle."""
    height, width = store.shapes[0][-2:]
    rows, columns = _starts(height), _starts(width)
    parts = []
    for y in rows:
        for x in columns:
            region = []
            for letter, length in zip(store.axes, store.shapes[0], strict=True):
                if letter in "yx":
                    start = y if letter == "y" else x
                    region.append(slice(start, min(start + _SIDE, length)))
                else:
                    at = {"c": channel, "z": length // 2, "t": 0}[letter]
                    region.append(slice(at, at + 1))
            part = store.read(0, tuple(region))
            parts.append(part.reshape(part.shape[-2:]))
    is_stack = any(n > 1 for letter, n in zip(store.axes, store.shapes[0], strict=True) if letter in "zt")
    return parts, is_stack or max(height, width) > _PER_AXIS * _SIDE


def _starts(length: int) -> list[int]:
    if length <= _SIDE:
        return [0]
    if length <= _PER_AXIS * _SIDE:
        return list(range(0, length, _SIDE))
    return [round(step * (length - _SIDE) / (_PER_AXIS - 1)) for step in range(_PER_AXIS)]


def _described(images: Sequence[StudyImage], measured: dict[str, _Measured]) -> dict[str, Quality]:
    flags: dict[tuple[str, int], list[Flag]] = {}
    compared: dict[str, int] = {}
    most = max((len(item.planes) for item in measured.values()), default=0)
    for channel in range(most):
        ids = [name for name, item in measured.items() if channel < len(item.planes)]
        planes = [measured[name].planes[channel] for name in ids]
        for name, found in zip(ids, flag_planes(planes), strict=True):
            flags[name, channel] = found
            compared[name] = len(ids)
    names = {image.image_id: image.channel_names or ("",) for image in images}
    return {
        image_id: Quality(
            flags=list(dict.fromkeys(f for c in range(len(item.planes)) for f in flags[image_id, c])),
            channels=[
                ChannelQuality(
                    channel=names[image_id][c] if c < len(names[image_id]) else str(c),
                    flags=flags[image_id, c],
                    **asdict(plane),
                )
                for c, plane in enumerate(item.planes)
            ],
            n_compared=compared[image_id],
            sampled=item.is_sampled,
            evidence="untested",
        )
        for image_id, item in measured.items()
    }
