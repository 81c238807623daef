"""Simulated data in a folder, from settings in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from veriscope.core.progress import Progress, silent
from veriscope.datasets.study import StudySettings
from veriscope.datasets.write import write_study
from veriscope.errors import InputError

__all__ = ["simulate_folder"]


def simulate_folder(
    output: Path,
    *,
    settings: Path | None = None,
    replicates: int | None = None,
    images: int | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Simulate a study into a folder.

    Parameters
    ----------
    output
        Folder to make.
    settings
        YAML file with the fields of `veriscope.datasets.study.StudySettings`; None: those of the demo.
    replicates, images
        Replicates per group and images per replicate, instead of those of the settings.
    seed
        Seed; the same settings and seed give the same bytes.
    progress
        Told about every image.

    Returns
    -------
    dict
        The truth, as in ``truth.json``.

    Raises
    ------
    InputError
        If settings are wrong, or the folder holds something.
    """
    values: dict[str, Any] = {}
    if settings is not None:
        try:
            values = yaml.safe_load(settings.read_text(encoding="utf-8")) or {}
        except (OSError, yaml.YAMLError, ValueError) as error:  # ValueError: not UTF-8, or no such date
            raise InputError(f"{settings}: cannot be read as YAML ({error})") from None
        if not isinstance(values, dict):
            raise InputError(f"{settings}: holds {type(values).__name__}, not settings by name")
    if replicates is not None:
        values["replicates"] = replicates
    if images is not None:
        values["images_per_replicate"] = images
    wanted = StudySettings.parse(values, where=str(settings or "simulation"))
    truth = write_study(output, wanted, seed=seed, progress=progress)
    n = len(wanted.groups) * wanted.replicates * wanted.images_per_replicate
    return {"n_images": n, **truth}
