"""What whoever trained has to be told of a network that cannot be good yet."""

from __future__ import annotations

from collections.abc import Mapping

from veriscope.core.words import counted
from veriscope.validate.statistics import Interval

__all__ = ["finds_nothing", "too_few_steps"]

_FEW_STEPS = 200
_NOTHING = 0.1
"""Of the main metric: below it a network finds next to nothing."""


def too_few_steps(steps: int, minutes: float) -> str:
    """Say that a training whose time was given came too short.

    Parameters
    ----------
    steps
        That were done.
    minutes
        That they took.

    Returns
    -------
    str
        One sentence; empty from 200 steps on.
    """
    if steps >= _FEW_STEPS:
        return ""
    done = counted(steps, "step was", "steps were")
    return f"only {done} done in {minutes:.1f} min, which is too few to learn much; give more --time"


def finds_nothing(figures: Mapping[str, Interval]) -> str:
    """Say that a network does not do what it was trained for.

    Parameters
    ----------
    figures
        Metrics on the locked images, the main one first; 1 is best.

    Returns
    -------
    str
        One sentence; empty where the main metric is at least 0.1, or not known.
    """
    name, main = next(iter(figures.items()))
    if not main.value < _NOTHING:
        return ""
    return (
        f"{name} is {main.value:.3f} on the locked images, so the network finds next to nothing: let it "
        "learn longer, and look whether images and labels belong together"
    )
