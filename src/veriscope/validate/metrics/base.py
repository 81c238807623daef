"""What a metric is: a function of sums, with its range, direction and empty case.

A pooled metric is computed from sums over units (images or tiles): matches, missed objects, shared pixels,
and so on. So the same function gives the metric of one image, of all images together, and of all images but
one, which is what the intervals are made of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Counts", "FloatArray", "Metric", "ratio"]

FloatArray = NDArray[np.float64]

_N_OF_OBJECTS = 6  # fields of `Counts` that are known wherever objects were matched


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Sums that metrics are computed from; every array has the same shape, and any shape will do.

    Parameters
    ----------
    tp, fp, fn
        Matches, predicted objects without a match, reference objects without a match.
    sum_iou
        Sum of the IoU of the matches.
    n_reference, n_prediction
        Numbers of objects of the reference and of the prediction.
    aji_intersection, aji_union
        Numerator and denominator of the aggregated Jaccard index, in pixels. This field and those below
        are NaN for units of which only objects were counted, such as tiles.
    split, merged, tangled
        Reference objects that are split, merged, or both.
    foreground
        Pixels of the reference objects.
    split_entropy, merge_entropy
        Numerators of the two parts of the variation of information, in bits.
    pairs_shared, pairs_reference, pairs_prediction
        Twice the number of pairs of foreground pixels that lie in one object of both images, of the
        reference, and of the prediction.
    """

    tp: FloatArray
    fp: FloatArray
    fn: FloatArray
    sum_iou: FloatArray
    n_reference: FloatArray
    n_prediction: FloatArray
    aji_intersection: FloatArray
    aji_union: FloatArray
    split: FloatArray
    merged: FloatArray
    tangled: FloatArray
    foreground: FloatArray
    split_entropy: FloatArray
    merge_entropy: FloatArray
    pairs_shared: FloatArray
    pairs_reference: FloatArray
    pairs_prediction: FloatArray

    @classmethod
    def from_columns(cls, columns: NDArray[Any]) -> Counts:
        """Take the counts from an array whose last axis has the fields in their order.

        Parameters
        ----------
        columns
            Shape (..., 17), or (..., 6) where only objects were counted; the other fields are NaN then.

        Returns
        -------
        Counts
            Arrays of shape (...).
        """
        given = np.moveaxis(np.asarray(columns, dtype=np.float64), -1, 0)
        if len(given) == _N_OF_OBJECTS:
            missing = np.full((len(fields(cls)) - _N_OF_OBJECTS, *given.shape[1:]), np.nan)
            given = np.concatenate([given, missing])
        return cls(*given)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of instance segmentation.

    Parameters
    ----------
    name
        Short name, such as ``"f1"``.
    formula
        How it is computed, in words and symbols.
    function
        Gives the metric from counts, for each entry of their arrays; NaN where it is undefined.
    sizes
        Gives, for each unit, the number of objects that it brings into the denominator; a unit that
        brings none says nothing about the metric.
    empty
        What is returned where the denominator is zero, in words.
    low, high
        Smallest and largest possible value; infinite if there is none.
    best
        The best value.
    """

    name: str
    formula: str
    function: Callable[[Counts], FloatArray]
    sizes: Callable[[Counts], FloatArray]
    empty: str
    low: float = 0.0
    high: float = 1.0
    best: float = 1.0


def ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divide, with NaN where the denominator is zero.

    Parameters
    ----------
    numerator, denominator
        Arrays of the same shape.

    Returns
    -------
    numpy.ndarray
        Quotients; NaN where there is nothing to divide by.
    """
    safe = np.where(denominator == 0, np.nan, denominator)
    quotient: FloatArray = np.asarray(numerator / safe, dtype=np.float64)
    return quotient
