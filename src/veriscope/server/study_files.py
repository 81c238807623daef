"""The files of a study by which it is noticed that it has changed."""

from __future__ import annotations

from pathlib import Path

from veriscope.server.events import Part

__all__ = ["STUDY_FILES", "Stamp", "stamp_of", "stamps_of"]

STUDY_FILES: dict[str, Part] = {
    "study.yaml": "study",
    "images.csv": "images",
    "audit/plan.csv": "audit",
    "annotations": "audit",
    "evidence/verdict.json": "answer",
    "report/index.html": "answer",
    "record.jsonl": "candidates",
}
"""Which part of the study a change of each concerns; where several have changed, the first is told."""

Stamp = tuple[int, int, int]
"""Time of the last change in nanoseconds, size in bytes, number on the disk; 0, -1, 0 of a missing file."""


def stamps_of(folder: Path) -> tuple[Stamp, ...]:
    """Look when each file was changed.

    Parameters
    ----------
    folder
        The study.

    Returns
    -------
    tuple of Stamp
        In the order of `STUDY_FILES`.
    """
    return tuple(stamp_of(folder / name) for name in STUDY_FILES)


def stamp_of(path: Path) -> Stamp:
    """Look when a file was changed.

    Parameters
    ----------
    path
        The file, which need not be there.

    Returns
    -------
    Stamp
        Another one when the file was changed, or another was put in its place.
    """
    try:
        found = path.stat()
    except OSError:
        return 0, -1, 0
    return found.st_mtime_ns, found.st_size, found.st_ino
