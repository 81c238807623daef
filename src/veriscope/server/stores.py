"""Images and label images of a study as OME-Zarr with lower resolutions, whatever they are on disk.

The full resolution is served from the study as it is, where it is OME-Zarr 0.5 (Zarr 3). What is derived from
it lies in the cache, is made when it is first asked for, and can be removed at any time.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.cache import cache_folder
from veriscope.core.source import Region
from veriscope.io.pyramid import level_shapes, pyramid_attributes, write_pyramid
from veriscope.io.regions import StoredImage
from veriscope.server.problems import ProblemError
from veriscope.workflow.layout import StudyFolder, StudyImage

__all__ = ["Store", "cached", "image_store", "image_version", "label_store", "label_version", "spacing_of"]

_KEY = re.compile(r"^(zarr\.json|\d{1,2}/(zarr\.json|c(/\d{1,7}){1,6}))$")
_locks: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)


@dataclass(frozen=True, slots=True)
class Store:
    """An OME-Zarr image of several resolutions.

    Parameters
    ----------
    folder
        Its metadata and lower resolutions, in the cache.
    full
        The array of the full resolution.
    axes
        Of the image.
    shapes
        Of all resolutions, the full one first.
    dtype
        Of the pixels.
    """

    folder: Path
    full: Path
    axes: str
    shapes: tuple[tuple[int, ...], ...]
    dtype: np.dtype[Any]

    def file(self, key: str) -> Path | None:
        """Give the file of a key of the store.

        Parameters
        ----------
        key
            Such as ``zarr.json`` or ``1/c/0/0``.

        Returns
        -------
        pathlib.Path or None
            None if there is no such key.
        """
        if not _KEY.match(key):
            return None
        level, _, rest = key.partition("/")
        path = self.full / rest if rest and level == "0" else self.folder / key
        return path if path.is_file() else None

    def read(self, level: int, region: Region) -> NDArray[Any]:
        """Read a part of a resolution.

        Parameters
        ----------
        level
            0 is the full one.
        region
            One slice per axis.

        Returns
        -------
        numpy.ndarray
            Axes as the image.
        """
        import zarr

        path = self.full if level == 0 else self.folder / str(level)
        return np.asarray(zarr.open_array(str(path), mode="r")[region])

    def level_for(self, pixels: float) -> int:
        """Choose the resolution to draw from.

        Parameters
        ----------
        pixels
            Pixels of the full resolution that come to one of the picture.

        Returns
        -------
        int
            The lowest resolution that is still fine enough.
        """
        level = 0
        while level + 1 < len(self.shapes) and 2 ** (level + 1) <= pixels:
            level += 1
        return level


def spacing_of(image: StudyImage) -> dict[str, float] | None:
    """Read the pixel size of an image from its row.

    Parameters
    ----------
    image
        The image.

    Returns
    -------
    dict or None
        µm by axis; None if uncalibrated.
    """
    if not image.is_calibrated:
        return None
    return {axis: float(size) for axis, size in (part.split("=") for part in image.spacing.split(";"))}


def image_version(folder: StudyFolder, image: StudyImage) -> str:
    """Name the present content of an image.

    Parameters
    ----------
    folder
        The study.
    image
        The image.

    Returns
    -------
    str
        Another one when the file, or how it is read, has changed.

    Raises
    ------
    ProblemError
        410 if the image is gone.
    """
    return _version(folder.root / image.path, f"image {image.image_id}", image.spacing, image.reading)


def image_store(folder: StudyFolder, image: StudyImage) -> Store:
    """Open an image, making its lower resolutions if they are not there yet.

    Parameters
    ----------
    folder
        The study.
    image
        The image.

    Returns
    -------
    Store
        The image.

    Raises
    ------
    ProblemError
        410 if the image is gone.
    UnreadableFileError
        If it is damaged.
    """
    version = image_version(folder, image)
    target = cached(folder, "images", image.image_id, version, ".zarr")
    source = folder.root / image.path
    shape = tuple(int(length) for length in image.shape.split("x"))
    channels = tuple(image.channels.split(";")) if image.channels else ()
    plain = _plain_array(source, shape)

    def make() -> None:
        attributes = pyramid_attributes(
            image.image_id, image.axes, spacing_of(image), level_shapes(shape, image.axes), channels
        )
        _write(target, source, plain, image, shape, attributes)

    _ensure(target, make)
    dtype = np.dtype(image.dtype)
    return Store(target, plain or target / "0", image.axes, tuple(level_shapes(shape, image.axes)), dtype)


def label_version(folder: StudyFolder, candidate: str, image_id: str) -> str | None:
    """Name the present content of a prediction.

    Parameters
    ----------
    folder
        The study.
    candidate
        Identifier of the candidate.
    image_id
        Identifier of the image.

    Returns
    -------
    str or None
        None if there is no prediction.
    """
    path = folder.root / folder.prediction(candidate, image_id)
    if not (path / "zarr.json").is_file():
        return None
    return _version(path, f"prediction of {candidate}", "", "")


def label_store(folder: StudyFolder, candidate: str, image: StudyImage) -> Store:
    """Open a prediction, making its lower resolutions if they are not there yet.

    Parameters
    ----------
    folder
        The study.
    candidate
        Identifier of the candidate; one of the study's.
    image
        The image.

    Returns
    -------
    Store
        The label image.

    Raises
    ------
    ProblemError
        404 if the candidate has not predicted the image.
    """
    version = label_version(folder, candidate, image.image_id)
    if version is None:
        raise ProblemError.make(
            404, f"{candidate} has no labels for {image.image_id} yet.", "Run it under Candidates."
        )
    import zarr

    target = cached(folder, f"labels-{candidate}", image.image_id, version, ".zarr")
    full = folder.root / folder.prediction(candidate, image.image_id) / "0"
    array = zarr.open_array(str(full), mode="r")
    shape, dtype, axes = tuple(array.shape), np.dtype(array.dtype), "zyx"[-len(array.shape) :]

    def make() -> None:
        spacing = spacing_of(image)
        kept = None if spacing is None else {axis: spacing[axis] for axis in axes if axis in spacing}
        shapes = level_shapes(shape, axes)
        attributes = pyramid_attributes(image.image_id, axes, kept, shapes, is_labels=True)
        write_pyramid(
            target,
            lambda part: np.asarray(array[part]),
            shape,
            dtype,
            axes,
            attributes,
            with_full=False,
            is_labels=True,
        )

    _ensure(target, make)
    return Store(target, full, axes, tuple(level_shapes(shape, axes)), dtype)


def _write(
    target: Path,
    source: Path,
    plain: Path | None,
    image: StudyImage,
    shape: tuple[int, ...],
    attributes: Mapping[str, Any],
) -> None:
    if plain is not None:
        import zarr

        array = zarr.open_array(str(plain), mode="r")
        dtype = np.dtype(array.dtype)
        write_pyramid(
            target,
            lambda part: np.asarray(array[part]),
            shape,
            dtype,
            image.axes,
            attributes,
            with_full=False,
        )
        return
    options = json.loads(image.reading) if image.reading else {}
    stored = StoredImage(source, **options)
    write_pyramid(
        target,
        lambda part: stored.read(part).pixels,
        shape,
        np.dtype(image.dtype),
        image.axes,
        attributes,
        with_full=True,
    )


def _plain_array(source: Path, shape: tuple[int, ...]) -> Path | None:
    """Give the array of the full resolution, if a browser can read it as it is."""
    array = source / "0"
    try:
        found = json.loads((array / "zarr.json").read_bytes())
    except (OSError, ValueError):
        return None
    same = isinstance(found, dict) and found.get("zarr_format") == 3 and found.get("shape") == list(shape)
    return array if same else None


def _version(path: Path, what: str, *more: str) -> str:
    metadata = path / "zarr.json" if path.is_dir() else path
    try:
        stat = metadata.stat()
    except OSError:
        raise ProblemError.make(
            410,
            f"The file of {what} is gone: {path.name}.",
            "Put it back where it was.",
            title="A file is gone",
        ) from None
    text = json.dumps([stat.st_mtime_ns, stat.st_size, *more])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def cached(folder: StudyFolder, kind: str, image_id: str, version: str, suffix: str) -> Path:
    """Give the place in the cache of what is derived from an image.

    Parameters
    ----------
    folder
        The study.
    kind
        What it is.
    image_id
        Identifier of the image.
    version
        Of the image.
    suffix
        Of the file or folder.

    Returns
    -------
    pathlib.Path
        It need not exist.
    """
    study = hashlib.sha256(str(folder.root.resolve()).encode()).hexdigest()[:16]
    image = hashlib.sha256(image_id.encode()).hexdigest()[:16]
    return cache_folder() / "web" / study / kind / f"{image}-{version}{suffix}"


def _ensure(target: Path, make: Any) -> None:
    """Make a folder of the cache once, and remove what it replaces."""
    if target.is_dir():
        return
    with _locks[target]:
        if target.is_dir():
            return
        image = target.name.partition("-")[0]
        old = [path for path in target.parent.glob(f"{image}-*") if path != target]
        make()
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
