"""Breaks in lines: where the centre line of a membrane or vessel is lost, and where one is invented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from veriscope.core.plain import PlainRecord
from veriscope.errors import InputError
from veriscope.validate.metrics.semantic.centreline import centreline
from veriscope.validate.metrics.semantic.masks import (
    ROUNDING,
    BoolArray,
    check_distance,
    check_masks,
    check_steps,
)

__all__ = ["LineErrors", "line_errors", "line_gaps"]


@dataclass(frozen=True, slots=True)
class LineErrors(PlainRecord):
    """Pieces of centre lines that the other mask lacks.

    Parameters
    ----------
    gaps
        Stretches of the reference's centre line that are missing in the prediction.
    false_lines
        Stretches of the prediction's centre line with nothing in the reference: false bridges and spurs.
    """

    gaps: int
    false_lines: int


def line_errors(
    reference: BoolArray,
    prediction: BoolArray,
    *,
    tolerance: float = 0.0,
    shortest: int = 1,
    spacing: Sequence[float] | None = None,
) -> LineErrors:
    """Count the gaps in lines and the false lines.

    Parameters
    ----------
    reference, prediction
        Masks (true/false) of the lines, of one shape, (y, x) or (z, y, x).
    tolerance
        Largest distance from the other mask at which a pixel of the centre line is still covered, in µm
        with a spacing, else in pixels; 0: it must lie in the mask.
    shortest
        Stretches of fewer pixels than this do not count, so that a ragged end is no error.
    spacing
        Size of a pixel along each axis, in µm; None: pixels.

    Returns
    -------
    LineErrors
        Connected stretches (across corners too), each counted once whatever its length; a line that is
        missing as a whole is one gap. Both masks empty: 0 and 0; one empty: all pieces of the other's
        centre line.

    Raises
    ------
    AxesError, PixelValueError, ShapeMismatchError
        If these are no two masks of one shape, or the spacing does not fit.
    InputError
        If tolerance or shortest is not allowed.

    Notes
    -----
    Ours. Centre lines as in `metrics.semantic.centreline.centreline`. A gap in a closed membrane also
    merges two regions, which shows in the holes of `matching.betti_matching`; a gap in an open line does
    not, and shows here alone.
    """
    check_masks(reference, prediction)
    check_distance(tolerance, name="tolerance", zero=True)
    if shortest < 1:
        raise InputError(f"shortest {shortest!r} is not allowed; use a number of pixels of at least 1")
    steps = check_steps(spacing, reference.ndim)

    def uncovered(line_of: BoolArray, other: BoolArray) -> int:
        missing = centreline(line_of) & ~_reach(other, tolerance, steps)
        pieces, n_pieces = ndimage.label(missing, structure=np.ones((3,) * missing.ndim))
        return int(np.count_nonzero(np.bincount(pieces.ravel(), minlength=n_pieces + 1)[1:] >= shortest))

    return LineErrors(gaps=uncovered(reference, prediction), false_lines=uncovered(prediction, reference))


def line_gaps(
    reference: BoolArray,
    prediction: BoolArray,
    *,
    tolerance: float = 0.0,
    shortest: int = 1,
    spacing: Sequence[float] | None = None,
) -> float:
    """Gaps and false lines together, as one number.

    Parameters
    ----------
    reference, prediction, tolerance, shortest, spacing
        As in `line_errors`.

    Returns
    -------
    float
        Gaps + false lines, 0 up, lower is better. Both masks empty: 0.

    Raises
    ------
    AxesError, InputError, PixelValueError, ShapeMismatchError
        As in `line_errors`.
    """
    found = line_errors(reference, prediction, tolerance=tolerance, shortest=shortest, spacing=spacing)
    return float(found.gaps + found.false_lines)


def _reach(mask: BoolArray, tolerance: float, steps: np.ndarray) -> BoolArray:
    """Mark all pixels within a distance of a mask."""
    if tolerance == 0 or not mask.any():
        return mask
    near: BoolArray = ndimage.distance_transform_edt(~mask, sampling=steps) <= tolerance * ROUNDING
    return near
