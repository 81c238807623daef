"""Whether the mean error is harmless in every group."""

from __future__ import annotations

from veriscope.validate.application.result import Check, Figure, Status, plural, shown, shown_interval
from veriscope.validate.application.settings import ApplicationSettings
from veriscope.validate.application.table import ApplicationTable
from veriscope.validate.application.tost import Equivalence, tost

__all__ = ["check_equivalence"]


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
        fails if it is not equivalent in any, tested at alpha / number of groups. Intervals have the level
        that decided: 1 - 2 alpha if it holds, else 1 - 2 alpha / number of groups. The figure is that of
        the group with the largest error, among those that fail if any do. All groups are equivalent if
        all p values are below alpha.
    """

    def tests(alpha: float) -> dict[str, Equivalence]:
        return {
            group: tost(
                *table.replicate_means(group),
                tolerance=tolerance,
                relative=relative,
                alpha=alpha,
                unit=settings.replicate,
            )
            for group in table.groups
        }

    found, strict = tests(settings.alpha), tests(settings.alpha / len(table.groups))
    failing = [group for group in found if strict[group].verdict == "not equivalent"]
    worst = max(failing or found, key=lambda group: abs(found[group].error.value))
    status: Status = "cannot tell"
    if failing:
        status = "fails"
    elif all(each.verdict == "equivalent" for each in found.values()):
        status = "holds"
    bound = shown(tolerance, relative=relative)
    lead = {
        "holds": f"In every group the mean error is smaller than {bound}; largest",
        "fails": f"The mean error is larger than {bound}",
        "cannot tell": f"With so few {plural(settings.replicate)} the mean error may be above {bound} or not",
    }[status]
    deciding = found if status == "holds" else strict
    figures = {
        group: Figure(f"mean error in group {group}", each.error, each.p_value)
        for group, each in deciding.items()
    }
    return Check(
        name="equivalence",
        status=status,
        sentence=f"{lead}: {shown_interval(deciding[worst].error, relative=relative)} in group {worst}.",
        figure=figures[worst],
        allowed=(-tolerance, tolerance),
        figures=tuple(figures.values()),
        n=len(table.replicates),
        unit=settings.replicate,
    )
