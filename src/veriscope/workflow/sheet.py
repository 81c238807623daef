"""The sample sheet: which image belongs to which group and replicate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from veriscope.errors import TableError, UnreadableFileError, VeriscopeError, raise_together

__all__ = ["Assignment", "assign_groups", "read_sheet"]

_IMAGE = ("image", "image_id", "stem", "file", "filename", "name")
_GROUP = ("group", "condition", "treatment", "class")
_REPLICATE = ("replicate", "animal", "donor", "patient", "plate", "well", "field_group", "batch")
_SUFFIXES = (".ome.tiff", ".ome.tif", ".ome.zarr", ".tiff", ".tif", ".png", ".jpeg", ".jpg", ".bmp", ".zarr")


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
        CSV or TSV with a column for the image (``image``, ``stem``, ``filename`` …; a name with or
        without its suffix), one for the group (``group``, ``condition``, ``treatment``) and
        optionally one for the replicate (``replicate``, ``animal``, ``plate``, ``well`` …).

    Returns
    -------
    dict
        Assignment by image stem. Without a replicate column each image is its own replicate.

    Raises
    ------
    UnreadableFileError
        If the file cannot be read as a table.
    TableError
        If a column is missing, or an image is named twice or has no group.
    """
    try:
        frame = pd.read_csv(
            path, dtype=str, sep=None, engine="python", keep_default_na=False, encoding="utf-8-sig"
        )
    except (
        OSError,
        UnicodeDecodeError,
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
        ValueError,
    ) as error:
        raise UnreadableFileError(
            f"{path}: cannot be read as a CSV table ({error}); save it as CSV, UTF-8"
        ) from None
    columns = {str(column).strip().lower(): str(column) for column in frame.columns}
    image, group = _find(columns, _IMAGE), _find(columns, _GROUP)
    replicate = _find(columns, _REPLICATE)
    if image is None or group is None:
        wanted = "image" if image is None else "group"
        allowed = ", ".join(_IMAGE if image is None else _GROUP)
        raise TableError(
            f"{path}: no column for the {wanted}; name one of its columns ({', '.join(frame.columns)}) "
            f"as one of {allowed}"
        )
    faults: list[VeriscopeError] = []
    found: dict[str, Assignment] = {}
    for row in frame.to_dict("records"):
        stem = stem_of(row[image].strip())
        if stem in found:
            faults.append(TableError(f"image {stem!r} is named twice"))
        if not row[group].strip():
            faults.append(TableError(f"image {stem!r} has no group"))
        found[stem] = Assignment(row[group].strip(), row[replicate].strip() if replicate else stem)
    raise_together(
        faults, what=f"{path}: {len(faults)} rows cannot be used", remedy="Mend the sheet and try again."
    )
    return found


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
    missing = [stem for stem in stems if stem not in sheet]
    extra = [stem for stem in sheet if stem not in set(stems)]
    if missing or extra:
        lines = [f"{where} and the images do not fit:"]
        if missing:
            lines.append(f"  - {len(missing)} images without a row: {_some(missing)}")
        if extra:
            lines.append(f"  - {len(extra)} rows without an image: {_some(extra)}")
        lines.append("Add or remove rows, or give the images that belong to the sheet.")
        raise TableError("\n".join(lines))
    return {stem: sheet[stem] for stem in stems}


def _find(columns: dict[str, str], names: Sequence[str]) -> str | None:
    return next((columns[name] for name in names if name in columns), None)


def _some(names: Sequence[str], most: int = 10) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} … and {len(names) - most} more"
