"""Variation of information: how much one must be told to get from one division into objects to the other.

Only pixels of reference objects count (foreground-only), because the background, being most of many images,
would hide everything else. Where the prediction has background there, that is one more segment, as in
scikit-image with ``ignore_labels=(0,)``. All values are in **bits** (logarithms to base 2).

Over several images it is as if they lay side by side with objects of their own: the entropies are averaged
over all foreground pixels.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.validate.contingency import Contingency
from veriscope.validate.metrics.base import Counts, FloatArray, Metric, ratio

__all__ = ["VI", "VI_MERGE", "VI_SPLIT", "vi", "vi_merge", "vi_split", "vi_sums"]


def vi(counts: Counts) -> FloatArray:
    """Variation of information, VI: the sum of its parts for splits and merges.

    Parameters
    ----------
    counts
        Sums over one or more images.

    Returns
    -------
    numpy.ndarray
        In bits, 0 up, lower is better. NaN if the reference has no object; with nothing predicted it is
        the entropy of the reference.

    References
    ----------
    .. [1] Meilă M. Comparing clusterings: an information based distance. Journal of Multivariate Analysis 98
       (2007). doi:10.1016/j.jmva.2006.11.013
    """
    return ratio(counts.split_entropy + counts.merge_entropy, counts.foreground)


def vi_split(counts: Counts) -> FloatArray:
    """Part of the variation of information that splits bring: H(prediction | reference).

    Parameters
    ----------
    counts
        Sums over one or more images.

    Returns
    -------
    numpy.ndarray
        In bits, 0 up, lower is better. NaN if the reference has no object, 0 if nothing was predicted.
    """
    return ratio(counts.split_entropy, counts.foreground)


def vi_merge(counts: Counts) -> FloatArray:
    """Part of the variation of information that merges bring: H(reference | prediction).

    Parameters
    ----------
    counts
        Sums over one or more images.

    Returns
    -------
    numpy.ndarray
        In bits, 0 up, lower is better. NaN if the reference has no object. Missed objects count as merged
        with one another, since all of them are background.
    """
    return ratio(counts.merge_entropy, counts.foreground)


def vi_sums(table: Contingency) -> tuple[float, float]:
    """Give the numerators of both parts for one image.

    Parameters
    ----------
    table
        Overlaps of the two images.

    Returns
    -------
    tuple
        Bits summed over the foreground pixels: of splits, of merges.
    """
    rows, columns = table.pairs.T
    shared = table.overlaps.astype(np.float64)
    uncovered = table.reference_areas - np.bincount(rows, weights=shared, minlength=table.n_reference)
    inside = np.bincount(columns, weights=shared, minlength=table.n_prediction)
    split = _bits(shared, table.reference_areas[rows]) + _bits(uncovered, table.reference_areas)
    merge = _bits(shared, inside[columns]) + _bits(uncovered, np.full(len(uncovered), uncovered.sum()))
    return split, merge


def _bits(parts: NDArray[Any], wholes: NDArray[Any]) -> float:
    """Sum part * log2(whole / part); a part of 0 brings nothing."""
    some = parts > 0
    parts, wholes = parts[some], wholes[some]
    return float(parts @ np.log2(wholes / parts))


VI = Metric(
    "vi",
    "H(p given r) + H(r given p), bits",
    vi,
    sizes=lambda counts: counts.foreground,
    high=np.inf,
    best=0.0,
    empty="no reference object: undefined",
)
VI_SPLIT = replace(
    VI,
    name="vi_split",
    formula="H(p given r), bits",
    function=vi_split,
    empty=f"{VI.empty}; nothing predicted: 0",
)
VI_MERGE = replace(VI, name="vi_merge", formula="H(r given p), bits", function=vi_merge)
