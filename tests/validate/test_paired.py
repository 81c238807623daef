"""Two candidates on the same units: symmetries, the paired t test, and agreement of interval and p value."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import stats

from veriscope.validate.candidates import Candidates, candidates_by_values
from veriscope.validate.paired import PairedDifference, compare_pair, paired_left_out

VALUES = hnp.arrays(
    np.float64, st.tuples(st.just(2), st.integers(2, 9)), elements=st.integers(0, 40).map(lambda n: n / 40)
)


def candidates(values: NDArray[np.float64], **options: object) -> Candidates:
    return candidates_by_values({"a": values[0], "b": values[1]}, **options)  # type: ignore[arg-type]


@settings(max_examples=120, deadline=None)
@given(values=VALUES, level=st.sampled_from([0.8, 0.95]))
def test_turning_the_pair_turns_the_difference_and_keeps_p(values: NDArray[np.float64], level: float) -> None:
    found = candidates(values)
    there, p_there = compare_pair(found, 0, 1, level=level)
    back, p_back = compare_pair(found, 1, 0, level=level)
    assert back.value == pytest.approx(-there.value, abs=1e-12)
    assert p_there == pytest.approx(p_back)
    if there.low is not None and there.high is not None:
        assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=1e-9)


@settings(max_examples=120, deadline=None)
@given(values=VALUES, level=st.sampled_from([0.8, 0.95]))
def test_the_interval_leaves_out_zero_just_where_p_is_below_its_level(
    values: NDArray[np.float64], level: float
) -> None:
    interval, p_value = compare_pair(candidates(values), 0, 1, level=level)
    assert p_value is None or 0 <= p_value <= 1
    varied = np.ptp(values[0] - values[1]) > 1e-6
    if p_value is None or not varied or abs(p_value - (1 - level)) < 1e-6:
        return
    assert interval.low is not None and interval.high is not None
    assert (interval.low > 0 or interval.high < 0) == (p_value < 1 - level)


@settings(max_examples=60, deadline=None)
@given(values=VALUES)
def test_the_difference_lies_within_the_bounds(values: NDArray[np.float64]) -> None:
    interval, _ = compare_pair(candidates(values, bounds=(0, 1)), 0, 1)
    assert interval.value == pytest.approx((values[0] - values[1]).mean(), abs=1e-12)
    if interval.low is not None and interval.high is not None:
        assert -1 <= interval.low <= interval.value + 1e-12
        assert interval.value - 1e-12 <= interval.high <= 1


def test_symmetric_differences_are_judged_by_the_paired_t_test() -> None:
    differences = np.array([0.1, 0.2, 0.3, 0.2, 0.05, 0.35])
    interval, p_value = compare_pair(candidates(np.stack([0.5 + differences, np.full(6, 0.5)])), 0, 1)
    peer = stats.ttest_rel(0.5 + differences, np.full(6, 0.5))
    assert p_value == pytest.approx(peer.pvalue)
    ends = peer.confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((ends.low, ends.high))


@settings(max_examples=60, deadline=None)
@given(values=VALUES)
def test_leaving_out_a_unit_is_not_having_it(values: NDArray[np.float64]) -> None:
    value, left_out, sizes, _ = paired_left_out(candidates(values), 0, 1)
    differences = values[0] - values[1]
    assert value == pytest.approx(differences.mean(), abs=1e-12)
    expected = [np.delete(differences, i).mean() for i in range(len(differences))]
    assert left_out == pytest.approx(expected, abs=1e-12)
    assert (sizes == 2).all()


@pytest.mark.parametrize("k", [2, 3, 5, 6, 9])
def test_the_same_difference_everywhere_is_a_sign_test(k: int) -> None:
    """k of k on one side have the chance 2^-k, and twice that on either."""
    values = np.stack([np.full(k, 0.75), np.full(k, 0.5)])
    assert compare_pair(candidates(values), 0, 1)[1] == pytest.approx(2.0 ** (1 - k))
    assert compare_pair(candidates(values[[0, 0]]), 0, 1)[1] == 1.0


def test_one_unit_cannot_tell() -> None:
    interval, p_value = compare_pair(candidates(np.array([[0.9], [0.2]])), 0, 1)
    assert (interval.low, interval.high, p_value) == (None, None, None)
    assert interval.value == pytest.approx(0.7)


def test_verdicts_in_words() -> None:
    interval, p_value = compare_pair(candidates(np.array([[0.9, 0.8], [0.2, 0.3]])), 0, 1)
    named = PairedDifference("a", "b", interval, p_value, p_value, "a")
    assert (named.verdict, named.to_dict()["verdict"]) == ("a better", "a better")
    open_pair = PairedDifference("a", "b", interval, None, None, None)
    assert open_pair.verdict == "cannot separate"
    assert open_pair.to_dict()["p_value"] is None
    assert math.isfinite(open_pair.to_dict()["difference"]["value"])
