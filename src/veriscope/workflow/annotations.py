"""References of audit tiles: every saved version is kept, the newest counts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import StudyError
from veriscope.io.atomic import write_json
from veriscope.io.labels import read_labels, write_labels
from veriscope.workflow.layout import StudyFolder

__all__ = [
    "Annotation",
    "annotated_units",
    "annotation_files",
    "latest_annotation",
    "read_version",
    "save_annotation",
]

_VERSION = re.compile(r"^(?P<annotator>.+)\.v(?P<version>\d+)\.tif$")


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a person drew on a tile and its surroundings.

    Parameters
    ----------
    labels
        Label image of the tile with its context, (y, x).
    y0, x0
        Place of its first pixel in the image.
    annotator
        Who drew it.
    path
        The file, relative to the study.
    shown
        Candidates whose objects the annotator had seen on this tile before it was saved, as far as known.
    """

    labels: NDArray[Any]
    y0: int
    x0: int
    annotator: str
    path: Path
    shown: tuple[str, ...] = ()


def save_annotation(
    folder: StudyFolder,
    unit: str,
    labels: NDArray[Any],
    *,
    origin: tuple[int, int],
    annotator: str,
    source: str,
    details: Mapping[str, Any] | None = None,
) -> bool:
    """Keep an annotation as a new version, unless it equals the newest.

    Parameters
    ----------
    folder
        The study.
    unit
        Name of the tile.
    labels
        Label image of the tile with its context, (y, x).
    origin
        Place of its first pixel in the image, (y, x).
    annotator
        Who drew it.
    source
        File it came from, for the record.
    details
        What else is known of how it was drawn; plain values, kept beside it.

    Returns
    -------
    bool
        Whether a new version was written.
    """
    newest = latest_annotation(folder, unit)
    if (
        newest is not None
        and newest.annotator == annotator
        and (newest.y0, newest.x0) == origin
        and np.array_equal(newest.labels, labels)
    ):
        return False
    version = 1 + max((number for number, _, _ in annotation_files(folder, unit)), default=0)
    target = folder.root / "annotations" / unit / f"{annotator}.v{version}.tif"
    # The description first: a label image counts only once both are there.
    write_json(
        target.with_suffix(".json"),
        {"schema": "veriscope/annotation/1", "y0": origin[0], "x0": origin[1], "source": source}
        | dict(details or {}),
    )
    write_labels(target, labels)
    return True


def latest_annotation(folder: StudyFolder, unit: str) -> Annotation | None:
    """Read the newest annotation of a tile.

    Parameters
    ----------
    folder
        The study.
    unit
        Name of the tile.

    Returns
    -------
    Annotation or None
        None if there is none yet.

    Raises
    ------
    StudyError
        If the description beside the label image is missing.
    """
    versions = annotation_files(folder, unit)
    if not versions:
        return None
    _, annotator, path = max(versions)
    return read_version(folder, annotator, path)


def read_version(folder: StudyFolder, annotator: str, path: Path) -> Annotation:
    """Read one version of an annotation.

    Parameters
    ----------
    folder
        The study.
    annotator
        Who drew it.
    path
        Its file, from `annotation_files`.

    Returns
    -------
    Annotation
        What was drawn.

    Raises
    ------
    StudyError
        If the description beside the label image is missing.
    """
    try:
        said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        origin = int(said["y0"]), int(said["x0"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(
            f"{path.with_suffix('.json')}: cannot be read ({error}); import the tile again"
        ) from None
    shown = said.get("shown")
    if shown is None:  # saved before it was kept with the annotation
        shown = [*filter(None, [said.get("proposal")]), *(said.get("segmenters") or ())]
    return Annotation(
        read_labels(path), *origin, annotator, path.relative_to(folder.root), tuple(map(str, shown))
    )


def annotated_units(folder: StudyFolder) -> dict[str, Path]:
    """List the tiles that have an annotation.

    Parameters
    ----------
    folder
        The study.

    Returns
    -------
    dict
        Newest file by tile, relative to the study, sorted by tile.
    """
    root = folder.root / "annotations"
    if not root.is_dir():
        return {}
    found = {}
    for place in sorted(root.iterdir()):
        versions = annotation_files(folder, place.name)
        if versions:
            found[place.name] = max(versions)[2].relative_to(folder.root)
    return found


def annotation_files(folder: StudyFolder, unit: str) -> list[tuple[int, str, Path]]:
    """List all versions of a tile's annotations.

    Parameters
    ----------
    folder
        The study.
    unit
        Name of the tile.

    Returns
    -------
    list of tuple
        Version, annotator and file of each, in no order.
    """
    place = folder.root / "annotations" / unit
    if not place.is_dir():
        return []
    found = []
    for path in place.iterdir():
        match = _VERSION.match(path.name)
        if match and path.with_suffix(".json").exists():
            found.append((int(match["version"]), match["annotator"], path))
    return found
