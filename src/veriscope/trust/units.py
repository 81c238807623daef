"""What an audit hands to the estimators: the drawn tiles of one group, and the model's totals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError

__all__ = ["DrawnUnits"]


@dataclass(frozen=True, slots=True)
class DrawnUnits:
    """The drawn tiles of one group, one entry per draw, and what the model says of all its tiles.

    Every measure is a numerator, or a numerator over a denominator, added up over objects:

    ==================  ================================  =========================================
    measure             numerator                         denominator
    ==================  ================================  =========================================
    count               objects                           none
    total area          area of objects                   none
    density             objects                           none; `known_denominator` = imaged area
    area fraction       area of objects                   none; `known_denominator` = imaged area
    mean area           area of objects                   objects
    mean intensity      sum of the objects' means         objects
    fraction above x    objects above x                   objects
    ==================  ================================  =========================================

    Parameters
    ----------
    probability
        Probability of each drawn tile in one draw (n,), as stored in the plan.
    reference, prediction
        Numerator of each drawn tile (n,) by the person and by the model.
    predicted_total
        Numerator by the model over *all* tiles of the group.
    reference_denominator, prediction_denominator, predicted_total_denominator
        The same for the denominator; all or none.
    known_denominator
        What the total is divided by if there is no denominator, such as the imaged area.
    n_tiles
        Number of tiles of the group, drawn or not; None: not known. Used only to say when an audit
        would have to be larger than annotating everything.

    Raises
    ------
    ShapeMismatchError
        If the arrays are not of the same length.
    PixelValueError
        If a number is not finite, or a probability not above 0 and at most 1.
    InputError
        If only a part of the denominator is given, or `known_denominator` is not above 0.
    """

    probability: NDArray[Any]
    reference: NDArray[Any]
    prediction: NDArray[Any]
    predicted_total: float
    reference_denominator: NDArray[Any] | None = None
    prediction_denominator: NDArray[Any] | None = None
    predicted_total_denominator: float | None = None
    known_denominator: float = 1.0
    n_tiles: int | None = None

    def __post_init__(self) -> None:
        below = (self.reference_denominator, self.prediction_denominator, self.predicted_total_denominator)
        given = [part is not None for part in below]
        if any(given) and not all(given):
            raise InputError(
                "a denominator needs all three: reference_denominator, prediction_denominator and "
                "predicted_total_denominator; for a known area give known_denominator alone"
            )
        arrays = [self.probability, self.reference, self.prediction]
        if self.reference_denominator is not None and self.prediction_denominator is not None:
            arrays += [self.reference_denominator, self.prediction_denominator]
        shapes = {np.shape(array) for array in arrays}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise ShapeMismatchError(
                f"arrays of the draws have shapes {sorted(shapes)}; give one value per draw"
            )
        totals = np.array(
            [self.predicted_total, self.predicted_total_denominator or 0, self.known_denominator]
        )
        if not all(np.isfinite(array).all() for array in [*arrays, totals]):
            raise PixelValueError("a value of a drawn tile or a total is NaN or infinite; all must be finite")
        p = np.asarray(self.probability)
        if ((p <= 0) | (p > 1)).any():
            raise PixelValueError(
                f"draw probabilities from {p.min():g} to {p.max():g}; each must be above 0 and at most 1"
            )
        if self.known_denominator <= 0:
            raise InputError(f"known_denominator {self.known_denominator:g} is not above 0")

    @property
    def n(self) -> int:
        """Number of draws."""
        return len(self.probability)

    @property
    def is_ratio(self) -> bool:
        """Whether the denominator is estimated too."""
        return self.reference_denominator is not None
