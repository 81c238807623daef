"""Networks that were trained in a study, or are being trained: what is known of each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from veriscope.workflow.layout import StudyFolder

__all__ = ["PROGRESS", "UNFINISHED", "TrainedNetwork", "study_networks"]

UNFINISHED = ".unfinished"
"""Ending of the folder of a training that goes on, or was stopped."""
PROGRESS = "progress.json"
"""File in it that says how far it is."""


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """A network of a study.

    Parameters
    ----------
    name
        Its candidate in the study.
    path
        Folder of its package, or of its unfinished training.
    is_finished
        Whether its package is written.
    progress
        Of an unfinished training: ``stage``, ``part`` (0 to 1), ``minutes``, ``step``, ``history`` of
        (minutes, loss averaged over the last steps) and ``checks`` of (step, minutes, loss on images held
        back); empty before the first steps.
    training
        Of a finished one: what its package says of the training.
    """

    name: str
    path: Path
    is_finished: bool
    progress: dict[str, Any]
    training: dict[str, Any]


def study_networks(folder: StudyFolder) -> list[TrainedNetwork]:
    """List the networks that were trained in a study.

    Parameters
    ----------
    folder
        The study.

    Returns
    -------
    list of TrainedNetwork
        Those changed last first; a folder that is no package is left out.
    """
    found = []
    for path in (folder.root / "networks").glob("*/"):
        if path.name.endswith(UNFINISHED):
            progress = _read_json(path / PROGRESS)
            found.append(TrainedNetwork(path.name.removesuffix(UNFINISHED), path, False, progress, {}))
        elif (training := _training_of(path)) is not None:
            found.append(TrainedNetwork(path.name, path, True, {}, training))
    return sorted(found, key=lambda network: network.path.stat().st_mtime, reverse=True)


def _training_of(package: Path) -> dict[str, Any] | None:
    try:
        content = yaml.safe_load((package / "bioimageio.yaml").read_text(encoding="utf-8"))
        found = content["config"]["veriscope"]["training"]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return None
    return dict(found) if isinstance(found, dict) else None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
