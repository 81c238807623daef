"""What a study has cost so far, by its record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from veriscope.core.cost import Assumptions, Usage, footprint, total_usage
from veriscope.io.record import Record
from veriscope.io.usage import UsageMeter, cost_of
from veriscope.workflow.layout import StudyFolder

__all__ = ["COST_SCHEMA", "run_cost", "study_cost"]

COST_SCHEMA = "veriscope/cost/1"


def study_cost(folder: StudyFolder, assumptions: Assumptions) -> dict[str, Any]:
    """Add up what all recorded steps of a study used, and estimate energy and carbon.

    Parameters
    ----------
    folder
        The study.
    assumptions
        What energy and carbon are estimated with.

    Returns
    -------
    dict
        ``veriscope/cost/1``: ``total`` and ``steps`` (by kind of work, in the order of their first
        time), each with the keys of `veriscope.core.cost.Usage`, ``energy_wh``, ``carbon_g``, ``n_steps``
        and ``n_unmeasured`` (done by a version that did not measure; their time counts, and nothing
        else); ``assumptions``. Work that was done again counts each time; the start of Python, and the
        reading of files to see whether they changed, do not count.
    """
    usages: dict[str, list[Usage]] = {}
    for entry in Record(folder.root).entries():
        if "wall_s" in entry:
            found = Usage.from_dict({"wall_s": entry["wall_s"]} | entry.get("cost", {}))
            usages.setdefault(str(entry["step"]), []).append(found)
    every = [usage for kind in usages.values() for usage in kind]
    return {
        "schema": COST_SCHEMA,
        "total": _account(every, assumptions),
        "steps": [{"step": step} | _account(kind, assumptions) for step, kind in usages.items()],
        "assumptions": assumptions.listed(),
    }


def run_cost(meter: UsageMeter, assumptions: Assumptions) -> dict[str, Any]:
    """Describe the cost of one run of the program.

    Parameters
    ----------
    meter
        That measured it.
    assumptions
        What energy and carbon are estimated with.

    Returns
    -------
    dict
        As `veriscope.io.usage.cost_of`, and ``energy_wh`` and ``carbon_g``.
    """
    return cost_of(meter) | footprint([meter.usage], assumptions).to_dict()


def _account(usages: Sequence[Usage], assumptions: Assumptions) -> dict[str, Any]:
    counts = {"n_steps": len(usages), "n_unmeasured": sum(usage.cpu_s is None for usage in usages)}
    return counts | total_usage(usages).to_dict() | footprint(usages, assumptions).to_dict()
