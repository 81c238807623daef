"""Tables about images, one row per box, point or image: as CSV, with the column names that tools use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from veriscope.core.words import counted
from veriscope.errors import TableError, UnreadableFileError, VeriscopeError, raise_together
from veriscope.io.sheets import IMAGE_COLUMNS, composed, read_rows, stem_of

__all__ = ["ClassTable", "PlaceTable", "read_class_table", "read_place_table"]

_CLASS = ("class", "class_name", "label", "category")
_SCORE = ("score", "confidence", "probability", "prob")
_BOX = (
    ("ymin", "xmin", "ymax", "xmax"),
    ("y0", "x0", "y1", "x1"),
    ("top", "left", "bottom", "right"),
)
_POINT = (("y", "x"), ("centroid-y", "centroid-x"), ("centroid_y", "centroid_x"))
_USUAL_FILES = ("boxes.csv", "points.csv", "classes.csv")


@dataclass(frozen=True, slots=True)
class PlaceTable:
    """Boxes or points of many images.

    Parameters
    ----------
    kind
        ``"boxes"`` or ``"points"``.
    rows
        Columns ``stem``, ``class`` (text; empty if the table has none), ``score`` (NaN if none), and
        ``y0, x0, y1, x1`` of boxes or ``y, x`` of points, in pixels.
    has_classes, has_scores
        Whether the table had such a column.
    """

    kind: Literal["boxes", "points"]
    rows: pd.DataFrame
    has_classes: bool
    has_scores: bool


@dataclass(frozen=True, slots=True)
class ClassTable:
    """The class of each of many images.

    Parameters
    ----------
    stems
        Names of the images.
    classes
        Class of each, as text; None where only probabilities are stated.
    probabilities
        By class, one value per image, 0 to 1; empty if the table states none.
    """

    stems: tuple[str, ...]
    classes: tuple[str, ...] | None
    probabilities: dict[str, np.ndarray]


def read_place_table(path: str | Path) -> PlaceTable:
    """Read boxes or points.

    Parameters
    ----------
    path
        CSV file, or a folder with ``boxes.csv`` or ``points.csv``. Columns: ``image`` (a name with or
        without its ending); ``xmin, ymin, xmax, ymax`` (also ``x0 …``, ``left …``) or ``x, y``, in pixels;
        if wanted ``class`` and ``score``, which counts as missing where no row has one.

    Returns
    -------
    PlaceTable
        One row per box or point.

    Raises
    ------
    UnreadableFileError
        If there is no such table.
    TableError
        If columns are missing, or values are no numbers; all faults together.
    """
    path = _table_in(Path(path))
    table = _read(path)
    image, names = _image_column(table, path), {str(name).lower(): name for name in table.columns}
    box = next((columns for columns in _BOX if set(columns) <= set(names)), None)
    point = next((columns for columns in _POINT if set(columns) <= set(names)), None)
    if box is None and point is None:
        raise TableError(
            f"{path}: has neither boxes (columns xmin, ymin, xmax, ymax) nor points (columns x, y); "
            f"it has {', '.join(map(str, table.columns))}"
        )
    taken, columns = (box, ("y0", "x0", "y1", "x1")) if box else (point or (), ("y", "x"))
    class_column = next((names[name] for name in _CLASS if name in names), None)
    score_column = next((names[name] for name in _SCORE if name in names), None)
    if score_column is not None and len(table) and not table[score_column].str.strip().any():
        score_column = None  # as `veriscope.io.box_table` writes it for a method without scores
    rows = pd.DataFrame({"stem": _stems(table[image])})
    rows["class"] = "" if class_column is None else table[class_column].astype(str)
    wanted = {new: names[old] for new, old in zip(columns, taken, strict=True)}
    if score_column is not None:
        wanted["score"] = score_column
    faults: list[VeriscopeError] = []
    for new, old in wanted.items():
        values = pd.to_numeric(table[old], errors="coerce")
        bad = np.flatnonzero(~np.isfinite(values.to_numpy(dtype=np.float64)))
        if len(bad):
            faults.append(
                TableError(
                    f"{path}: column {old!r} has no number in {counted(len(bad), 'row')}, first in row "
                    f"{bad[0] + 2}"
                )
            )
        rows[new] = values.astype(np.float64)
    if box and not faults:
        flat = np.flatnonzero((rows["y1"] <= rows["y0"]) | (rows["x1"] <= rows["x0"]))
        if len(flat):
            faults.append(
                TableError(
                    f"{path}: {counted(len(flat), 'box has', 'boxes have')} no area, first in row "
                    f"{flat[0] + 2}; the larger coordinate belongs to {box[2]} and {box[3]}"
                )
            )
    raise_together(faults, what=f"{path}: {len(faults)} columns cannot be read")
    if score_column is None:
        rows["score"] = np.nan
    return PlaceTable("boxes" if box else "points", rows, class_column is not None, score_column is not None)


def read_class_table(path: str | Path) -> ClassTable:
    """Read the class of each image, or the probability of each class.

    Parameters
    ----------
    path
        CSV file, or a folder with ``classes.csv``. Columns: ``image``; ``class`` (or ``class_name``,
        ``label``), and for probabilities one column ``p_CLASS`` per class.

    Returns
    -------
    ClassTable
        One entry per image.

    Raises
    ------
    UnreadableFileError
        If there is no such table.
    TableError
        If columns are missing, an image comes twice, or a probability is not from 0 to 1; all together.
    """
    path = _table_in(Path(path))
    table = _read(path)
    names = {str(name).lower(): name for name in table.columns}
    stems = _stems(table[_image_column(table, path)])
    class_column = next((names[name] for name in ("class_name", *_CLASS) if name in names), None)
    stated = [name for name in table.columns if str(name).startswith("p_")]
    faults: list[VeriscopeError] = []
    if class_column is None and not stated:
        faults.append(TableError(f"{path}: has no column class, and none of probabilities such as p_mitosis"))
    twice = sorted(stem for stem, count in Counter(stems).items() if count > 1)
    if twice:
        faults.append(
            TableError(f"{path}: {', '.join(twice[:10])} come more than once; keep one row for each image")
        )
    probabilities = {}
    for name in stated:
        values = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64)
        bad = ~((values >= 0) & (values <= 1))
        if bad.any():
            faults.append(
                TableError(
                    f"{path}: column {name!r} has {counted(int(bad.sum()), 'value')} not between 0 and 1, "
                    f"the first in row {int(np.flatnonzero(bad)[0]) + 2}"
                )
            )
        probabilities[str(name)[2:]] = values
    if class_column is not None:
        blank = np.flatnonzero(table[class_column].str.strip() == "")
        if len(blank):
            faults.append(
                TableError(
                    f"{path}: {counted(len(blank), 'image has', 'images have')} no class, the first in row "
                    f"{blank[0] + 2}; give it, or remove the row"
                )
            )
    raise_together(faults, what=f"{path}: {len(faults)} faults")
    classes = None if class_column is None else tuple(table[class_column].str.strip())
    return ClassTable(tuple(stems), classes, probabilities)


def _table_in(path: Path) -> Path:
    """Give the table meant by a folder."""
    if not path.is_dir():
        return path
    found = [path / name for name in _USUAL_FILES if (path / name).is_file()]
    if len(found) == 1:
        return found[0]
    shown = " and ".join(item.name for item in found) or "none of them"
    raise UnreadableFileError(f"{path}: name the table; of {', '.join(_USUAL_FILES)} the folder has {shown}")


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise UnreadableFileError(f"{path}: no such table; give a CSV file")
    header, *rows = read_rows(path)
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise TableError(f"{path}: column {', '.join(twice)} comes twice; keep one of that name")
    if any(len(row) > len(header) for row in rows):
        raise TableError(f"{path}: rows have more cells than the header; give every column a name")
    cells = [row + [""] * (len(header) - len(row)) for row in rows]
    return pd.DataFrame(cells, columns=header, dtype=str)


def _stems(names: Iterable[str]) -> list[str]:
    """Names of the images as their files give them."""
    return [composed(stem_of(name)) for name in names]


def _image_column(table: pd.DataFrame, path: Path) -> str:
    names = {str(name).lower(): str(name) for name in table.columns}
    found = next((names[name] for name in IMAGE_COLUMNS if name in names), None)
    if found is None:
        raise TableError(
            f"{path}: has no column that names the image ({', '.join(IMAGE_COLUMNS)}); it has "
            f"{', '.join(map(str, table.columns))}"
        )
    return found
