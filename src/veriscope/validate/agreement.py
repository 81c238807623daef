"""How well one number per unit agrees with its reference: Bland-Altman limits and proportional bias.

For counts, or any measure with one value per image. Correlation is not agreement: a method that always
finds half of the objects correlates perfectly.

Several images of one replicate are not independent. With clusters, the variance of the differences is
split into that between and that within clusters; the limits hold for a single unit of a new cluster, and
their intervals come from the method of variance estimates recovery (MOVER) of Zou [3]_, which takes the
normal quantile for the mean: with that of t the limits would be covered more often than stated.

Where all units (clusters) differ by the same, their spread says nothing on those not seen, and intervals from
it would have no width. The mean is then as sure as the sign test of n of n says; the limits are told where at
most a share of 1 - `spread` of all units can be others (binomial bound); the slope is told without interval.

References
----------
.. [1] Bland JM, Altman DG. Measuring agreement in method comparison studies. Statistical Methods in
   Medical Research 8 (1999), 135-160. doi:10.1177/096228029900800204
.. [2] Carkeet A. Exact parametric confidence intervals for Bland-Altman limits of agreement. Optometry
   and Vision Science 92 (2015), e71-e80. doi:10.1097/OPX.0000000000000513
.. [3] Zou GY. Confidence interval estimation for the Bland-Altman limits of agreement with multiple
   observations per individual. Statistical Methods in Medical Research 22 (2013), 630-642.
   doi:10.1177/0962280211402548
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from veriscope.core.plain import PlainRecord
from veriscope.errors import InputError
from veriscope.validate.clusters import cluster_numbers, sum_by_cluster
from veriscope.validate.statistics import Interval, check_level, jackknife_interval, leave_one_out

__all__ = ["Agreement", "bland_altman"]

FloatArray = NDArray[np.float64]
Ends = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Agreement(PlainRecord):
    """Agreement of predicted with reference values over units.

    Parameters
    ----------
    relative
        Whether differences are shares of the mean of both values, (p - r) / ((p + r) / 2), instead of
        p - r.
    spread
        Share of units that the limits of agreement are meant to hold.
    mean_difference
        Mean of the differences prediction - reference; 0 is best, above 0 too many.
    lower_limit, upper_limit
        Limits of agreement: the differences between which the stated share of units lies, if they
        are normally distributed. NaN for fewer than two units.
    slope
        Proportional bias: change of the difference per unit of the mean of both values; 0 is best.
        NaN for fewer than three units, or if all means are the same.
    standard_deviation
        Standard deviation of the differences; NaN for fewer than two units. With clusters: of the
        difference of a single unit of a new cluster.
    means, differences
        The points of the plot, one per unit used.
    n_left_out
        Units without a value on either side, or (relative) with 0 on both.
    deviation_within
        Standard deviation of the differences within clusters; NaN without clusters of two or more units.
    n_clusters
        Number of clusters; None where units stand for themselves.
    """

    relative: bool
    spread: float
    mean_difference: Interval
    lower_limit: Interval
    upper_limit: Interval
    slope: Interval
    standard_deviation: float
    means: tuple[float, ...]
    differences: tuple[float, ...]
    n_left_out: int
    deviation_within: float = float("nan")
    n_clusters: int | None = None

    also_told: ClassVar[tuple[str, ...]] = ("n_units",)

    @property
    def n_units(self) -> int:
        """Number of units used."""
        return len(self.differences)


def bland_altman(
    reference: ArrayLike,
    prediction: ArrayLike,
    *,
    clusters: Sequence[Hashable] | None = None,
    relative: bool = False,
    level: float = 0.95,
    spread: float = 0.95,
    unit: str = "image",
    cluster: str = "replicate",
) -> Agreement:
    """Describe how far predicted values lie from reference values, unit by unit.

    Parameters
    ----------
    reference, prediction
        One value per unit, shape (n,); NaN where a unit has none.
    clusters
        Name of what each unit belongs to, such as its replicate; None: units are independent.
    relative
        Take differences as shares of the mean of both values, for errors that grow with the value.
        Needs values of 0 or more; units with 0 on both sides are left out.
    level
        Level of the intervals, between 0 and 1.
    spread
        Share of units that the limits of agreement are meant to hold, between 0 and 1.
    unit, cluster
        What a unit and a cluster are.

    Returns
    -------
    Agreement
        Mean difference with t interval, limits of agreement with exact intervals (noncentral t), slope
        of proportional bias with t interval. With clusters of several units: mean of the clusters' means
        with t interval by cluster, limits with MOVER intervals, slope with jackknife-t interval by
        cluster. NaN and "cannot tell" where units or clusters are too few.

    Raises
    ------
    InputError
        If the arrays are not of the same length and one-dimensional, there is not one cluster per unit, a
        value is infinite, a relative value is negative, or an option is not allowed.
    """
    check_level(level)
    check_level(spread)
    used, means, differences = _points(reference, prediction, relative=relative)
    index = np.arange(int(used.sum()), dtype=np.intp)
    if clusters is not None:
        index = cluster_numbers(clusters, n_units=len(used), kept=used)
    parts = _Parts.of(differences, index)
    k = parts.n_clusters
    told = unit if clusters is None else cluster
    z = float(stats.norm.ppf((1 + spread) / 2))
    # Spread below this is rounding of the values that the differences were taken of.
    least = 1e-12 * (1.0 if relative else float(np.abs(means).max(initial=0.0)))

    def interval(value: float, ends: Ends | None, how: str) -> Interval:
        low, high = ends or (None, None)
        text = how if k > 1 else f"cannot tell: {k} {told}{'' if k == 1 else 's'}"
        return Interval(float(value), low, high, level, k, told, "mean", text)

    bias_ends, bias_method = _mean_ends(parts, level, least)
    (lower_ends, upper_ends), method = _limit_ends(parts, z, level, spread, least)
    if k == len(differences):
        slope, slope_ends = _slope(means, differences, level, least)
        how = "least squares, t" if slope_ends else "cannot tell: few units, or no spread around the line"
        slope_interval = interval(slope, slope_ends, how)
    else:
        slope_interval = _cluster_slope(means, differences, index, level, told)
    return Agreement(
        relative=relative,
        spread=spread,
        mean_difference=interval(parts.mean, bias_ends, bias_method),
        lower_limit=interval(parts.mean - z * parts.deviation, lower_ends, method),
        upper_limit=interval(parts.mean + z * parts.deviation, upper_ends, method),
        slope=slope_interval,
        standard_deviation=parts.deviation,
        means=tuple(means.tolist()),
        differences=tuple(differences.tolist()),
        n_left_out=int(len(used) - used.sum()),
        deviation_within=parts.deviation_within,
        n_clusters=None if clusters is None else k,
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """Parts of the variance of differences, between and within clusters (Zou 2013, section 3)."""

    mean: float
    deviation: float
    deviation_of_means: float
    deviation_within: float
    harmonic_size: float
    n_clusters: int
    n_units: int

    @classmethod
    def of(cls, differences: FloatArray, index: NDArray[np.intp]) -> _Parts:
        """Split the variance; a single unit per cluster leaves nothing within."""
        sizes = np.bincount(index)
        k, n = len(sizes), len(index)
        centres = np.bincount(index, weights=differences) / sizes
        harmonic = float(1 / (1 / sizes).mean()) if k else float("nan")
        within = float("nan")
        if n > k:
            within = float(np.sqrt(((differences - centres[index]) ** 2).sum() / (n - k)))
        between = float(centres.std(ddof=1)) if k > 1 else float("nan")
        # Var(mean of a cluster) = between + within / size, so this sum is the variance of a single unit.
        variance = between**2 + (1 - 1 / harmonic) * (within if n > k else 0.0) ** 2
        mean = float(centres.mean()) if k else float("nan")
        return cls(mean, float(np.sqrt(variance)), between, within, harmonic, k, n)


def _mean_ends(parts: _Parts, level: float, least: float) -> tuple[Ends | None, str]:
    """Give the interval of the mean difference, and how it was made."""
    k = parts.n_clusters
    if k < 2:
        return None, ""
    if parts.deviation_of_means <= least:
        # If half of all lay on the other side of any bound, k of k on this side had the chance 2^-k.
        return (parts.mean, parts.mean) if 1 - 2 * 0.5**k >= level else None, "no spread: sign test"
    reach = float(stats.t.ppf((1 + level) / 2, k - 1)) * parts.deviation_of_means / np.sqrt(k)
    return (parts.mean - reach, parts.mean + reach), "t"


def _limit_ends(
    parts: _Parts, z: float, level: float, spread: float, least: float
) -> tuple[tuple[Ends | None, Ends | None], str]:
    """Give the intervals of the lower and the upper limit of agreement, and how they were made."""
    k, mean = parts.n_clusters, parts.mean
    if k < 2:
        return (None, None), ""
    if parts.deviation <= least:
        # At most this share of all units differs from the k seen; the limits leave out 1 - spread.
        unseen = 1 - ((1 - level) / 2) ** (1 / k)
        ends = (mean, mean) if unseen <= 1 - spread else None
        return (ends, ends), "no spread: binomial bound"
    if k == parts.n_units:
        tails = np.array([(1 - level) / 2, (1 + level) / 2])
        factors = stats.nct.ppf(tails, k - 1, z * np.sqrt(k)) / np.sqrt(k)
        down, up = (float(parts.deviation * factor) for factor in factors)
        return ((mean - up, mean - down), (mean + down, mean + up)), "noncentral t"
    down, up = _mover(parts, z, level)
    return ((mean - up, mean - down), (mean + down, mean + up)), "MOVER"


def _mover(parts: _Parts, z: float, level: float) -> tuple[float, float]:
    """Give how far above the mean the upper limit of agreement lies, at least and at most."""
    tails = np.array([(1 + level) / 2, (1 - level) / 2])
    factors = np.array(
        [parts.deviation_of_means**2, (1 - 1 / parts.harmonic_size) * parts.deviation_within**2]
    )
    freedom = np.array([parts.n_clusters - 1, parts.n_units - parts.n_clusters])
    ratios = freedom / stats.chi2.ppf(tails[:, None], freedom)
    variance = parts.deviation**2
    reach = float(stats.norm.ppf((1 + level) / 2)) * parts.deviation_of_means / np.sqrt(parts.n_clusters)
    low = variance - float(np.sqrt(((factors * (1 - ratios[0])) ** 2).sum()))
    high = variance + float(np.sqrt(((factors * (ratios[1] - 1)) ** 2).sum()))
    down = z * (parts.deviation - np.sqrt(max(low, 0.0)))
    up = z * (np.sqrt(high) - parts.deviation)
    centre = z * parts.deviation
    return float(centre - np.hypot(reach, down)), float(centre + np.hypot(reach, up))


def _points(
    reference: ArrayLike, prediction: ArrayLike, *, relative: bool
) -> tuple[NDArray[np.bool_], FloatArray, FloatArray]:
    """Give which units have both values, and the mean and difference of each of these."""
    references = np.asarray(reference, dtype=np.float64)
    predictions = np.asarray(prediction, dtype=np.float64)
    if references.ndim != 1 or references.shape != predictions.shape:
        raise InputError(
            f"reference values have shape {references.shape} and predicted values {predictions.shape}; "
            "give one of each per unit, in the same order"
        )
    if np.isinf(references).any() or np.isinf(predictions).any():
        raise InputError("infinite values cannot be compared; leave these units out or give them NaN")
    if relative and ((references < 0).any() or (predictions < 0).any()):
        raise InputError("relative differences need values of 0 or more; use relative=False")
    means = (references + predictions) / 2
    used = np.isfinite(means)
    if relative:
        used &= means > 0
    differences = predictions[used] - references[used]
    if relative:
        differences = differences / means[used]
    return used, means[used], differences


def _are_equal(means: FloatArray) -> bool:
    """Whether values are equal to 12 digits: a slope over their rounding would be any number."""
    return bool(np.ptp(means) <= 1e-12 * np.abs(means).max())


def _slope(
    means: FloatArray, differences: FloatArray, level: float, least: float
) -> tuple[float, Ends | None]:
    """Regress the differences on the means."""
    n = len(means)
    if n < 3 or _are_equal(means):
        return float("nan"), None
    centred = means - means.mean()
    total = float(centred @ centred)
    slope = float(centred @ differences) / total
    residuals = differences - differences.mean() - slope * centred
    error = np.sqrt(float(residuals @ residuals) / (n - 2) / total)
    if float(np.abs(residuals).max()) <= least:
        return slope, None
    reach = float(stats.t.ppf((1 + level) / 2, n - 2)) * error
    return slope, (slope - reach, slope + reach)


def _cluster_slope(
    means: FloatArray, differences: FloatArray, index: NDArray[np.intp], level: float, unit: str
) -> Interval:
    """Regress the differences on the means; the spread comes from leaving out one cluster at a time."""
    if len(np.unique(index)) < 3 or _are_equal(means):
        return Interval(
            float("nan"), None, None, level, len(np.unique(index)), unit, "mean", f"cannot tell: few {unit}s"
        )
    # In ranges of the means and of the differences, so that its rounding is that of numbers near 1.
    width, height = float(np.ptp(means)), float(np.abs(differences).max()) or 1.0
    x, y = (means - means.mean()) / width, (differences - differences.mean()) / height
    rows = sum_by_cluster(np.stack([np.ones_like(x), x, y, x * x, x * y], axis=1), index.tolist())

    def slope(sums: FloatArray) -> FloatArray:
        n, sx, sy, sxx, sxy = np.moveaxis(sums, -1, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((sxy - sx * sy / n) / (sxx - sx * sx / n))

    value, left_out = leave_one_out(rows, slope)
    found = jackknife_interval(value, left_out, rows[:, 3], level=level, magnitude=1.0, unit=unit)
    unscaled = height / width
    ends = [None if end is None else end * unscaled for end in (found.low, found.high)]
    return replace(found, value=found.value * unscaled, low=ends[0], high=ends[1])
