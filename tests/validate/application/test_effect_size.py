"""Shares of an effect that are kept: definitions, units of the measure, and which group is the control."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from veriscope.validate.application.effect_size import Effect, difference_kept, ratio_kept, standardised_kept

LEVEL = 0.9


def effect(seed: int, *, kept: float = 0.9, noise: float = 1.0, sizes: tuple[int, int] = (5, 4)) -> Effect:
    """References of two groups 20 apart, and predictions that keep a share of it."""
    random = np.random.default_rng(seed)
    control = 30 + 2 * random.standard_normal(sizes[0])
    group = 50 + 2 * random.standard_normal(sizes[1])
    return Effect(
        control,
        30 + kept * (control - 30) + noise * random.standard_normal(sizes[0]),
        group,
        30 + kept * (group - 30) + noise * random.standard_normal(sizes[1]),
    )


def changed(given: Effect, gain: float, offset: float) -> Effect:
    return Effect(*(gain * getattr(given, name) + offset for name in Effect.__dataclass_fields__))


def swapped(given: Effect) -> Effect:
    return Effect(given.reference, given.prediction, given.control_reference, given.control_prediction)


@pytest.mark.parametrize("seed", range(8))
def test_fiellers_ends_are_shares_that_are_just_not_refused(seed: int) -> None:
    """The share ρ is refused if mean(p - ρ r) differs between the groups by more than t standard errors."""
    given = effect(seed)
    found = difference_kept(given, level=LEVEL)
    assert found.low is not None and found.high is not None
    sides = ((given.reference, given.prediction), (given.control_reference, given.control_prediction))

    def studentised(share: float) -> float:
        rests = [p - share * r for r, p in sides]
        error = math.sqrt(sum(rest.var(ddof=1) / len(rest) for rest in rests))
        return float(abs(rests[0].mean() - rests[1].mean()) / error)

    below, above = given.in_references.value, given.in_predictions.value
    assert found.value == pytest.approx(above / below)
    assert studentised(found.low) == pytest.approx(studentised(found.high))
    least = stats.t.ppf((1 + LEVEL) / 2, len(given.reference) + len(given.control_reference) - 2)
    assert studentised(found.low) >= least - 1e-9  # never more degrees of freedom than replicates give
    assert studentised(found.value) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("gain", "offset"), [(1e-4, 0.0), (250.0, 0.0), (3.0, 1000.0), (0.5, -7.0)])
def test_units_and_zero_of_the_measure_do_not_matter_where_they_should_not(
    seed: int, gain: float, offset: float
) -> None:
    given = effect(seed)
    other = changed(given, gain, offset)
    for function in (difference_kept, standardised_kept, *([ratio_kept] if offset == 0 else [])):
        one, two = function(given, level=LEVEL), function(other, level=LEVEL)
        assert (two.value, two.low, two.high) == pytest.approx((one.value, one.low, one.high), rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_which_group_is_the_control_changes_nothing_but_turns_the_ratio(seed: int) -> None:
    given = effect(seed)
    for function in (difference_kept, standardised_kept):
        one, two = function(given, level=LEVEL), function(swapped(given), level=LEVEL)
        assert (two.value, two.low, two.high) == pytest.approx((one.value, one.low, one.high))
    one, two = ratio_kept(given, level=LEVEL), ratio_kept(swapped(given), level=LEVEL)
    assert one.low is not None and one.high is not None
    assert (two.value, two.low, two.high) == pytest.approx((1 / one.value, 1 / one.high, 1 / one.low))


@pytest.mark.parametrize("seed", range(5))
def test_the_standardised_share_is_that_of_cohens_d_with_a_jackknife_of_its_logarithm(seed: int) -> None:
    given = effect(seed, sizes=(6, 4))

    def d(group: np.ndarray, control: np.ndarray) -> float:
        n, m = len(group), len(control)
        pooled = ((n - 1) * group.var(ddof=1) + (m - 1) * control.var(ddof=1)) / (n + m - 2)
        return float((group.mean() - control.mean()) / math.sqrt(pooled))

    def share(one: Effect) -> float:
        return d(one.prediction, one.control_prediction) / d(one.reference, one.control_reference)

    variance = 0.0
    for names in (("reference", "prediction"), ("control_reference", "control_prediction")):
        k = len(getattr(given, names[0]))
        without = [
            math.log(share(replace(given, **{name: np.delete(getattr(given, name), i) for name in names})))
            for i in range(k)
        ]
        variance += (k - 1) / k * float(((np.array(without) - np.mean(without)) ** 2).sum())
    reach = stats.t.ppf((1 + LEVEL) / 2, 3) * math.sqrt(variance)
    found = standardised_kept(given, level=LEVEL)
    assert found.value == pytest.approx(share(given))
    assert found.low == pytest.approx(found.value * math.exp(-reach))
    assert found.high == pytest.approx(found.value * math.exp(reach))


@pytest.mark.parametrize("function", [difference_kept, ratio_kept, standardised_kept])
def test_predictions_that_are_the_references_keep_everything(function: object) -> None:
    given = effect(0)
    same = Effect(given.control_reference, given.control_reference, given.reference, given.reference)
    assert function(same, level=LEVEL).value == pytest.approx(1)  # type: ignore[operator]


@pytest.mark.parametrize("function", [difference_kept, ratio_kept, standardised_kept])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.99])
def test_surer_intervals_are_wider_and_hold_the_value(function: object, level: float) -> None:
    found = function(effect(2), level=level)  # type: ignore[operator]
    wider = function(effect(2), level=(1 + level) / 2)  # type: ignore[operator]
    assert wider.low < found.low < found.value < found.high < wider.high


@pytest.mark.parametrize("sizes", [(1, 4), (4, 1), (1, 1)])
def test_single_replicates_have_a_value_and_no_interval(sizes: tuple[int, int]) -> None:
    given = effect(1, sizes=sizes)
    for function in (difference_kept, standardised_kept):
        found = function(given, level=LEVEL)
        assert (found.low, found.high, found.n_units) == (None, None, sum(sizes))
    assert difference_kept(given, level=LEVEL).value == pytest.approx(
        given.in_predictions.value / given.in_references.value
    )


@pytest.mark.parametrize("name", ["control_reference", "control_prediction", "reference", "prediction"])
def test_a_mean_that_is_not_above_zero_has_no_ratio(name: str) -> None:
    given = effect(3)
    found = ratio_kept(replace(given, **{name: getattr(given, name) - 100}), level=LEVEL)
    assert math.isnan(found.value)
    assert found.low is None
