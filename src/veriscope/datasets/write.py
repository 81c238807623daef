"""A simulated study as a folder in the convention ``images/`` + ``labels/``, with its truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from veriscope.core.progress import Progress, silent
from veriscope.datasets.study import StudySettings, simulate_study
from veriscope.datasets.truth import image_truth, study_truth
from veriscope.errors import InputError
from veriscope.io.atomic import atomic_path, refuse_here, write_json, write_text
from veriscope.io.labels import write_labels
from veriscope.io.tiff_writer import write_tiff

__all__ = ["write_study"]


def write_study(
    folder: str | Path,
    settings: StudySettings | None = None,
    *,
    seed: int,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Simulate a study and write it; one image is in memory at a time.

    Parameters
    ----------
    folder
        Folder to make; it may exist if it is empty.
    settings
        The study; None for that of the demo.
    seed
        Seed of the study.
    progress
        Told before the first and after each image.

    Returns
    -------
    dict
        The truth, as `veriscope.datasets.truth.study_truth` gives it.

    Raises
    ------
    InputError
        If the folder has something in it, is the current one, or cannot be written; or the seed is negative.

    Notes
    -----
    Files: ``images/STEM.tif`` (ImageJ hyperstack with pixel size and channel names), ``labels/STEM.tif``,
    ``sheet.csv`` (image, group, replicate), ``objects.csv`` (the truth of every object) and, last of all,
    ``truth.json``. The same settings and seed give the same bytes. The folder appears when all of it is
    there; a run that is stopped or killed leaves none.
    """
    folder, settings = Path(folder), settings or StudySettings()
    refuse_here(folder)
    if seed < 0:
        raise InputError(f"seed {seed}: give 0 or a positive number")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: exists and is not an empty folder; choose a new one or remove it first")
    with atomic_path(folder) as temporary:
        return _write(temporary, settings, seed, progress)


def _write(folder: Path, settings: StudySettings, seed: int, progress: Progress) -> dict[str, Any]:
    n_images = len(settings.groups) * settings.replicates * settings.images_per_replicate
    progress("simulate", 0, n_images)
    rows: list[dict[str, Any]] = []
    objects: list[pd.DataFrame] = []
    for simulated in simulate_study(settings, seed=seed):
        write_tiff(folder / "images" / f"{simulated.image_id}.tif", simulated.image)
        write_labels(
            folder / "labels" / f"{simulated.image_id}.tif", simulated.labels, spacing=simulated.image.spacing
        )
        rows.append(image_truth(simulated))
        objects.append(simulated.table.assign(image=simulated.image_id))
        progress("simulate", len(rows), n_images)
    sheet = pd.DataFrame(rows)[["image", "group", "replicate"]]
    write_text(folder / "sheet.csv", sheet.to_csv(index=False, lineterminator="\n"))
    table = pd.concat(objects, ignore_index=True)
    table = table[["image", *(name for name in table if name != "image")]]
    write_text(folder / "objects.csv", table.to_csv(index=False, lineterminator="\n", float_format="%.6g"))
    truth = study_truth(settings, seed=seed, images=rows)
    write_json(folder / "truth.json", truth)
    return truth
