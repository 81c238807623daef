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
from scipy.spatial.distance import cdist

from veriscope.errors import InputError
from veriscope.validate.matching import Matching
from veriscope.validate.metrics.semantic.boundary import BoundaryDistances, nearest_distances
from veriscope.validate.metrics.semantic.masks import boundary_pixels, check_label_images, check_steps

__all__ = ["MatchedBoundaries", "boundary_of_matches", "check_named"]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

_LARGE_PAIR = 100_000  # distances; beyond, nearest neighbours are looked up in trees


@dataclass(frozen=True, slots=True, eq=False)
class MatchedBoundaries:
    """Distances between the boundaries of the two objects of each match.

    Parameters
    ----------
    pairs
        Shape (n, 2): label of the reference object and of the predicted object, as in the matching.
    distances
        One entry per match, in the same order; give it to `hausdorff`, `hausdorff_percentile`, `masd`,
        `assd` or `nsd` of `veriscope.validate.metrics.semantic.boundary`.
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
    reference, prediction = check_label_images(reference, prediction)
    steps = check_steps(spacing, reference.ndim)
    sides = [
        _elements(labels, ids, steps, where)
        for labels, ids, where in zip(
            (reference, prediction), matching.pairs.T, ("the reference", "the prediction"), strict=True
        )
    ]
    return MatchedBoundaries(
        pairs=matching.pairs,
        distances=tuple(_between(*points) for points in zip(*sides, strict=True)),
    )


def check_named(ids: IntArray, present: IntArray, *, where: str) -> None:
    """Refuse a matching of other images.

    Parameters
    ----------
    ids
        Labels that the matching names.
    present
        Labels of the image.
    where
        Names the image, for messages.

    Raises
    ------
    InputError
        If an object that is named is not in the image.
    """
    absent = np.setdiff1d(ids, present)
    if len(absent):
        raise InputError(
            f"{where}: the matching names object {absent[0]}, which is not in the image; "
            "give the label images that were matched"
        )


def _between(points: FloatArray, others: FloatArray) -> BoundaryDistances:
    """Measure between two sets of points in both directions."""
    if len(points) * len(others) > _LARGE_PAIR:
        return BoundaryDistances(nearest_distances(points, others), nearest_distances(others, points))
    # For small objects all distances at once take less time than building two trees.
    table = cdist(points, others)
    return BoundaryDistances(table.min(axis=1), table.min(axis=0))


def _elements(labels: NDArray[Any], ids: IntArray, steps: FloatArray, where: str) -> list[FloatArray]:
    """Give the boundary pixels of some objects, one array of positions per object, in their order."""
    pixels = np.argwhere(boundary_pixels(labels) & (labels != 0))
    values = labels[tuple(pixels.T)].astype(np.int64)
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    if (ordered[1:] == ordered[:-1]).any():
        raise InputError(f"{where}: an object stands in two matches; match one to one")
    check_named(ids, values, where=where)
    if not len(ids):
        return []
    known = np.isin(values, ids)
    match = order[np.searchsorted(ordered, values[known])]
    by_match = np.argsort(match, kind="stable")
    positions = pixels[known][by_match] * steps
    return np.split(positions, np.cumsum(np.bincount(match, minlength=len(ids)))[:-1])
