"""Two one-sided tests (TOST): is the mean error small enough not to matter.

That no difference was found does not show that there is none. Here the burden lies on the other side:
"equivalent" is said only if an error as large as the tolerance can be excluded.

References
----------
.. [1] Schuirmann DJ. A comparison of the two one-sided tests procedure and the power approach for assessing
   the equivalence of average bioavailability. Journal of Pharmacokinetics and Biopharmaceutics 15 (1987),
   657-680. doi:10.1007/BF01068419
.. [2] Berger RL, Hsu JC. Bioequivalence trials, intersection-union tests and equivalence confidence sets.
   Statistical Science 11 (1996), 283-319. doi:10.1214/ss/1032280304
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from veriscope.core.plain import PlainRecord
from veriscope.errors import InputError
from veriscope.validate.application.estimate import fieller, mean_estimate, ratio_estimate, stratified_mean
from veriscope.validate.statistics import Interval, check_level

__all__ = ["Equivalence", "check_tolerance", "mean_error", "tost"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Equivalence(PlainRecord):
    """Whether a mean error is smaller than a tolerance.

    Parameters
    ----------
    error
        Mean error with the interval of level 1 - 2 alpha, which lies within the tolerance if and only if
        both tests reject.
    p_value
        The larger p value of both tests; None: cannot tell.
    verdict
        ``"equivalent"``, ``"not equivalent"`` (an error as small as the tolerance can be excluded), or
        ``"cannot tell"``.
    """

    error: Interval
    p_value: float | None
    verdict: Literal["equivalent", "not equivalent", "cannot tell"]


def mean_error(
    references: Sequence[FloatArray],
    predictions: Sequence[FloatArray],
    *,
    relative: bool,
    level: float,
    unit: str = "replicate",
) -> Interval:
    """Give the mean error of replicates with its interval.

    Parameters
    ----------
    references, predictions
        One value per replicate, for each group.
    relative
        Tell it as a share of the mean reference, with Fieller's interval.
    level
        Level of confidence, between 0 and 1.
    unit
        What a replicate is called.

    Returns
    -------
    Interval
        Mean of prediction - reference over all replicates, or its ratio to the mean reference; above 0
        is too much. Groups are fixed: only the spread within them counts.
    """
    pairs = list(zip(references, predictions, strict=True))
    differences = stratified_mean(predictions, less=references)
    if not relative:
        return differences.interval(level, unit=unit)
    below = stratified_mean(references)
    value = differences.value / below.value
    residuals = stratified_mean(predictions, less=[(1 + value) * r for r in references])
    if not residuals.standard_error > 0:
        ends = residuals.interval(level, unit=unit)
        low = None if ends.low is None else value
        return Interval(value, low, low, level, below.n, unit, "mean", ends.method)
    # Var(Σ n_g mean_g / n) = Σ n_g² / n² · covariance / n_g
    covariance = sum((len(r) * np.cov(p - r, r) / below.n**2 for r, p in pairs), start=np.zeros((2, 2)))
    limits = fieller(
        (differences.value, below.value),
        covariance,
        degrees_of_freedom=residuals.degrees_of_freedom,
        level=level,
    )
    low, high = limits or (None, None)
    method = "Fieller" if limits else "cannot tell: the mean reference may be 0"
    return Interval(value, low, high, level, below.n, unit, "mean", method)


def tost(
    reference: ArrayLike,
    prediction: ArrayLike,
    *,
    tolerance: float,
    relative: bool = False,
    alpha: float = 0.05,
    unit: str = "replicate",
) -> Equivalence:
    """Test whether the mean error is smaller than a tolerance [1]_ [2]_.

    Parameters
    ----------
    reference, prediction
        One value per replicate in the same order, shape (k,): independent of each other.
    tolerance
        Largest harmless mean error, above 0.
    relative
        The tolerance is a share of the mean reference, below 1, instead of a difference.
    alpha
        Chance of calling an error as large as the tolerance harmless.
    unit
        What a replicate is called.

    Returns
    -------
    Equivalence
        "cannot tell" for fewer than two replicates.

    Raises
    ------
    InputError
        If the values do not fit each other or are not finite, or an option is not allowed.
    """
    check_level(1 - 2 * alpha)
    r, p = np.asarray(reference, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
    if r.ndim != 1 or r.shape != p.shape or not len(r) or not np.isfinite(r + p).all():
        raise InputError(
            f"reference values of shape {r.shape} and predicted values of shape {p.shape} cannot be tested; "
            "give one finite value of each per replicate"
        )
    check_tolerance(tolerance, relative=relative)
    if relative and not r.mean() > 0:
        raise InputError(
            f"the mean reference is {r.mean():g}, so no error is a share of it; use relative=False"
        )
    upper, lower = _one_sided(r, p, tolerance, relative=relative)
    error = mean_error([r], [p], relative=relative, level=1 - 2 * alpha, unit=unit)
    p_value = None if upper is None or lower is None else max(upper, lower)
    if p_value is not None and p_value < alpha:
        return Equivalence(error, p_value, "equivalent")
    if (
        error.low is not None
        and error.high is not None
        and (error.low > tolerance or error.high < -tolerance)
    ):
        return Equivalence(error, p_value, "not equivalent")
    return Equivalence(error, p_value, "cannot tell")


def check_tolerance(tolerance: float, *, relative: bool) -> None:
    """Refuse a tolerance that makes no sense.

    Parameters
    ----------
    tolerance
        The tolerance given.
    relative
        It is a share.

    Raises
    ------
    InputError
        If it is not above 0, or is a share of 1 or more.
    """
    if not (np.isfinite(tolerance) and tolerance > 0) or (relative and tolerance >= 1):
        allowed = "a share above 0 and below 1, such as 0.1" if relative else "a number above 0"
        raise InputError(f"tolerance {tolerance!r} is not allowed; use {allowed}")


def _one_sided(
    reference: FloatArray, prediction: FloatArray, tolerance: float, *, relative: bool
) -> tuple[float | None, float | None]:
    """Give the p values of "the error is below the tolerance" and "above its negative"."""
    if not relative:
        error = mean_estimate(prediction, less=reference)
        return error.p_below(tolerance), error.p_above(-tolerance)
    ratio = ratio_estimate(prediction, reference)
    if ratio.standard_error == 0:  # the same share in each replicate
        return ratio.p_below(1 + tolerance), ratio.p_above(1 - tolerance)
    upper = mean_estimate(prediction, less=(1 + tolerance) * reference).p_below(0)
    return upper, mean_estimate(prediction, less=(1 - tolerance) * reference).p_above(0)
