"""The sample sheet: which image belongs to which group and replicate."""

from __future__ import annotations

import codecs
import csv
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from veriscope.errors import TableError, UnreadableFileError, VeriscopeError, raise_together
from veriscope.io.images import SUFFIXES

__all__ = [
    "GROUP_COLUMNS",
    "IMAGE_COLUMNS",
    "REPLICATE_COLUMNS",
    "Assignment",
    "assign_groups",
    "composed",
    "find_column",
    "read_rows",
    "read_sheet",
    "some",
    "stem_of",
]

IMAGE_COLUMNS = ("image", "image_id", "stem", "file", "filename", "name")
GROUP_COLUMNS = ("group", "condition", "treatment", "class")
REPLICATE_COLUMNS = ("replicate", "animal", "donor", "patient", "plate", "well", "field_group", "batch")
_SEPARATORS = (",", ";", "\t")
_SUFFIXES = (*(f".ome{suffix}" for suffix in SUFFIXES), *SUFFIXES)


@dataclass(frozen=True, slots=True)
class Assignment:
    """Group and replicate of one image.

    Parameters
    ----------
    group
        Condition that the image belongs to.
    replicate
        Experimental unit: images of one replicate are not independent. Unique within its group.
    """

    group: str
    replicate: str


def read_sheet(path: Path) -> dict[str, Assignment]:
    """Read a sample sheet.

    Parameters
    ----------
    path
        CSV with commas, semicolons or tabs, UTF-8 or as Excel saves it, with a column for the image
        (``image``, ``stem``, ``filename`` …; a name with or without its suffix), one for the group
        (``group``, ``condition``, ``treatment``) and optionally one for the replicate
        (``replicate``, ``animal``, ``plate``, ``well`` …).

    Returns
    -------
    dict
        Assignment by image stem. Without a replicate column each image is its own replicate; with
        one, the group may be left out: all are one group, ``all``.

    Raises
    ------
    UnreadableFileError
        If the file cannot be read as a table.
    TableError
        If a column is missing, or an image is named twice or has no group or replicate; all such
        rows are listed.
    """
    header, *rows = read_rows(path)
    columns = [name.lower() for name in header]
    image, group, replicate = (
        find_column(columns, names) for names in (IMAGE_COLUMNS, GROUP_COLUMNS, REPLICATE_COLUMNS)
    )
    if image is None or (group is None and replicate is None):
        wanted, allowed = ("image", IMAGE_COLUMNS) if image is None else ("group", GROUP_COLUMNS)
        raise TableError(
            f"{path}: no column for the {wanted}; name one of its columns ({', '.join(header)}) "
            f"as one of {', '.join(allowed)}"
        )
    faults: list[VeriscopeError] = []
    found: dict[str, Assignment] = {}
    seen: set[str] = set()
    for number, cells in enumerate(rows, start=1):
        row = dict(enumerate(cells))
        stem = stem_of(row.get(image, ""))
        condition = "all" if group is None else row.get(group, "")
        assignment = Assignment(condition, stem if replicate is None else row.get(replicate, ""))
        name = f"image {stem!r}" if stem else f"row {number} below the header"
        if not stem:
            faults.append(TableError(f"{name} names no image"))
        if stem and composed(stem) in seen:
            faults.append(TableError(f"{name} is named twice"))
        if not assignment.group:
            faults.append(TableError(f"{name} has no group"))
        if replicate is not None and not assignment.replicate:
            faults.append(TableError(f"{name} has no {header[replicate]}"))
        if len(cells) > len(header):
            faults.append(TableError(f"{name} has {len(cells)} cells and the header {len(header)}"))
        found[stem] = assignment
        seen.add(composed(stem))
    raise_together(faults, what=f"{path}: some rows cannot be used", remedy="Mend the sheet and try again.")
    return found


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
        lines = content.decode("utf-16" if utf_16 else "utf-8-sig").splitlines()
        if lines and lines[0].lower().startswith("sep="):  # a line that tells Excel the separator
            del lines[0]
        first = next((line for line in lines if line.strip()), "")
        separator = max(_SEPARATORS, key=first.count)
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


def assign_groups(
    stems: Sequence[str], sheet: dict[str, Assignment] | None, *, where: str = "the sheet"
) -> dict[str, Assignment]:
    """Give every image its group and replicate.

    Parameters
    ----------
    stems
        Stems of the images.
    sheet
        From `read_sheet`, or None: one group ``all``, each image its own replicate.
    where
        Names the sheet, for the message.

    Returns
    -------
    dict
        Assignment by stem, in the order of `stems`.

    Raises
    ------
    TableError
        If an image is not in the sheet, or the sheet names images that are not there; all are listed.
    """
    if sheet is None:
        return {stem: Assignment("all", stem) for stem in stems}
    rows = {composed(stem): (stem, assignment) for stem, assignment in sheet.items()}
    present = {composed(stem) for stem in stems}
    missing = [stem for stem in stems if composed(stem) not in rows]
    extra = [stem for name, (stem, _) in rows.items() if name not in present]
    if missing or extra:
        lines = [f"{where} and the images do not fit:"]
        if missing:
            lines.append(f"  - images without a row ({len(missing)}): {some(missing)}")
        if extra:
            lines.append(f"  - rows without an image ({len(extra)}): {some(extra)}")
        lines.append("Add or remove rows, or give the images that belong to the sheet.")
        raise TableError("\n".join(lines))
    return {stem: rows[composed(stem)][1] for stem in stems}


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


def some(names: Sequence[str], most: int = 10) -> str:
    """List names for a message, and how many more there are.

    Parameters
    ----------
    names
        Any.
    most
        Number to list.

    Returns
    -------
    str
        Such as ``a, b … and 3 more``.
    """
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} … and {len(names) - most} more"
