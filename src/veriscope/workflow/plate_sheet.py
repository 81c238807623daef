"""The sample sheet of a plate: which well belongs to which group and replicate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from veriscope.core.words import few
from veriscope.errors import InputError, TableError, VeriscopeError, raise_together
from veriscope.io.sheets import IMAGE_COLUMNS, composed, find_column, read_rows
from veriscope.io.wells import Place, well_parts
from veriscope.workflow.sheet import (
    GROUP_COLUMNS,
    REPLICATE_COLUMNS,
    Assignment,
    missing_column,
    row_faults,
)

__all__ = ["PlateSheet", "SheetColumns", "read_plate_sheet", "sheet_columns"]

_WELL = ("well", "well_id", "wellname", "well_name")
_PLATE = ("plate", "plate_id", "barcode")
_NO_REPLICATE = (*_WELL, *_PLATE)


@dataclass(frozen=True, slots=True)
class SheetColumns:
    """What a sample sheet has columns for.

    Parameters
    ----------
    by_well
        Whether its rows are wells: it has a column for the well and none for the image.
    has_replicate
        Whether it names replicates.
    """

    by_well: bool
    has_replicate: bool


def sheet_columns(path: Path) -> SheetColumns:
    """Tell what kind a sample sheet is.

    Parameters
    ----------
    path
        CSV table.

    Returns
    -------
    SheetColumns
        What its header says.

    Raises
    ------
    UnreadableFileError
        If it cannot be read as a table.
    """
    columns = [name.lower() for name in read_rows(path)[0]]
    by_well = find_column(columns, IMAGE_COLUMNS) is None and find_column(columns, _WELL) is not None
    names = [name for name in REPLICATE_COLUMNS if not by_well or name not in _NO_REPLICATE]
    return SheetColumns(by_well, find_column(columns, names) is not None)


@dataclass(frozen=True, slots=True)
class PlateSheet:
    """Groups and replicates of wells.

    Parameters
    ----------
    path
        The file, for messages.
    by_plate
        Whether rows name the plate; otherwise the layout holds for every plate.
    rows
        Assignment by plate and well (``B03``); the plate is empty where rows do not name it. An empty
        replicate stands for the well itself.
    """

    path: Path
    by_plate: bool
    rows: Mapping[tuple[str, str], Assignment]

    def find(self, place: Place) -> Assignment | None:
        """Give the row of an image's well.

        Parameters
        ----------
        place
            Of the image.

        Returns
        -------
        Assignment or None
            None if the well has no row.
        """
        return self.rows.get(self.key(place))

    def key(self, place: Place) -> tuple[str, str]:
        """Give the key by which a well is looked up.

        Parameters
        ----------
        place
            Of the image.

        Returns
        -------
        tuple of str
            Plate and well; the plate is empty where rows do not name it.
        """
        return (composed(place.plate) if self.by_plate else "", place.well)

    def faults(self, wells: Mapping[str, Place]) -> list[str]:
        """Say where sheet and wells do not fit.

        Parameters
        ----------
        wells
            Place of each image.

        Returns
        -------
        list of str
            Wells without a row, and rows without a well; empty if all fit.
        """
        present = dict.fromkeys(self.key(place) for place in wells.values())
        missing = ["/".join(filter(None, key)) for key in present if key not in self.rows]
        extra = ["/".join(filter(None, key)) for key in self.rows if key not in present]
        found = []
        if missing:
            found.append(f"wells without a row in {self.path} ({len(missing)}): {few(missing)}")
        if extra:
            found.append(f"rows of {self.path} without a well ({len(extra)}): {few(extra)}")
        return found


def read_plate_sheet(path: Path) -> PlateSheet:
    """Read a sample sheet whose rows are wells.

    Parameters
    ----------
    path
        CSV as `read_sheet` takes it, with a column ``well`` (``B03``, ``b3``), optionally ``plate``, a
        column for the group (``group``, ``condition``, ``treatment``) and optionally one for the
        replicate (``replicate``, ``animal``, ``donor``, ``batch`` …).

    Returns
    -------
    PlateSheet
        Without a replicate column each well is its own replicate. The group may be left out if there
        are replicates: all are one group, ``all``.

    Raises
    ------
    UnreadableFileError
        If the file cannot be read as a table.
    TableError
        If a column is missing, or a row names no well, a well a second time, or no group; all such rows
        are listed.
    """
    header, *cells = read_rows(path)
    columns = [name.lower() for name in header]
    well, plate, group = (find_column(columns, names) for names in (_WELL, _PLATE, GROUP_COLUMNS))
    replicate = find_column(columns, [name for name in REPLICATE_COLUMNS if name not in _NO_REPLICATE])
    if well is None or (group is None and replicate is None):
        raise missing_column(path, header, "well" if well is None else "group", _WELL)
    faults: list[VeriscopeError] = []
    rows: dict[tuple[str, str], Assignment] = {}
    for number, texts in enumerate(cells, start=1):
        row = dict(enumerate(texts))
        try:
            on = "" if plate is None else composed(row.get(plate, ""))
            key = (on, "".join(well_parts(row.get(well, ""))))
        except InputError as error:
            faults.append(TableError(f"row {number} below the header: {error}"))
            continue
        assignment = Assignment(
            "all" if group is None else row.get(group, ""),
            "" if replicate is None else row.get(replicate, ""),
        )
        name = f"well {'/'.join(filter(None, key))}"
        if key in rows:
            faults.append(TableError(f"{name} is named twice"))
        if plate is not None and not key[0]:
            faults.append(TableError(f"{name} has no {header[plate]}"))
        faults += row_faults(name, assignment, header, replicate, texts)
        rows[key] = assignment
    raise_together(faults, what=f"{path}: some rows cannot be used", remedy="Mend the sheet and try again.")
    return PlateSheet(path, plate is not None, rows)
