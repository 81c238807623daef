"""Differences between groups, with the replicate as the experimental unit.

Cells of one dish share the dish. What varies between groups by chance is the dish, the mouse or the
patient, so its number decides, not that of cells or tiles [1]_. The variance of a group is the sum of

- that between its replicates: each replicate's predicted measure, scaled to the audited level of the
  group, as the variance of a mean (or of a ratio of sums, linearised) of R replicates;
- that of the audit: the standard error of the group's corrected estimate.

Errors of the prediction add to the spread between predicted replicates, so the first part is rather
too large than too small. Degrees of freedom are Satterthwaite's [2]_; p-values of several contrasts
are adjusted by Holm's method [3]_.

References
----------
.. [1] Lazic, Clarke-Williams & Munafò, What exactly is 'N' in cell culture and animal experiments?,
   PLoS Biology 16 (2018), e2005282. doi:10.1371/journal.pbio.2005282
.. [2] Satterthwaite, An approximate distribution of estimates of variance components, Biometrics
   Bulletin 2 (1946), 110-114. doi:10.2307/3002019
.. [3] Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
   Statistics 6 (1979), 65-70.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from veriscope.core.plain import PlainRecord
from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.trust.estimate import Estimate
from veriscope.validate.ranking import holm

__all__ = ["Contrast", "Group", "compare_groups", "contrast"]

_WIDEST = math.log(1e6)
"""Half of an interval of a ratio on the log scale; beyond it nothing is told."""

Kind = Literal["difference", "ratio"]
Scope = Literal["replicates", "images"]


@dataclass(frozen=True, slots=True)
class Group:
    """A group's audited estimate and the predicted measure of each of its replicates.

    Parameters
    ----------
    name
        Name of the group.
    estimate
        Audited estimate on the scale to compare. Counts are compared per replicate, image or area:
        estimate them with `known_denominator` set to the sum of `denominator`.
    numerator, denominator
        By the model, per replicate (R,), such that ``sum(numerator) / sum(denominator)`` is the
        naive value of `estimate`: objects and replicates (ones), images or imaged area for counts;
        total area and objects for a mean area; and so on.

    Raises
    ------
    ShapeMismatchError
        If the arrays are not of the same length, at least 1.
    PixelValueError
        If a value is not finite, or the denominators are negative or sum to 0.
    """

    name: str
    estimate: Estimate
    numerator: NDArray[Any]
    denominator: NDArray[Any]

    def __post_init__(self) -> None:
        shapes = np.shape(self.numerator), np.shape(self.denominator)
        if shapes[0] != shapes[1] or len(shapes[0]) != 1 or shapes[0][0] < 1:
            raise ShapeMismatchError(
                f"group {self.name!r}: numerator and denominator have shapes {shapes[0]} and {shapes[1]}; "
                "give one value of each per replicate"
            )
        below = np.asarray(self.denominator, dtype=np.float64)
        finite = np.isfinite(self.numerator).all() and np.isfinite(below).all()
        if not finite or below.min() < 0 or below.sum() <= 0:
            raise PixelValueError(
                f"group {self.name!r}: replicates need finite numerators, and denominators of 0 or more that "
                "are not all 0; leave out replicates without images"
            )

    @property
    def n_replicates(self) -> int:
        """Number of replicates."""
        return len(self.numerator)

    @property
    def between_variance(self) -> float:
        """Variance of the group's value due to its sample of replicates.

        NaN where nothing tells it: for fewer than 2 replicates, and where the model finds nothing in any of
        them although the audit does.
        """
        count = self.n_replicates
        if count < 2:
            return math.nan
        above = np.asarray(self.numerator, dtype=np.float64)
        if not above.any() and (self.estimate.value != 0 or self.estimate.standard_error != 0):
            return math.nan
        below = np.asarray(self.denominator, dtype=np.float64)
        predicted = float(above.sum() / below.sum())
        scale = self.estimate.value / predicted if predicted > 0 else 1.0
        deviation = scale * (above - predicted * below) / below.mean()
        return float((deviation**2).sum() / (count * (count - 1)))


@dataclass(frozen=True, slots=True)
class Contrast(PlainRecord):
    """How two groups differ, and about what that speaks.

    Parameters
    ----------
    first, second
        Names of the groups; the contrast is second minus first, or second over first.
    kind
        ``difference`` or ``ratio``.
    scope
        ``replicates``: about the population that the replicates stand for. ``images``: about these
        images only, because nothing tells how the replicates of a group differ.
    estimate
        Value and interval; status ``cannot-tell`` if scope is ``images``.
    p_value
        Two-sided, of no difference between the populations; NaN if scope is ``images``.
    p_value_holm
        The same, adjusted for all contrasts made together.
    audit_share
        Share of the variance that comes from the audit, 0 to 1: near 1, more tiles help; near 0,
        only more replicates do. NaN if scope is ``images``.
    """

    first: str
    second: str
    kind: Kind
    scope: Scope
    estimate: Estimate
    p_value: float
    p_value_holm: float
    audit_share: float


def contrast(first: Group, second: Group, *, kind: Kind = "difference", level: float = 0.9) -> Contrast:
    """Compare two groups.

    Parameters
    ----------
    first, second
        Groups with independent audits and different replicates.
    kind
        ``difference``: second − first. ``ratio``: second / first, with its interval on the log scale.
    level
        Confidence level, 0 to 1.

    Returns
    -------
    Contrast
        With fewer than two replicates in a group, or none in which the model finds anything, the
        difference between *these images*, stated as such, and no p-value. Status ``cannot-tell`` also if
        an audit has no interval, or a ratio may be a million times more or less. Where replicates of a
        group do not differ at all, no spread tells how rare the difference is, and the p-value is that
        of drawing the groups by lot.

    Raises
    ------
    InputError
        If the level is out of range or the kind unknown.
    """
    if not 0 < level < 1:
        raise InputError(f"level {level:g} is not between 0 and 1; 0.9 is usual")
    if kind not in ("difference", "ratio"):
        raise InputError(f"kind {kind!r} is unknown; use 'difference' or 'ratio'")
    groups = (first, second)
    unaudited = [group.name for group in groups if not math.isfinite(group.estimate.standard_error)]
    untold = [group for group in groups if math.isnan(group.between_variance)]
    scope: Scope = "images" if untold else "replicates"
    if unaudited:
        reason = f"The audit gives no interval for {_names(unaudited)}."
        value = _value(first, second, kind)
        return _unknown(first, second, kind, scope, value, reason, level)
    if kind == "ratio" and min(first.estimate.value, second.estimate.value) <= 0:
        reason = "A ratio needs two positive estimates; use the difference."
        return _unknown(first, second, kind, scope, math.nan, reason, level)
    estimate, p_value, audit_share = _infer(first, second, kind, scope, level)
    reason = ""
    if math.isnan(estimate.low) and kind == "ratio" and estimate.standard_error > 1e-6 * estimate.value:
        reason = (
            "So little is known of the groups that their ratio could be a million times more or less. Draw "
            "more tiles or add replicates, or use the difference."
        )
    elif untold:
        reason = _about_images_only(untold)
    elif math.isnan(estimate.low):
        reason = (
            "All replicates of a group are alike, and so few that the groups may be apart by chance (p = "
            f"{p_value:.2g}, by lot): how others differ is not known. Add replicates, not tiles."
        )
    if reason:
        estimate = replace(estimate, status="cannot-tell", reason=reason)
    return Contrast(first.name, second.name, kind, scope, estimate, p_value, p_value, audit_share)


def compare_groups(
    groups: Sequence[Group], *, control: str | None = None, kind: Kind = "difference", level: float = 0.9
) -> tuple[Contrast, ...]:
    """Compare all groups with a control, or each with each, with Holm's adjustment.

    Parameters
    ----------
    groups
        At least one group; names differ.
    control
        Name of the group that all others are compared with; None compares each pair.
    kind, level
        As in `contrast`. Intervals are not adjusted; p-values are, in `p_value_holm`.

    Returns
    -------
    tuple of Contrast
        In the order of the groups; empty for one group.

    Raises
    ------
    InputError
        If names repeat or the control is not among them.
    """
    names = [group.name for group in groups]
    if len(set(names)) != len(names):
        raise InputError(f"group names {names} repeat; give each group a name of its own")
    if control is not None and control not in names:
        raise InputError(f"control {control!r} is not a group; groups are {names}")
    pairs = [
        (a, b) if b.name != control else (b, a)
        for a, b in combinations(groups, 2)
        if control is None or control in (a.name, b.name)
    ]
    found = [contrast(a, b, kind=kind, level=level) for a, b in pairs]
    adjusted = _adjusted([one.p_value for one in found])
    return tuple(replace(one, p_value_holm=p) for one, p in zip(found, adjusted, strict=True))


def _adjusted(p_values: Sequence[float]) -> list[float]:
    """Adjust the p-values that are known; where there is none (NaN), no comparison was made."""
    known = iter(holm([p for p in p_values if not math.isnan(p)]))
    return [p if math.isnan(p) else float(next(known) or 0.0) for p in p_values]


def _value(first: Group, second: Group, kind: Kind) -> float:
    a, b = first.estimate.value, second.estimate.value
    if kind == "difference":
        return b - a
    return b / a if a > 0 else math.nan


def _infer(
    first: Group, second: Group, kind: Kind, scope: Scope, level: float
) -> tuple[Estimate, float, float]:
    """Value, interval, p-value and share of the audit; on the log scale for a ratio."""
    parts: list[tuple[float, float]] = []
    audit = 0.0
    for group in (first, second):
        unit = group.estimate.value**2 if kind == "ratio" else 1.0
        variance = group.estimate.standard_error**2 / unit
        audit += variance
        parts.append((variance, group.estimate.df))
        if scope == "replicates":
            parts.append((group.between_variance / unit, group.n_replicates - 1.0))
    total = sum(variance for variance, _ in parts)
    spent = sum(variance**2 / df for variance, df in parts)
    df = total**2 / spent if spent > 0 else math.inf
    value = _value(first, second, kind)
    centre = math.log(value) if kind == "ratio" else value
    error = math.sqrt(total)
    half = float(student.ppf((1 + level) / 2, df)) * error
    low, high = centre - half, centre + half
    if kind == "ratio":
        low, high = (math.nan, math.nan) if half > _WIDEST else (math.exp(low), math.exp(high))
    p_value, share = math.nan, math.nan
    if scope == "replicates":
        spread = not _is_rounding(error, first, second, kind)
        p_value = 2 * float(student.sf(abs(centre) / error, df)) if spread else 1.0
        if not spread and not _is_rounding(centre, first, second, kind):
            p_value = min(1.0, 2 / math.comb(first.n_replicates + second.n_replicates, first.n_replicates))
            if p_value >= 1 - level:
                low = high = math.nan
        share = audit / total if total > 0 else math.nan
    estimate = Estimate(
        value,
        low,
        high,
        level,
        f"{kind}-of-groups",
        first.estimate.n + second.estimate.n,
        df,
        _assumptions(scope),
        standard_error=error * (value if kind == "ratio" else 1.0),
    )
    return estimate, p_value, share


def _is_rounding(number: float, first: Group, second: Group, kind: Kind) -> bool:
    """Whether a number is 0 but for the last digits of the values whose difference it is."""
    largest = max(abs(first.estimate.value), abs(second.estimate.value)) if kind == "difference" else 1.0
    return abs(number) <= 1e-12 * largest


def _about_images_only(groups: Sequence[Group]) -> str:
    """Say why nothing can be told about a population."""
    lone = [group.name for group in groups if group.n_replicates < 2]
    only = "the interval is about these images only, and nothing can be told about a population."
    if lone:
        return f"Fewer than two replicates in {_names(lone)}: {only} Add replicates, not tiles."
    blank = _names([group.name for group in groups])
    return (
        f"The model finds nothing in any replicate of {blank}, so it does not tell how they differ: {only} "
        "Correct a better prediction."
    )


def _assumptions(scope: Scope) -> tuple[str, ...]:
    if scope == "images":
        return ("The answer is about these images; another sample of each group may differ otherwise.",)
    return (
        "Replicates are independent of each other, and differ from group to group.",
        "Replicates are drawn from the population that the answer is about, and vary nearly normally.",
        "The spread of predicted replicates, scaled to the audit, stands for the true one.",
    )


def _unknown(
    first: Group, second: Group, kind: Kind, scope: Scope, value: float, reason: str, level: float
) -> Contrast:
    nan = math.nan
    n = first.estimate.n + second.estimate.n
    estimate = Estimate(
        value, nan, nan, level, f"{kind}-of-groups", n, nan, status="cannot-tell", reason=reason
    )
    return Contrast(first.name, second.name, kind, scope, estimate, nan, nan, nan)


def _names(names: Sequence[str]) -> str:
    return " and ".join(repr(name) for name in names)
