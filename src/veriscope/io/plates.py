"""Plates in OME-Zarr (0.4 and 0.5): rows of wells, wells of fields, each field an image.

::

    plate.ome.zarr/            "plate": rows, columns, wells, acquisitions
        B/3/                   "well": images (fields)
            0/                 an OME-Zarr image
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veriscope.core.image import Image
from veriscope.errors import InputError, UnreadableFileError, raise_together
from veriscope.io.atomic import atomic_path
from veriscope.io.ome_zarr import Version, write_ome_zarr
from veriscope.io.ome_zarr_metadata import VERSIONS, read_attributes
from veriscope.io.wells import Place, well_parts

__all__ = ["Plate", "PlateField", "is_plate", "read_plate", "write_plate"]

_MARKERS = ("zarr.json", ".zattrs")


@dataclass(frozen=True, slots=True)
class PlateField:
    """One field of a well.

    Parameters
    ----------
    path
        Folder of its image.
    place
        Plate, well, field and acquisition.
    """

    path: Path
    place: Place


@dataclass(frozen=True, slots=True)
class Plate:
    """A plate and the images in it.

    Parameters
    ----------
    path
        Its folder.
    name
        Of the folder, without ``.ome.zarr``.
    version
        Of OME-Zarr.
    fields
        In the order of the metadata.
    acquisitions
        Name by number, of all that the metadata list; ``acquisition N`` where it has no name.
    faults
        What is listed and cannot be used, one sentence each; only where that is allowed.
    """

    path: Path
    name: str
    version: str
    fields: tuple[PlateField, ...]
    acquisitions: Mapping[int, str]
    faults: tuple[str, ...] = ()


def is_plate(path: str | Path) -> bool:
    """Tell whether a folder is an OME-Zarr plate.

    Parameters
    ----------
    path
        Any path.

    Returns
    -------
    bool
        Whether it has the metadata of a plate; False where they cannot be read.
    """
    try:
        return "plate" in read_attributes(Path(path))
    except UnreadableFileError:
        return False


def read_plate(path: str | Path, *, partial: bool = False) -> Plate:
    """Find the fields of a plate; no pixels are read.

    Parameters
    ----------
    path
        Folder of the plate.
    partial
        Leave out wells and fields that cannot be used and say so, instead of refusing the plate.

    Returns
    -------
    Plate
        With at least one field.

    Raises
    ------
    UnreadableFileError
        If it is no plate, or wells or fields are listed that are missing, named twice or contradict
        each other; all are named. With `partial`, only if nothing is left.
    """
    path = Path(path)
    attributes = read_attributes(path)
    plate = attributes.get("plate")
    if not isinstance(plate, dict):
        raise UnreadableFileError(f"{path}: is no OME-Zarr plate; its metadata lack 'plate'")
    version = str(attributes.get("version") or plate.get("version") or "0.4")
    if version not in VERSIONS:
        raise UnreadableFileError(
            f"{path}: is a plate of OME-Zarr {version}; those read are {' and '.join(VERSIONS)}: convert it"
        )
    name = path.resolve().name.removesuffix(".zarr").removesuffix(".ome")
    faults: list[UnreadableFileError] = []
    fields: list[PlateField] = []
    seen: set[str] = set()
    for entry in _entries(plate, "wells", path):
        try:
            place = _well_place(entry, plate, name)
            if place.well in seen:
                raise UnreadableFileError(f"well {place.well} is listed twice")
            seen.add(place.well)
            fields += _well_fields(path / str(entry["path"]), place, faults)
        except UnreadableFileError as error:
            faults.append(error)
    if faults and (not partial or not fields):
        remedy = "Copy the whole plate again, or leave these out with --skip-bad where a verb has it."
        raise_together(faults, what=f"{path}: the plate is not what its metadata say", remedy=remedy)
    if not fields:
        raise UnreadableFileError(f"{path}: the plate lists no wells; write it again with its converter")
    return Plate(path, name, version, tuple(fields), _acquisitions(plate), tuple(map(str, faults)))


def _entries(holder: Mapping[str, Any], key: str, where: Path) -> list[dict[str, Any]]:
    entries = holder.get(key)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UnreadableFileError(f"{where}: its metadata have no list of {key}; write it again")
    return entries


def _acquisitions(plate: Mapping[str, Any]) -> dict[int, str]:
    listed = plate.get("acquisitions")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    return {
        int(entry["id"]): str(entry.get("name") or f"acquisition {entry['id']}")
        for entry in entries
        if isinstance(entry.get("id"), int)
    }


def _well_place(entry: Mapping[str, Any], plate: Mapping[str, Any], name: str) -> Place:
    """Read which well an entry is; its path is row/column, which the indices must confirm."""
    path = entry.get("path")
    parts = path.split("/") if isinstance(path, str) else []
    if len(parts) != 2:
        raise UnreadableFileError(f"well {path!r}: its path must be row/column, such as B/3")
    for part, axis, index in zip(parts, ("rows", "columns"), ("rowIndex", "columnIndex"), strict=True):
        try:
            stated = plate[axis][entry[index]]["name"]
        except (KeyError, IndexError, TypeError):
            continue  # optional before 0.4, and the path says it already
        if str(stated) != part:
            raise UnreadableFileError(
                f"well {path!r}: its {index} {entry[index]} is {stated!r}, not {part!r}"
            )
    try:
        row, column = well_parts(*parts)
    except InputError as error:
        raise UnreadableFileError(f"well {path!r}: {error}") from None
    return Place(plate=name, row=row, column=column)


def _well_fields(folder: Path, well: Place, faults: list[UnreadableFileError]) -> list[PlateField]:
    """Give the fields of a well that are there; the faults of the others are added to the list."""
    name = well.well
    if not any((folder / marker).is_file() for marker in _MARKERS):
        raise UnreadableFileError(f"well {name}: its folder {folder} is missing or has no metadata")
    described = read_attributes(folder).get("well")
    if not isinstance(described, dict):
        raise UnreadableFileError(f"well {name}: {folder} lacks 'well' in its metadata")
    found: dict[str, PlateField] = {}
    images = _entries(described, "images", folder)
    if not images:
        raise UnreadableFileError(f"well {name} has no fields")
    for image in images:
        field = str(image.get("path", ""))
        if not field or not field.replace("_", "").replace("-", "").isalnum():
            faults.append(UnreadableFileError(f"well {name}: {field!r} is no name of a field"))
        elif field in found:
            faults.append(UnreadableFileError(f"field {name}-{field} is listed twice"))
        elif not any((folder / field / marker).is_file() for marker in _MARKERS):
            faults.append(
                UnreadableFileError(f"field {name}-{field}: its folder {folder / field} is missing")
            )
        else:
            acquisition = image.get("acquisition")
            place = Place(
                plate=well.plate,
                row=well.row,
                column=well.column,
                field=field,
                acquisition=acquisition if isinstance(acquisition, int) else None,
            )
            found[field] = PlateField(folder / field, place)
    return list(found.values())


def write_plate(
    path: str | Path,
    fields: Iterable[tuple[str, Image]],
    *,
    acquisitions: Mapping[int, int] | None = None,
    version: Version = "0.5",
) -> None:
    """Write a plate, field by field; one image is in memory at a time.

    Parameters
    ----------
    path
        Folder to write, ending ``.zarr``; replaced as a whole if it exists.
    fields
        Well (``B03``) and image of each field; the fields of a well are numbered from 0 as they come.
    acquisitions
        Acquisition of each field by its place in `fields`; None writes none.
    version
        Of OME-Zarr.

    Raises
    ------
    InputError
        If there are no fields, a well has no proper name, or the folder cannot be written.
    """
    path = Path(path)
    wells: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with atomic_path(path) as temporary:
        for index, (well, image) in enumerate(fields):
            row, column = well_parts(well)
            images = wells.setdefault((row, str(int(column))), [])
            target = temporary / row / str(int(column)) / f"{len(images)}.zarr"
            write_ome_zarr(target, image, version=version)
            target.rename(target.with_suffix(""))
            of = {} if acquisitions is None else {"acquisition": acquisitions[index]}
            images.append({"path": str(len(images)), **of})
        if not wells:
            raise InputError(f"{path}: a plate needs at least one field")
        used = sorted(set(acquisitions.values())) if acquisitions else []
        _write_group(temporary, {"plate": _plate_metadata(path, wells, used, version)}, version)
        for row in {row for row, _ in wells}:
            _write_group(temporary / row, {}, version)
        for (row, column), images in wells.items():
            well_metadata = {"images": images} | ({"version": "0.4"} if version == "0.4" else {})
            _write_group(temporary / row / column, {"well": well_metadata}, version)


def _plate_metadata(
    path: Path, wells: Mapping[tuple[str, str], list[Any]], acquisitions: list[int], version: Version
) -> dict[str, Any]:
    rows = sorted({row for row, _ in wells}, key=lambda row: (len(row), row))
    columns = sorted({column for _, column in wells}, key=int)
    metadata: dict[str, Any] = {
        "name": path.name.removesuffix(".zarr").removesuffix(".ome"),
        "rows": [{"name": row} for row in rows],
        "columns": [{"name": column} for column in columns],
        "wells": [
            {
                "path": f"{row}/{column}",
                "rowIndex": rows.index(row),
                "columnIndex": columns.index(column),
            }
            for row, column in wells
        ],
        "field_count": max(map(len, wells.values())),
    }
    if acquisitions:
        metadata["acquisitions"] = [{"id": number} for number in acquisitions]
    # 0.5 states the version beside the plate, 0.4 in it.
    return metadata | ({"version": "0.4"} if version == "0.4" else {})


def _write_group(folder: Path, attributes: dict[str, Any], version: Version) -> None:
    if version == "0.4":
        (folder / ".zgroup").write_text(json.dumps({"zarr_format": 2}))
        if attributes:
            (folder / ".zattrs").write_text(json.dumps(attributes, indent=2))
        return
    ome = {"ome": {"version": "0.5", **attributes}} if attributes else {}
    group = {"zarr_format": 3, "node_type": "group", "attributes": ome}
    (folder / "zarr.json").write_text(json.dumps(group, indent=2))
