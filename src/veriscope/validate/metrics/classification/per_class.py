"""Metrics of decisions for one class against the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from veriscope.errors import InputError
from veriscope.validate.metrics.base import FloatArray, ratio
from veriscope.validate.metrics.classification.confusion import check_confusion

__all__ = [
    "Decisions",
    "f_beta",
    "negative_predictive_value",
    "net_benefit",
    "one_versus_rest",
    "positive_likelihood_ratio",
    "positive_predictive_value",
    "sensitivity",
    "specificity",
]


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """Counts of right and wrong decisions for a class; all arrays have the same shape.

    Parameters
    ----------
    tp, fp, fn, tn
        Cases of the class that were found, cases of the rest that were taken for it, cases of it that
        were missed, and cases of the rest that were left to the rest.
    """

    tp: FloatArray
    fp: FloatArray
    fn: FloatArray
    tn: FloatArray

    @property
    def total(self) -> FloatArray:
        """Number of cases."""
        return self.tp + self.fp + self.fn + self.tn


def one_versus_rest(confusion: ArrayLike, *, positive: int = 1) -> Decisions:
    """Take the counts of one class against all others.

    Parameters
    ----------
    confusion
        Counts of `classification.confusion_matrix`, shape (..., K, K).
    positive
        The class, 0 to K - 1.

    Returns
    -------
    Decisions
        Arrays of shape (...).

    Raises
    ------
    InputError
        If there is no such class.
    """
    counts = check_confusion(confusion)
    if not 0 <= positive < counts.shape[-1]:
        raise InputError(f"class {positive} is not allowed; the classes are 0 to {counts.shape[-1] - 1}")
    # Added up and not subtracted from totals: with weights, rounding would leave cases where there are none.
    rest = np.delete(np.arange(counts.shape[-1]), positive)
    return Decisions(
        tp=counts[..., positive, positive],
        fp=counts[..., rest, positive].sum(axis=-1),
        fn=counts[..., positive, rest].sum(axis=-1),
        tn=counts[..., rest, :][..., rest].sum(axis=(-2, -1)),
    )


def sensitivity(decisions: Decisions) -> FloatArray:
    """Share of the cases of the class that were found; also called recall.

    Parameters
    ----------
    decisions
        Counts.

    Returns
    -------
    numpy.ndarray
        TP / (TP + FN), 0 to 1, higher is better. NaN if no case is of the class.
    """
    return ratio(decisions.tp, decisions.tp + decisions.fn)


def specificity(decisions: Decisions) -> FloatArray:
    """Share of the cases of the rest that were left to the rest.

    Parameters
    ----------
    decisions
        Counts.

    Returns
    -------
    numpy.ndarray
        TN / (TN + FP), 0 to 1, higher is better. NaN if all cases are of the class.
    """
    return ratio(decisions.tn, decisions.tn + decisions.fp)


def positive_predictive_value(decisions: Decisions, *, prevalence: float | None = None) -> FloatArray:
    """Share of the cases taken for the class that are of it; also called precision.

    Parameters
    ----------
    decisions
        Counts.
    prevalence
        Share of cases that are of the class where the decisions will be made; None: as in these data.

    Returns
    -------
    numpy.ndarray
        TP / (TP + FP), 0 to 1, higher is better. NaN if no case was taken for the class. With a
        prevalence p: sens p / (sens p + (1 - spec) (1 - p)), NaN also if either side has no case.

    Raises
    ------
    InputError
        If the prevalence is not from 0 to 1.
    """
    if prevalence is None:
        return ratio(decisions.tp, decisions.tp + decisions.fp)
    share = _check_share(prevalence, "prevalence")
    right = sensitivity(decisions) * share
    return ratio(right, right + ratio(decisions.fp, decisions.fp + decisions.tn) * (1 - share))


def negative_predictive_value(decisions: Decisions, *, prevalence: float | None = None) -> FloatArray:
    """Share of the cases left to the rest that are of the rest.

    Parameters
    ----------
    decisions
        Counts.
    prevalence
        Share of cases that are of the class where the decisions will be made; None: as in these data.

    Returns
    -------
    numpy.ndarray
        TN / (TN + FN), 0 to 1, higher is better. NaN if no case was left to the rest. With a
        prevalence p: spec (1 - p) / (spec (1 - p) + (1 - sens) p), NaN also if either side has no case.

    Raises
    ------
    InputError
        If the prevalence is not from 0 to 1.
    """
    if prevalence is None:
        return ratio(decisions.tn, decisions.tn + decisions.fn)
    share = _check_share(prevalence, "prevalence")
    right = specificity(decisions) * (1 - share)
    return ratio(right, right + ratio(decisions.fn, decisions.fn + decisions.tp) * share)


def f_beta(decisions: Decisions, *, beta: float = 1.0) -> FloatArray:
    """Weighted harmonic mean of precision and sensitivity of the class.

    Parameters
    ----------
    decisions
        Counts.
    beta
        How many times as much sensitivity counts as precision, above 0: 2 where missing costs more, 0.5
        where a false alarm does.

    Returns
    -------
    numpy.ndarray
        (1 + β²) TP / ((1 + β²) TP + β² FN + FP), 0 to 1, higher is better. NaN if no case is of the
        class and none was taken for it.

    Raises
    ------
    InputError
        If beta is not above 0.

    References
    ----------
    .. [1] van Rijsbergen CJ. Information retrieval, 2nd edition. Butterworths (1979), chapter 7.
    """
    if not (np.isfinite(beta) and beta > 0):
        raise InputError(f"beta {beta!r} is not allowed; use a number above 0, such as 1")
    right = (1 + beta**2) * decisions.tp
    return ratio(right, right + beta**2 * decisions.fn + decisions.fp)


def positive_likelihood_ratio(decisions: Decisions) -> FloatArray:
    """How many times more often cases of the class are taken for it than cases of the rest, LR+.

    Parameters
    ----------
    decisions
        Counts.

    Returns
    -------
    numpy.ndarray
        Sensitivity / (1 - specificity), from 0 up, higher is better, 1 for guessing; does not depend on
        prevalence. Infinite if there is a TP and no FP. NaN if either side has no case, or nothing
        was taken for the class.
    """
    found = sensitivity(decisions)
    alarms = ratio(decisions.fp, decisions.fp + decisions.tn)
    endless = (alarms == 0) & (found > 0)
    return np.asarray(np.where(endless, np.inf, ratio(found, alarms)), dtype=np.float64)


def net_benefit(decisions: Decisions, *, risk_threshold: float) -> FloatArray:
    """Gain of acting on the decisions, in true positives per case, false positives set off against them.

    Parameters
    ----------
    decisions
        Counts.
    risk_threshold
        Risk at which acting and not acting are worth the same, above 0 and below 1: with 0.1, one TP is
        worth nine FP.

    Returns
    -------
    numpy.ndarray
        (TP - FP t / (1 - t)) / cases, at most the prevalence, higher is better; 0 for never acting, so
        that below 0 acting does harm. NaN without a case.

    Raises
    ------
    InputError
        If the threshold is not between 0 and 1.

    References
    ----------
    .. [1] Vickers AJ, Elkin EB. Decision curve analysis. Medical Decision Making 26 (2006), 565-574.
       doi:10.1177/0272989X06295361
    """
    if not 0 < risk_threshold < 1:
        raise InputError(f"risk threshold {risk_threshold!r} is not allowed; use a share between 0 and 1")
    exchange = risk_threshold / (1 - risk_threshold)
    return ratio(decisions.tp - decisions.fp * exchange, decisions.total)


def _check_share(share: float, name: str) -> float:
    if not 0 <= share <= 1:
        raise InputError(f"{name} {share!r} is not allowed; use a share from 0 to 1")
    return share
