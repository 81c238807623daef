"""The answer with its interval: what the model says of all tiles, corrected by the audited ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2
from scipy.stats import t as student

from veriscope.core.plain import PlainRecord
from veriscope.core.words import counted
from veriscope.errors import InputError
from veriscope.trust.correction import (
    CROSS_FIT_FROM,
    Floats,
    calibrated_terms,
    corrected_terms,
    exact_share,
    fitted_slope,
    mean_and_influence,
    ratio_and_influence,
)
from veriscope.trust.interval import Unseen, mean_interval, ratio_interval
from veriscope.trust.units import DrawnUnits

__all__ = [
    "MIN_DRAWS",
    "DrawnUnits",
    "Estimate",
    "estimate",
    "labelled_only",
    "naive",
    "ppi",
    "tiles_needed",
]

MIN_DRAWS = 5
"""Fewer draws give no interval: coverage falls short (`benchmarks/science/coverage.py`)."""

Status = Literal["ok", "cannot-tell"]


@dataclass(frozen=True, slots=True)
class Estimate(PlainRecord):
    """A value, its interval, and what the interval rests on.

    Parameters
    ----------
    value
        Estimate in the unit of the measure; NaN if there is none.
    low, high
        Ends of the interval; NaN if status is ``cannot-tell``, or for the model's word, which has none.
    level
        Share of audits whose interval would cover the truth, 0 to 1.
    estimator
        ``naive``, ``labelled-only``, ``difference``, ``difference-ratio``, both from 20 draws on with
        ``cross-fitted-`` before, ``ppi``, ``ppi++``, or a contrast.
    n
        Draws used; repeated tiles count each time.
    df
        Degrees of freedom; NaN where there is no interval.
    assumptions
        Sentences; each must hold for the interval to be right.
    status
        ``ok`` or ``cannot-tell``.
    reason
        Why it cannot tell, in sentences; empty if it can.
    extra_tiles_needed
        Draws that would probably suffice beyond those made; None if unknown or none are asked for.
    standard_error
        Of the value, by the spread of the draws; NaN where there is no interval.
    """

    value: float
    low: float
    high: float
    level: float
    estimator: str
    n: int
    df: float
    assumptions: tuple[str, ...] = ()
    status: Status = "ok"
    reason: str = ""
    extra_tiles_needed: int | None = None
    standard_error: float = math.nan

    @property
    def half_width(self) -> float:
        """Distance from the value to the farther end of the interval; NaN if there is none."""
        return max(self.high - self.value, self.value - self.low)


def naive(units: DrawnUnits, *, level: float = 0.9) -> Estimate:
    """Give the model's word: the predicted measure, without an interval.

    Parameters
    ----------
    units
        Drawn tiles; only the predicted totals are used.
    level
        Recorded with the estimate.

    Returns
    -------
    Estimate
        Value without interval; NaN and ``cannot-tell`` if the model finds no object to average over.
    """
    below = units.known_denominator
    if units.predicted_total_denominator is not None:
        below = units.predicted_total_denominator
    nan = math.nan
    if below <= 0:
        reason = "The model finds no objects, so there is nothing to average."
        return Estimate(nan, nan, nan, level, "naive", 0, nan, status="cannot-tell", reason=reason)
    assumed = ("The model makes no errors, or errors that cancel. Nothing here tests this.",)
    return Estimate(float(units.predicted_total / below), nan, nan, level, "naive", 0, nan, assumed)


def labelled_only(units: DrawnUnits, *, level: float = 0.9) -> Estimate:
    """Estimate from the references of the drawn tiles alone (Hansen-Hurwitz).

    Parameters
    ----------
    units
        Drawn tiles; predictions are not used, except for how tiles were drawn.
    level
        Confidence level, 0 to 1.

    Returns
    -------
    Estimate
        With Student's t interval, without allowance for skewness: what is commonly done.
    """
    return _plain(units, "labelled-only", 0.0, units.n - 1.0, level)


def ppi(units: DrawnUnits, *, level: float = 0.9, fit: bool = False) -> Estimate:
    """Estimate by prediction-powered inference, for comparison.

    Parameters
    ----------
    units
        Drawn tiles.
    level
        Confidence level, 0 to 1.
    fit
        Fit the weight of the prediction (PPI++) instead of 1 (PPI).

    Returns
    -------
    Estimate
        With the normal interval of the papers, which covers too little for fewer than some 30 draws.
    """
    if fit:
        return _plain(units, "ppi++", "fitted", math.inf, level)
    return _plain(units, "ppi", 1.0, math.inf, level)


def estimate(units: DrawnUnits, *, level: float = 0.9, tolerance: float | None = None) -> Estimate:
    """Estimate a measure of one group from all predictions and the audited tiles.

    Numerator and denominator are each the predicted total plus the Hansen-Hurwitz estimate of what
    the model missed (`veriscope.trust.correction`); the interval is Student's t, or Fieller's for a
    ratio, with allowances for skewness and for failures not seen (`veriscope.trust.interval`).

    Parameters
    ----------
    units
        Drawn tiles.
    level
        Confidence level, 0 to 1.
    tolerance
        Half-width that would be good enough, in the unit of the measure; None asks for none.

    Returns
    -------
    Estimate
        ``cannot-tell`` below `MIN_DRAWS` draws, if no drawn tile holds anything, if the objects to
        average over cannot be told from none, or if the half-width exceeds the tolerance (the
        interval is still given then).

    Raises
    ------
    InputError
        If level or tolerance is out of range.
    """
    if tolerance is not None:
        _check_tolerance(tolerance)
    name = "difference-ratio" if units.is_ratio else "difference"
    if units.n >= CROSS_FIT_FROM:
        name = f"cross-fitted-{name}"
    refused = _too_few(units, name, level)
    if refused is not None:
        return refused
    (above, below), (alone_above, alone_below) = _terms(units, "own"), _terms(units, 0.0)
    pairs = [(units.reference, units.prediction)]
    if units.reference_denominator is not None and units.prediction_denominator is not None:
        pairs.append((units.reference_denominator, units.prediction_denominator))
    unseen = Unseen(exact_share(*pairs), alone_above, alone_below)
    if below is None:
        found = mean_interval(above, level=level, unseen=unseen)
    else:
        found = ratio_interval(above, below, level=level, unseen=unseen)
    value, low, high = float(found.value), float(found.low), float(found.high)
    if not math.isfinite(low):
        return _nothing(units, name, level)
    error, df = float(found.standard_error), units.n - 1.0
    if error == 0 and not np.any(units.reference):
        reason = (
            f"None of {units.n} audited tiles holds anything to measure, by the person or by the model, so "
            "nothing can be told about tiles that do. Draw more tiles, or audit where objects are expected."
        )
        nan = math.nan
        return Estimate(value, nan, nan, level, name, units.n, nan, (), "cannot-tell", reason)
    result = Estimate(value, low, high, level, name, units.n, df, _assumptions(name), standard_error=error)
    return result if tolerance is None else _judged(result, units, tolerance)


def tiles_needed(
    units: DrawnUnits, *, tolerance: float, level: float = 0.9, assurance: float = 0.8
) -> int | None:
    """Tell how many draws in all would probably give a half-width.

    Parameters
    ----------
    units
        Drawn tiles so far.
    tolerance
        Half-width wanted, in the unit of the measure.
    level
        Confidence level, 0 to 1.
    assurance
        Probability that the number suffices: the spread so far is replaced by its upper limit (χ²), which
        supposes that terms vary normally; where they are skewed it suffices somewhat less often.

    Returns
    -------
    int or None
        Draws in all, at least `MIN_DRAWS`; None if there is no interval so far.

    Raises
    ------
    InputError
        If tolerance, level or assurance is out of range.
    """
    _check_tolerance(tolerance)
    if not 0 < assurance < 1:
        raise InputError(f"assurance {assurance:g} is not between 0 and 1; 0.8 is usual")
    result = estimate(units, level=level)
    if not math.isfinite(result.half_width):
        return None
    n, middle = result.n, (1 + level) / 2
    doubt = math.sqrt((n - 1) / float(chi2.ppf(1 - assurance, n - 1)))
    spread = doubt * result.half_width * math.sqrt(n) / float(student.ppf(middle, n - 1))

    def enough(draws: int) -> bool:
        # As a float: beside an answer next to 0 a tolerance may ask for more draws than 64 bits count.
        return float(student.ppf(middle, float(draws - 1))) * spread / math.sqrt(draws) <= tolerance

    # The quantile of t is largest for the fewest draws, so that these are enough.
    high = max(MIN_DRAWS, math.ceil((float(student.ppf(middle, MIN_DRAWS - 1)) * spread / tolerance) ** 2))
    low = MIN_DRAWS - 1
    while high - low > 1:
        between = (low + high) // 2
        low, high = (low, between) if enough(between) else (between, high)
    return high


def _check_tolerance(tolerance: float) -> None:
    if not tolerance > 0:
        raise InputError(f"tolerance {tolerance:g} is not above 0; it is the error that would matter to you")


def _terms(units: DrawnUnits, slope: float | Literal["fitted", "own"]) -> tuple[Floats, Floats | None]:
    """Terms of numerator and denominator: of a slope, of that of PPI++, or of our own way."""

    def of(reference: NDArray[Any], prediction: NDArray[Any], total: float) -> Floats:
        y, m = np.asarray(reference, np.float64), np.asarray(prediction, np.float64)
        p = np.asarray(units.probability, np.float64)
        if slope == "own":
            return calibrated_terms(y, m, p, total)
        weight = fitted_slope(y, m, p) if slope == "fitted" else slope
        return corrected_terms(y, m, p, total, slope=weight)

    above = of(units.reference, units.prediction, units.predicted_total)
    if (
        units.reference_denominator is None
        or units.prediction_denominator is None
        or units.predicted_total_denominator is None
    ):
        return above / units.known_denominator, None
    below = of(units.reference_denominator, units.prediction_denominator, units.predicted_total_denominator)
    return above, below


def _too_few(units: DrawnUnits, estimator: str, level: float) -> Estimate | None:
    """Check the level, and refuse an interval from too few draws."""
    if not 0 < level < 1:
        raise InputError(f"level {level:g} is not between 0 and 1; 0.9 is usual")
    n, nan = units.n, math.nan
    if n >= MIN_DRAWS:
        return None
    reason = f"{counted(n, 'tile was', 'tiles were')} drawn; an interval needs at least {MIN_DRAWS}."
    value = nan
    if n:
        above, below = _terms(units, 0.0 if estimator == "labelled-only" else 1.0)
        value = float(above.mean() if below is None else ratio_and_influence(above, below)[0])
    extra = MIN_DRAWS - n
    return Estimate(value, nan, nan, level, estimator, n, nan, (), "cannot-tell", reason, extra)


def _plain(
    units: DrawnUnits, estimator: str, slope: float | Literal["fitted", "own"], df: float, level: float
) -> Estimate:
    """Do what is commonly done: mean or linearised ratio with a symmetric interval."""
    refused = _too_few(units, estimator, level)
    if refused is not None:
        return refused
    above, below = _terms(units, slope)
    value, influence = mean_and_influence(above) if below is None else ratio_and_influence(above, below)
    if math.isnan(float(value)):
        return _nothing(units, estimator, level)
    error = math.sqrt(float((influence**2).sum()) / (units.n - 1) / units.n)
    half = float(student.ppf((1 + level) / 2, df)) * error
    low, high = float(value) - half, float(value) + half
    assumed = _assumptions(estimator)
    return Estimate(float(value), low, high, level, estimator, units.n, df, assumed, standard_error=error)


def _nothing(units: DrawnUnits, estimator: str, level: float) -> Estimate:
    reason = (
        "The audit cannot tell the number of objects from 0, so a mean over them could be anything. "
        "Draw more tiles, or correct a better prediction."
    )
    nan = math.nan
    return Estimate(nan, nan, nan, level, estimator, units.n, nan, (), "cannot-tell", reason)


def _judged(result: Estimate, units: DrawnUnits, tolerance: float) -> Estimate:
    """Compare the interval with the tolerance."""
    if result.half_width <= tolerance:
        return result
    reason = (
        f"The interval reaches {result.half_width:.4g} from the estimate; the tolerance is {tolerance:.4g}."
    )
    needed = tiles_needed(units, tolerance=tolerance, level=result.level)
    if needed is None:
        return replace(result, status="cannot-tell", reason=reason)
    extra = max(1, needed - result.n)
    if units.n_tiles is not None and needed >= units.n_tiles:
        reason += (
            f" That would take about as many draws as there are tiles ({units.n_tiles}): "
            "annotate them all, or correct a better prediction."
        )
    else:
        reason += f" About {extra} more tiles would probably suffice."
    return replace(result, status="cannot-tell", reason=reason, extra_tiles_needed=extra)


def _assumptions(estimator: str) -> tuple[str, ...]:
    common: Sequence[str] = (
        "Tiles were drawn by the plan, and all were annotated, also those that look empty or hard.",
        "The annotations are right: errors of the annotator are not in the interval.",
        "The answer is about these images; other samples of the same kind may differ.",
    )
    if estimator in ("ppi", "ppi++"):
        return (*common, "There are enough tiles for a normal interval (some 30).")
    if estimator == "labelled-only":
        return (*common, "Errors are nearly symmetric (Student's t).")
    return (*common, "Rare large errors that no drawn tile shows are covered only in part.")
