"""How far single units may be off, and whether errors grow with the value (Bland-Altman)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from veriscope.validate.agreement import Agreement, bland_altman
from veriscope.validate.application.result import (
    Check,
    Figure,
    Status,
    plural,
    shown,
    shown_interval,
    status_in_range,
)
from veriscope.validate.application.settings import ApplicationSettings
from veriscope.validate.application.table import ApplicationTable

__all__ = ["agreement_of", "check_limits", "check_proportional_bias"]


def agreement_of(table: ApplicationTable, *, relative: bool, settings: ApplicationSettings) -> Agreement:
    """Give limits of agreement and proportional bias of units in replicates.

    Parameters
    ----------
    table
        Values of units.
    relative
        Whether differences are shares of the mean of both values.
    settings
        Options.

    Returns
    -------
    Agreement
        With the replicate as cluster; all groups together.
    """
    return bland_altman(
        table.reference,
        table.prediction,
        clusters=table.replicate.tolist(),
        relative=relative,
        level=1 - settings.alpha,
        unit=settings.unit,
        cluster=settings.replicate,
    )


def check_limits(
    table: ApplicationTable, *, tolerance: float, relative: bool, settings: ApplicationSettings
) -> Check:
    """Check how far a single unit may be off.

    Parameters
    ----------
    table
        Values of units.
    tolerance
        Not used: it is about means; `settings.unit_tolerance` is about single units.
    relative
        Whether differences are shares of the mean of both values.
    settings
        Options.

    Returns
    -------
    Check
        Limits of agreement. With `unit_tolerance`, holds if both lie within it, with their intervals;
        fails if one is beyond it, with its interval; without, "not applicable": they are told only.
    """
    found = agreement_of(table, relative=relative, settings=settings)
    low, high = found.lower_limit, found.upper_limit
    span = f"{shown(low.value, relative=relative)} to {shown(high.value, relative=relative)}"
    sentence = (
        f"A single {settings.unit} may be off by {span} (95 of 100 {plural(settings.unit)} lie in between)"
    )
    status: Status = "not applicable"
    allowed = None
    if settings.unit_tolerance is not None:
        bound = settings.unit_tolerance
        allowed = (-bound, bound)
        told = shown(bound, relative=relative)
        statuses = [status_in_range(limit, allowed) for limit in (low, high)]
        status = "holds" if statuses == ["holds", "holds"] else "cannot tell"
        if "fails" in statuses:
            status = "fails"
        sentence += {
            "holds": f", within the {told} that are harmless.",
            "fails": f"; {told} would be harmless.",
            "cannot tell": f"; too few {plural(settings.replicate)} to tell whether within {told}.",
        }[status]
    else:
        sentence += "; no tolerance is stated for single ones."
    if not np.isfinite(low.value):
        sentence = f"One {settings.replicate} does not tell how far a single {settings.unit} may be off."
    worst = max((low, high), key=lambda limit: abs(limit.value))
    figures = (Figure("lower limit of agreement", low), Figure("upper limit of agreement", high))
    return Check(
        name="limits",
        status=status,
        sentence=sentence,
        figure=figures[0] if worst is low else figures[1],
        allowed=allowed,
        figures=figures,
        n=len(table.replicates),
        unit=settings.replicate,
    )


def check_proportional_bias(
    table: ApplicationTable, *, tolerance: float, relative: bool, settings: ApplicationSettings
) -> Check:
    """Check that units with large values have the same error as units with small values.

    Parameters
    ----------
    table
        Values of units.
    tolerance, relative
        Largest harmless change of the error, as a difference or as a share.
    settings
        Options.

    Returns
    -------
    Check
        Change of the error over the range that holds the middle 90 % of the units' values: the slope of
        Bland and Altman times this range. Holds if its interval of level 1 - alpha lies within the
        tolerance, fails if it lies outside.

    Notes
    -----
    The slope is over the mean of both values. If the errors of single units are large against the spread
    of the values, it is above 0 even where the error does not depend on the value.
    """
    found = agreement_of(table, relative=relative, settings=settings)
    means = np.asarray(found.means)
    span = float(np.ptp(np.quantile(means, [0.05, 0.95]))) if len(means) else float("nan")
    slope = found.slope
    ends = [None if end is None else end * span for end in (slope.low, slope.high)]
    change = replace(slope, value=slope.value * span, low=ends[0], high=ends[1])
    status = status_in_range(change, (-tolerance, tolerance))
    told, bound = shown_interval(change, relative=relative), shown(tolerance, relative=relative)
    sentence = {
        "holds": f"From small to large values the error changes by {told}, less than {bound}.",
        "fails": f"The error depends on the value: from small to large it changes by {told}, over {bound}.",
        "cannot tell": f"From small to large values the error changes by {told}; {bound} would be harmless.",
    }[status]
    return Check(
        name="proportional_bias",
        status=status,
        sentence=sentence,
        figure=Figure("change of the error from small to large values", change),
        allowed=(-tolerance, tolerance),
        figures=(Figure("slope of the error over the value", slope),),
        n=len(table.replicates),
        unit=settings.replicate,
    )
