"""Prediction of image files without a study: label images beside each other in a folder, resumable.

Images that need more memory than is promised are predicted part by part, to OME-Zarr instead of TIFF.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError, VeriscopeError, raise_together
from veriscope.io.atomic import make_folder
from veriscope.io.folders import ImageFile, find_images
from veriscope.io.images import read_header
from veriscope.io.labels import write_labels
from veriscope.io.record import Record
from veriscope.methods.base import LocalMethod, Method
from veriscope.methods.channels import analysis_channel
from veriscope.predict.image import predict_image
from veriscope.predict.plan import fits_memory
from veriscope.predict.reading import Reading

__all__ = ["PREDICT_SCHEMA", "predict_folder"]

PREDICT_SCHEMA = "veriscope/predict/1"


def predict_folder(
    method: Method,
    images: str | Path | Sequence[str | Path],
    output: Path,
    *,
    reading: Reading | None = None,
    tile: int | None = None,
    memory: int | None = None,
    workers: int = 1,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Write the label image of each image as ``output/<stem>.tif``, of large ones as ``<stem>.ome.zarr``.

    What is there already, made from the same image by the same method, is not done again.

    Parameters
    ----------
    method
        Ready to predict.
    images
        Folder, file, glob pattern, or several of them.
    output
        Folder for the label images and ``record.jsonl``; made if missing.
    reading
        How files are read; None: as they say.
    tile, workers
        For images predicted part by part, as for `predict_image`.
    memory
        Bytes; images that need more are predicted part by part. None: no image is.
    progress
        Told about every image, and about every part of large ones.

    Returns
    -------
    dict
        ``veriscope/predict/1``: method, numbers of images and objects, one entry per image,
        what was skipped.

    Raises
    ------
    InputError
        If images cannot be used (all are named, before any is predicted), or the output is where
        the images are.
    """
    reading = reading or Reading()
    found = find_images(images)
    if any(file.path.resolve().parent == output.resolve() for file in found):
        raise InputError(f"{output} holds the images; choose another folder for the label images")
    large = {file.path for file in found if memory is not None and _is_large(method, file, reading, memory)}
    files, faults = _check(method, found, reading, large)
    if faults and (not reading.skip_bad or not files):
        raise_together(
            faults,
            what=f"{len(faults)} of {len(found)} images cannot be used",
            remedy="Nothing was written. Mend or remove them, or leave them out with --skip-bad.",
        )
    make_folder(output)
    record = Record(output)
    in_parts = partial(
        predict_image, reading=reading, tile=tile, memory=memory, workers=workers, progress=progress
    )
    rows = []
    stage = f"predict {method.name}"
    progress(stage, 0, len(files))
    for index, file in enumerate(files):
        if file.path in large:
            done = in_parts(method, file.path, output / f"{file.stem}.ome.zarr")
            rows.append({"image": file.stem} | {name: done[name] for name in ("labels", "done", "n_objects")})
        else:
            rows.append(_predict_file(method, file, output, record, reading))
        progress(stage, index + 1, len(files))
    return {
        "schema": PREDICT_SCHEMA,
        "method": method.describe(),
        "evidence": "untested",
        "output": str(output),
        "n_images": len(rows),
        "n_objects": sum(row["n_objects"] for row in rows),
        "n_done": sum(row["done"] for row in rows),
        "images": rows,
        "skipped": [str(fault) for fault in faults],
        "ignored_files": [str(path) for path in found.ignored],
    }


def _is_large(method: Method, file: ImageFile, reading: Reading, memory: int) -> bool:
    """Whether an image needs more memory than is promised; one that cannot be read is none."""
    if not isinstance(method, LocalMethod):
        return False
    try:
        header = read_header(file.path, axes=reading.axes, spacing=reading.spacing, series=reading.series)
    except VeriscopeError:
        return False
    return not fits_memory(
        tuple(n for n, axis in zip(header.shape, header.axes, strict=True) if axis in "zyx"),
        method.bytes_per_pixel,
        memory,
    )


def _check(
    method: Method, found: Sequence[ImageFile], reading: Reading, large: Collection[Path]
) -> tuple[list[ImageFile], list[VeriscopeError]]:
    """Read all files before the first prediction, so that a run of hours does not stop at a bad one.

    Of large ones only what can be checked without decoding them.
    """
    good: list[ImageFile] = []
    faults: list[VeriscopeError] = []
    for file in found:
        try:
            if file.path in large:
                method.check(reading.source(file.path).corner())
            else:
                method.check(analysis_channel(reading.read(file.path), reading.channel))
            good.append(file)
        except VeriscopeError as error:
            faults.append(error)
    return good, faults


def _predict_file(
    method: Method, file: ImageFile, output: Path, record: Record, reading: Reading
) -> dict[str, Any]:
    target = f"{file.stem}.tif"

    def work() -> Mapping[str, Any]:
        image = reading.read(file.path)
        result = method.predict(analysis_channel(image, reading.channel))
        write_labels(output / target, result.labels, spacing=image.spacing)
        return {"n_objects": result.n_objects, **result.details}

    done = record.step(
        "predict",
        inputs=[file.path.resolve()],
        parameters={"method": method.describe(), "reading": reading.model_dump(exclude={"skip_bad"})},
        outputs=[target],
        work=work,
    )
    entry = record.latest(target)
    assert entry is not None, "a step that is done has an entry"
    return {"image": file.stem, "labels": str(output / target), "done": done, **entry["details"]}
