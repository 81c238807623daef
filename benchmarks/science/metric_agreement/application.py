"""Checks of an application against scipy's tests and formulas written out.

Cases are random studies of 3 to 8 replicates with 2 to 5 images each. Our t intervals have fewer degrees of
freedom where one replicate makes most of the spread; scipy's have not, so such cases are left out, counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import optimize, stats

from veriscope.validate.agreement import bland_altman
from veriscope.validate.application.effect_size import Effect, difference_kept
from veriscope.validate.application.estimate import contrast, mean_estimate
from veriscope.validate.application.null_control import false_discovery_rate
from veriscope.validate.application.table import read_table
from veriscope.validate.application.tost import tost

SCIPY = f"scipy {scipy.__version__}"
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """Values of images in replicates; means of the replicates of two groups."""

    reference: FloatArray
    prediction: FloatArray
    replicate: NDArray[np.intp]
    first: tuple[FloatArray, FloatArray]
    second: tuple[FloatArray, FloatArray]

    @property
    def plain(self) -> bool:
        """Whether no replicate makes most of the spread of any mean that is tested."""
        (r, p), (s, q) = self.first, self.second
        kept = (q.mean() - p.mean()) / (s.mean() - r.mean())
        tested = (p - r, p - 1.1 * r, p - 0.9 * r, q - s, p - kept * r, q - kept * s)
        return all(mean_estimate(values).degrees_of_freedom == len(values) - 1 for values in tested)


def cases(*, quick: bool) -> list[Case]:
    """Random cases with a fixed seed."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(12 if quick else 400):
        k = int(rng.integers(3, 9))
        replicate = np.repeat(np.arange(k), rng.integers(2, 6, k))
        reference = (rng.normal(50, 5, k) + rng.choice([0, 30]))[replicate] + rng.normal(0, 3, len(replicate))
        error = rng.normal(0, 2, k)[replicate] + rng.normal(0, 2, len(replicate))
        sides = []
        for shift in (0.0, 25.0):
            means = rng.normal(50 + shift, 4, int(rng.integers(3, 9)))
            sides.append((means, means + rng.normal(1, 2, len(means))))
        found.append(Case(reference, reference + error, replicate, sides[0], sides[1]))
    return found


def tost_pairs(case: Case) -> Iterator[tuple[float, float]]:
    """P values of both kinds of tolerance."""
    r, p = case.first
    for relative, upper, lower in ((False, p - r - 3, p - r + 3), (True, p - 1.1 * r, p - 0.9 * r)):
        ours = tost(r, p, tolerance=0.1 if relative else 3.0, relative=relative).p_value
        theirs = max(
            stats.ttest_1samp(upper, 0, alternative="less").pvalue,
            stats.ttest_1samp(lower, 0, alternative="greater").pvalue,
        )
        yield float(ours or np.nan), float(theirs)


def welch_pairs(case: Case) -> Iterator[tuple[float, float]]:
    """P value and interval of a difference of biases."""
    first, second = (p - r for r, p in (case.first, case.second))
    ours = contrast(mean_estimate(second), mean_estimate(first))
    theirs = stats.ttest_ind(second, first, equal_var=False)
    ends, interval = theirs.confidence_interval(0.95), ours.interval(0.95)
    yield float(ours.p_differs() or 0), float(theirs.pvalue)
    yield float(interval.low or 0), float(ends.low)
    yield float(interval.high or 0), float(ends.high)


def fieller_pairs(case: Case) -> Iterator[tuple[float, float]]:
    """Ends of the share of an effect that is kept, as roots of Welch's test of predictions - θ references."""
    (r, p), (s, q) = case.first, case.second
    ours = difference_kept(Effect(r, p, s, q), level=0.9)
    if ours.low is None or ours.high is None:
        return

    def welch_freedom(theta: float) -> float:
        parts = [(p - theta * r).var(ddof=1) / len(r), (q - theta * s).var(ddof=1) / len(s)]
        below = parts[0] ** 2 / (len(r) - 1) + parts[1] ** 2 / (len(s) - 1)
        return float(sum(parts) ** 2 / below)

    quantile = stats.t.ppf(0.95, welch_freedom(ours.value))

    def excess(theta: float) -> float:
        ends = [p - theta * r, q - theta * s]
        error = np.sqrt(sum(part.var(ddof=1) / len(part) for part in ends))
        return float(abs(ends[1].mean() - ends[0].mean()) / error - quantile)

    yield ours.low, float(optimize.brentq(excess, ours.low - 0.5, ours.value, xtol=1e-12))
    yield ours.high, float(optimize.brentq(excess, ours.value, ours.high + 0.5, xtol=1e-12))


def mover_pairs(case: Case) -> Iterator[tuple[float, float]]:
    """Limits of agreement and their intervals, after Zou (2013), replicate by replicate."""
    ours = bland_altman(case.reference, case.prediction, clusters=case.replicate.tolist())
    parts = [
        (case.prediction - case.reference)[case.replicate == name] for name in range(case.replicate.max() + 1)
    ]
    n, total = len(parts), sum(len(part) for part in parts)
    between = np.var([part.mean() for part in parts], ddof=1)
    within = sum((len(part) - 1) / (total - n) * np.var(part, ddof=1) for part in parts)
    share = 1 - sum(1 / len(part) for part in parts) / n
    variance, mean = between + share * within, float(np.mean([part.mean() for part in parts]))
    below, above = 0.0, 0.0
    for piece, freedom in ((between, n - 1), (share * within, total - n)):
        below += (piece * (1 - freedom / stats.chi2.ppf(0.975, freedom))) ** 2
        above += (piece * (freedom / stats.chi2.ppf(0.025, freedom) - 1)) ** 2
    z, root = stats.norm.ppf(0.975), np.sqrt(variance)
    near = np.sqrt(z**2 * between / n + z**2 * (root - np.sqrt(max(variance - np.sqrt(below), 0))) ** 2)
    far = np.sqrt(z**2 * between / n + z**2 * (np.sqrt(variance + np.sqrt(above)) - root) ** 2)
    for limit, ends in (
        (ours.upper_limit, (mean + z * root - near, mean + z * root + far)),
        (ours.lower_limit, (mean - z * root - far, mean - z * root + near)),
    ):
        yield float(limit.low or 0), float(ends[0])
        yield float(limit.high or 0), float(ends[1])


def split_pairs(case: Case) -> Iterator[tuple[float, float]]:
    """Share of splits of the replicates in which Welch's test of the images rejects at 0.2."""
    table = read_table(
        {
            "unit": range(len(case.replicate)),
            "group": ["a"] * len(case.replicate),
            "replicate": case.replicate,
            "reference": case.reference,
            "prediction": case.prediction,
        }
    )
    k = len(table.replicates)
    ours = false_discovery_rate(table, alpha=0.2, seed=0)
    for values, rate in ((case.reference, ours[0]), (case.prediction, ours[1])):
        rejected = []
        for code in range(1, 2 ** (k - 1)):
            first = np.array([code >> int(name) & 1 for name in case.replicate], dtype=bool)
            rejected.append(stats.ttest_ind(values[first], values[~first], equal_var=False).pvalue < 0.2)
        yield rate, float(np.mean(rejected))


COMPARED: tuple[tuple[str, str, Callable[[Case], Iterator[tuple[float, float]]], bool], ...] = (
    ("equivalence", f"{SCIPY}: ttest_1samp, both sides", tost_pairs, True),
    ("differential_bias", f"{SCIPY}: ttest_ind, unequal variances", welch_pairs, True),
    ("effect", f"roots of Welch's test, {SCIPY}: brentq", fieller_pairs, True),
    ("limits", "brute force after Zou, Stat Methods Med Res 22 (2013)", mover_pairs, False),
    ("null_control", f"{SCIPY}: ttest_ind of every split", split_pairs, False),
)


def rows(*, quick: bool) -> list[dict[str, Any]]:
    """Compare every check with its peer; each row has the largest difference of all cases."""
    everything = cases(quick=quick)
    found = []
    for key, peer, pairs, plain_only in COMPARED:
        used = [case for case in everything if case.plain or not plain_only]
        if pairs is split_pairs:
            used = [case for case in used if case.replicate.max() < 6][: 12 if quick else 220]
        differences = [
            abs(ours - theirs) / max(1.0, abs(theirs)) for case in used for ours, theirs in pairs(case)
        ]
        left = len(everything) - sum(case.plain for case in everything)
        explained = (
            f"{left} cases left out, where one replicate makes most of the spread" if plain_only else ""
        )
        found.append(
            {
                "metric": key,
                "peer": peer,
                "n_cases": len(used),
                "max_difference": float(max(differences)),
                "tolerance": 1e-8,
                "explained": explained,
            }
        )
    return found
