"""Bland-Altman limits and proportional bias."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from veriscope.errors import InputError
from veriscope.validate.agreement import bland_altman

REFERENCE = np.array([10.0, 20.0, 30.0, 40.0, 50.0])
PREDICTION = np.array([12.0, 19.0, 33.0, 44.0, 52.0])  # differences 2, -1, 3, 4, 2


def test_mean_difference_is_that_of_the_paired_t_test() -> None:
    result = bland_altman(REFERENCE, PREDICTION, level=0.9)
    expected = stats.ttest_rel(PREDICTION, REFERENCE).confidence_interval(0.9)
    assert result.mean_difference.value == 2
    assert result.mean_difference.low == pytest.approx(float(expected.low))
    assert result.mean_difference.high == pytest.approx(float(expected.high))
    assert result.n_units == 5


def test_limits_of_agreement() -> None:
    result = bland_altman(REFERENCE, PREDICTION)
    deviation = np.std([2, -1, 3, 4, 2], ddof=1)
    assert result.standard_deviation == pytest.approx(deviation)
    assert result.lower_limit.value == pytest.approx(2 - 1.959964 * deviation)
    assert result.upper_limit.value == pytest.approx(2 + 1.959964 * deviation)


def test_limits_have_intervals_that_are_mirror_images() -> None:
    result = bland_altman(REFERENCE, PREDICTION)
    lower, upper = result.lower_limit, result.upper_limit
    assert lower.low is not None and lower.high is not None
    assert lower.low < lower.value < lower.high
    assert upper.low == pytest.approx(4 - lower.high)
    assert upper.high == pytest.approx(4 - lower.low)
    assert lower.value - lower.low > lower.high - lower.value  # exact intervals reach further out


def test_limits_cover_the_true_limits() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(500):
        difference = rng.normal(3, 2, 8)
        limit = bland_altman(np.full(8, 10.0), 10 + difference).upper_limit
        assert limit.low is not None and limit.high is not None
        covered += limit.low <= 3 + 1.959964 * 2 <= limit.high
    assert 0.925 < covered / 500 < 0.975


def test_slope_agrees_with_linear_regression() -> None:
    result = bland_altman(REFERENCE, PREDICTION).slope
    expected = stats.linregress((REFERENCE + PREDICTION) / 2, PREDICTION - REFERENCE)
    reach = stats.t.ppf(0.975, 3) * expected.stderr
    assert result.value == pytest.approx(expected.slope)
    assert (result.low, result.high) == (
        pytest.approx(expected.slope - reach),
        pytest.approx(expected.slope + reach),
    )


@given(st.floats(0.5, 2), st.lists(st.integers(1, 1000), min_size=3, max_size=20, unique=True))
@settings(deadline=None)
def test_a_constant_factor_is_a_constant_relative_difference(factor: float, values: list[int]) -> None:
    result = bland_altman(values, factor * np.array(values), relative=True)
    assert result.mean_difference.value == pytest.approx(2 * (factor - 1) / (factor + 1))
    assert result.standard_deviation == pytest.approx(0, abs=1e-9)
    absolute = bland_altman(values, factor * np.array(values))
    assert absolute.slope.value == pytest.approx(2 * (factor - 1) / (factor + 1), abs=1e-9)


def test_swapping_the_sides_turns_the_sign() -> None:
    forth, back = bland_altman(REFERENCE, PREDICTION), bland_altman(PREDICTION, REFERENCE)
    assert back.mean_difference.value == -forth.mean_difference.value
    assert back.lower_limit.value == pytest.approx(-forth.upper_limit.value)
    assert back.slope.value == pytest.approx(-forth.slope.value)


def test_units_without_values_are_left_out_and_counted() -> None:
    reference, prediction = np.array([0.0, 4, np.nan, 6, 8]), np.array([0.0, 5, 3, 6, np.nan])
    assert (bland_altman(reference, prediction).n_units, bland_altman(reference, prediction).n_left_out) == (
        3,
        2,
    )
    relative = bland_altman(reference, prediction, relative=True)
    assert (relative.n_units, relative.n_left_out) == (2, 3)
    assert relative.differences == pytest.approx((1 / 4.5, 0))


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_units_cannot_tell(n: int) -> None:
    result = bland_altman(REFERENCE[:n], PREDICTION[:n])
    for interval in (result.mean_difference, result.lower_limit, result.upper_limit, result.slope):
        assert (interval.low, interval.high) == (None, None)
    assert math.isnan(result.mean_difference.value) == (n == 0)
    assert result.mean_difference.method == f"cannot tell: {n} image{'' if n == 1 else 's'}"
    assert json.loads(json.dumps(result.to_dict()))["standard_deviation"] is None


def test_equal_values_have_no_slope() -> None:
    result = bland_altman([5.0, 5, 5], [5.0, 5, 5])
    assert math.isnan(result.slope.value)
    assert result.mean_difference.value == result.lower_limit.value == 0


def test_wrong_input_is_refused() -> None:
    with pytest.raises(InputError) as error:
        bland_altman([1.0, 2.0], [1.0])
    assert str(error.value) == (
        "reference values have shape (2,) and predicted values (1,); give one of each per unit, in the same "
        "order"
    )
    with pytest.raises(InputError, match="infinite values cannot be compared"):
        bland_altman([1.0, np.inf], [1.0, 2.0])
    with pytest.raises(InputError, match=r"use relative=False$"):
        bland_altman([1.0, -1.0], [1.0, 2.0], relative=True)


CLUSTERED = {"a": [1.0, 3.0], "b": [4.0, 6.0, 8.0], "c": [2.0]}  # differences


def clustered_values() -> tuple[np.ndarray, np.ndarray, list[str]]:
    clusters = [name for name, values in CLUSTERED.items() for _ in values]
    differences = np.concatenate(list(CLUSTERED.values()))
    reference = np.array([10.0, 12, 15, 11, 18, 13])
    return reference, reference + differences, clusters


def test_variance_within_and_between_clusters_by_hand() -> None:
    reference, prediction, clusters = clustered_values()
    result = bland_altman(reference, prediction, clusters=clusters)
    # Means 2, 6, 2; within: squares 2 + 8 + 0 over 6 - 3 degrees of freedom; 1/m: mean of 1/2, 1/3, 1.
    within, between, share = 10 / 3, 16 / 3, (1 / 2 + 1 / 3 + 1) / 3
    assert result.mean_difference.value == pytest.approx(10 / 3)
    assert result.deviation_within == pytest.approx(math.sqrt(within))
    assert result.standard_deviation == pytest.approx(math.sqrt(between + (1 - share) * within))
    reach = stats.t.ppf(0.975, 2) * math.sqrt(between / 3)
    assert result.mean_difference.high == pytest.approx(10 / 3 + reach)
    assert (result.n_clusters, result.n_units) == (3, 6)
    assert (result.upper_limit.n_units, result.upper_limit.unit) == (3, "replicate")
    assert result.upper_limit.method == "MOVER"


def test_limits_of_clusters_follow_the_formula_of_zou() -> None:
    reference, prediction, clusters = clustered_values()
    result = bland_altman(reference, prediction, clusters=clusters)
    between, within, share = 16 / 3, 10 / 3, (1 / 2 + 1 / 3 + 1) / 3
    total = between + (1 - share) * within
    low = total - math.sqrt(
        (between * (1 - 2 / stats.chi2.ppf(0.975, 2))) ** 2
        + ((1 - share) * within * (1 - 3 / stats.chi2.ppf(0.975, 3))) ** 2
    )
    high = total + math.sqrt(
        (between * (2 / stats.chi2.ppf(0.025, 2) - 1)) ** 2
        + ((1 - share) * within * (3 / stats.chi2.ppf(0.025, 3) - 1)) ** 2
    )
    z = 1.959964
    limit = 10 / 3 + z * math.sqrt(total)
    error = z * math.sqrt(between / 3)
    assert result.upper_limit.value == pytest.approx(limit)
    assert result.upper_limit.low == pytest.approx(
        limit - math.sqrt(error**2 + (z * (math.sqrt(total) - math.sqrt(max(low, 0)))) ** 2)
    )
    assert result.upper_limit.high == pytest.approx(
        limit + math.sqrt(error**2 + (z * (math.sqrt(high) - math.sqrt(total))) ** 2)
    )


def test_clusters_of_one_unit_are_units() -> None:
    alone = bland_altman(REFERENCE, PREDICTION)
    each = bland_altman(REFERENCE, PREDICTION, clusters=list("abcde"))
    assert each.upper_limit.high == alone.upper_limit.high
    assert each.slope.value == alone.slope.value
    assert (alone.n_clusters, each.n_clusters) == (None, 5)


def test_limits_and_slope_cover_the_truth_with_clusters() -> None:
    rng = np.random.default_rng(4)
    clusters = np.repeat(np.arange(6), [2, 3, 4, 4, 5, 6])
    covered = np.zeros(4)
    plain = 0
    for _ in range(400):
        difference = rng.normal(3, 2, 6)[clusters] + rng.normal(0, 2, 24)
        reference = rng.normal(50, 5, 6)[clusters] + rng.normal(0, 3, 24)
        values = (reference - difference / 2, reference + difference / 2)
        found = bland_altman(*values, clusters=clusters.tolist())
        limit = 3 + 1.959964 * math.sqrt(8)
        truths = (3, 6 - limit, limit, 0)
        intervals = (found.mean_difference, found.lower_limit, found.upper_limit, found.slope)
        for i, (interval, truth) in enumerate(zip(intervals, truths, strict=True)):
            assert interval.low is not None and interval.high is not None
            covered[i] += interval.low <= truth <= interval.high
        alone = bland_altman(*values).mean_difference
        assert alone.low is not None and alone.high is not None
        plain += alone.low <= 3 <= alone.high
    assert ((covered / 400 > 0.92) & (covered / 400 < 0.995)).all(), covered
    assert plain / 400 < 0.85  # units taken for independent


def test_units_without_values_leave_their_cluster() -> None:
    reference, prediction, clusters = clustered_values()
    without = prediction.copy()
    without[-1] = np.nan
    result = bland_altman(reference, without, clusters=clusters)
    assert (result.n_clusters, result.n_left_out) == (2, 1)
    assert (result.slope.low, result.slope.method) == (None, "cannot tell: few replicates")


def test_there_is_one_cluster_for_each_unit() -> None:
    with pytest.raises(InputError) as error:
        bland_altman(REFERENCE, PREDICTION, clusters=["a", "b"])
    assert str(error.value) == "2 clusters are given for 5 units; give one for each"


def test_one_cluster_cannot_tell() -> None:
    result = bland_altman(REFERENCE, PREDICTION, clusters=["a"] * 5)
    assert result.mean_difference.method == "cannot tell: 1 replicate"
    assert result.upper_limit.high is None and math.isnan(result.standard_deviation)
    assert result.deviation_within == pytest.approx(np.std([2, -1, 3, 4, 2], ddof=1))


@pytest.mark.parametrize("unit", [1e-9, 1e-3, 1e6, 1e12])
@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("clustered", [False, True])
def test_the_unit_of_the_values_does_not_matter(unit: float, relative: bool, clustered: bool) -> None:
    """Sums of intensities are large, and the slope of shares per unit of them is tiny."""
    rng = np.random.default_rng(2)
    reference = rng.uniform(10, 60, 18)
    prediction = reference * rng.normal(1.02, 0.05, 18)
    clusters = list("aaabbbcccdddeeefff") if clustered else None
    plain = bland_altman(reference, prediction, clusters=clusters, relative=relative)
    scaled = bland_altman(reference * unit, prediction * unit, clusters=clusters, relative=relative)
    of_values, of_slope = (1.0, 1 / unit) if relative else (unit, 1.0)
    for name, factor in (
        ("mean_difference", of_values),
        ("lower_limit", of_values),
        ("upper_limit", of_values),
        ("slope", of_slope),
    ):
        one, two = getattr(plain, name), getattr(scaled, name)
        assert None not in (two.low, two.high), name
        expected = [end * factor for end in (one.value, one.low, one.high)]
        assert [two.value, two.low, two.high] == pytest.approx(expected, rel=1e-6), name
    assert scaled.standard_deviation == pytest.approx(plain.standard_deviation * of_values)


@pytest.mark.parametrize("values", [[3.0, 5, 9, 12], [0.1, 0.2, 0.3, 0.7], [1e9, 3e9, 5e9, 2e9]])
@pytest.mark.parametrize("offset", [0.0, 0.3, -2.0])
def test_units_that_all_differ_by_the_same_do_not_make_it_certain(values: list[float], offset: float) -> None:
    """Four images without an error are no proof that the fifth has none."""
    reference = np.array(values)
    result = bland_altman(reference, reference + offset * values[0])
    for interval in (result.mean_difference, result.lower_limit, result.upper_limit, result.slope):
        assert (interval.low, interval.high) == (None, None)
    assert result.mean_difference.value == pytest.approx(offset * values[0])
    assert result.mean_difference.method == "no spread: sign test"
    assert result.upper_limit.method == "no spread: binomial bound"
    assert result.slope.method == "cannot tell: few units, or no spread around the line"


@pytest.mark.parametrize(
    ("n", "level", "mean_known", "limits_known"),
    [(5, 0.95, False, False), (6, 0.95, True, False), (71, 0.95, True, False), (72, 0.95, True, True)],
)
def test_enough_equal_units_do_tell(n: int, level: float, mean_known: bool, limits_known: bool) -> None:
    """6 of 6 on one side: 2/64 < 0.05. 72 without another: 0.95^72 < 0.025, so 95 of 100 are like them."""
    result = bland_altman(np.arange(n) + 1.0, np.arange(n) + 4.0, level=level)
    assert (result.mean_difference.low == result.mean_difference.high == 3) is mean_known
    assert (result.upper_limit.low == result.lower_limit.high == 3) is limits_known
    if not limits_known:
        assert result.upper_limit.low is None


def test_replicates_with_equal_means_are_no_certain_mean_either() -> None:
    """Within replicates images differ, so limits have a spread; the mean of the replicates has none."""
    reference = np.array([10.0, 20, 10, 20, 10, 20])
    result = bland_altman(reference, reference + np.array([-1.0, 1, 2, -2, 3, -3]), clusters=list("aabbcc"))
    assert (result.mean_difference.value, result.mean_difference.low) == (0, None)
    assert result.upper_limit.method == "MOVER"
    assert result.upper_limit.low is not None and result.upper_limit.high is not None
    assert result.upper_limit.low < result.upper_limit.value < result.upper_limit.high


def test_a_line_without_spread_has_a_slope_and_no_interval() -> None:
    """Half of the objects are found in each of three images: the slope is -2/3, how surely nobody knows."""
    result = bland_altman([10.0, 20, 40], [5.0, 10, 20])
    assert result.slope.value == pytest.approx(-2 / 3)
    assert result.slope.low is None
    assert result.mean_difference.low is not None  # the differences do spread


@pytest.mark.parametrize("wanted", [0.5, 0.8, 0.99])
def test_the_limits_hold_the_share_that_is_asked_for(wanted: float) -> None:
    result = bland_altman(REFERENCE, PREDICTION, spread=wanted)
    deviation = np.std([2, -1, 3, 4, 2], ddof=1)
    z = stats.norm.ppf((1 + wanted) / 2)
    assert result.upper_limit.value == pytest.approx(2 + z * deviation)
    assert result.lower_limit.value == pytest.approx(2 - z * deviation)
    assert result.spread == result.to_dict()["spread"] == wanted


@pytest.mark.parametrize(("option", "value"), [("level", 1.0), ("level", 0), ("spread", 1), ("spread", -0.1)])
def test_levels_and_shares_lie_between_none_and_all(option: str, value: float) -> None:
    with pytest.raises(InputError) as caught:
        bland_altman(REFERENCE, PREDICTION, **{option: value})
    assert str(caught.value) == f"level {value!r} is not allowed; use a share between 0 and 1, such as 0.95"


@given(st.permutations(range(6)), st.booleans())
@settings(deadline=None, max_examples=30)
def test_the_order_of_units_and_the_names_of_clusters_change_nothing(order: list[int], named: bool) -> None:
    reference, prediction, clusters = clustered_values()
    names = [{"a": "x", "b": 7, "c": None}[name] if named else name for name in clusters]
    one = bland_altman(reference, prediction, clusters=clusters)
    two = bland_altman(reference[order], prediction[order], clusters=[names[i] for i in order])
    for field in ("mean_difference", "lower_limit", "upper_limit", "slope"):
        first, second = getattr(one, field), getattr(two, field)
        assert (second.value, second.low, second.high) == pytest.approx((first.value, first.low, first.high))
    assert sorted(two.differences) == pytest.approx(sorted(one.differences))
