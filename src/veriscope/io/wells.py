"""Wells of a plate: their names, and what is known of where an image was taken."""

from __future__ import annotations

import re
from dataclasses import dataclass

from veriscope.errors import InputError

__all__ = ["Place", "well_parts"]

_WELL = re.compile(r"([A-Za-z]{1,2})[\s_-]*([0-9]{1,3})")


@dataclass(frozen=True, slots=True)
class Place:
    """What metadata or file names say of where an image was taken; empty where they do not.

    Parameters
    ----------
    plate
        Name of the plate.
    row, column
        Of the well, such as ``B`` and ``03``.
    field
        Which field of the well, such as ``0``.
    acquisition
        Number of the acquisition, of an OME-Zarr plate that has such.
    group, replicate, channel
        Stated in the file's name.
    """

    plate: str = ""
    row: str = ""
    column: str = ""
    field: str = ""
    acquisition: int | None = None
    group: str = ""
    replicate: str = ""
    channel: str = ""

    @property
    def well(self) -> str:
        """Name of the well, such as ``B03``; empty if there is none."""
        return self.row + self.column


def well_parts(row: str, column: str | None = None) -> tuple[str, str]:
    """Give row and column of a well in the one form that wells are compared in.

    Parameters
    ----------
    row
        Letters (``b``, ``AF``) or a number from 1 (``02``); without `column`, the whole well
        (``B3``, ``b03``, ``B-3``).
    column
        Number from 1.

    Returns
    -------
    row, column : str
        Capital letters, and at least two digits: ``("B", "03")``.

    Raises
    ------
    InputError
        If it is no well.
    """
    given = row if column is None else f"{row}/{column}"
    if column is None:
        found = _WELL.fullmatch(row.strip())
        row, column = found.groups() if found else ("", "")
    row, column = row.strip(), column.strip()
    if row.isascii() and row.isdecimal() and 1 <= int(row) <= 702:
        row = _letters(int(row))
    if not re.fullmatch("[A-Za-z]{1,2}", row) or not re.fullmatch("[0-9]{1,3}", column) or int(column) < 1:
        raise InputError(
            f"{given!r} is no well; wells are named by a row and a column from 1, such as B03 or b3"
        )
    return row.upper(), f"{int(column):02d}"


def _letters(number: int) -> str:
    """Letters of a row: 1 is A, 26 is Z, 27 is AA."""
    first, second = divmod(number - 1, 26)
    return (chr(64 + first) if first else "") + chr(65 + second)
