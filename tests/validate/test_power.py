"""How many units separate two candidates: against the literature, exact cases, and by simulation."""

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
from veriscope.validate.power import UnitsToSeparate, separation_power, units_to_separate
from veriscope.validate.ranking import rank_values


def plan(differences: np.ndarray, **options: float) -> UnitsToSeparate:
    values = {"a": 5 + np.asarray(differences), "b": np.full(len(differences), 5.0)}
    (found,) = units_to_separate(candidates_by_values(values), **options)
    return found


def even(k: int, mean: float) -> np.ndarray:
    """Differences of standard deviation 1 and a given mean, of even spread."""
    values = stats.norm.ppf((np.arange(k) + 0.5) / k)
    return mean + (values - values.mean()) / values.std(ddof=1)


@pytest.mark.parametrize(("effect", "pairs"), [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10)])
def test_power_agrees_with_known_numbers(effect: float, pairs: int) -> None:
    """Pairs for a power of 0.8 at a two-sided level of 0.05, as G*Power and R's power.t.test give them."""
    assert separation_power(effect, pairs, alpha=0.05) >= 0.8
    assert separation_power(effect, pairs - 1, alpha=0.05) < 0.8


def test_power_of_no_difference_is_the_level_and_of_a_huge_one_is_1() -> None:
    assert separation_power(0.0, 20, alpha=0.05) == pytest.approx(0.05)
    assert separation_power(50.0, 20, alpha=0.05) == 1
    assert separation_power(3.0, 2, alpha=0.001) < 0.05


@given(st.floats(0, 3), st.integers(2, 300), st.floats(0.001, 0.2))
@settings(max_examples=100, deadline=None)
def test_power_is_that_of_the_noncentral_t_distribution(effect: float, n: int, alpha: float) -> None:
    critical = stats.t.ppf(1 - alpha / 2, n - 1)
    far = stats.nct(n - 1, effect * math.sqrt(n)) if effect else stats.t(n - 1)
    expected = far.sf(critical) + np.nan_to_num(far.cdf(-critical))
    assert separation_power(effect, n, alpha=alpha) == pytest.approx(expected, abs=1e-6)
    assert separation_power(effect, n + 1, alpha=alpha) >= separation_power(effect, n, alpha=alpha) - 1e-9


def test_many_units_tell_the_number_exactly() -> None:
    found = plan(even(4000, 0.5))
    assert found.n_needed == 34
    assert found.n_needed_low is not None and found.n_needed_high is not None
    assert 30 <= found.n_needed_low < 34 < found.n_needed_high <= 39
    assert (found.separated, found.n_further, found.reason) == (True, 0, "")


def test_few_units_that_do_not_separate_promise_no_number() -> None:
    found = plan(even(10, 0.4))
    assert not found.separated
    assert found.n_needed is not None and 40 < found.n_needed < 75  # 52 for an effect of 0.4
    assert found.n_further == found.n_needed - 10
    assert found.n_needed_low is not None and found.n_needed_low < 12
    assert found.n_needed_high is None
    assert found.reason == "no number can be promised: the difference may be zero"


def test_there_is_an_upper_end_just_where_a_single_pair_is_separated() -> None:
    """Both ask whether the interval of the difference contains zero."""
    for mean in np.linspace(0.1, 1.5, 15):
        found = plan(even(12, mean))
        assert (found.n_needed_high is not None) == found.separated


def test_detectable_difference_is_found_with_the_power_asked_for() -> None:
    found = plan(even(16, 0.1), power=0.9)
    assert found.detectable_difference is not None
    assert separation_power(found.detectable_difference, 16, alpha=0.05) == pytest.approx(0.9, abs=0.01)


def test_more_pairs_need_more_units() -> None:
    noise = even(20, 0.0)
    two = candidates_by_values({"a": noise + 0.5, "b": noise * 0})
    four = candidates_by_values({"a": noise + 0.5, "b": noise * 0, "c": noise * 0 - 1, "d": noise * 0 - 2})
    (alone,) = units_to_separate(two)
    among = next(pair for pair in units_to_separate(four) if (pair.first, pair.second) == ("a", "b"))
    assert (alone.alpha, among.alpha) == (pytest.approx(0.05), pytest.approx(0.05 / 6))
    assert alone.n_needed is not None and among.n_needed is not None and among.n_needed > alone.n_needed
    assert len(units_to_separate(four)) == 6


def test_separated_as_the_ranking_says() -> None:
    rng = np.random.default_rng(2)
    values = {name: rng.normal(mean, 1, 12) for name, mean in zip("abcd", (0, 0.2, 1.2, 2), strict=True)}
    pairs = {(p.first, p.second): p.better is not None for p in rank_values(values, better="lower").pairs}
    plans = units_to_separate(candidates_by_values(values, better="lower"))
    assert {(p.first, p.second): p.separated for p in plans} == pairs


def test_images_of_one_replicate_that_are_alike_count_once() -> None:
    values = even(6, 0.5)
    copies = np.repeat(values, 4)
    wells = np.repeat(np.arange(6), 4).tolist()
    clustered = candidates_by_values({"a": copies, "b": copies * 0}, clusters=wells, unit="well")
    (found,) = units_to_separate(clustered)
    single = plan(values)
    assert (found.n_units, found.n_needed, found.n_needed_high) == (6, single.n_needed, single.n_needed_high)
    assert found.design_effect == pytest.approx((24 - 1) / (6 - 1))
    assert found.n_images_needed == 4 * (found.n_needed or 0)
    assert single.design_effect is None
    assert single.n_images_needed == single.n_needed


@pytest.mark.parametrize(
    ("differences", "reason"),
    [
        ([], "cannot tell: 0 images"),
        ([1.0], "cannot tell: 1 image"),
        ([2.0, 2.0, 2.0], "cannot tell: the difference is the same in every unit"),
        ([0.0, 0.0], "cannot tell: the difference is the same in every unit"),
    ],
)
def test_what_cannot_be_told(differences: list[float], reason: str) -> None:
    found = plan(np.array(differences))
    assert (found.n_needed, found.n_needed_low, found.n_needed_high) == (None, None, None)
    assert (found.detectable_difference, found.n_further, found.reason) == (None, None, reason)


def test_a_difference_that_nobody_could_separate_has_no_number() -> None:
    found = plan(even(50, 1e-5))
    assert (found.n_needed, found.n_further, found.n_images_needed) == (None, None, None)
    assert found.n_needed_low is not None


@pytest.mark.parametrize("k", [8, 20])
def test_interval_contains_the_true_number_and_this_number_separates(k: int) -> None:
    """An effect of 0.6 needs 24 pairs; full table in benchmarks/science/ranking.py."""
    rng = np.random.default_rng(6)
    runs, inside, enough = 300, 0, 0
    for _ in range(runs):
        found = plan(rng.normal(0.6, 1, k))
        inside += (found.n_needed_low or 0) <= 24 <= (found.n_needed_high or math.inf)
        enough += bool(rank_values({"a": rng.normal(0.6, 1, 24), "b": np.zeros(24)}).pairs[0].better)
    assert inside / runs > 0.95 - 3 * math.sqrt(0.95 * 0.05 / runs)
    assert enough / runs == pytest.approx(0.8, abs=3.5 * math.sqrt(0.8 * 0.2 / runs))


def test_result_is_json() -> None:
    found = json.loads(json.dumps(plan(even(10, 0.4)).to_dict()))
    assert (found["first"], found["second"], found["n_needed_high"], found["power"]) == ("a", "b", None, 0.8)


@pytest.mark.parametrize("power", [0, 1, 80, -0.1])
def test_senseless_power_is_refused(power: float) -> None:
    with pytest.raises(InputError) as error:
        plan(np.array([1.0, 2.0]), power=power)
    assert str(error.value) == f"power {power!r} is not allowed; use a share between 0 and 1, such as 0.8"


@pytest.mark.parametrize(("power", "level"), [(0.05, 0.95), (0.01, 0.95), (0.2, 0.5)])
def test_a_power_that_chance_has_is_refused(power: float, level: float) -> None:
    with pytest.raises(InputError) as error:
        plan(np.array([1.0, 2.0]), power=power, level=level)
    assert str(error.value) == (
        f"power {power!r} is not above {1 - level:.3g}, the chance of separating equals at level {level:g}; "
        "use more, such as 0.8"
    )


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99, 0.999, 0.9999])
@pytest.mark.parametrize("differences", [(0.1, 0.1005), (1.0, 2.0), (-1.0, 1.1), (0.5, 0.52, 0.51)])
def test_the_interval_of_few_units_is_found_at_any_level(
    differences: tuple[float, ...], level: float
) -> None:
    """With two units t has one degree of freedom, and the ends of the interval lie far apart."""
    found = plan(np.array(differences), level=level)
    assert found.n_units == len(differences)
    for end, smaller in ((found.n_needed, found.n_needed_low), (found.n_needed_high, found.n_needed)):
        assert end is None or (smaller is not None and smaller <= end)
    narrower = plan(np.array(differences), level=level / 2 + 0.1)
    assert narrower.detectable_difference is not None and found.detectable_difference is not None
    assert narrower.detectable_difference <= found.detectable_difference


@pytest.mark.parametrize("unit", [1e-4, 1e3])
def test_the_unit_of_the_metric_changes_no_number_of_units(unit: float) -> None:
    differences = np.array([0.4, 0.9, -0.2, 0.6, 0.5, 0.1])
    plain, scaled = plan(differences), plan(differences * unit)
    for name in ("n_needed", "n_needed_low", "n_needed_high", "n_further", "separated"):
        assert getattr(scaled, name) == getattr(plain, name)
    assert plain.detectable_difference is not None
    assert scaled.detectable_difference == pytest.approx(unit * plain.detectable_difference)
