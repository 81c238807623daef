"""Prediction of image files without a study: label images beside each other in a folder, resumable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError, VeriscopeError, raise_together
from veriscope.io.atomic import make_folder
from veriscope.io.folders import ImageFile, find_images
from veriscope.io.labels import write_labels
from veriscope.io.record import Record
from veriscope.methods.base import Method
from veriscope.methods.channels import analysis_channel
from veriscope.predict.reading import Reading

__all__ = ["PREDICT_SCHEMA", "predict_folder"]

PREDICT_SCHEMA = "veriscope/predict/1"


def predict_folder(
    method: Method,
    images: str | Path | Sequence[str | Path],
    output: Path,
    *,
    reading: Reading | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Write the label image of each image as ``output/<stem>.tif``.

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
    progress
        Told about every image.

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
    files, faults = _check(method, found, reading)
    if faults and (not reading.skip_bad or not files):
        raise_together(
            faults,
            what=f"{len(faults)} of {len(found)} images cannot be used",
            remedy="Nothing was written. Mend or remove them, or leave them out with --skip-bad.",
        )
    make_folder(output)
    record = Record(output)
    rows = []
    stage = f"predict {method.name}"
    progress(stage, 0, len(files))
    for index, file in enumerate(files):
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


def _check(
    method: Method, found: Sequence[ImageFile], reading: Reading
) -> tuple[list[ImageFile], list[VeriscopeError]]:
    """Read all files before the first prediction, so that a run of hours does not stop at a bad one."""
    good: list[ImageFile] = []
    faults: list[VeriscopeError] = []
    for file in found:
        try:
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
