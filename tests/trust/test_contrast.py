from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from scipy import stats

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.trust.census import census
from veriscope.trust.contrast import Group, Kind, _adjusted, compare_groups, contrast
from veriscope.trust.estimate import Estimate, estimate
from veriscope.trust.sampling import draw, draw_probability
from veriscope.trust.units import DrawnUnits


def audited(value: float, error: float, n: int = 21) -> Estimate:
    return Estimate(value, value - error, value + error, 0.9, "difference", n, n - 1.0, standard_error=error)


def group(name: str, value: float, error: float, replicates: list[float]) -> Group:
    return Group(name, audited(value, error), np.array(replicates), np.ones(len(replicates)))


def test_exact_audits_give_welchs_t_test_of_the_replicates() -> None:
    a, b = [10.0, 12.0, 11.0, 13.0], [15.0, 14.0, 18.0]
    found = contrast(group("a", np.mean(a), 0.0, a), group("b", np.mean(b), 0.0, b))
    welch = stats.ttest_ind(b, a, equal_var=False)
    assert found.p_value == pytest.approx(welch.pvalue)
    assert found.estimate.df == pytest.approx(welch.df)
    interval = welch.confidence_interval(0.9)
    assert (found.estimate.low, found.estimate.high) == pytest.approx((interval.low, interval.high))
    assert found.audit_share == 0


def test_the_audit_adds_its_variance_and_says_its_share() -> None:
    a, b = [10.0, 12.0], [15.0, 17.0]
    found = contrast(group("a", 11, 1.0, a), group("b", 16, 1.0, b))
    assert found.estimate.standard_error == pytest.approx(2.0)  # 1 + 1 between, 1 + 1 audit
    assert found.audit_share == pytest.approx(0.5)
    assert found.estimate.df == pytest.approx(16 / (1 + 1 + 1 / 20 + 1 / 20))


def test_replicates_are_scaled_to_the_audited_level() -> None:
    found = group("a", 22.0, 0.0, [10.0, 12.0])
    assert found.between_variance == pytest.approx(np.var([20.0, 24.0], ddof=1) / 2)


def test_a_ratio_of_sums_weighs_replicates_by_their_objects() -> None:
    above, below = np.array([200.0, 330.0, 90.0]), np.array([20.0, 30.0, 10.0])
    value = above.sum() / below.sum()
    found = Group("a", audited(value, 0.0), above, below)
    deviation = (above - value * below) / below.mean()
    assert found.between_variance == pytest.approx((deviation**2).sum() / 6)


def test_one_replicate_speaks_about_these_images_only() -> None:
    found = contrast(group("dish 1", 10, 1.0, [10.0]), group("dish 2", 14, 1.0, [13.0, 15.0]))
    assert found.scope == "images"
    assert found.estimate.status == "cannot-tell"
    assert found.estimate.reason == (
        "Fewer than two replicates in 'dish 1': the interval is about these images only, and "
        "nothing can be told about a population. Add replicates, not tiles."
    )
    half = stats.t.ppf(0.95, 40) * math.sqrt(2)
    assert (found.estimate.low, found.estimate.high) == pytest.approx((4 - half, 4 + half))
    assert math.isnan(found.p_value)
    assert found.to_dict()["p_value"] is None


def test_a_model_that_finds_nothing_tells_nothing_of_how_replicates_differ() -> None:
    """Where no replicate has a predicted object, a spread of 0 is the model's blindness, not the dishes'."""
    blind = group("treated", 5, 0.5, [0.0, 0.0, 0.0])
    assert math.isnan(blind.between_variance)
    found = contrast(group("control", 9, 0.5, [7.0, 9.0, 11.0]), blind)
    assert (found.scope, found.estimate.status) == ("images", "cannot-tell")
    assert found.estimate.reason == (
        "The model finds nothing in any replicate of 'treated', so it does not tell how they differ: the "
        "interval is about these images only, and nothing can be told about a population. Correct a better "
        "prediction."
    )
    assert math.isnan(found.p_value)
    half = stats.t.ppf(0.95, 40) * math.sqrt(0.5)
    assert (found.estimate.low, found.estimate.high) == pytest.approx((-4 - half, -4 + half))
    both = contrast(blind, group("other", 6, 0.5, [0.0, 0.0]))
    assert "any replicate of 'treated' and 'other'" in both.estimate.reason
    lone = contrast(blind, group("single", 6, 0.5, [4.0]))
    assert lone.estimate.reason.startswith("Fewer than two replicates in 'single':")


def test_replicates_that_a_census_found_empty_do_not_differ() -> None:
    empty = Group("empty", census(0.0, denominator=3.0, n=30), np.zeros(3), np.ones(3))
    assert empty.between_variance == 0
    found = contrast(empty, group("b", 9, 0.0, [7.0, 9.0, 11.0]))
    welch = stats.ttest_1samp([7.0, 9.0, 11.0], 0)  # nothing varies but the second group
    assert (found.scope, found.p_value) == ("replicates", pytest.approx(welch.pvalue))


@pytest.mark.parametrize(("n", "m"), [(2, 2), (2, 3), (3, 3), (4, 4), (5, 6)])
@pytest.mark.parametrize("kind", ["difference", "ratio"])
def test_replicates_without_spread_are_compared_by_lot(kind: Kind, n: int, m: int) -> None:
    """Five objects in each dish of one group and six in the other: no spread, and yet no certainty."""
    a = Group("a", census(5.0 * n, denominator=n, n=n), np.full(n, 5.0), np.ones(n))
    b = Group("b", census(6.0 * m, denominator=m, n=m), np.full(m, 6.0), np.ones(m))
    found = contrast(a, b, kind=kind)
    # Of all ways to share the dishes out, the one seen and its mirror are as far apart.
    pooled = np.array([5.0] * n + [6.0] * m)
    apart = [
        abs(pooled[list(part)].mean() - np.delete(pooled, list(part)).mean()) >= 1 - 1e-9
        for part in itertools.combinations(range(n + m), n)
    ]
    mirrored = 2 * apart.count(True) / len(apart) if n != m else apart.count(True) / len(apart)
    assert found.p_value == pytest.approx(mirrored)
    assert found.estimate.value == pytest.approx(1.0 if kind == "difference" else 1.2)
    if found.p_value < 0.1:
        assert found.estimate.low == found.estimate.high == pytest.approx(found.estimate.value)
    else:
        assert found.estimate.status == "cannot-tell" and math.isnan(found.estimate.low)
        assert found.estimate.reason.startswith("All replicates of a group are alike, and so few that")
        assert json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("kind", ["difference", "ratio"])
def test_equal_groups_stay_equal_where_the_last_digit_differs(kind: Kind, unit: float) -> None:
    first = Group("a", census(0.9 * unit, denominator=3.0, n=3), np.full(3, 0.3 * unit), np.ones(3))
    tenth = 0.1 * unit + 0.2 * unit
    second = Group("b", census(3 * tenth, denominator=3.0, n=3), np.full(3, tenth), np.ones(3))
    found = contrast(first, second, kind=kind)
    assert found.p_value == 1.0
    assert found.estimate.status == "ok"


def test_a_group_without_interval_gives_none_between_groups() -> None:
    short = Estimate(9.0, math.nan, math.nan, 0.9, "difference", 2, math.nan, status="cannot-tell")
    found = contrast(Group("a", short, np.ones(3), np.ones(3)), group("b", 14, 1.0, [13.0, 15.0]))
    assert found.estimate.status == "cannot-tell"
    assert found.estimate.reason == "The audit gives no interval for 'a'."
    assert found.estimate.value == 5
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_a_ratio_is_inverted_when_groups_are_swapped() -> None:
    a, b = group("a", 10, 0.5, [9.0, 10.0, 11.0]), group("b", 20, 0.5, [19.0, 20.0, 21.0])
    there, back = contrast(a, b, kind="ratio"), contrast(b, a, kind="ratio")
    assert there.estimate.value == 2
    assert (back.estimate.low, back.estimate.high) == pytest.approx(
        (1 / there.estimate.high, 1 / there.estimate.low)
    )
    assert there.p_value == pytest.approx(back.p_value)
    negative = contrast(group("n", -1.0, 0.5, [0.0, 1.0]), b, kind="ratio")
    assert negative.estimate.reason == "A ratio needs two positive estimates; use the difference."


@pytest.mark.parametrize("kind", ["difference", "ratio"])
def test_units_of_the_measure_do_not_change_what_is_shown(kind: Kind) -> None:
    def of(name: str, scale: float) -> tuple[Group, Group]:
        return (
            group(name, 10 * scale, 0.4 * scale, [9.0, 10.0, 12.0]),
            group("b", 14 * scale, 0.7 * scale, [13.0, 11.0, 15.0]),
        )

    plain, scaled = contrast(*of("a", 1.0), kind=kind), contrast(*of("a", 1e-6), kind=kind)
    assert (scaled.p_value, scaled.audit_share) == pytest.approx((plain.p_value, plain.audit_share))
    unit = 1e-6 if kind == "difference" else 1.0
    ends = (plain.estimate.low * unit, plain.estimate.high * unit)
    assert (scaled.estimate.low, scaled.estimate.high) == pytest.approx(ends)


@pytest.mark.parametrize("level", [0.8, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["difference", "ratio"])
def test_the_interval_leaves_out_no_difference_just_where_p_is_below_its_level(
    kind: Kind, level: float
) -> None:
    nothing = 0.0 if kind == "difference" else 1.0
    random = np.random.default_rng(8)
    shown = []
    for _ in range(60):
        first, second = (
            group(name, float(random.uniform(8, 14)), 0.5, random.normal(10, 1.5, 3).clip(1).tolist())
            for name in "ab"
        )
        found = contrast(first, second, kind=kind, level=level)
        apart = not found.estimate.low < nothing < found.estimate.high
        assert apart == (found.p_value < 1 - level)
        shown.append(apart)
    assert 0 < sum(shown) < 60


def test_contrasts_without_a_p_value_are_no_comparisons() -> None:
    assert _adjusted([0.01, 0.04, np.nan, 0.03]) == pytest.approx([0.03, 0.06, np.nan, 0.06], nan_ok=True)
    assert _adjusted([0.6, 0.9]) == [1.0, 1.0]
    assert _adjusted([]) == []


def test_groups_are_compared_with_the_control_or_each_with_each() -> None:
    groups = [group(name, v, 0.1, [v - 1, v, v + 1]) for name, v in (("a", 5.0), ("ctrl", 7.0), ("b", 9.0))]
    pairs = [(c.first, c.second) for c in compare_groups(groups, control="ctrl")]
    assert pairs == [("ctrl", "a"), ("ctrl", "b")]
    every = compare_groups(groups)
    assert [(c.first, c.second) for c in every] == [("a", "ctrl"), ("a", "b"), ("ctrl", "b")]
    assert every[1].p_value_holm == pytest.approx(min(3 * every[1].p_value, 1))
    assert compare_groups(groups[:1]) == ()


class Experiment:
    """Two groups without effect: 3 replicates each, 30 tiles per replicate, dishes differ."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.cells: list[np.ndarray] = []
        self.groups: list[Group] = []
        for index, name in enumerate("ab"):
            level = 100 * np.exp(rng.normal(0, 0.15, 3))
            count = rng.poisson(8, (3, 30)).astype(float)
            owner = np.repeat(np.arange(90), count.ravel().astype(int))
            cells = rng.normal(level[owner // 30], 20)
            area = np.bincount(owner, cells, minlength=90).reshape(3, 30)
            self.cells.append(cells)
            seen = rng.binomial(count.astype(int), 0.85).astype(float)
            seen_area = area * seen / np.maximum(count, 1) * 0.95
            p = draw_probability(seen.ravel())
            i = draw(p, n=12, seed=seed, group=str(index))
            flat = [x.ravel() for x in (area, seen_area, count, seen)]
            units = DrawnUnits(
                p[i], flat[0][i], flat[1][i], flat[1].sum(), flat[2][i], flat[3][i], flat[3].sum()
            )
            self.groups.append(Group(name, estimate(units), seen_area.sum(axis=1), seen.sum(axis=1)))


def test_without_effect_replicates_keep_the_false_positives_and_cells_do_not() -> None:
    by_replicate, by_cell = [], []
    for seed in range(300):
        experiment = Experiment(seed)
        by_replicate.append(contrast(*experiment.groups).p_value < 0.1)
        by_cell.append(stats.ttest_ind(*experiment.cells, equal_var=False).pvalue < 0.1)
    assert np.mean(by_replicate) < 0.14  # nominal 0.10; Monte-Carlo error 0.017
    assert np.mean(by_replicate) > 0.03
    assert np.mean(by_cell) > 0.6


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ShapeMismatchError) as shapes:
        Group("a", audited(1, 1), np.ones(2), np.ones(3))
    assert str(shapes.value) == (
        "group 'a': numerator and denominator have shapes (2,) and (3,); give one value of each per replicate"
    )
    with pytest.raises(PixelValueError, match="leave out replicates without images"):
        Group("a", audited(1, 1), np.ones(2), np.zeros(2))
    a = group("a", 1, 1, [1.0, 2.0])
    with pytest.raises(InputError, match=r"group names \['a', 'a'\] repeat"):
        compare_groups([a, a])
    with pytest.raises(InputError, match=r"control 'x' is not a group; groups are \['a'\]"):
        compare_groups([a], control="x")
    with pytest.raises(InputError, match="kind 'log' is unknown; use 'difference' or 'ratio'"):
        contrast(a, a, kind="log")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="level 2 is not between 0 and 1"):
        contrast(a, a, level=2)


@pytest.mark.parametrize("error", [0.5, 5.0, 500.0, 1e9])
@pytest.mark.parametrize("replicates", [[3.0, 4.0, 5.0], [4.0]], ids=["replicates", "one replicate"])
def test_a_ratio_to_next_to_nothing_could_be_anything(error: float, replicates: list[float]) -> None:
    """An audit that hardly tells a group from 0 made exp overflow; the difference is told all the same."""
    nothing = group("no dye", 0.001, error, replicates)
    full = group("dye", 10.0, 1.0, [9.0, 10.0, 11.0])
    for pair in ((nothing, full), (full, nothing)):
        found = contrast(*pair, kind="ratio")
        assert found.estimate.status == "cannot-tell"
        assert math.isnan(found.estimate.low) and math.isnan(found.estimate.high)
        assert found.estimate.reason == (
            "So little is known of the groups that their ratio could be a million times more or less. Draw "
            "more tiles or add replicates, or use the difference."
        )
        assert json.dumps(found.to_dict(), allow_nan=False)
    assert math.isfinite(contrast(nothing, full).estimate.low)


@pytest.mark.parametrize("error", [0.01, 0.1, 0.4])
def test_a_ratio_of_groups_that_are_known_is_told(error: float) -> None:
    first, second = group("a", 1.0, error, [0.9, 1.0, 1.1]), group("b", 2.0, error, [1.9, 2.0, 2.1])
    found = contrast(first, second, kind="ratio").estimate
    assert found.status == "ok"
    assert 0 < found.low < 2 < found.high < 2e6
    assert found.high / found.value == pytest.approx(found.value / found.low)
