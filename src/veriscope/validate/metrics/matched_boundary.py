"""How well the outlines of matched objects agree, object by object.

Each object is taken as a mask of its own, so the borders between touching objects count as well; a mask
of all objects together has none there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.labels import check_labels, check_same_shape
from veriscope.errors import AxesError, InputError
from veriscope.validate.matching import Matching
from veriscope.validate.metrics.boundary import BoundaryDistances, nearest_distances
from veriscope.validate.metrics.masks import boundary_pixels, check_steps

__all__ = ["MatchedBoundaries", "boundary_of_matches"]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MatchedBoundaries:
    """Distances between the boundaries of the two objects of each match.

    Parameters
    ----------
    pairs
        Shape (n, 2): label of the reference object and of the predicted object, as in the matching.
    distances
        One entry per match, in the same order; give it to `hausdorff`, `hausdorff_percentile`, `masd`,
        `assd` or `nsd` of `veriscope.validate.metrics.boundary`.
    """

    pairs: IntArray
    distances: tuple[BoundaryDistances, ...]


def boundary_of_matches(
    reference: NDArray[Any],
    prediction: NDArray[Any],
    matching: Matching,
    *,
    spacing: Sequence[float] | None = None,
) -> MatchedBoundaries:
    """Measure the distances between the boundaries of matched objects.

    Parameters
    ----------
    reference, prediction
        Label images of one shape, (y, x) or (z, y, x), 0 = background.
    matching
        Which predicted object stands for which reference object, from `veriscope.validate.matching.match`
        on these images.
    spacing
        Size of a pixel along each axis, in µm; None: distances are in pixels.

    Returns
    -------
    MatchedBoundaries
        As if `boundary_distances` were called on the masks of each match, but all in one pass. Missed and
        invented objects are not in it: report them beside it. Without a match it is empty.

    Raises
    ------
    AxesError
        If the images have neither two nor three axes, or the spacing does not fit.
    InputError
        If an object of the matching is not in its image, or stands in two matches.
    PixelValueError, ShapeMismatchError
        If these are no two label images of one shape.
    """
    reference = check_labels(reference, where="the reference")
    prediction = check_labels(prediction, where="the prediction")
    check_same_shape(reference, prediction)
    if reference.ndim not in (2, 3):
        raise AxesError(f"label images of {reference.ndim} axes are not allowed; give (y, x) or (z, y, x)")
    steps = check_steps(spacing, reference.ndim)
    sides = [
        _elements(labels, ids, where)
        for labels, ids, where in zip(
            (reference, prediction), matching.pairs.T, ("the reference", "the prediction"), strict=True
        )
    ]
    # Matches lie so far apart along one axis more that the nearest point is always of the same match.
    gap = 2.0 * float(np.linalg.norm(np.array(reference.shape) * steps)) + 1.0
    scaled = [np.column_stack([pixels * steps, match * gap]) for match, pixels in sides]
    borders = [np.cumsum(np.bincount(match, minlength=len(matching.pairs)))[:-1] for match, _ in sides]
    outward = np.split(nearest_distances(scaled[0], scaled[1]), borders[0])
    inward = np.split(nearest_distances(scaled[1], scaled[0]), borders[1])
    return MatchedBoundaries(
        pairs=matching.pairs,
        distances=tuple(map(BoundaryDistances, outward, inward)) if len(matching.pairs) else (),
    )


def _elements(labels: NDArray[Any], ids: IntArray, where: str) -> tuple[IntArray, IntArray]:
    """Give the boundary pixels of some objects, in the order of the objects: which object, and where."""
    pixels = np.argwhere(boundary_pixels(labels) & (labels != 0))
    values = labels[tuple(pixels.T)].astype(np.int64)
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    if len(ordered) > 1 and (ordered[1:] == ordered[:-1]).any():
        raise InputError(f"{where}: an object stands in two matches; match one to one")
    place = np.searchsorted(ordered, values)
    known = place < len(ordered)
    known[known] = ordered[place[known]] == values[known]
    match: IntArray = order[place[known]].astype(np.int64)
    absent = np.setdiff1d(ids, values[known])
    if len(absent):
        raise InputError(
            f"{where}: the matching names object {absent[0]}, which is not in the image; "
            "give the label images that were matched"
        )
    by_match = np.argsort(match, kind="stable")
    return match[by_match], pixels[known][by_match]
