"""Stability of a ranking: exact small cases, another implementation, invariants."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from veriscope.errors import InputError
from veriscope.validate.candidates import candidates_by_values
from veriscope.validate.stability import rank_stability


def test_two_units_give_the_shares_that_can_be_counted() -> None:
    """Draws of two: both first (a better), one of each (a better by 0.5), both second (b better)."""
    found = rank_stability(candidates_by_values({"b": [0, 0.5], "a": [1, 0]}), n_draws=4000)
    assert [candidate.name for candidate in found.candidates] == ["a", "b"]
    assert [candidate.rank for candidate in found.candidates] == [1, 2]
    assert found.candidates[0].probability_first == pytest.approx(0.75, abs=4 * math.sqrt(0.1875 / 4000))
    assert found.kendall_tau == pytest.approx(2 * found.candidates[0].probability_first - 1)
    assert (found.n_units, found.kendall_tau_low) == (2, -1)


def test_who_is_better_everywhere_is_first_in_every_draw() -> None:
    found = rank_stability(
        candidates_by_values({"far": [5, 6, 9], "near": [1, 2, 3], "mid": [2, 3, 4]}, better="lower")
    )
    assert [candidate.name for candidate in found.candidates] == ["near", "mid", "far"]
    assert [candidate.probability_first for candidate in found.candidates] == [1, 0, 0]
    assert [(one.lowest_rank, one.highest_rank) for one in found.candidates] == [(1, 1), (2, 2), (3, 3)]
    assert (found.kendall_tau, found.kendall_tau_low) == (1, 1)


def test_equal_candidates_share_their_ranks() -> None:
    found = rank_stability(candidates_by_values({"a": [1, 2, 3], "b": [1, 2, 3], "c": [0, 1, 2]}))
    assert [candidate.rank for candidate in found.candidates] == [1.5, 1.5, 3]
    assert found.candidates[0].probability_of_rank == (0.5, 0.5, 0)
    assert found.candidates[2].probability_of_rank == (0, 0, 1)


def test_sums_that_differ_by_rounding_are_equal() -> None:
    assert 0.1 + 0.2 + 0.3 != 0.3 + 0.2 + 0.1
    found = rank_stability(candidates_by_values({"a": [0.1, 0.2, 0.3], "b": [0.3, 0.2, 0.1]}))
    assert [candidate.rank for candidate in found.candidates] == [1.5, 1.5]


def test_tau_is_that_of_scipy() -> None:
    rng = np.random.default_rng(5)
    table = {name: rng.normal(size=6) for name in "abcde"}
    times = np.random.default_rng(8).multinomial(6, np.full(6, 1 / 6), size=1)[0]
    expected = stats.kendalltau(
        [values.mean() for values in table.values()], [(times * values).mean() for values in table.values()]
    )
    found = rank_stability(candidates_by_values(table), n_draws=1, seed=8)
    assert found.kendall_tau == pytest.approx(expected.statistic)


def test_clusters_are_drawn_as_a_whole() -> None:
    values = {"a": [1, 1, 1, 0, 0, 0], "b": [0, 0, 0, 1, 1, 1.5]}
    single = rank_stability(candidates_by_values(values, clusters=[0, 0, 0, 1, 1, 1]), n_draws=4000)
    assert single.n_units == 2
    assert single.candidates[1].probability_first == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("values", [{"a": [1.0], "b": [2.0]}, {"a": [], "b": []}])
def test_fewer_than_two_units_cannot_tell(values: dict[str, list[float]]) -> None:
    found = rank_stability(candidates_by_values(values))
    assert (found.candidates, found.kendall_tau, found.kendall_tau_low) == ((), None, None)


def test_a_single_candidate_is_first_and_has_no_tau() -> None:
    found = rank_stability(candidates_by_values({"a": [1.0, 2.0]}))
    assert found.candidates[0].probability_of_rank == (1,)
    assert found.kendall_tau is None


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=2, max_size=6))
@settings(max_examples=50, deadline=None)
def test_shares_add_up_over_ranks_and_over_candidates(table: list[tuple[int, int, int]]) -> None:
    columns = np.array(table, dtype=float).T
    found = rank_stability(candidates_by_values(dict(zip("abc", columns, strict=True))), n_draws=50)
    shares = np.array([candidate.probability_of_rank for candidate in found.candidates])
    assert shares.sum(axis=0) == pytest.approx(np.ones(3))
    assert shares.sum(axis=1) == pytest.approx(np.ones(3))
    turned = rank_stability(
        candidates_by_values(dict(zip("abc", -columns, strict=True)), better="lower"), n_draws=50
    )
    assert turned == found


def test_result_is_json_and_repeats_with_its_seed() -> None:
    given_values = candidates_by_values({"a": [1, 2, 5, 0], "b": [2, 1, 0, 3]}, unit="well")
    first, again, other = (rank_stability(given_values, n_draws=100, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    plain = json.loads(json.dumps(first.to_dict()))
    assert (plain["unit"], plain["n_draws"], plain["seed"], plain["level"]) == ("well", 100, 1, 0.95)
    assert plain["candidates"][0]["probability_first"] == first.candidates[0].probability_first


def test_wrong_input_is_refused() -> None:
    with pytest.raises(InputError) as error:
        rank_stability(candidates_by_values({"a": [1.0, 2.0]}), n_draws=0)
    assert str(error.value) == "n_draws 0 is not allowed; use at least 1, such as 2000"
