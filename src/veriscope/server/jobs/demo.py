"""The demo for somebody who waits in front of a page: fewer images, and candidates that take seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from veriscope.core.progress import Progress
from veriscope.datasets.study import StudySettings
from veriscope.datasets.write import write_study
from veriscope.workflow.demo import demo_folder
from veriscope.workflow.study import Study

__all__ = ["CANDIDATES", "make_demo"]

CANDIDATES = ("local-threshold-watershed", "log-spots", "nuclei-fluorescence", "otsu-watershed")
"""The network made for such images, and the rules. Networks for other stains, and what learns from tiles of
the study, are left to studies of one's own."""
_QUESTION: dict[str, Any] = {"object": "nucleus", "measure": "count", "tolerance": "5%"}
_TITLE = "Demo: nuclei in three simulated groups"


def make_demo(study: Path, *, tiles: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Walk the path from images to the report on a simulated study of three groups.

    Parameters
    ----------
    study
        Folder of the study; the simulated data go beside it, in ``<study>-data``. One that was begun goes on.
    tiles
        Audit tiles in all.
    seed
        Seed of simulation and audit.
    progress
        Told about every image.

    Returns
    -------
    dict
        ``veriscope/demo/1``; see `veriscope.workflow.demo.demo_folder`.
    """
    data = study.with_name(f"{study.name}-data")
    if not (data / "truth.json").exists():
        write_study(data, StudySettings(images_per_replicate=2), seed=seed, progress=progress)
    if not (study / "study.yaml").exists():
        Study.new(
            study,
            images=data / "images",
            groups=str(data / "sheet.csv"),
            methods=CANDIDATES,
            name=_TITLE,
            seed=seed,
            progress=progress,
            **_QUESTION,
        )
    return demo_folder(
        data,
        study,
        tiles=tiles,
        training=0,
        seed=seed,
        source="known because the images were simulated",
        progress=progress,
        **_QUESTION,
    )
