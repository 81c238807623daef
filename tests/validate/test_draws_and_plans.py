"""Order over draws of the images, and how many images a decision needs: counted out and simulated."""

from __future__ import annotations

import json
from itertools import product
from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from veriscope.errors import InputError
from veriscope.validate.candidates import Candidates, candidates_by_values
from veriscope.validate.power import LARGEST, separation_power, units_to_separate
from veriscope.validate.stability import rank_stability


def candidates(*columns: list[float], **options: object) -> Candidates:
    return candidates_by_values(
        {chr(ord("a") + i): column for i, column in enumerate(columns)},
        **options,  # type: ignore[arg-type]
    )


# ---- stability of the order


@pytest.mark.parametrize("columns", [([3, 1, 2], [2, 2, 2]), ([5, 1, 1], [1, 2, 3]), ([1, 0, 4], [2, 2, 0])])
def test_shares_are_those_of_all_draws_there_are(columns: tuple[list[float], list[float]]) -> None:
    """Three images have 27 draws with replacement; 40,000 of them show each share to within 1 %."""
    first = tied = 0
    for draw in product(range(3), repeat=3):
        sums = [sum(column[i] for i in draw) for column in columns]
        first += sums[0] > sums[1]
        tied += sums[0] == sums[1]
    found = rank_stability(candidates(*columns), n_draws=40_000, seed=3)
    own = next(each for each in found.candidates if each.name == "a")
    assert own.probability_first == pytest.approx((first + tied / 2) / 27, abs=0.01)
    assert (found.n_units, found.n_draws, found.seed) == (3, 40_000, 3)


@given(st.lists(st.tuples(*[st.integers(0, 9)] * 3), min_size=2, max_size=7), st.permutations(range(3)))
@settings(max_examples=40, deadline=None)
def test_the_order_in_which_candidates_are_given_changes_nothing(
    table: list[tuple[int, ...]], order: list[int]
) -> None:
    columns = [[float(row[i]) for row in table] for i in range(3)]
    plain = rank_stability(candidates(*columns), n_draws=50)
    given = candidates_by_values({"abc"[i]: columns[i] for i in order})
    shuffled = rank_stability(given, n_draws=50)
    told = [
        {each.name: (each.rank, each.probability_of_rank) for each in found.candidates}
        for found in (plain, shuffled)
    ]
    assert told[0] == told[1]
    assert plain.kendall_tau == pytest.approx(shuffled.kendall_tau)


def test_errors_rank_the_other_way_round() -> None:
    scores = candidates([0.9, 0.8, 0.7], [0.5, 0.6, 0.4])
    errors = candidates([0.1, 0.2, 0.3], [0.5, 0.4, 0.6], better="lower")
    for found in (rank_stability(scores), rank_stability(errors)):
        assert [each.name for each in found.candidates] == ["a", "b"]
        assert found.candidates[0].probability_of_rank == (1, 0)
        assert (found.kendall_tau, found.kendall_tau_low) == (1, 1)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_the_interval_of_ranks_holds_its_share_of_draws(level: float) -> None:
    rng = np.random.default_rng(1)
    columns = [(rng.normal(0.1 * i, 1, 12)).tolist() for i in range(5)]
    found = rank_stability(candidates(*columns), level=level, n_draws=4000)
    for each in found.candidates:
        shares = np.array(each.probability_of_rank)
        inside = shares[int(np.floor(each.lowest_rank)) - 1 : int(np.ceil(each.highest_rank))].sum()
        assert inside >= level - 0.02
        assert each.lowest_rank <= each.rank <= each.highest_rank or level < 0.9


@pytest.mark.parametrize("n_draws", [0, -5])
def test_there_is_at_least_one_draw(n_draws: int) -> None:
    with pytest.raises(InputError) as caught:
        rank_stability(candidates([1, 2], [2, 1]), n_draws=n_draws)
    assert str(caught.value) == f"n_draws {n_draws} is not allowed; use at least 1, such as 2000"


# ---- power


@pytest.mark.parametrize(("effect", "n"), [(0.8, 10), (0.4, 30), (1.5, 5), (0.0, 8)])
def test_power_is_how_often_a_t_test_separates(effect: float, n: int) -> None:
    rng = np.random.default_rng(int(100 * effect) + n)
    drawn = rng.normal(effect, 1, (20_000, n))
    t = drawn.mean(axis=1) / (drawn.std(axis=1, ddof=1) / sqrt(n))
    share = (np.abs(t) > stats.t.ppf(0.975, n - 1)).mean()
    assert separation_power(effect, n, alpha=0.05) == pytest.approx(share, abs=0.012)


@given(st.floats(0, 3), st.integers(2, 60), st.sampled_from([0.01, 0.05, 0.1]))
@settings(max_examples=80, deadline=None)
def test_power_rises_with_effect_units_and_level(effect: float, n: int, alpha: float) -> None:
    own = separation_power(effect, n, alpha=alpha)
    assert alpha - 1e-9 <= own <= 1
    assert separation_power(-effect, n, alpha=alpha) == own
    assert separation_power(effect + 0.1, n, alpha=alpha) >= own - 1e-9
    assert separation_power(effect, n + 1, alpha=alpha) >= own - 1e-9
    assert separation_power(effect, n, alpha=alpha + 0.01) > own - 1e-9
    assert separation_power(effect, n, alpha=alpha, df_per_unit=0.5) <= own + 1e-9


def differences(*values: float) -> Candidates:
    """Two candidates whose paired differences are these."""
    return candidates([10 + value for value in values], [10.0] * len(values))


def test_the_number_of_units_is_the_smallest_with_that_power() -> None:
    (found,) = units_to_separate(differences(0.3, -0.2, 0.5, 0.1, 0.4, -0.1, 0.2, 0.6), power=0.9)
    values = np.array([0.3, -0.2, 0.5, 0.1, 0.4, -0.1, 0.2, 0.6])
    # The true effect for which the t seen is the median.
    t, df = values.mean() / stats.sem(values), 7
    grid = np.linspace(0, 5, 20_001)
    effect = grid[np.argmin(np.abs(stats.nct.cdf(t, df, grid) - 0.5))] / sqrt(8)
    smallest = next(n for n in range(2, 500) if separation_power(effect, n, alpha=0.05) >= 0.9)
    assert found.n_needed is not None and abs(found.n_needed - smallest) <= 1
    assert found.n_further == max(0, found.n_needed - 8) or found.separated
    assert found.n_needed_low is not None and found.n_needed_low <= found.n_needed


def test_asking_for_more_power_or_surety_needs_more() -> None:
    given = differences(0.3, -0.2, 0.5, 0.1, 0.4, -0.1, 0.2, 0.6)

    def needed(**options: float) -> int:
        (found,) = units_to_separate(given, **options)
        assert found.n_needed is not None
        return found.n_needed

    assert needed(power=0.5) < needed(power=0.8) < needed(power=0.99)
    assert needed(level=0.8) < needed(level=0.95) < needed(level=0.999)


@pytest.mark.parametrize("m", [2, 3, 4])
def test_each_pair_gets_its_share_of_the_level(m: int) -> None:
    rng = np.random.default_rng(0)
    found = units_to_separate(candidates(*(rng.normal(i, 1, 6).tolist() for i in range(m))))
    assert len(found) == comb(m, 2)
    assert [each.alpha for each in found] == pytest.approx([0.05 / comb(m, 2)] * comb(m, 2))


def test_a_difference_that_is_next_to_nothing_has_no_number_or_a_huge_one() -> None:
    rng = np.random.default_rng(4)
    (found,) = units_to_separate(differences(*(1e-4 + rng.normal(0, 1, 40))))
    assert found.n_needed is None or 40 < found.n_needed <= LARGEST
    assert not found.separated
    assert found.n_needed_high is None
    assert found.reason == "no number can be promised: the difference may be zero"


def test_a_plan_is_json() -> None:
    (found,) = units_to_separate(differences(0.3, -0.2, 0.5, 0.1), power=0.8)
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (told["first"], told["second"], told["power"], told["unit"]) == ("a", "b", 0.8, "image")
    assert told["n_units"] == 4 and told["design_effect"] is None


def test_replicates_of_unequal_images_tell_their_design_effect() -> None:
    """Three images of each of four replicates, all images of a replicate alike: the variance is 3 times."""
    values = np.repeat([0.4, -0.1, 0.3, 0.6], 3)
    clusters = list("aaabbbcccddd")
    given = candidates((1 + values).tolist(), [1.0] * 12, clusters=clusters)
    (found,) = units_to_separate(given)
    assert found.n_units == 4
    assert found.design_effect == pytest.approx(11 / 3, rel=1e-6)
    if found.n_needed is not None:
        assert found.n_images_needed == 3 * found.n_needed


@pytest.mark.parametrize("power", [0.0, 1.0, -0.1, 1.1])
def test_a_power_is_a_share(power: float) -> None:
    with pytest.raises(InputError) as caught:
        units_to_separate(differences(0.1, 0.2, 0.3), power=power)
    assert str(caught.value) == f"power {power!r} is not allowed; use a share between 0 and 1, such as 0.8"
