"""Tables that say what belongs together: the part of each image, or a sample sheet."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from veriscope.errors import TableError, UnreadableFileError
from veriscope.io.folders import image_stem
from veriscope.io.images import SUFFIXES

__all__ = ["read_sheet", "read_split"]

_PARTS = ("train", "val", "test")
_IMAGE_COLUMNS = ("stem", "image", "image_id", "file", "filename", "name")


def read_sheet(path: Path) -> dict[str, dict[str, str]]:
    """Read a sample sheet, from which groups are taken.

    Parameters
    ----------
    path
        CSV with a column that names the image (``image``, ``stem``, ``filename`` …; a name with or without
        its ending), and others.

    Returns
    -------
    dict
        Rows by stem.

    Raises
    ------
    UnreadableFileError
        If it cannot be read.
    TableError
        If no column names the image, or an image comes twice.
    """
    rows = _rows(path)
    columns = {key.lower(): key for key in rows[0]} if rows else {}
    name = next((columns[key] for key in _IMAGE_COLUMNS if key in columns), None)
    if name is None:
        has = ", ".join(rows[0]) if rows else "no row"
        raise TableError(
            f"{path}: no column names the image; call it one of {', '.join(_IMAGE_COLUMNS)}; it has {has}"
        )
    return _by_stem(path, rows, name)


def read_split(path: Path) -> dict[str, dict[str, str]]:
    """Read a table that says the part of each image.

    Parameters
    ----------
    path
        CSV with the columns ``stem`` (or ``image``) and ``split`` (train, val or test); others may name
        groups.

    Returns
    -------
    dict
        Rows by stem.

    Raises
    ------
    UnreadableFileError
        If it cannot be read.
    TableError
        If columns are missing, or a part or a name is not allowed.
    """
    rows = _rows(path)
    name = next((key for key in ("stem", "image") if rows and key in rows[0]), None)
    if name is None or "split" not in rows[0]:
        has = ", ".join(rows[0]) if rows else "no row"
        raise TableError(
            f"{path}: needs the columns stem and split; it has {has}; a sample sheet without parts is "
            "given as --sheet"
        )
    wrong = sorted({str(row["split"]) for row in rows} - set(_PARTS))
    if wrong:
        raise TableError(
            f"{path}: split {', '.join(map(repr, wrong))} is not allowed; use train, val or test"
        )
    return _by_stem(path, rows, name)


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFileError(f"{path}: cannot be read as a CSV table ({error})") from error


def _by_stem(path: Path, rows: Sequence[dict[str, str]], column: str) -> dict[str, dict[str, str]]:
    table = {_stem(row[column] or ""): row for row in rows}
    if len(table) < len(rows):
        raise TableError(
            f"{path}: {len(rows) - len(table)} images stand in more than one row; keep one of each"
        )
    return table


def _stem(name: str) -> str:
    """Drop the ending of an image, and nothing else: ``a.1`` may be a name."""
    return image_stem(name) if name.lower().endswith(tuple(SUFFIXES)) else name
