"""Networks that were trained in a study, or are being trained: what is known of each, and its package."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from veriscope.io.atomic import atomic_path
from veriscope.workflow.layout import StudyFolder

__all__ = ["PROGRESS", "UNFINISHED", "TrainedNetwork", "pack_network", "study_networks"]

UNFINISHED = ".unfinished"
"""Ending of the folder of a training that goes on, or was stopped."""
PROGRESS = "progress.json"
"""File in it that says how far it is."""
_OLDEST = (1980, 1, 1, 0, 0, 0)


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


def pack_network(network: TrainedNetwork, target: Path) -> None:
    """Write the package of a network as one .zip file, as BioImage.IO has it.

    Parameters
    ----------
    network
        A finished one.
    target
        The file; replaced if it exists. The same package gives the same bytes.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with atomic_path(target) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for path in sorted(network.path.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(network.path).as_posix(), _OLDEST)
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


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
