"""Adapted Rand error: how many pairs of pixels are together in one image and apart in the other.

Only pixels of reference objects count (foreground-only). Where the prediction has background there, that is
one more segment, as in scikit-image; the code of the SNEMI3D challenge instead takes each such pixel as a
segment of its own. Pairs are of two different pixels.

Over several images it is as if they lay side by side with objects of their own, so an image weighs by the
squared sizes of its objects.
"""

from __future__ import annotations

import numpy as np

from veriscope.validate.contingency import Contingency
from veriscope.validate.metrics.base import Counts, FloatArray, Metric, ratio

__all__ = ["ARE", "ARE_PRECISION", "ARE_RECALL", "are", "are_precision", "are_recall", "are_sums"]


def are(counts: Counts) -> FloatArray:
    """Adapted Rand error, ARE.

    Parameters
    ----------
    counts
        Sums over one or more images.

    Returns
    -------
    numpy.ndarray
        1 - 2 S / (R + P), with the pairs of foreground pixels in one object of both images (S), of the
        reference (R), of the prediction (P); 0 to 1, lower is better. NaN if the reference has no object or
        only objects of one pixel that the prediction also keeps apart. With nothing predicted it is not 1:
        all objects count as merged.

    References
    ----------
    .. [1] Arganda-Carreras I et al. Crowdsourcing the creation of image segmentation algorithms for
       connectomics. Frontiers in Neuroanatomy 9 (2015). doi:10.3389/fnana.2015.00142
    """
    return 1 - ratio(2 * counts.pairs_shared, counts.pairs_reference + counts.pairs_prediction)


def are_precision(counts: Counts) -> FloatArray:
    """Share of the pairs of pixels that the prediction puts into one object and the reference too.

    Parameters
    ----------
    counts
        Sums over one or more images.

    Returns
    -------
    numpy.ndarray
        S / P, 0 to 1, higher is better; merges lower it. NaN without such pairs. scikit-image 0.26 gives it
        as the *third* value, contrary to its documentation.
    """
    return ratio(counts.pairs_shared, counts.pairs_prediction)


def are_recall(counts: Counts) -> FloatArray:
    """Share of the pairs of pixels that the reference puts into one object and the prediction too.

    Parameters
    ----------
    counts
        Sums over one or more images.

    Returns
    -------
    numpy.ndarray
        S / R, 0 to 1, higher is better; splits lower it. NaN without such pairs. scikit-image 0.26 gives it
        as the *second* value, contrary to its documentation.
    """
    return ratio(counts.pairs_shared, counts.pairs_reference)


def are_sums(table: Contingency) -> tuple[int, int, int]:
    """Count the pairs of pixels of one image, each pair twice.

    Parameters
    ----------
    table
        Overlaps of the two images.

    Returns
    -------
    tuple
        Pairs of foreground pixels in one object of both images, of the reference, of the prediction.
    """
    rows, columns = table.pairs.T
    uncovered = table.reference_areas.copy()
    np.subtract.at(uncovered, rows, table.overlaps)
    inside = np.zeros(table.n_prediction, dtype=np.int64)
    np.add.at(inside, columns, table.overlaps)
    return (
        _pairs(table.overlaps) + _pairs(uncovered),
        _pairs(table.reference_areas),
        _pairs(inside) + _pairs(uncovered.sum(keepdims=True)),
    )


def _pairs(sizes: np.ndarray[tuple[int], np.dtype[np.int64]]) -> int:
    """Count ordered pairs of different pixels within segments, exactly: squares may pass 64 bits."""
    if len(sizes) and int(sizes.max()) ** 2 * len(sizes) < 2**63:
        return int(sizes @ (sizes - 1))
    return sum(size * (size - 1) for size in sizes.tolist())


ARE = Metric(
    "are",
    "1 - 2 S / (R + P), of pairs of foreground pixels in one object",
    are,
    sizes=lambda counts: counts.pairs_reference + counts.pairs_prediction,
    best=0.0,
    empty="no reference object: undefined",
)
ARE_PRECISION = Metric(
    "are_precision",
    "S / P, of pairs of foreground pixels in one object",
    are_precision,
    sizes=lambda counts: counts.pairs_prediction,
    empty=ARE.empty,
)
ARE_RECALL = Metric(
    "are_recall",
    "S / R, of pairs of foreground pixels in one object",
    are_recall,
    sizes=lambda counts: counts.pairs_reference,
    empty=ARE.empty,
)
