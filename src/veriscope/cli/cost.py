"""What a run cost, on the terminal."""

from __future__ import annotations

from typing import Any

from veriscope.cli.output import out
from veriscope.report.cost_text import assumptions_text, cost_text, estimate_text

__all__ = ["show_cost"]


def show_cost(cost: dict[str, Any]) -> None:
    """Print what a run cost, and the study so far.

    Parameters
    ----------
    cost
        ``this_run`` and ``study``, as in ``veriscope/run/1``.
    """
    for name, used in (("this run", cost["this_run"]), ("all work so far", cost["study"]["total"])):
        out().print(f"{name}: {cost_text(used)}; {estimate_text(used)}", markup=False)
    gpu = any(used["gpu_s"] is not None for used in (cost["this_run"], cost["study"]["total"]))
    assumed = assumptions_text(cost["study"]["assumptions"], gpu=gpu)
    out().print(f"energy and carbon are estimates that assume: {assumed}", markup=False, style="dim")
