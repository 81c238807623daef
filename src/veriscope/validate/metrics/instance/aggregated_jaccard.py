"""The aggregated Jaccard index of Kumar and others, AJI: overlap and missing objects in one number.

Each reference object takes the predicted object of the largest IoU; the pixels that the two share go to the
numerator, the pixels in either to the denominator. Several references may take the same prediction. A
reference that no prediction touches brings its area to the denominator, and so does every prediction that
nobody took.

Others compute something else under this name:

- **AJI+** (HoVer-Net) matches one to one, so that a prediction is not punished once per reference it covers.
- The code of the MoNuSeg challenge removes a prediction once taken, so the result depends on the order of the
  labels; where no prediction touches a reference it takes the first one.
- **Cellpose** divides the shared pixels of its one-to-one matches by the union of both foregrounds. That is
  never smaller than ours, because the denominator of Kumar counts pixels of a prediction taken twice twice.
"""

from __future__ import annotations

import numpy as np

from veriscope.validate.contingency import Contingency
from veriscope.validate.metrics.base import Counts, FloatArray, Metric, ratio

__all__ = ["AJI", "aji", "aji_sums"]


def aji(counts: Counts) -> FloatArray:
    """Give the aggregated Jaccard index, AJI.

    Parameters
    ----------
    counts
        Sums over one or more images.

    Returns
    -------
    numpy.ndarray
        Shared pixels / (pixels in either + pixels of predictions that nobody took), 0 to 1, higher is
        better. NaN if neither side has an object, 0 if only one side has. Pooled over images it is the sum
        of the numerators over the sum of the denominators, so large objects weigh more.

    References
    ----------
    .. [1] Kumar N, Verma R, Sharma S, Bhargava S, Vahadane A, Sethi A. A dataset and a technique for
       generalized nuclear segmentation for computational pathology. IEEE TMI 36 (2017), algorithm 1.
       doi:10.1109/TMI.2017.2677499
    """
    return ratio(counts.aji_intersection, counts.aji_union)


def aji_sums(table: Contingency) -> tuple[float, float]:
    """Give numerator and denominator of the aggregated Jaccard index of one image.

    Parameters
    ----------
    table
        Overlaps of the two images.

    Returns
    -------
    tuple
        Both in pixels; 0 and 0 if neither image has an object. Where several predictions are equally good
        for a reference, the paper leaves the choice open; these are the sums to be expected if it is made
        by lot, so that they do not depend on how objects are numbered.
    """
    rows, columns = table.pairs.T
    ious = table.ious
    touched = np.zeros(table.n_reference, dtype=bool)
    touched[rows] = True
    missed = int(table.reference_areas[~touched].sum())
    if not len(rows):
        return 0.0, float(missed + table.prediction_areas.sum())
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    largest = np.zeros(table.n_reference)
    largest[rows[starts]] = np.maximum.reduceat(ious, starts)
    best = np.flatnonzero(ious == largest[rows])
    rows, columns, shared = rows[best], columns[best], table.overlaps[best]
    share = 1 / np.bincount(rows, minlength=table.n_reference)[rows]
    unions = table.reference_areas[rows] + table.prediction_areas[columns] - shared
    unused = np.ones(table.n_prediction)
    np.multiply.at(unused, columns, 1 - share)
    union = float(share @ unions + missed + unused @ table.prediction_areas)
    return float(share @ shared), union


AJI = Metric(
    "aji",
    "pixels shared by references and best predictions / (pixels in either + unused predictions)",
    aji,
    sizes=lambda counts: counts.aji_union,
    empty="no object on either side: undefined; on one side only: 0",
)
