"""Whether the error depends on the group, which makes differences where there are none.

An error that is the same everywhere shifts all groups alike and leaves their difference as it is. One that
depends on the condition is added to the difference, whatever the overlap of pixels says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from veriscope.validate.application.estimate import Estimate, contrast, mean_estimate, ratio_estimate
from veriscope.validate.application.result import Check, Figure, Status, shown, shown_interval
from veriscope.validate.application.settings import ApplicationSettings
from veriscope.validate.application.table import ApplicationTable
from veriscope.validate.ranking import holm

__all__ = ["check_differential_bias"]


@dataclass(frozen=True, slots=True)
class _Pair:
    """Difference of the errors of two groups."""

    first: str
    second: str
    estimate: Estimate
    harmless: bool


def check_differential_bias(
    table: ApplicationTable, *, tolerance: float, relative: bool, settings: ApplicationSettings
) -> Check:
    """Check that the mean error is the same in all groups.

    Parameters
    ----------
    table
        Values of units.
    tolerance, relative
        Largest harmless difference of mean errors, as a difference or as a share of each group's mean
        reference.
    settings
        Options.

    Returns
    -------
    Check
        For every pair of groups the mean error of the second less that of the first (the control, if it
        is one of them), with Welch's interval by replicate. Holds if it is equivalent to 0 (TOST against
        the tolerance) for all pairs. Fails if for any pair it differs from 0 (two-sided, Holm over the
        pairs) and is not equivalent. The intervals have the level 1 - 2 alpha if it holds, else
        1 - alpha. Not applicable with one group.
    """
    name = settings.replicate
    if len(table.groups) < 2:
        return Check("differential_bias", "not applicable", "There is only one group.", unit=name)
    errors = {group: _error(table, group, relative) for group in table.groups}
    pairs = [
        _compare(first, second, errors, tolerance, settings.alpha)
        for first, second in combinations(table.ordered_groups(settings.control), 2)
    ]
    p_values = holm([pair.estimate.p_differs() for pair in pairs])
    found = [p is not None and p < settings.alpha for p in p_values]
    status: Status = "cannot tell"
    if all(pair.harmless for pair in pairs):
        status = "holds"
    elif any(differs and not pair.harmless for pair, differs in zip(pairs, found, strict=True)):
        status = "fails"
    level = 1 - (2 if status == "holds" else 1) * settings.alpha
    figures = tuple(
        Figure(_label(pair), pair.estimate.interval(level, unit=name), p)
        for pair, p in zip(pairs, p_values, strict=True)
    )
    worst = int(np.argmax([abs(pair.estimate.value) for pair in pairs]))
    return Check(
        name="differential_bias",
        status=status,
        sentence=_sentence(status, pairs[worst], figures[worst], tolerance, relative),
        figure=figures[worst],
        allowed=(-tolerance, tolerance),
        figures=figures,
        n=len(table.replicates),
        unit=name,
    )


def _error(table: ApplicationTable, group: str, relative: bool) -> Estimate:
    reference, prediction = table.replicate_means(group)
    if relative:
        kept = ratio_estimate(prediction, reference)
        return replace(kept, value=kept.value - 1)
    return mean_estimate(prediction, less=reference)


def _compare(first: str, second: str, errors: dict[str, Estimate], tolerance: float, alpha: float) -> _Pair:
    estimate = contrast(errors[second], errors[first])
    upper, lower = estimate.p_below(tolerance), estimate.p_above(-tolerance)
    harmless = upper is not None and lower is not None and max(upper, lower) < alpha
    return _Pair(first, second, estimate, harmless)


def _label(pair: _Pair) -> str:
    return f"error in group {pair.second} less error in group {pair.first}"


def _sentence(status: Status, pair: _Pair, figure: Figure, tolerance: float, relative: bool) -> str:
    told = f"{pair.second} less {pair.first}: {shown_interval(figure.interval, relative=relative)}"
    bound = shown(tolerance, relative=relative)
    if status == "holds":
        return f"The error is the same in all groups to within {bound} ({told})."
    if status == "fails":
        return (
            f"The error depends on the group ({told}), so predictions show a difference between groups that "
            "is made by the model."
        )
    return f"Whether the error depends on the group by more than {bound} is open ({told})."
