"""Whether predicted values are too high or too low on average."""

from __future__ import annotations

import numpy as np

from veriscope.validate.application.result import Check, Figure, shown, shown_interval, status_in_range
from veriscope.validate.application.settings import ApplicationSettings
from veriscope.validate.application.table import ApplicationTable
from veriscope.validate.application.tost import mean_error

__all__ = ["check_bias"]


def check_bias(
    table: ApplicationTable, *, tolerance: float, relative: bool, settings: ApplicationSettings
) -> Check:
    """Check that predictions are right on average over all groups.

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
        The mean of prediction - reference over replicates, each counting the same, with a two-sided
        interval of level 1 - alpha from the spread within groups. Holds if that lies within the
        tolerance, fails if it lies outside. The figures give it as a difference and as a share of the
        mean reference (left out where that is not above 0), over all and for each group.

    Notes
    -----
    Groups are taken together as they are in the table, so that errors of opposite sign may cancel; that
    they do not is checked by equivalence in each group and by differential bias.
    """
    level, name = 1 - settings.alpha, settings.replicate
    figures = []
    for group in (None, *table.groups):
        chosen = table.groups if group is None else (group,)
        references, predictions = zip(*map(table.replicate_means, chosen), strict=True)
        where = "" if group is None else f" in group {group}"
        for share in (False, True):
            if share and not np.concatenate(references).mean() > 0:
                continue
            label = f"mean error as a share of the reference{where}" if share else f"mean error{where}"
            error = mean_error(references, predictions, relative=share, level=level, unit=name)
            figures.append(Figure(label, error))
    figure = figures[1] if relative else figures[0]
    status = status_in_range(figure.interval, (-tolerance, tolerance))
    told, bound = shown_interval(figure.interval, relative=relative), shown(tolerance, relative=relative)
    direction = "high" if figure.interval.value > 0 else "low"
    sentence = {
        "holds": f"On average predictions are off by {told}, less than the {bound} that are harmless.",
        "fails": f"On average predictions are too {direction}, by {told}; {bound} would be harmless.",
        "cannot tell": f"On average predictions are off by {told}; whether that is within {bound} is open.",
    }[status]
    return Check(
        "bias", status, sentence, figure, (-tolerance, tolerance), tuple(figures), len(table.replicates), name
    )
