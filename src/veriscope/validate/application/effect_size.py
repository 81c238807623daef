"""How much of an effect is kept: difference, ratio and standardised difference of two groups."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from veriscope.validate.application.estimate import Estimate, contrast, fieller, mean_estimate
from veriscope.validate.statistics import Interval

__all__ = ["Effect", "difference_kept", "ratio_kept", "standardised_kept"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """Values of the replicates of two groups.

    Parameters
    ----------
    control_reference, control_prediction
        One value per replicate of the control, shape (k,).
    reference, prediction
        One value per replicate of the group that is compared with it, shape (m,).
    """

    control_reference: FloatArray
    control_prediction: FloatArray
    reference: FloatArray
    prediction: FloatArray

    @property
    def in_references(self) -> Estimate:
        """Mean of the group less mean of the control, in references."""
        return contrast(mean_estimate(self.reference), mean_estimate(self.control_reference))

    @property
    def in_predictions(self) -> Estimate:
        """Mean of the group less mean of the control, in predictions."""
        return contrast(mean_estimate(self.prediction), mean_estimate(self.control_prediction))

    @property
    def sides(self) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
        """References and predictions of the group, then of the control."""
        return (self.reference, self.prediction), (self.control_reference, self.control_prediction)

    @property
    def n(self) -> int:
        """Number of replicates of both groups."""
        return len(self.reference) + len(self.control_reference)


def difference_kept(effect: Effect, *, level: float, unit: str = "replicate") -> Interval:
    """Give the difference in predictions over the difference in references.

    Parameters
    ----------
    effect
        Values of both groups.
    level
        Level of confidence, between 0 and 1.
    unit
        What a replicate is called.

    Returns
    -------
    Interval
        1 if the effect is kept, 0 if it is lost, below 0 if it is turned around. Fieller's interval: it
        respects that references and predictions of a replicate go together. Without ends where the
        references might have no effect, or a group has a single replicate; NaN if they have exactly none.
    """
    below, above = effect.in_references.value, effect.in_predictions.value
    value = above / below if below else float("nan")
    missing = Interval(value, None, None, level, effect.n, unit, "mean", "cannot tell")
    if not np.isfinite(value) or not np.isfinite(effect.in_references.standard_error):
        return missing
    residual = contrast(*(mean_estimate(p, less=value * r) for r, p in effect.sides))
    if residual.standard_error == 0:
        ends = residual.interval(level, unit=unit)
        low = None if ends.low is None else value
        return Interval(value, low, low, level, effect.n, unit, "mean", ends.method)
    covariance = sum((np.cov(p, r) / len(r) for r, p in effect.sides), start=np.zeros((2, 2)))
    ends_found = fieller(
        (above, below), covariance, degrees_of_freedom=residual.degrees_of_freedom, level=level
    )
    if ends_found is None:
        return missing
    return Interval(value, *ends_found, level, effect.n, unit, "mean", "Fieller")


def ratio_kept(effect: Effect, *, level: float, unit: str = "replicate") -> Interval:
    """Give the ratio of the groups in predictions over their ratio in references.

    Parameters
    ----------
    effect, level, unit
        As in `difference_kept`.

    Returns
    -------
    Interval
        1 if the ratio is kept. Interval by linearisation of the logarithm, with Welch's degrees of
        freedom. NaN if a mean is not above 0.
    """
    parts = []
    for reference, prediction in effect.sides:
        r, p = float(reference.mean()), float(prediction.mean())
        if not (r > 0 and p > 0):
            return Interval(float("nan"), None, None, level, effect.n, unit, "mean", "cannot tell")
        error = mean_estimate(prediction / p, less=reference / r)
        parts.append(replace(error, value=float(np.log(p / r))))
    found = contrast(*parts).interval(level, unit=unit)
    low, high = (None if end is None else float(np.exp(end)) for end in (found.low, found.high))
    return replace(found, value=float(np.exp(found.value)), low=low, high=high, n_units=effect.n)


def standardised_kept(effect: Effect, *, level: float, unit: str = "replicate") -> Interval:
    """Give the standardised difference (Cohen's d) in predictions over that in references.

    Parameters
    ----------
    effect, level, unit
        As in `difference_kept`.

    Returns
    -------
    Interval
        Differences are divided by the standard deviation of replicates within groups, so noise in
        predictions lowers it. Jackknife-t interval, replicate by replicate within each group, on the
        logarithm where all values are above 0. Without ends for fewer than three replicates in a group,
        or where the references might have no effect; NaN without effect or spread in the references.
    """
    value = _standardised(effect.sides)
    missing = Interval(value, None, None, level, effect.n, unit, "mean", "cannot tell")
    sizes = [len(reference) for reference, _ in effect.sides]
    p_value = effect.in_references.p_differs()
    if min(sizes) < 3 or not np.isfinite(value) or p_value is None or p_value >= 1 - level:
        return missing
    left_out = [
        np.array([_standardised(_without(effect, side, i)) for i in range(size)])
        for side, size in enumerate(sizes)
    ]
    everything = np.concatenate([*left_out, [value]])
    if not np.isfinite(everything).all():
        return missing
    logarithmic = bool((everything > 0).all())
    if logarithmic:
        left_out, value = [np.log(part) for part in left_out], float(np.log(value))
    variance = sum(
        (k - 1) / k * float(((part - part.mean()) ** 2).sum())
        for k, part in zip(sizes, left_out, strict=True)
    )
    reach = float(stats.t.ppf((1 + level) / 2, min(sizes) - 1)) * np.sqrt(variance)
    ends = np.array([value, value - reach, value + reach])
    value, low, high = map(float, np.exp(ends) if logarithmic else ends)
    return Interval(value, low, high, level, effect.n, unit, "mean", "jackknife-t")


def _standardised(sides: tuple[tuple[FloatArray, FloatArray], ...]) -> float:
    """Give (difference / deviation) of predictions over that of references."""
    sizes = np.array([len(reference) for reference, _ in sides])
    found = []
    for values in ([r for r, _ in sides], [p for _, p in sides]):
        difference = float(values[0].mean() - values[1].mean())
        squares = sum(float(((part - part.mean()) ** 2).sum()) for part in values)
        deviation = np.sqrt(squares / max(int(sizes.sum()) - 2, 1))
        found.append(difference / deviation if deviation > 0 else float("nan"))
    return float(found[1] / found[0]) if found[0] else float("nan")


def _without(effect: Effect, side: int, index: int) -> tuple[tuple[FloatArray, FloatArray], ...]:
    """Give the values without one replicate of one side."""
    sides = list(effect.sides)
    reference, prediction = sides[side]
    sides[side] = (np.delete(reference, index), np.delete(prediction, index))
    return tuple(sides)
