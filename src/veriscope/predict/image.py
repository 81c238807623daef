"""Prediction of one image of any size, part by part, to an OME-Zarr label image.

Three stages: the method surveys the whole image; every part is predicted, and what is found kept as
files; the objects are numbered and painted, sheet by sheet. The labels are the same, byte for byte,
whatever the size of the parts and the number of processes. A run that was killed goes on where it was.

Every time point is an image of its own: surveyed, predicted and numbered by itself.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.core.cost import Assumptions
from veriscope.core.image import Image
from veriscope.core.labels import smallest_label_dtype
from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError, MethodError
from veriscope.io.atomic import write_json
from veriscope.io.sheet_store import SheetStore
from veriscope.io.usage import UsageMeter, cost_of, size_of
from veriscope.methods.base import Method
from veriscope.methods.local_method import LocalMethod, Survey
from veriscope.predict.all_parts import begin_parts, predict_parts
from veriscope.predict.concurrency import workers_as_before
from veriscope.predict.opening import open_parts
from veriscope.predict.paint_work import MapWork, PaintWork, gather
from veriscope.predict.reading import ChannelSource, Reading
from veriscope.predict.tile_work import TileWork
from veriscope.predict.unfinished import Unfinished, found_before, origin_of, record_path
from veriscope.predict.units import Executor, HereExecutor, Work, executor_for

__all__ = ["IMAGE_SCHEMA", "map_path", "predict_image", "require_maps", "write_sheets"]

IMAGE_SCHEMA = "veriscope/predict-image/1"
_FEW_SHEETS = 8


def predict_image(
    method: Method,
    source: str | Path,
    output: str | Path,
    *,
    probabilities: str | Path | None = None,
    reading: Reading | None = None,
    tile: int | None = None,
    memory: int | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    sha256: str | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Write the label image of one image as OME-Zarr, however large it is.

    Parameters
    ----------
    method
        Ready to predict.
    source
        Image file or OME-Zarr folder. Every time point of a time series is predicted as an image of its
        own; objects are numbered from 1 at each, and equal numbers do not mean the same object.
    output
        Folder to write, ending ``.ome.zarr``; must not exist, unless it is the result of just this.
        Until it is complete, work lies beside it in a folder ending ``.part``. What it took stands beside it
        in a file ending ``.record.json``.
    probabilities
        Folder to write with the probability that each pixel is foreground, as `output`; None: it is not
        written.
    reading
        How the file is read; None: as it says.
    tile
        Length of the parts in pixels; None: chosen.
    memory
        Bytes for all processes together; None: not limited.
    workers
        Most processes to use; 1 works in this one. Fewer are used where they are estimated to be done
        sooner in the memory, or it does not suffice for more; the result says so.
    executor
        Where parts are predicted, such as a cluster; the memory is that of each worker then. None: here, in
        `workers` processes.
    sha256
        Of the source, where it is known; None: it is hashed.
    progress
        Told about every part and sheet.

    Returns
    -------
    dict
        ``veriscope/predict-image/1``.

    Raises
    ------
    MethodError
        If the method cannot work part by part, or gives no probabilities where they are wanted.
    InputError
        If image, output or memory cannot be used.
    """
    started = time.perf_counter()
    reading, output = reading or Reading(), Path(output)
    assumptions = Assumptions.from_environment(os.environ)
    maps = None if probabilities is None else Path(probabilities)
    if not isinstance(method, LocalMethod):
        raise MethodError(
            f"{method.name} needs the whole image at once (it is no LocalMethod), so it cannot work part "
            f"by part; give a folder for the result, such as -o {output.name.split('.')[0]}"
        )
    if workers < 1:
        raise InputError(f"--workers {workers}: at least 1")
    if maps is not None and maps.resolve() == output.resolve():
        raise InputError(f"{output}: is to hold the labels and the probabilities; give two names")
    pixels = open_parts(method, source, output, reading, memory=memory)
    if maps is not None:
        require_maps(method, pixels.axes)
    origin = origin_of(method, Path(source), reading, schema=IMAGE_SCHEMA, sha256=sha256)
    unfinished = Unfinished(output, origin["key"])
    targets = _Targets.look(output, maps, origin)
    if targets.done and not unfinished.folder.exists():
        return _result(origin, pixels, output, maps, targets.n_objects, started)
    with unfinished.hold():
        # Looked at again: another run may just have ended.
        targets = _Targets.look(output, maps, origin)
        if targets.done:
            unfinished.clear()
            return _result(origin, pixels, output, maps, targets.n_objects, started)
        early = memory is None
        own = executor_for(workers, early=early) if executor is None else contextlib.nullcontext(executor)
        with own as executor, UsageMeter() as meter, workers_as_before(executor):
            work, plan = begin_parts(
                method,
                pixels,
                unfinished,
                executor,
                maps=maps is not None,
                tile=tile,
                memory=memory,
                workers=workers,
            )
            spent = predict_parts(work, executor, progress, stage=f"predict {method.name}")
            spent |= {"tile": list(work.tile), "workers": plan.workers, "workers_asked": workers}
            spent |= _surveys(work.surveys)
            stores, n_objects = _paint(work, executor, progress, origin=origin, targets=targets)
        written = sum(size_of(store.folder) for store in stores)
        cost = cost_of(meter, assumptions) | {"bytes_read": size_of(source), "bytes_written": written}
        spent |= {"n_lost": executor.n_lost, "done": True, "cost": cost}
        result = _result(origin, pixels, output, maps, n_objects, started) | spent
        result["notes"] += [plan.note] if plan.note else []
        # The record first: a result that is there has one.
        write_json(record_path(output), result)
        for store in stores:
            store.finish()
        unfinished.clear()
    return result


def map_path(output: Path) -> Path:
    """Say where the probabilities of pixels go, beside the labels.

    Parameters
    ----------
    output
        The label image.

    Returns
    -------
    pathlib.Path
        Ending ``.probabilities.ome.zarr``.
    """
    stem = output.name.removesuffix(".zarr").removesuffix(".ome")
    return output.with_name(f"{stem}.probabilities.ome.zarr")


def require_maps(method: Method, axes: str) -> None:
    """Refuse a method that gives no probability of pixels, before any image is predicted.

    Parameters
    ----------
    method
        Ready to predict.
    axes
        ``yx`` or ``zyx``.

    Raises
    ------
    MethodError
        If it gives none.
    """
    nothing = Image(np.zeros((32,) * len(axes), np.uint8), axes, name="an empty image")
    if method.predict(nothing).probability_map is None:
        raise MethodError(
            f"{method.name} gives no probabilities of pixels, only objects; predict without --probabilities"
        )


@dataclass(frozen=True, slots=True)
class _Targets:
    """What has to be written, and how many objects the labels hold that are there already."""

    labels: Path
    maps: Path | None
    labels_missing: bool
    maps_missing: bool
    n_objects: int

    @classmethod
    def look(cls, labels: Path, maps: Path | None, origin: dict[str, Any]) -> _Targets:
        """See what is there; refuse what was made otherwise."""
        before = found_before(labels, origin)
        maps_missing = maps is not None and found_before(maps, origin) is None
        return cls(labels, maps, before is None, maps_missing, before["n_objects"] if before else 0)

    @property
    def done(self) -> bool:
        """Whether nothing is missing."""
        return not self.labels_missing and not self.maps_missing


def _surveys(surveys: tuple[Survey, ...]) -> dict[str, Any]:
    """Surveys as plain values: one, or those of all time points."""
    found = [survey.model_dump(mode="json") for survey in surveys]
    return {"survey": found[0]} if len(found) == 1 else {"surveys": found}


def _paint(
    work: TileWork, executor: Executor, progress: Progress, *, origin: dict[str, Any], targets: _Targets
) -> tuple[list[SheetStore], int]:
    """Write what is missing; the images to be put in their places, the labels last, and the objects."""
    folder, source, stores = work.folder.parent, work.source, []
    gathered = gather(work, folder / "anchors.npy")
    axes = source.axes if source.n_times is None else "t" + source.axes
    shape = source.shape if source.n_times is None else (source.n_times, *source.shape)
    if targets.maps is not None and targets.maps_missing:
        store = SheetStore.make(
            folder / "map.zarr",
            targets.maps,
            shape=shape,
            axes=axes,
            spacing=source.spacing,
            dtype=np.float32,
            origin=origin | {"content": "probability of foreground", "n_objects": gathered.n_objects},
            labels=False,
        )
        write_sheets(
            "write probabilities", MapWork(work.folder, tuple(work.parts()), store), store, executor, progress
        )
        stores.append(store)
    if targets.labels_missing:
        store = SheetStore.make(
            folder / "labels.zarr",
            targets.labels,
            shape=shape,
            axes=axes,
            spacing=source.spacing,
            dtype=smallest_label_dtype(gathered.largest_label),
            origin=origin | {"n_objects": gathered.n_objects},
        )
        painting = PaintWork(work.folder, folder / "anchors.npy", gathered, source.shape, store)
        write_sheets("write labels", painting, store, executor, progress)
        stores.append(store)
    return stores, gathered.n_objects


def write_sheets(stage: str, work: Work, store: SheetStore, executor: Executor, progress: Progress) -> None:
    """Write all sheets of an image.

    Parameters
    ----------
    stage
        What to call it.
    work
        Writes one.
    store
        The image.
    executor
        Where, if there are many.
    progress
        Told about every sheet.
    """
    sheets = range(len(store.sheets()))
    progress(stage, 0, len(sheets))
    # Few sheets are painted sooner than processes start.
    painter = executor if len(sheets) > _FEW_SHEETS else HereExecutor()
    for done, _ in enumerate(painter.run(work, sheets), 1):
        progress(stage, done, len(sheets))


def _result(
    origin: dict[str, Any],
    pixels: ChannelSource,
    output: Path,
    maps: Path | None,
    n_objects: int,
    started: float,
) -> dict[str, Any]:
    return {
        "schema": IMAGE_SCHEMA,
        "method": origin["method"],
        "evidence": origin["evidence"],
        "image": origin["image"],
        "labels": str(output),
        **({} if maps is None else {"probabilities": str(maps)}),
        "n_objects": n_objects,
        "notes": list(pixels.stored.header.notes),
        "done": False,
        "wall_s": round(time.perf_counter() - started, 3),
    }
