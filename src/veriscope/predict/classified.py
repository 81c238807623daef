"""The class of each of many images: one table in a folder, resumable."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from veriscope.core.progress import Progress, silent
from veriscope.io.atomic import flush_all, make_folder
from veriscope.io.class_table import join_class_tables, write_classes
from veriscope.io.folders import ImageFile
from veriscope.methods.classification import ClassificationMethod
from veriscope.predict.image_work import ImageWork
from veriscope.predict.many import find_apart, shared_hashes, summary_of, usable_files
from veriscope.predict.reading import Reading
from veriscope.predict.units import Executor, executor_for, run_on

__all__ = ["CLASSES", "CLASSIFIED_SCHEMA", "classify_folder"]

CLASSIFIED_SCHEMA = "veriscope/classified/1"
CLASSES = "classes"
"""Folder in the output for the classes of each image."""
_TABLE = "classes.csv"


class _ClassWork(ImageWork):
    """Classifies one image and writes its row, unless that was done before."""

    method: ClassificationMethod

    def _outputs(self, stem: str) -> dict[str, str]:
        return {"classes": f"{CLASSES}/{stem}.csv"}

    def _predict(self, file: ImageFile, outputs: Mapping[str, str]) -> Mapping[str, Any]:
        image = self.reading.of(file).read(file.path)
        found = self.method.classify(self.reading.view(self.method, image))
        target = self.output / outputs["classes"]
        make_folder(target.parent)
        write_classes(target, file.stem, found)
        return {
            "class": found.name,
            "probabilities": dict(zip(found.names, map(float, found.values), strict=True)),
            **found.details,
            "notes": list(image.notes),
        }


def classify_folder(
    method: ClassificationMethod,
    images: str | Path | Sequence[str | Path],
    output: Path,
    *,
    reading: Reading | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Write the class of each image, and the probability of each class, as ``output/classes.csv``.

    The table has the columns ``image``, ``class`` and ``p_CLASS`` of each class, which is what
    `veriscope.workflow.comparison` takes. What is there already, told from the same image by the same method,
    is not done again.

    Parameters
    ----------
    method
        Ready to predict.
    images
        Folder, file, glob pattern, or several of them.
    output
        Folder for the table, ``classes/`` with the row of each image, and ``record.jsonl``; made if missing.
    reading
        How files are read; None: as they say. With ``series="each"`` every image of a file is one, named
        ``NAME_s0``, ``NAME_s1`` ….
    workers
        Number of processes; 1 works in this one.
    executor
        Where images are classified, such as a cluster; None: here, in `workers` processes.
    progress
        Told about every image.

    Returns
    -------
    dict
        ``veriscope/classified/1``: method, number of images, and of each class, one entry per image, what was
        skipped, and on which images the method failed.

    Raises
    ------
    InputError
        If images cannot be used (all are named, before any is classified), or the output is where the images
        are or holds files of the same names that predictions did not make.
    """
    reading = reading or Reading()
    found = find_apart(images, output, result="the table of classes", series=reading.series)
    files, faults = usable_files(
        found,
        lambda file: method.check(reading.view(method, reading.of(file).read(file.path))),
        skip_bad=reading.skip_bad,
    )
    make_folder(output)
    work = _ClassWork(method, tuple(files), output, reading, hashes=shared_hashes(files))
    work.claim()
    rows: dict[int, dict[str, Any]] = {}
    stage = f"predict {method.name}"
    progress(stage, 0, len(files))
    own = executor_for(min(workers, len(files))) if executor is None else contextlib.nullcontext(executor)
    with own as used:
        for unit, result in run_on(used, work, range(len(files)), work.given_up):
            rows[unit] = work.row(result)
            progress(stage, len(rows), len(files))
    ordered = [rows[unit] for unit in range(len(files))]
    summary = summary_of(CLASSIFIED_SCHEMA, method, output, ordered, faults=faults, ignored=found.ignored)
    join_class_tables(output / _TABLE, [row["classes"] for row in summary["images"]], method.classes)
    flush_all()
    counts = Counter(row["class"] for row in summary["images"])
    of_classes = {name: counts[name] for name in method.classes}
    return summary | {"table": str(output / _TABLE), "n_by_class": of_classes}
