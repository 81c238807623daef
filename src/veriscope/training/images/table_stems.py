"""Whether a table and a folder speak of the same images."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from veriscope.errors import TableError, VeriscopeError, raise_together

__all__ = ["check_stems"]

_SHOWN = 10


def check_stems(
    source: Path, images: Collection[str], rows: Collection[str], *, give: str, remedy: str, partial: bool
) -> None:
    """Refuse a table that lacks images, or names others.

    Parameters
    ----------
    source
        The table.
    images, rows
        Names of the images, and those in the table.
    give
        What is to be given of an image that has no row, such as ``their boxes``.
    remedy
        What to do, or why it matters.
    partial
        Whether it is enough if one image has a row.

    Raises
    ------
    TableError
        All faults together.
    """
    there, named = set(images), set(rows)
    faults: list[VeriscopeError] = []
    for lacking, what in (
        (there - named, f"images have no row in it: give {give}, or take the images away"),
        (named - there, "images of its rows are not there: add them, or remove the rows"),
    ):
        if lacking and not partial:
            shown = ", ".join(sorted(lacking)[:_SHOWN]) + (" …" if len(lacking) > _SHOWN else "")
            faults.append(TableError(f"{source}: {len(lacking)} {what} ({shown})"))
    if not there & named:
        faults.append(
            TableError(f"{source}: no image has a row in it; the column image has the names of the files")
        )
    raise_together(faults, what=f"{source}: images and rows do not fit", remedy=remedy)
