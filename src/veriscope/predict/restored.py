"""Restoration of images of any size, region by region, to OME-Zarr; as `predict_image` for labels."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.core.cost import Assumptions
from veriscope.core.progress import Progress, silent
from veriscope.core.source import Region
from veriscope.errors import InputError, VeriscopeError
from veriscope.io.atomic import write_json
from veriscope.io.run_files import read_map, write_map
from veriscope.io.sheet_store import SheetStore
from veriscope.io.usage import UsageMeter, cost_of, size_of
from veriscope.methods.local_method import Footprint
from veriscope.methods.restoration import RestorationMethod
from veriscope.predict.concurrency import (
    fewer_note,
    limit_workers,
    most_workers,
    threads_of,
    workers_as_before,
)
from veriscope.predict.image import write_sheets
from veriscope.predict.image_work import failed_row
from veriscope.predict.many import find_apart, shared_hashes, summary_of, usable_files
from veriscope.predict.opening import open_parts
from veriscope.predict.paint_work import MapWork
from veriscope.predict.plan import PIECES, Plan, memory_for_part, plan_tiles, shown
from veriscope.predict.reading import ChannelSource, Reading
from veriscope.predict.tile_work import SurveyWork
from veriscope.predict.unfinished import Unfinished, found_before, origin_of, record_path
from veriscope.predict.units import Executor, HereExecutor, executor_for

__all__ = ["RESTORED_SCHEMA", "restore_folder", "restore_image"]

RESTORED_SCHEMA = "veriscope/restored-image/1"
_FOLDER_SCHEMA = "veriscope/restored/1"
_REGION_BYTES = 24.0
"""Memory per pixel of a region, beside that of one tile in the network."""
_SMALLEST = 64
"""Length of the smallest regions, in pixels, unless smaller ones are asked for."""


@dataclass(frozen=True, slots=True)
class _RestoreWork:
    """Restores one region and keeps it as a file."""

    method: RestorationMethod
    source: ChannelSource
    surveys: tuple[Any, ...]
    regions: tuple[Region, ...]
    folder: Path

    def path(self, unit: int) -> Path:
        """Give the file of a region; it exists once the region is done."""
        return self.folder / f"{unit:08d}.npy"

    def __call__(self, unit: int) -> dict[str, Any]:
        """Restore one region."""
        moment, number = divmod(unit, len(self.regions))
        source, survey = self.source.at(moment), self.surveys[moment]
        write_map(self.path(unit), self.method.restore_region(source, survey, self.regions[number]))
        return {}

    def lighter(self, unit: int) -> _RestoreWork:
        """Give the same: the tiles of a network decide what it needs."""
        return self

    def prepare(self, threads: int) -> None:
        """Keep to some threads."""
        self.method.limit_threads(threads)


def restore_image(
    method: RestorationMethod,
    source: str | Path,
    output: str | Path,
    *,
    reading: Reading | None = None,
    tile: int | None = None,
    memory: int | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    sha256: str | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Write the restored image of one image as OME-Zarr, float32, however large it is.

    Parameters
    ----------
    method
        Ready to predict.
    source
        Image file or OME-Zarr folder; every time point is an image of its own.
    output
        Folder to write, ending ``.ome.zarr``; as for `veriscope.predict.image.predict_image`.
    reading
        How the file is read; None: as it says.
    tile
        Length of the regions that are restored at once, in pixels; None: chosen.
    memory
        Bytes for all processes together; None: not limited.
    workers
        Most processes to use; 1 works in this one. Fewer are used where the memory does not suffice for more.
    executor
        Where regions are restored, such as a cluster; None: here, in `workers` processes.
    sha256
        As for `veriscope.predict.image.predict_image`.
    progress
        Told about every region and sheet.

    Returns
    -------
    dict
        ``veriscope/restored-image/1``: whether tiles agreed or were blended, and by how much they differ.

    Raises
    ------
    MethodError
        If the method cannot restore the image.
    InputError
        If image, output or memory cannot be used.
    """
    started = time.perf_counter()
    reading, output = reading or Reading(), Path(output)
    assumptions = Assumptions.from_environment(os.environ)
    pixels = open_parts(method, source, output, reading, memory=memory)
    origin = origin_of(method, Path(source), reading, schema=RESTORED_SCHEMA, sha256=sha256)
    unfinished = Unfinished(output, origin["key"])
    result = {name: origin[name] for name in ("schema", "method", "evidence", "image")}
    result |= {"restored": str(output), "notes": list(pixels.stored.header.notes), "done": False}
    before = found_before(output, origin)
    if before is not None and not unfinished.folder.exists():
        return result | {"details": before["details"], "wall_s": round(time.perf_counter() - started, 3)}
    with unfinished.hold():
        # Looked at again: another run may just have ended.
        before = found_before(output, origin)
        if before is not None:
            unfinished.clear()
            return result | {"details": before["details"], "wall_s": round(time.perf_counter() - started, 3)}
        early = memory is None
        own = executor_for(workers, early=early) if executor is None else contextlib.nullcontext(executor)
        with own as executor, UsageMeter() as meter, workers_as_before(executor):
            work, plan = _start(
                method, pixels, unfinished, executor, tile=tile, memory=memory, workers=workers
            )
            _restore(work, executor, progress)
            details = [method.details(survey) for survey in work.surveys]
            store = _write(work, executor, progress, origin | {"details": details}, output)
        cost = cost_of(meter, assumptions) | {
            "bytes_read": size_of(source),
            "bytes_written": size_of(store.folder),
        }
        result |= {
            "done": True,
            "details": details,
            "n_regions": len(work.regions) * len(work.surveys),
            "workers": plan.workers,
            "workers_asked": workers,
            "n_lost": executor.n_lost,
            "cost": cost,
            "wall_s": round(time.perf_counter() - started, 3),
        }
        result["notes"] += [plan.note] if plan.note else []
        # The record first: a result that is there has one.
        write_json(record_path(output), result)
        store.finish()
        unfinished.clear()
    return result


def _start(
    method: RestorationMethod,
    pixels: ChannelSource,
    unfinished: Unfinished,
    executor: Executor,
    *,
    tile: int | None,
    memory: int | None,
    workers: int,
) -> tuple[_RestoreWork, Plan]:
    """Survey and plan, or take up the survey and the plan of a run that was stopped."""
    before = unfinished.begin()
    surveying = SurveyWork(method, pixels, unfinished.folder / "surveys")
    moments = range(pixels.n_times or 1)
    missing = [moment for moment in moments if not surveying.path(moment).exists()]
    for _ in (executor if len(missing) > 1 else HereExecutor()).run(surveying, missing):
        pass
    surveys = tuple(surveying.read(moment) for moment in moments)
    at_once = max(method.bytes_at_once(pixels.shape, survey) for survey in surveys)
    plan = _plan(pixels, at_once, tile=tile, memory=memory, workers=workers)
    limit_workers(executor, plan.workers, threads_of(plan.workers, workers))
    if before is not None and tile is None:
        plan = replace(plan, tile=before)
    unfinished.settle(plan, before)
    # Tiles of other time points may lie otherwise; regions need not be made of whole tiles.
    regions = tuple(method.regions(pixels.shape, surveys[0], side=max(plan.tile)))
    return _RestoreWork(method, pixels, surveys, regions, unfinished.parts), plan


def _plan(
    pixels: ChannelSource, at_once: float, *, tile: int | None, memory: int | None, workers: int
) -> Plan:
    """Choose the regions, and as many processes as fit: they share no surroundings, so more are faster."""
    held = pixels.stored.kept_bytes
    region = math.prod(min(tile or _SMALLEST, size) for size in pixels.shape)

    def needed(number: int) -> float:
        pieces = PIECES * number * pixels.stored.chunk_bytes
        return max(number * at_once + memory_for_part(region * _REGION_BYTES + held, number), pieces)

    if memory is not None and memory < needed(1):
        raise InputError(
            f"--memory: {shown(memory)} do not suffice for tiles of the network, which need {shown(at_once)}"
            f", and regions of {tile or _SMALLEST} pixels; give {shown(needed(1))}, smaller tiles "
            "(-p tile=256), or a smaller --tile"
        )
    used = workers if memory is None else most_workers(workers, lambda number: needed(number) <= memory)
    plan = plan_tiles(
        pixels.shape,
        Footprint(0, 0),
        bytes_per_pixel=_REGION_BYTES,
        memory=None if memory is None else int(memory - used * at_once),
        workers=used,
        tile=tile,
        held=held,
    )
    if memory is None or used == workers:
        return plan
    return replace(plan, note=fewer_note(used, workers, memory))


def _restore(work: _RestoreWork, executor: Executor, progress: Progress) -> None:
    units = len(work.regions) * len(work.surveys)
    missing = [unit for unit in range(units) if read_map(work.path(unit)) is None]
    done = units - len(missing)
    stage = f"predict {work.method.name}"
    progress(stage, done, units)
    for _ in executor.run(work, missing):
        done += 1
        progress(stage, done, units)


def _write(
    work: _RestoreWork, executor: Executor, progress: Progress, origin: dict[str, Any], output: Path
) -> SheetStore:
    source = work.source
    store = SheetStore.make(
        work.folder.parent / "image.zarr",
        output,
        shape=source.shape if source.n_times is None else (source.n_times, *source.shape),
        axes=source.axes if source.n_times is None else "t" + source.axes,
        spacing=source.spacing,
        dtype=np.float32,
        origin=origin,
        labels=False,
    )
    write_sheets("write image", MapWork(work.folder, work.regions, store), store, executor, progress)
    return store


def restore_folder(
    method: RestorationMethod,
    images: str | Path | Sequence[str | Path],
    output: Path,
    *,
    reading: Reading | None = None,
    tile: int | None = None,
    memory: int | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Write the restored image of each image as ``output/<stem>.ome.zarr``.

    Parameters
    ----------
    method
        Ready to predict.
    images
        Folder, file, glob pattern, or several of them.
    output
        Folder; made if missing.
    reading
        As for `veriscope.predict.folder.predict_folder`.
    tile, memory, workers, executor
        As for `restore_image`.
    progress
        Told about every image.

    Returns
    -------
    dict
        ``veriscope/restored/1``: one entry per image, on which the method failed, and what was skipped.

    Raises
    ------
    InputError
        If images cannot be used (all are named, before any is restored), or the output is where they are.
    """
    reading = reading or Reading()
    found = find_apart(images, output, result="the restored ones", series=reading.series)
    files, faults = usable_files(
        found,
        lambda file: open_parts(method, file.path, output, reading.of(file), memory=memory),
        skip_bad=reading.skip_bad,
    )
    hashes = shared_hashes(files)
    rows: list[dict[str, Any]] = []
    stage = f"predict {method.name}"
    progress(stage, 0, len(files))
    for file in files:
        try:
            row = restore_image(
                method,
                file.path,
                output / f"{file.stem}.ome.zarr",
                reading=reading.of(file),
                tile=tile,
                memory=memory,
                workers=workers,
                executor=executor,
                sha256=hashes.get(file.path),
            )
            rows.append(
                {"image": file.stem} | {name: row[name] for name in ("restored", "done", "details", "notes")}
            )
        except VeriscopeError as error:
            rows.append(failed_row(file, error))
        progress(stage, len(rows), len(files))
    return summary_of(_FOLDER_SCHEMA, method, output, rows, faults=faults, ignored=found.ignored)
