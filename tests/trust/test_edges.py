"""Answers at the edges: one tile, all tiles, nothing there, nothing found, tiles of very unequal weight."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.trust.estimate import (
    MIN_DRAWS,
    DrawnUnits,
    Estimate,
    estimate,
    labelled_only,
    naive,
    ppi,
    tiles_needed,
)
from veriscope.trust.possible import keep_possible
from veriscope.trust.sampling import draw, draw_probability

counts = st.lists(st.integers(0, 30), min_size=1, max_size=12)


def drawn(
    truth: Any, predicted: Any, *, n: int, seed: int = 0, size: Any = None, ratio: bool = False
) -> DrawnUnits:
    """Audit a population of tiles; with `ratio`, an area of 10 per object, and their mean is wanted."""
    truth, predicted = np.asarray(truth, float), np.asarray(predicted, float)
    p = draw_probability(predicted if size is None else np.asarray(size, float))
    rows = draw(p, n=n, seed=seed)
    more: dict[str, Any] = {}
    if ratio:
        more = {
            "reference_denominator": truth[rows],
            "prediction_denominator": predicted[rows],
            "predicted_total_denominator": float(predicted.sum()),
        }
        truth, predicted = 10 * truth, 10 * predicted
    return DrawnUnits(p[rows], truth[rows], predicted[rows], float(predicted.sum()), n_tiles=len(p), **more)


@given(st.integers(1, 50), st.integers(0, 50), st.integers(MIN_DRAWS, 30))
def test_one_tile_that_is_all_there_is_gives_the_truth_without_width(truth: int, found: int, n: int) -> None:
    answer = estimate(drawn([truth], [found], n=n))
    assert (answer.value, answer.low, answer.high) == pytest.approx((truth, truth, truth))
    assert answer.status == "ok"


@given(counts, st.integers(MIN_DRAWS, 25), st.integers(0, 99))
def test_a_model_without_errors_is_believed_with_room_for_those_not_seen(
    truth: list[int], n: int, seed: int
) -> None:
    units = drawn(truth, truth, n=n, seed=seed)
    answer = estimate(units)
    assert answer.value == pytest.approx(sum(truth))
    if answer.status == "ok":
        assert answer.low <= sum(truth) + 1e-9 and answer.high >= sum(truth) - 1e-9
    else:
        assert not units.reference.any(), "no drawn tile holds anything"
        assert math.isnan(answer.low)


@settings(max_examples=50)
@given(counts, counts, st.integers(MIN_DRAWS, 25), st.integers(0, 99), st.booleans())
def test_every_answer_is_told_or_refused_with_a_reason(
    truth: list[int], found: list[int], n: int, seed: int, ratio: bool
) -> None:
    size = min(len(truth), len(found))
    units = drawn(truth[:size], found[:size], n=n, seed=seed, ratio=ratio)
    for answer in (estimate(units), estimate(units, tolerance=0.5), labelled_only(units), ppi(units)):
        assert (answer.status == "cannot-tell") == bool(answer.reason)
        if answer.status == "ok":
            assert answer.low <= answer.value <= answer.high
            assert answer.assumptions
            assert 0 <= answer.half_width < math.inf
        assert not any(isinstance(v, float) and not math.isfinite(v) for v in answer.to_dict().values())


@pytest.mark.parametrize("n", [MIN_DRAWS, 25])
def test_images_without_an_object_cannot_tell_and_do_not_claim_zero(n: int) -> None:
    answer = estimate(drawn([0] * 9, [0] * 9, n=n))
    assert (answer.status, answer.value) == ("cannot-tell", 0.0)
    assert math.isnan(answer.low) and math.isnan(answer.high)
    assert answer.reason.startswith(f"None of {n} audited tiles holds anything to measure")
    mean = estimate(drawn([0] * 9, [0] * 9, n=n, ratio=True))
    assert (mean.status, math.isnan(mean.value)) == ("cannot-tell", True)
    assert "cannot tell the number of objects from 0" in mean.reason
    assert tiles_needed(drawn([0] * 9, [0] * 9, n=n), tolerance=1.0) is None


def test_a_model_that_finds_nothing_leaves_the_answer_to_the_person() -> None:
    truth = np.random.default_rng(0).poisson(8, 200)
    units = drawn(truth, np.zeros(200), n=60)
    assert naive(units).value == 0
    corrected, alone = estimate(units), labelled_only(units)
    assert corrected.value == pytest.approx(alone.value)
    assert corrected.low < truth.sum() < corrected.high


def test_a_model_that_finds_much_where_nothing_is_may_give_less_than_nothing_and_is_cut_off() -> None:
    truth = np.zeros(100)
    truth[:3] = 1
    found = np.random.default_rng(1).poisson(5, 100)
    below = [
        answer
        for seed in range(40)
        if (answer := estimate(drawn(truth, found, n=12, seed=seed))).status == "ok" and answer.low < 0
    ]
    assert below, "unbiased answers near 0 lie on both sides of it"
    for answer in below:
        kept = keep_possible(answer, (0.0, math.inf))
        assert kept.status == "cannot-tell" or (0 <= kept.low <= kept.value <= kept.high)


@pytest.mark.parametrize("ratio", [False, True])
def test_weights_of_the_draws_keep_the_answer_unbiased_where_tiles_are_very_unequal(ratio: bool) -> None:
    """One tile holds half of all objects and is drawn far more often than the others."""
    truth = np.array([300.0] + [3.0] * 100)
    found = np.array([200.0] + [4.0] * 100)
    answers = [estimate(drawn(truth, found, n=30, seed=seed, ratio=ratio)) for seed in range(60)]
    values = [answer.value for answer in answers]
    wanted = 10.0 if ratio else truth.sum()
    error = np.std(values) / math.sqrt(len(values))
    assert np.mean(values) == pytest.approx(wanted, abs=max(4 * error, 1e-9))
    covered = [answer.low - 1e-9 <= wanted <= answer.high + 1e-9 for answer in answers]
    assert np.mean(covered) > 0.8


def test_a_tile_drawn_twice_counts_twice() -> None:
    once = DrawnUnits(np.full(6, 0.5), np.array([1, 1, 1, 3, 3, 3.0]), np.zeros(6), 0.0)
    assert estimate(once).value == labelled_only(once).value == 4.0
    assert estimate(once).n == 6


@pytest.mark.parametrize("n", range(MIN_DRAWS))
def test_below_the_fewest_draws_there_is_a_value_and_no_interval(n: int) -> None:
    answer = estimate(drawn([4, 5, 6], [4, 5, 6], n=n))
    said = "1 tile was drawn" if n == 1 else f"{n} tiles were drawn"
    assert answer.reason == f"{said}; an interval needs at least {MIN_DRAWS}."
    assert answer.extra_tiles_needed == MIN_DRAWS - n
    assert math.isnan(answer.value) == (n == 0)
    assert math.isnan(answer.low) and math.isnan(answer.high)


def test_what_is_missing_is_null_in_json() -> None:
    nothing = Estimate(math.nan, -math.inf, math.inf, 0.9, "difference", 0, math.nan)
    found = nothing.to_dict()
    assert [found[key] for key in ("value", "low", "high", "df", "standard_error")] == [None] * 5
    assert (found["level"], found["n"], found["status"]) == (0.9, 0, "ok")
