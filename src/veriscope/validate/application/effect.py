"""Whether the difference between groups is the same in predictions as in references.

References
----------
.. [1] Fieller EC. Some problems in interval estimation. Journal of the Royal Statistical Society B 16
   (1954), 175-185. doi:10.1111/j.2517-6161.1954.tb00159.x
.. [2] Kendall MG. A new measure of rank correlation. Biometrika 30 (1938), 81-93.
   doi:10.1093/biomet/30.1-2.81
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from veriscope.validate.application.effect_size import (
    Effect,
    difference_kept,
    ratio_kept,
    standardised_kept,
)
from veriscope.validate.application.result import (
    Check,
    Figure,
    Status,
    shown,
    shown_interval,
    status_in_range,
)
from veriscope.validate.application.settings import ApplicationSettings
from veriscope.validate.application.table import ApplicationTable
from veriscope.validate.statistics import Interval

__all__ = ["check_effect"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Compared:
    """One group against the control."""

    group: str
    status: Status
    kept: Interval
    sentence: str
    figures: tuple[Figure, ...]


def check_effect(
    table: ApplicationTable, *, tolerance: float, relative: bool, settings: ApplicationSettings
) -> Check:
    """Check that differences between groups survive: same sign, same size, same order.

    Parameters
    ----------
    table
        Values of units.
    tolerance, relative
        Not used: an effect is compared with the effect in the references, not with a tolerance.
    settings
        Options; `kept` has the smallest and largest share of the effect that must be left, `control` the
        group that the others are compared with.

    Returns
    -------
    Check
        For each group, its mean less that of the control, from predictions over the same from references,
        with Fieller's interval of level 1 - 2 alpha by replicate [1]_. Holds if it lies within `kept` for
        all groups; fails if it lies outside for any (with level 1 - 2 alpha / number of comparisons), or
        if two groups that the references separate are separated in the opposite order by predictions.
        "cannot tell" where the references show no difference (two-sided t test at
        alpha): then there is no effect to keep. Not applicable with one group. The figures have the
        effects themselves, the shares of difference, ratio and standardised difference that are kept,
        and Kendall's τ-b of the order of groups [2]_.
    """
    name = settings.replicate
    if len(table.groups) < 2:
        return Check("effect", "not applicable", "There is only one group.", unit=name)
    control, *others = table.ordered_groups(settings.control)
    compared = [
        _compare(
            group,
            Effect(*table.replicate_means(control), *table.replicate_means(group)),
            control,
            len(others),
            settings,
        )
        for group in others
    ]
    reversed_pairs = _reversed(table, settings.alpha)
    statuses = [each.status for each in compared]
    status: Status = "cannot tell"
    if "fails" in statuses or reversed_pairs:
        status = "fails"
    elif all(each == "holds" for each in statuses):
        status = "holds"
    telling = [each for each in compared if each.status == status] or compared
    sentences = [each.sentence for each in telling[:3]]
    sentences += [f"Predictions turn the order of {a} and {b} around." for a, b in reversed_pairs[:3]]
    return Check(
        name="effect",
        status=status,
        sentence=" ".join(sentences),
        figure=Figure(
            f"share of the difference {telling[0].group} - {control} that is kept", telling[0].kept
        ),
        allowed=settings.kept,
        figures=(*(figure for each in compared for figure in each.figures), _order(table, name)),
        n=len(table.replicates),
        unit=name,
    )


def _compare(
    group: str, effect: Effect, control: str, n_groups: int, settings: ApplicationSettings
) -> _Compared:
    """Compare the effect in predictions with that in references."""
    alpha, unit = settings.alpha, settings.replicate
    kept = difference_kept(effect, level=1 - 2 * alpha, unit=unit)
    strict = difference_kept(effect, level=1 - 2 * alpha / n_groups, unit=unit)
    p_reference, p_prediction = effect.in_references.p_differs(), effect.in_predictions.p_differs()
    there = p_reference is not None and p_reference < alpha
    seen = p_prediction is not None and p_prediction < alpha
    status: Status = "cannot tell"
    if there and status_in_range(kept, settings.kept) == "holds":
        status = "holds"
    elif there and status_in_range(strict, settings.kept) == "fails":
        status = "fails"
    if status != "holds":
        kept = strict
    pair = f"{group} - {control}"
    level = 1 - alpha
    figures = (
        Figure(f"{pair} in references", effect.in_references.interval(level, unit=unit), p_reference),
        Figure(f"{pair} in predictions", effect.in_predictions.interval(level, unit=unit), p_prediction),
        Figure(f"share of the difference {pair} kept", kept),
        Figure(f"share of the ratio {group} / {control} kept", ratio_kept(effect, level=level, unit=unit)),
        Figure(
            f"share of the standardised difference {pair} kept",
            standardised_kept(effect, level=level, unit=unit),
        ),
    )
    sentence = _sentence(group, control, effect, kept, there=there, seen=seen, status=status)
    return _Compared(group, status, kept, sentence, figures)


def _sentence(
    group: str, control: str, effect: Effect, kept: Interval, *, there: bool, seen: bool, status: Status
) -> str:
    in_references, in_predictions = effect.in_references.value, effect.in_predictions.value
    values = f"{shown(in_references)} in references and by {shown(in_predictions)} in predictions"
    told = f"{group} differs from {control} by {values}"
    if not there:
        lead = f"References do not show that {group} differs from {control}, so there is no effect to keep"
        return lead + (f", but predictions show one (by {values})." if seen else f" (by {values}).")
    share = shown_interval(kept, relative=True)
    if status == "holds":
        return f"{told}: {share} of the effect is kept."
    if status == "cannot tell":
        return f"{told}: {share} of the effect is kept, which may or may not be enough."
    if in_references * in_predictions < 0:
        return f"{told}: the sign is wrong{', and predictions would be believed' if seen else ''}."
    lost = "" if seen else "; predictions no longer show it"
    return f"{told}: {share} of the effect is kept{lost}."


def _pairs(table: ApplicationTable) -> list[tuple[str, str, Effect]]:
    means = {group: table.replicate_means(group) for group in table.groups}
    return [(a, b, Effect(*means[a], *means[b])) for a, b in combinations(table.groups, 2)]


def _reversed(table: ApplicationTable, alpha: float) -> list[tuple[str, str]]:
    """Give pairs of groups that references and predictions separate in opposite order."""
    found = []
    for first, second, effect in _pairs(table):
        estimates = (effect.in_references, effect.in_predictions)
        p_values = [estimate.p_differs() for estimate in estimates]
        separated = all(p is not None and p < alpha for p in p_values)
        if separated and estimates[0].value * estimates[1].value < 0:
            found.append((first, second))
    return found


def _order(table: ApplicationTable, unit: str) -> Figure:
    means = np.array([[values.mean() for values in table.replicate_means(group)] for group in table.groups])
    tau = float(stats.kendalltau(means[:, 0], means[:, 1]).statistic)
    interval = Interval(tau, None, None, 0.95, len(table.groups), "group", "mean", "Kendall's tau-b")
    return Figure("same order of groups (Kendall)", interval)
