"""How well numbers of objects agree, whether or not the objects match."""

from __future__ import annotations

import numpy as np

from veriscope.validate.metrics.base import Counts, FloatArray, Metric, ratio

__all__ = ["COUNT_BIAS", "count_bias"]


def count_bias(counts: Counts) -> FloatArray:
    """Relative error of the number of objects.

    Parameters
    ----------
    counts
        Sums over one or more images.

    Returns
    -------
    numpy.ndarray
        (predicted - reference) / reference, from -1 up, 0 is best, below 0 too few. NaN if the reference
        has no object. Errors of both kinds cancel: a bias of 0 does not mean that objects were found.
    """
    return ratio(counts.n_prediction - counts.n_reference, counts.n_reference)


COUNT_BIAS = Metric(
    name="count_bias",
    formula="(predicted objects - reference objects) / reference objects",
    function=count_bias,
    sizes=lambda counts: counts.n_reference + counts.n_prediction,
    low=-1.0,
    high=np.inf,
    best=0.0,
    empty="no reference object: undefined",
)
