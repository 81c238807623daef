"""Answers and intervals are cut off where no answer can be, and the truth stays inside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.trust.estimate import Estimate, estimate
from veriscope.trust.possible import keep_possible
from veriscope.trust.sampling import draw, draw_probability
from veriscope.trust.units import DrawnUnits

ENDS = st.lists(st.floats(-5, 5), min_size=3, max_size=3).map(sorted)


def told(low: float, value: float, high: float) -> Estimate:
    return Estimate(value, low, high, 0.9, "difference", 12, 11.0, ("Tiles were drawn.",), standard_error=1.0)


@given(ENDS, st.floats(0, 5))
def test_a_possible_truth_stays_inside_and_the_value_comes_nearer(ends: list[float], truth: float) -> None:
    found = told(*ends)
    kept = keep_possible(found, (0.0, math.inf))
    if kept.status == "ok":
        assert (kept.low <= truth <= kept.high) == (found.low <= truth <= found.high)
        assert 0 <= kept.low <= kept.value <= kept.high
    else:
        assert found.high < 0 and math.isnan(kept.low)
    assert abs(kept.value - truth) <= abs(found.value - truth)
    assert keep_possible(kept, (0.0, math.inf)) == kept or kept.status != "ok"


def test_what_is_possible_is_left_as_it_is() -> None:
    found = told(0.0, 0.5, 1.0)
    assert keep_possible(found, (0.0, 1.0)) is found
    assert keep_possible(told(-3, -2, -1), (-math.inf, math.inf)).value == -2


def test_what_was_cut_off_is_said() -> None:
    kept = keep_possible(told(-3.25, -1.5, 0.75), (0.0, math.inf))
    assert (kept.value, kept.low, kept.high, kept.status) == (0, 0, 0.75, "ok")
    assert kept.assumptions == (
        "Tiles were drawn.",
        "By the audit it is -1.5 (-3.25 to 0.75), cut off where no answer can be.",
    )
    share = keep_possible(told(0.875, 0.96875, 1.125), (0.0, 1.0))
    assert (share.value, share.low, share.high) == (0.96875, 0.875, 1.0)


@pytest.mark.parametrize(("ends", "value"), [((-3.0, -2.0, -1.0), 0.0), ((1.5, 2.0, 3.0), 1.0)])
def test_an_interval_out_of_reach_cannot_tell(ends: tuple[float, float, float], value: float) -> None:
    kept = keep_possible(told(*ends), (0.0, 1.0))
    assert (kept.status, kept.value) == ("cannot-tell", value)
    assert math.isnan(kept.low) and math.isnan(kept.high)
    assert kept.reason == (
        f"The interval of the audit, {ends[0]:.4g} to {ends[2]:.4g}, lies where no answer can be, so the "
        "tiles drawn are unlike the others. Draw more."
    )


def test_no_answer_stays_none() -> None:
    nan = math.nan
    nothing = Estimate(nan, nan, nan, 0.9, "difference", 3, nan, (), "cannot-tell", "3 tiles were drawn.")
    assert keep_possible(nothing, (0.0, 1.0)) is nothing
    few = Estimate(-2.0, nan, nan, 0.9, "difference", 3, nan, (), "cannot-tell", "3 tiles were drawn.")
    kept = keep_possible(few, (0.0, math.inf))
    assert (kept.value, kept.status, kept.reason) == (0, "cannot-tell", "3 tiles were drawn.")


def test_over_many_audits_of_rare_objects_the_interval_holds_the_truth_as_before() -> None:
    """A model that invents three objects a tile where there is one in ten: many estimates fall below 0."""
    rng = np.random.default_rng(3)
    n = 60
    reference = (rng.random(n) < 0.1).astype(float)
    prediction = rng.poisson(3, n).astype(float)
    probability = draw_probability(prediction)
    below = cut = covered = kept_covered = 0
    nearer: list[bool] = []
    for seed in range(200):
        rows = draw(probability, n=10, seed=seed)
        units = DrawnUnits(probability[rows], reference[rows], prediction[rows], float(prediction.sum()))
        found = estimate(units)
        kept = keep_possible(found, (0.0, math.inf))
        truth = reference.sum()
        below += found.value < 0
        cut += found.low < 0
        covered += found.low <= truth <= found.high
        kept_covered += kept.low <= truth <= kept.high
        nearer.append(abs(kept.value - truth) <= abs(found.value - truth))
    assert below > 20 and cut > 100, "the case is a real one"
    assert covered == kept_covered and all(nearer)
