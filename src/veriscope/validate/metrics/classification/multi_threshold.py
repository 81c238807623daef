"""Metrics of scores over all thresholds, and of the best threshold that keeps a promise.

A case is taken for the class where its score is at or above the threshold; cases of the same score go
together, so results do not depend on the order of the cases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from veriscope.errors import InputError
from veriscope.validate.metrics.base import FloatArray
from veriscope.validate.metrics.classification.cases import check_outcomes, check_scores
from veriscope.validate.metrics.classification.per_class import (
    Decisions,
    positive_predictive_value,
    sensitivity,
    specificity,
)

__all__ = [
    "OperatingPoint",
    "auroc",
    "average_precision",
    "decisions_by_threshold",
    "ppv_at_sensitivity",
    "sensitivity_at_ppv",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
]


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The best that can be had of one metric while another is at least what was asked for.

    Parameters
    ----------
    value
        Largest value, 0 to 1; NaN if no threshold keeps the promise or a metric is undefined.
    threshold
        Threshold of the score that gives it, infinite for taking no case for the class; the highest, if
        there are several. NaN where `value` is.
    kept
        Value of the metric that the promise is about; NaN where `value` is.
    """

    value: float
    threshold: float
    kept: float


def decisions_by_threshold(reference: ArrayLike, scores: ArrayLike) -> tuple[FloatArray, Decisions]:
    """Count right and wrong decisions at every threshold that makes a difference.

    Parameters
    ----------
    reference
        Whether each case is of the class, shape (n,), 0 or 1.
    scores
        Score of each case, shape (n,), higher for the class; no NaN.

    Returns
    -------
    tuple
        Thresholds of shape (t,), descending, the first infinite (no case is taken for the class), then
        each score that occurs; and the counts at each, arrays of shape (t,).

    Raises
    ------
    InputError
        If references or scores are not allowed.
    """
    positive = check_outcomes(reference, name="reference")
    found = check_scores(scores, n_cases=len(positive))
    order = np.argsort(-found, kind="stable")
    found, positive = found[order], positive[order]
    last = np.flatnonzero(np.append(found[1:] != found[:-1], True)) if len(found) else np.empty(0, np.intp)
    tp = np.concatenate([[0.0], np.cumsum(positive, dtype=np.float64)[last]])
    fp = np.concatenate([[0.0], np.cumsum(~positive, dtype=np.float64)[last]])
    thresholds = np.concatenate([[np.inf], found[last]])
    n_positive = float(positive.sum())
    return thresholds, Decisions(tp=tp, fp=fp, fn=n_positive - tp, tn=len(positive) - n_positive - fp)


def auroc(reference: ArrayLike, scores: ArrayLike) -> float:
    """Probability that a case of the class has a higher score than a case of the rest; ties count half.

    Parameters
    ----------
    reference, scores
        As in `decisions_by_threshold`.

    Returns
    -------
    float
        Area under the ROC curve, 0 to 1, higher is better, 0.5 for guessing. NaN if either side has no
        case. Does not depend on prevalence, so it says little on a rare class: see `average_precision`.

    Raises
    ------
    InputError
        If references or scores are not allowed.

    References
    ----------
    .. [1] Hanley JA, McNeil BJ. The meaning and use of the area under a receiver operating characteristic
       (ROC) curve. Radiology 143 (1982), 29-36. doi:10.1148/radiology.143.1.7063747
    """
    positive = check_outcomes(reference, name="reference")
    ranks = stats.rankdata(check_scores(scores, n_cases=len(positive)))
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    wins = float(ranks[positive].sum()) - n_positive * (n_positive + 1) / 2
    return wins / (n_positive * n_negative)


def average_precision(reference: ArrayLike, scores: ArrayLike) -> float:
    """Precision averaged over the steps of sensitivity, without interpolation.

    Parameters
    ----------
    reference, scores
        As in `decisions_by_threshold`.

    Returns
    -------
    float
        Σ (sensitivity - sensitivity before) · precision over descending thresholds, above 0 and at most 1,
        higher is better; about the prevalence for guessing, so not comparable where prevalence differs.
        NaN if no case is of the class.

    Raises
    ------
    InputError
        If references or scores are not allowed.
    """
    _, decisions = decisions_by_threshold(reference, scores)
    found = sensitivity(decisions)
    # The first threshold takes no case, so its precision is undefined; its step would be 0.
    return (
        float((np.diff(found) * positive_predictive_value(decisions)[1:]).sum()) if len(found) > 1 else np.nan
    )


def sensitivity_at_specificity(reference: ArrayLike, scores: ArrayLike, *, at_least: float) -> OperatingPoint:
    """Give the largest sensitivity with a specificity of at least what is asked for.

    Parameters
    ----------
    reference, scores
        As in `decisions_by_threshold`.
    at_least
        Specificity asked for, 0 to 1.

    Returns
    -------
    OperatingPoint
        0 or more, since taking no case keeps every promise; NaN if either side has no case.

    Raises
    ------
    InputError
        If references, scores or the promise are not allowed.
    """
    thresholds, decisions = decisions_by_threshold(reference, scores)
    return _best(thresholds, sensitivity(decisions), specificity(decisions), at_least)


def specificity_at_sensitivity(reference: ArrayLike, scores: ArrayLike, *, at_least: float) -> OperatingPoint:
    """Give the largest specificity with a sensitivity of at least what is asked for.

    Parameters
    ----------
    reference, scores
        As in `decisions_by_threshold`.
    at_least
        Sensitivity asked for, 0 to 1.

    Returns
    -------
    OperatingPoint
        0 or more, since taking all cases keeps every promise; NaN if either side has no case.

    Raises
    ------
    InputError
        If references, scores or the promise are not allowed.
    """
    thresholds, decisions = decisions_by_threshold(reference, scores)
    return _best(thresholds, specificity(decisions), sensitivity(decisions), at_least)


def ppv_at_sensitivity(reference: ArrayLike, scores: ArrayLike, *, at_least: float) -> OperatingPoint:
    """Give the largest precision with a sensitivity of at least what is asked for.

    Parameters
    ----------
    reference, scores
        As in `decisions_by_threshold`.
    at_least
        Sensitivity asked for, 0 to 1.

    Returns
    -------
    OperatingPoint
        NaN if no case is of the class. At a sensitivity of 0, taking no case is left aside.

    Raises
    ------
    InputError
        If references, scores or the promise are not allowed.
    """
    thresholds, decisions = decisions_by_threshold(reference, scores)
    return _best(thresholds, positive_predictive_value(decisions), sensitivity(decisions), at_least)


def sensitivity_at_ppv(reference: ArrayLike, scores: ArrayLike, *, at_least: float) -> OperatingPoint:
    """Give the largest sensitivity with a precision of at least what is asked for.

    Parameters
    ----------
    reference, scores
        As in `decisions_by_threshold`.
    at_least
        Precision asked for, 0 to 1.

    Returns
    -------
    OperatingPoint
        NaN if no threshold has that precision, or no case is of the class.

    Raises
    ------
    InputError
        If references, scores or the promise are not allowed.
    """
    thresholds, decisions = decisions_by_threshold(reference, scores)
    return _best(thresholds, sensitivity(decisions), positive_predictive_value(decisions), at_least)


def _best(thresholds: FloatArray, values: FloatArray, kept: FloatArray, at_least: float) -> OperatingPoint:
    """Take the largest value where the other metric is large enough, the highest threshold first."""
    if not 0 <= at_least <= 1:
        raise InputError(f"at_least {at_least!r} is not allowed; use a share from 0 to 1")
    allowed = np.flatnonzero((kept >= at_least) & np.isfinite(values))
    if not len(allowed):
        return OperatingPoint(float("nan"), float("nan"), float("nan"))
    best = allowed[np.argmax(values[allowed])]
    return OperatingPoint(float(values[best]), float(thresholds[best]), float(kept[best]))
