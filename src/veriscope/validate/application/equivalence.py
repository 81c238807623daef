"""Is the mean error small enough not to matter? Two one-sided tests against a tolerance (TOST).

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
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from veriscope.errors import InputError
from veriscope.validate.application.estimate import fieller, mean_estimate, stratified_mean
from veriscope.validate.application.result import Check, Figure, shown, shown_interval
from veriscope.validate.application.settings import ApplicationSettings
from veriscope.validate.application.table import ApplicationTable
from veriscope.validate.statistics import Interval, check_level

__all__ = ["Equivalence", "check_equivalence", "mean_error", "tost"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Equivalence:
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

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            The fields by name.
        """
        return {"error": self.error.to_dict(), "p_value": self.p_value, "verdict": self.verdict}


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
    differences = stratified_mean([p - r for r, p in pairs])
    if not relative:
        return differences.interval(level, unit=unit)
    below = stratified_mean(references)
    value = differences.value / below.value
    residuals = stratified_mean([p - (1 + value) * r for r, p in pairs])
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
    if relative:
        upper = mean_estimate(p - (1 + tolerance) * r).p_below(0)
        lower = mean_estimate(p - (1 - tolerance) * r).p_above(0)
    else:
        differences = mean_estimate(p - r)
        upper, lower = differences.p_below(tolerance), differences.p_above(-tolerance)
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
    """Refuse a tolerance that makes no sense."""
    if not (np.isfinite(tolerance) and tolerance > 0) or (relative and tolerance >= 1):
        allowed = "a share above 0 and below 1, such as 0.1" if relative else "a number above 0"
        raise InputError(f"tolerance {tolerance!r} is not allowed; use {allowed}")


def check_equivalence(
    table: ApplicationTable, *, tolerance: float, relative: bool, settings: ApplicationSettings
) -> Check:
    """Check that the mean error is harmless in every group.

    Parameters
    ----------
    table
        Values of units.
    tolerance, relative
        Largest harmless mean error, as a difference or as a share of the reference.
    settings
        Options.

    Returns
    -------
    Check
        Holds if it is equivalent in *every* group, so that errors of opposite sign cannot hide each other;
        fails if it is not equivalent in any (tested at alpha / number of groups). The figure is that of
        the group with the largest error; its p value is the largest of all groups.
    """
    name = settings.replicate
    by_group = {}
    for group in table.groups:
        values = table.replicate_means(group)
        by_group[group] = tost(
            *values, tolerance=tolerance, relative=relative, alpha=settings.alpha, unit=name
        )
    strict = [
        tost(
            *table.replicate_means(group),
            tolerance=tolerance,
            relative=relative,
            alpha=settings.alpha / len(table.groups),
        ).verdict
        for group in table.groups
    ]
    p_values = [result.p_value for result in by_group.values()]
    p_known = [p for p in p_values if p is not None]
    p_value = max(p_known) if len(p_known) == len(p_values) else None
    group, worst = max(by_group.items(), key=lambda item: abs(item[1].error.value))
    told = f"{shown_interval(worst.error, relative=relative)} in group {group}"
    bound = shown(tolerance, relative=relative)
    verdicts = {result.verdict for result in by_group.values()}
    if verdicts == {"equivalent"}:
        status, sentence = "holds", f"In every group the mean error is smaller than {bound}; largest: {told}."
    elif "not equivalent" in strict:
        status, sentence = "fails", f"The mean error is larger than {bound}: {told}."
    else:
        status, sentence = (
            "cannot tell",
            f"With this number of {name}s the mean error may be smaller or larger than {bound}: {told}.",
        )
    return Check(
        name="equivalence",
        status=status,  # type: ignore[arg-type]
        sentence=sentence,
        figure=Figure(f"mean error in group {group}", worst.error, p_value),
        allowed=(-tolerance, tolerance),
        figures=tuple(Figure(f"mean error in group {g}", e.error, e.p_value) for g, e in by_group.items()),
        n=len(table.replicates),
        unit=name,
    )
