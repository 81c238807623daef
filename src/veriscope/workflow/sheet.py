"""The sample sheet: which image belongs to which group and replicate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from veriscope.core.words import few
from veriscope.errors import TableError, VeriscopeError, raise_together
from veriscope.io.sheets import IMAGE_COLUMNS, composed, find_column, read_rows, stem_of

__all__ = [
    "GROUP_COLUMNS",
    "REPLICATE_COLUMNS",
    "Assignment",
    "assign_groups",
    "missing_column",
    "read_sheet",
    "row_faults",
]

GROUP_COLUMNS = ("group", "condition", "treatment", "class")
REPLICATE_COLUMNS = ("replicate", "animal", "donor", "patient", "plate", "well", "field_group", "batch")


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
        raise missing_column(path, header, "image" if image is None else "group", IMAGE_COLUMNS)
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
        faults += row_faults(name, assignment, header, replicate, cells)
        found[stem] = assignment
        seen.add(composed(stem))
    raise_together(faults, what=f"{path}: some rows cannot be used", remedy="Mend the sheet and try again.")
    return found


def missing_column(path: Path, header: Sequence[str], wanted: str, names: Sequence[str]) -> TableError:
    """Say that a sheet lacks a column.

    Parameters
    ----------
    path
        The sheet.
    header
        Its columns.
    wanted
        What the column is for: ``group``, or what rows stand for.
    names
        That the column of what rows stand for may have.

    Returns
    -------
    TableError
        To be raised.
    """
    allowed = GROUP_COLUMNS if wanted == "group" else names
    return TableError(
        f"{path}: no column for the {wanted}; name one of its columns ({', '.join(header)}) "
        f"as one of {', '.join(allowed)}"
    )


def row_faults(
    name: str, found: Assignment, header: Sequence[str], replicate: int | None, cells: Sequence[str]
) -> list[VeriscopeError]:
    """Find what a row of a sheet lacks, or has too much.

    Parameters
    ----------
    name
        What the row stands for, such as ``image 'a01'``.
    found
        What it says.
    header
        Columns of the sheet.
    replicate
        Which of them names the replicate; None: none does.
    cells
        Of the row.

    Returns
    -------
    list of VeriscopeError
        Empty if it is sound.
    """
    faults: list[VeriscopeError] = []
    if not found.group:
        faults.append(TableError(f"{name} has no group"))
    if replicate is not None and not found.replicate:
        faults.append(TableError(f"{name} has no {header[replicate]}"))
    if len(cells) > len(header):
        faults.append(TableError(f"{name} has {len(cells)} cells and the header {len(header)}"))
    return faults


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
            lines.append(f"  - images without a row ({len(missing)}): {few(missing)}")
        if extra:
            lines.append(f"  - rows without an image ({len(extra)}): {few(extra)}")
        lines.append("Add or remove rows, or give the images that belong to the sheet.")
        raise TableError("\n".join(lines))
    return {stem: rows[composed(stem)][1] for stem in stems}
