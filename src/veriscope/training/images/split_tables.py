"""Tables that say what belongs together: the part of each image, or a sample sheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path

from veriscope.core.words import counted
from veriscope.errors import TableError
from veriscope.io.file_images import file_stem
from veriscope.io.sheets import IMAGE_COLUMNS, composed, find_column, read_rows, stem_of
from veriscope.training.images.split import PARTS

__all__ = ["StemTable", "read_sheet", "read_split"]

Row = dict[str, str]
"""Cells by column, whose name is in small letters; empty where the row has none."""


class StemTable(Mapping[str, Row]):
    """Rows by the name of the image, in whichever way its ü is written, or of the file that holds several.

    Parameters
    ----------
    rows
        Rows by name, each name composed.
    """

    def __init__(self, rows: Mapping[str, Row]) -> None:
        self._rows = dict(rows)

    def __getitem__(self, stem: str) -> Row:
        name = composed(stem)
        return self._rows[name if name in self._rows else file_stem(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def read_sheet(path: Path) -> StemTable:
    """Read a sample sheet, from which groups are taken.

    Parameters
    ----------
    path
        CSV with commas, semicolons or tabs, UTF-8 or as Excel saves it, with a column that names the image
        (``image``, ``stem``, ``filename`` …; a name with or without its ending), and others.

    Returns
    -------
    StemTable
        Rows by name of the image.

    Raises
    ------
    UnreadableFileError
        If it cannot be read.
    TableError
        If no column names the image, there is no row, a row names no image, or an image comes twice.
    """
    header, rows = _read(path)
    column = find_column(header, IMAGE_COLUMNS)
    if column is None:
        raise TableError(
            f"{path}: no column names the image; call it one of {', '.join(IMAGE_COLUMNS)}; it has "
            f"{', '.join(header)}"
        )
    return _by_stem(path, rows, header[column])


def read_split(path: Path) -> StemTable:
    """Read a table that says the part of each image.

    Parameters
    ----------
    path
        As for a sample sheet, with the columns ``stem`` (or ``image``) and ``split`` (train, val or test);
        others may name groups. An image may have several rows, as in a table of boxes, that name one part;
        of the other columns those are taken in which the rows of each image agree.

    Returns
    -------
    StemTable
        Rows by name of the image.

    Raises
    ------
    UnreadableFileError
        If it cannot be read.
    TableError
        If columns are missing, there is no row, a part or a name is not allowed, or an image has two parts.
    """
    header, rows = _read(path)
    column = find_column(header, ("stem", "image"))
    if column is None or "split" not in header:
        raise TableError(
            f"{path}: needs the columns stem and split; it has {', '.join(header)}; a sample sheet without "
            "parts is given as --sheet"
        )
    wrong = sorted({row["split"] for row in rows} - set(PARTS))
    if wrong:
        raise TableError(
            f"{path}: split {', '.join(map(repr, wrong))} is not allowed; use train, val or test"
        )
    return _by_stem(path, _joined(path, rows, header[column]), header[column])


def _read(path: Path) -> tuple[list[str], list[Row]]:
    header, *rows = read_rows(path)
    names = [name.lower() for name in header]
    if not rows:
        raise TableError(f"{path}: has a header ({', '.join(header)}) and no row; give a row per image")
    long = next((number for number, row in enumerate(rows, start=1) if len(row) > len(header)), None)
    if long is not None:
        raise TableError(
            f"{path}: row {long} below the header has {len(rows[long - 1])} cells and the header "
            f"{len(header)}; put a cell with a separator in it in quotes"
        )
    return names, [dict(zip_longest(names, row, fillvalue="")) for row in rows]


def _joined(path: Path, rows: list[Row], column: str) -> list[Row]:
    """Make one row of those of an image, without the columns in which the rows of an image differ."""
    first: dict[str, Row] = {}
    differing: set[str] = set()
    for row in rows:
        name = composed(stem_of(row[column]))
        known = first.setdefault(name, row)
        differing |= {key for key, cell in row.items() if key != column and cell != known[key]}
        if row["split"] != known["split"]:
            raise TableError(
                f"{path}: {name} is said to be in {known['split']} and in {row['split']}; an image is in one "
                "part: correct its rows"
            )
    return [{key: cell for key, cell in row.items() if key not in differing} for row in first.values()]


def _by_stem(path: Path, rows: list[Row], column: str) -> StemTable:
    nameless = [number for number, row in enumerate(rows, start=1) if not row[column]]
    if nameless:
        raise TableError(f"{path}: row {nameless[0]} below the header names no image; name it, or remove it")
    table = {composed(stem_of(row[column])): row for row in rows}
    if len(table) < len(rows):
        doubles = counted(len(rows) - len(table), "image stands", "images stand")
        raise TableError(f"{path}: {doubles} in more than one row; keep one of each")
    return StemTable(table)
