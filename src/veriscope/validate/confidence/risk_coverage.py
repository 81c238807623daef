"""What is gained by leaving out cases of low confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from veriscope.core.plain import PlainRecord
from veriscope.validate.metrics.base import FloatArray
from veriscope.validate.metrics.classification.cases import check_scores

__all__ = ["RiskCoverage", "risk_coverage"]


@dataclass(frozen=True, slots=True, eq=False)
class RiskCoverage(PlainRecord):
    """Mean loss of the cases that are kept if only those with enough confidence are.

    Parameters
    ----------
    thresholds
        Confidences that occur, descending, shape (t,): cases at or above are kept.
    coverage
        Share of cases kept, shape (t,), ascending to 1.
    risk
        Mean loss of the cases kept, shape (t,).
    area
        Mean over k = 1 … n of the mean loss of the k surest cases, those of the same confidence in random
        order; lower is better. NaN without a case.
    """

    thresholds: FloatArray
    coverage: FloatArray
    risk: FloatArray
    area: float


def risk_coverage(losses: ArrayLike, confidence: ArrayLike) -> RiskCoverage:
    """Tell what is gained by leaving out cases of low confidence.

    Parameters
    ----------
    losses
        Loss of each case, shape (n,), finite: 1 - correct, or 1 - IoU of an object, for example.
    confidence
        Confidence of each case, shape (n,), finite, higher for surer; of any scale.

    Returns
    -------
    RiskCoverage
        Cases of the same confidence are kept or left out together. Confidence that says nothing has
        about the same risk everywhere; useful confidence lowers the risk where coverage is small.

    Raises
    ------
    InputError
        If the arrays do not fit, or a value is not finite.

    References
    ----------
    .. [1] Geifman Y, El-Yaniv R. Selective classification for deep neural networks. NeurIPS (2017).
    """
    loss = check_scores(losses, name="losses", finite=True)
    sure = check_scores(confidence, n_cases=len(loss), name="confidence", finite=True)
    n = len(loss)
    if not n:
        empty = np.empty(0)
        return RiskCoverage(empty, empty, empty, float("nan"))
    order = np.argsort(-sure, kind="stable")
    sure, loss = sure[order], loss[order]
    last = np.flatnonzero(np.append(sure[1:] != sure[:-1], True))
    kept = last + 1.0
    total = np.cumsum(loss)[last]
    # Taken in random order, cases of the same confidence add their mean loss one by one.
    each = np.arange(1.0, n + 1)
    area = float((np.interp(each, np.append(0.0, kept), np.append(0.0, total)) / each).mean())
    return RiskCoverage(sure[last], kept / n, total / kept, area)
