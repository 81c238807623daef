"""A network that cannot be good yet is not handed over without a word."""

from __future__ import annotations

import math

import pytest

from veriscope.training.judging.cautions import finds_nothing, too_few_steps
from veriscope.validate.statistics import Interval


def figures(value: float) -> dict[str, Interval]:
    other = Interval(0.02, None, None, 0.95, 3)
    return {"f1@0.5": Interval(value, None, None, 0.95, 3), "f1@0.9": other}


@pytest.mark.parametrize("value", [0.1, 0.8, math.nan])
def test_only_the_main_metric_counts_and_only_where_it_is_known(value: float) -> None:
    assert finds_nothing(figures(value)) == ""


@pytest.mark.parametrize(("value", "shown"), [(0.0, "0.000"), (0.0994, "0.099")])
def test_a_network_that_finds_next_to_nothing_is_told_with_what_to_do(value: float, shown: str) -> None:
    assert finds_nothing(figures(value)) == (
        f"f1@0.5 is {shown} on the locked images, so the network finds next to nothing: let it learn longer, "
        "and look whether images and labels belong together"
    )


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (1, "only 1 step was done in 0.5 min, which is too few to learn much; give more --time"),
        (199, "only 199 steps were done in 0.5 min, which is too few to learn much; give more --time"),
        (200, ""),
    ],
)
def test_a_training_that_came_too_short(steps: int, said: str) -> None:
    assert too_few_steps(steps, 0.45) == said
