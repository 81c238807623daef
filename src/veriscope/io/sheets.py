"""Sheets with a row per image, as people and spreadsheets write them: separators, encodings, names."""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from veriscope.errors import UnreadableFileError
from veriscope.io.images import SUFFIXES

__all__ = ["IMAGE_COLUMNS", "composed", "find_column", "read_rows", "stem_of"]

IMAGE_COLUMNS = ("image", "image_id", "stem", "file", "filename", "name")
"""Columns that may name the image, the preferred first."""
_SEPARATORS = (",", ";", "\t")
_SUFFIXES = (*(f".ome{suffix}" for suffix in SUFFIXES), *SUFFIXES)


def read_rows(path: Path) -> list[list[str]]:
    """Read a table of text.

    Parameters
    ----------
    path
        CSV with commas, semicolons or tabs, UTF-8 or as Excel saves it.

    Returns
    -------
    list of list of str
        The header and the rows that are not empty; cells stripped, empty cells at the end left out.

    Raises
    ------
    UnreadableFileError
        If the file is missing, empty or no table.
    """
    try:
        content = path.read_bytes()
        # Excel's "Unicode text" is UTF-16, its "CSV UTF-8" begins with a byte order mark.
        utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        # Not str.splitlines: it also breaks at characters that a name may have.
        lines = list(io.StringIO(content.decode("utf-16" if utf_16 else "utf-8-sig"), newline=""))
        stated = ""
        if lines and lines[0].lower().startswith("sep="):  # a line that tells Excel the separator
            stated = lines.pop(0)[4:5]
        first = next((line for line in lines if line.strip()), "")
        separator = stated if stated in _SEPARATORS else max(_SEPARATORS, key=first.count)
        cells = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFileError(
            f"{path}: cannot be read as a CSV table ({error}); save it as CSV, UTF-8"
        ) from None
    rows = [_without_empty_end(row) for row in cells if any(row)]
    if not rows:
        raise UnreadableFileError(f"{path}: is empty; give a CSV table with a header and a row per image")
    return rows


def _without_empty_end(row: list[str]) -> list[str]:
    return row[: max(index for index, cell in enumerate(row) if cell) + 1]


def find_column(columns: Sequence[str], names: Sequence[str]) -> int | None:
    """Give the place of the first name that is among the columns.

    Parameters
    ----------
    columns
        Of a table, in small letters.
    names
        That a column may have, the preferred first.

    Returns
    -------
    int or None
        None if there is none of them.
    """
    return next((columns.index(name) for name in names if name in columns), None)


def stem_of(name: str) -> str:
    """Give a file name without folder and image suffix.

    Parameters
    ----------
    name
        Such as ``plate1/a01.ome.tif``.

    Returns
    -------
    str
        Such as ``a01``.
    """
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    lower = last.lower()
    for suffix in _SUFFIXES:
        if lower.endswith(suffix) and len(last) > len(suffix):
            return last[: -len(suffix)]
    return last


def composed(name: str) -> str:
    """Give a name with ü as one character: macOS writes two in file names, spreadsheets one.

    Parameters
    ----------
    name
        Of an image.

    Returns
    -------
    str
        The same for both ways to write it.
    """
    return unicodedata.normalize("NFC", name)
