"""Prediction of image files without a study: label images beside each other in a folder, resumable.

Images that need more memory than is promised are predicted part by part, to OME-Zarr instead of TIFF.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from veriscope.core.axes import spatial_axes
from veriscope.core.cost import Assumptions
from veriscope.core.progress import Progress, silent
from veriscope.errors import VeriscopeError
from veriscope.io.atomic import flush_all, make_folder
from veriscope.io.box_table import join_box_tables
from veriscope.io.folders import ImageFile
from veriscope.io.lock import only_run
from veriscope.io.usage import UsageMeter, cost_of
from veriscope.methods.base import Method
from veriscope.methods.local_method import LocalMethod
from veriscope.predict.concurrency import fewer_note
from veriscope.predict.image import predict_image, require_maps
from veriscope.predict.image_work import MAPS, ImageWork, failed_row
from veriscope.predict.many import find_apart, shared_hashes, summary_of, usable_files
from veriscope.predict.opening import open_parts
from veriscope.predict.plan import memory_of_part
from veriscope.predict.reading import Reading
from veriscope.predict.units import Executor, executor_for, run_on
from veriscope.predict.whole import fits_whole, require_whole, workers_for_whole

__all__ = ["PREDICT_SCHEMA", "predict_folder"]

PREDICT_SCHEMA = "veriscope/predict/1"
_LOCK = ".veriscope-running"


def predict_folder(
    method: Method,
    images: str | Path | Sequence[str | Path],
    output: Path,
    *,
    probabilities: bool = False,
    reading: Reading | None = None,
    tile: int | None = None,
    memory: int | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Write the label image of each image as ``output/<stem>.tif``.

    Of large images and of time series it is ``<stem>.ome.zarr``. Of a method that finds boxes there is also
    ``boxes.csv`` with those of all images.

    What is there already, made from the same image by the same method, is not done again.

    Parameters
    ----------
    method
        Ready to predict.
    images
        Folder, file, glob pattern, or several of them.
    output
        Folder for the label images and ``record.jsonl``; made if missing.
    probabilities
        Write also the probability that each pixel is foreground, as ``probabilities/<stem>.ome.zarr``.
    reading
        How files are read; None: as they say. With ``series="each"`` every image of a file is one, named
        ``NAME_s0``, ``NAME_s1`` …, as `veriscope.io.file_images.images_of_file` says.
    tile
        For images predicted part by part, as for `predict_image`.
    memory
        Bytes for all processes together. Images that need more are predicted part by part; those of a method
        that takes whole images are refused, or the tool that runs it is stopped. None: not limited.
    workers
        Most processes to use; 1 works in this one. Fewer are used for images predicted part by part that are
        sooner done so, and where the memory does not suffice for more; a note says so.
    executor
        Where images are predicted, such as a cluster; None: here, in `workers` processes.
    progress
        Told about every image.

    Returns
    -------
    dict
        ``veriscope/predict/1``: method, numbers of images and objects, one entry per image,
        what was skipped, on which images the method failed, and what the run cost.

    Raises
    ------
    InputError
        If images cannot be used (all are named, before any is predicted), or the output is where
        the images are, holds files of the same names that predictions did not make, or another run is
        writing to it now.
    """
    reading = reading or Reading()
    found = find_apart(images, output, result="the label images", series=reading.series)
    at_once, notes = _together(method, found, reading, memory, workers)
    if memory is not None:
        method.limit_memory(memory_of_part(memory, at_once))
    assumptions = Assumptions.from_environment(os.environ)
    large = {file.stem for file in found if _needs_parts(method, file, reading, memory, workers)}
    number = workers if large else min(at_once, len(found))
    early = len(large) < len(found)
    own = executor_for(number, early=early) if executor is None else contextlib.nullcontext(executor)
    with own as used, UsageMeter() as meter:
        # Its processes start while the images are looked at.
        check = functools.partial(_check, method, reading, output, large, memory)
        files, faults = usable_files(found, check, skip_bad=reading.skip_bad)
        if probabilities:
            headers = [reading.of(file).header(file.path) for file in files]
            for n_axes in sorted({len(spatial_axes(header.axes)) for header in headers}):
                require_maps(method, "zyx"[-n_axes:])
        make_folder(output)
        small = tuple(file for file in files if file.stem not in large)
        hashes = shared_hashes(files)
        work = ImageWork(method, small, output, reading, probabilities, notes=notes, hashes=hashes)
        with only_run(output / _LOCK, place=output):
            work.claim()
            rows = _predict_small(work, used, len(files), progress)
            for file in files:
                if file.stem in large:
                    options = {"tile": tile, "memory": memory, "workers": workers}
                    rows[file.stem] = _predict_large(work, file, used, options)
                    progress(f"predict {method.name}", len(rows), len(files))
            if method.finds_boxes:
                tables = [rows[file.stem]["boxes"] for file in files if "boxes" in rows[file.stem]]
                join_box_tables(output / "boxes.csv", tables)
            flush_all()
    ordered = [rows[file.stem] for file in files]
    summary = summary_of(PREDICT_SCHEMA, method, output, ordered, faults=faults, ignored=found.ignored)
    cost = cost_of(meter, assumptions)
    return summary | {"n_objects": sum(row["n_objects"] for row in summary["images"]), "cost": cost}


def _predict_small(
    work: ImageWork, executor: Executor, total: int, progress: Progress
) -> dict[str, dict[str, Any]]:
    """Predict the images that fit the memory, each as a whole."""
    rows: dict[str, dict[str, Any]] = {}
    stage = f"predict {work.method.name}"
    progress(stage, 0, total)
    for unit, result in run_on(executor, work, range(len(work.files)), work.given_up):
        rows[work.files[unit].stem] = work.row(result)
        progress(stage, len(rows), total)
    return rows


def _predict_large(
    work: ImageWork, file: ImageFile, executor: Executor, options: dict[str, Any]
) -> dict[str, Any]:
    """Predict an image part by part, or a time series; its row."""
    target = work.output / f"{file.stem}.ome.zarr"
    try:
        done = predict_image(
            work.method,
            file.path,
            target,
            probabilities=work.output / MAPS / target.name if work.maps else None,
            reading=work.reading.of(file),
            sha256=work.hashes.get(file.path),
            executor=executor,
            **options,
        )
    except VeriscopeError as error:
        return failed_row(file, error)
    kept = ("labels", "probabilities", "done", "n_objects", "notes")
    return {"image": file.stem} | {name: done[name] for name in kept if name in done}


def _together(
    method: Method, found: Sequence[ImageFile], reading: Reading, memory: int | None, workers: int
) -> tuple[int, tuple[str, ...]]:
    """Say how many images are predicted at once, and note if the memory makes them fewer than asked for.

    Those that a method can predict part by part are, where the memory does not suffice for all workers.
    """
    if memory is None or isinstance(method, LocalMethod):
        return workers, ()
    headers = []
    for file in found:
        with contextlib.suppress(VeriscopeError):  # told of by the check of all files
            headers.append(reading.of(file).header(file.path))
    used = workers_for_whole(method, headers, memory, workers)
    return used, () if used == workers else (fewer_note(used, workers, memory),)


def _needs_parts(method: Method, file: ImageFile, reading: Reading, memory: int | None, workers: int) -> bool:
    """Whether an image is a time series, or needs more memory than promised; an unreadable one is none."""
    if not isinstance(method, LocalMethod):
        return False
    try:
        header = reading.of(file).header(file.path)
    except VeriscopeError:
        return False
    return "t" in header.axes or (memory is not None and not fits_whole(method, header, memory, workers))


def _check(
    method: Method,
    reading: Reading,
    output: Path,
    large: Collection[str],
    memory: int | None,
    file: ImageFile,
) -> None:
    """Read a file, of a large one only what can be checked without decoding it."""
    reading = reading.of(file)
    if file.stem in large:
        open_parts(method, file.path, output, reading, memory=memory)
        return
    if memory is not None:
        require_whole(method, reading.header(file.path), memory)
    method.check(reading.view(method, reading.read(file.path)))
