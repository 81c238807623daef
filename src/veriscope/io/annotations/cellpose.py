"""Cellpose's outlines as text: one object per line, ``x,y,x,y,…``, the places of its edge pixels."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from veriscope.errors import UnreadableFileError
from veriscope.io.annotations.outlines import Outline

__all__ = ["SEG_REFUSAL", "read_cellpose_outlines"]

SEG_REFUSAL = (
    "is Cellpose's own format, a Python pickle that can run code when it is opened, and is not read; in "
    "Cellpose choose File > Save masks as PNG/TIFF and give that file"
)

_NUMBER = re.compile(r"\s*-?[0-9]{1,9}\s*")


def read_cellpose_outlines(path: Path) -> tuple[list[Outline], list[str]]:
    """Read Cellpose's outlines.

    Parameters
    ----------
    path
        ``…_cp_outlines.txt`` file; empty lines are passed over.

    Returns
    -------
    list of Outline
        The objects; their edge pixels belong to them.
    list of str
        No notes.

    Raises
    ------
    UnreadableFileError
        If a line is not a list of pairs of whole numbers; the line is named.
    """
    outlines = []
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except UnicodeDecodeError as error:
        raise UnreadableFileError(
            f"{path}: is not the text of Cellpose's outlines (x,y,x,y,… per line)"
        ) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        values = line.strip().strip(",").split(",")
        if len(values) % 2 or not all(_NUMBER.fullmatch(value) for value in values):
            raise UnreadableFileError(
                f"{path}: line {number} is not an outline x,y,x,y,… of whole numbers ({line[:30]!r}); in "
                "Cellpose choose File > Save outlines as text"
            )
        points = np.array([int(value) for value in values], dtype=np.int64).reshape(-1, 2)
        outlines.append(Outline((points.astype(np.float64) + 0.5,), rim=points))
    return outlines, []
