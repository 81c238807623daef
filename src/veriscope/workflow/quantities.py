"""From objects to the two totals whose ratio (or first alone) is the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from veriscope.errors import TableError
from veriscope.trust.tiles import Tile, sum_per_tile, tile_owner
from veriscope.workflow.question import Question

__all__ = ["TileSums", "answer_unit", "require_correctable", "sum_tiles", "tile_areas"]


@dataclass(frozen=True, slots=True)
class TileSums:
    """What the objects of each tile add up to.

    Parameters
    ----------
    numerator
        float64 (tiles,).
    denominator
        float64 (tiles,); None for totals, whose answer is the numerator's sum.
    count
        Objects of each tile, float64 (tiles,).
    """

    numerator: NDArray[np.float64]
    denominator: NDArray[np.float64] | None
    count: NDArray[np.float64]


def require_correctable(question: Question) -> None:
    """Refuse to ask for what people cannot draw.

    Parameters
    ----------
    question
        The question.

    Raises
    ------
    TableError
        If it is about the probabilities that methods state.
    """
    if question.column == "probability":
        raise TableError(
            "column 'probability' is what methods say of their own objects; references have none to correct "
            "it by: ask of a column that is measured"
        )


def sum_tiles(
    table: pd.DataFrame, tiles: tuple[Tile, ...], question: Question, *, pixel_area: float
) -> TileSums:
    """Add up the objects of one image over its tiles.

    Parameters
    ----------
    table
        Measurements of the objects of the image, with ``centroid-y`` and ``centroid-x`` in pixels.
    tiles
        Tiles of the image.
    question
        Says what is added.
    pixel_area
        Area of a pixel in µm², or 1.

    Returns
    -------
    TileSums
        In the order of the tiles.

    Raises
    ------
    TableError
        If the column of the question was not measured, or has no number for some objects.
    """
    n = len(tiles)
    owner = tile_owner(table[["centroid-y", "centroid-x"]].to_numpy(), tiles)
    count = sum_per_tile(owner, n_tiles=n)
    if question.measure == "count":
        return TileSums(count, None, count)
    if question.measure == "density":
        return TileSums(count, tile_areas(tiles, pixel_area), count)
    values = _values(table, question)
    total = sum_per_tile(owner, values, n_tiles=n)
    if question.measure == "total-area":
        return TileSums(total, None, count)
    if question.measure == "area-fraction":
        return TileSums(total, tile_areas(tiles, pixel_area), count)
    return TileSums(total, count, count)


def tile_areas(tiles: tuple[Tile, ...], pixel_area: float) -> NDArray[np.float64]:
    """Give the area of each tile.

    Parameters
    ----------
    tiles
        Tiles of one image.
    pixel_area
        Area of a pixel in µm², or 1.

    Returns
    -------
    numpy.ndarray
        float64 (tiles,), in µm² or pixels.
    """
    return np.array([tile.area for tile in tiles], dtype=np.float64) * pixel_area


def answer_unit(question: Question, *, calibrated: bool, units: dict[str, str]) -> str:
    """Give the unit of the answer.

    Parameters
    ----------
    question
        The question.
    calibrated
        Whether areas are in µm².
    units
        Unit of each measured column.

    Returns
    -------
    str
        Such as ``per µm²``; empty for a pure number.
    """
    area = "µm²" if calibrated else "px"
    fixed: dict[str, Any] = {
        "count": "",
        "density": f"per {area}",
        "fraction": "",
        "total-area": area,
        "area-fraction": "",
    }
    if question.measure in fixed:
        return str(fixed[question.measure])
    return units.get(question.column or "", "")


def _values(table: pd.DataFrame, question: Question) -> NDArray[np.float64]:
    column = "area" if question.measure in ("total-area", "area-fraction") else question.column
    numbers = [str(name) for name in table.columns if pd.api.types.is_numeric_dtype(table[name])]
    if column not in numbers:
        raise TableError(f"column {column!r} was not measured; columns are: {', '.join(numbers)}")
    values: NDArray[np.float64] = table[column].to_numpy(dtype=np.float64)
    n_missing = int(np.count_nonzero(~np.isfinite(values)))
    if n_missing:
        raise TableError(
            f"column {column!r} has no number for {n_missing} of {len(values)} objects, so they would count "
            "as nothing; ask of another column"
        )
    if question.measure != "fraction":
        return values
    assert question.threshold is not None, "Question demands a threshold for fractions"
    side = values > question.threshold if question.sign == ">" else values < question.threshold
    return np.asarray(side, dtype=np.float64)
