"""Equivalence against a tolerance."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from veriscope.errors import InputError
from veriscope.validate.application.tost import mean_error, tost

REFERENCE = np.array([50.0, 60, 55, 52])
DIFFERENCE = np.array([1.0, 3, 2, 0])


def test_p_is_the_larger_of_two_one_sided_t_tests() -> None:
    found = tost(REFERENCE, REFERENCE + DIFFERENCE, tolerance=4)
    upper = stats.ttest_1samp(DIFFERENCE, 4, alternative="less").pvalue
    lower = stats.ttest_1samp(DIFFERENCE, -4, alternative="greater").pvalue
    assert found.p_value == pytest.approx(max(upper, lower))
    assert found.verdict == "equivalent"
    ends = stats.ttest_1samp(DIFFERENCE, 0).confidence_interval(0.9)
    assert (found.error.low, found.error.high) == (pytest.approx(ends.low), pytest.approx(ends.high))


def test_three_verdicts() -> None:
    far = tost(REFERENCE, REFERENCE + DIFFERENCE + 20, tolerance=4)
    near = tost(REFERENCE, REFERENCE + DIFFERENCE, tolerance=1.6)
    alone = tost(REFERENCE[:1], REFERENCE[:1], tolerance=4)
    assert [far.verdict, near.verdict, alone.verdict] == ["not equivalent", "cannot tell", "cannot tell"]
    assert alone.p_value is None
    assert json.loads(json.dumps(alone.to_dict()))["error"]["low"] is None


@given(
    st.lists(st.tuples(st.floats(20, 90), st.floats(-9, 9)), min_size=2, max_size=8),
    st.floats(0.02, 0.5),
    st.booleans(),
)
@settings(deadline=None)
def test_equivalent_if_and_only_if_the_interval_lies_within(
    pairs: list[tuple[float, float]], share: float, relative: bool
) -> None:
    reference = np.array([pair[0] for pair in pairs])
    prediction = reference + [pair[1] for pair in pairs]
    tolerance = share if relative else 20 * share
    found = tost(reference, prediction, tolerance=tolerance, relative=relative)
    error = found.error
    if error.method not in ("t", "Fieller"):
        return
    assert error.low is not None and error.high is not None and found.p_value is not None
    if abs(found.p_value - 0.05) > 1e-3 and found.error.n_units == len(pairs):
        within = -tolerance < error.low and error.high < tolerance
        if not relative:  # Fieller takes the degrees of freedom at the estimate, the tests at the bounds
            assert (found.verdict == "equivalent") == within
        elif found.verdict == "equivalent":
            assert abs(error.value) < tolerance


def test_a_constant_share_is_found_exactly() -> None:
    found = tost(REFERENCE, 1.05 * REFERENCE, tolerance=0.1, relative=True)
    assert found.error.value == pytest.approx(0.05)
    assert found.p_value is not None and found.p_value < 0.07  # four replicates without spread: 2**-4
    assert found.verdict == "cannot tell"
    five = np.append(REFERENCE, 58.0)
    assert tost(five, 1.05 * five, tolerance=0.1, relative=True).verdict == "equivalent"


def test_errors_as_large_as_the_tolerance_are_seldom_called_harmless() -> None:
    rng = np.random.default_rng(11)
    n_runs, wrong, refused = 800, 0, 0
    for _ in range(n_runs):
        reference = rng.normal(50, 5, 6)
        verdict = tost(reference, 1.1 * reference + rng.normal(0, 1, 6), tolerance=0.1, relative=True).verdict
        wrong += verdict == "equivalent"
        refused += verdict == "not equivalent"
    assert 0.025 < wrong / n_runs < 0.075
    assert 0.025 < refused / n_runs < 0.075


def test_groups_of_opposite_error_do_not_widen_the_interval_of_the_mean() -> None:
    parts = [np.array([10.0, 11, 12]), np.array([20.0, 21, 22])]
    noise = np.array([0.1, 0.0, -0.1])
    error = mean_error(parts, [parts[0] + 5 + noise, parts[1] - 5 + noise], relative=False, level=0.95)
    assert error.value == pytest.approx(0)
    assert error.high is not None and error.high < 0.5


def test_wrong_options_are_refused() -> None:
    for tolerance, relative, allowed in (
        (0.0, False, "a number above 0"),
        (float("nan"), False, "a number above 0"),
        (1.0, True, "a share above 0 and below 1, such as 0.1"),
    ):
        with pytest.raises(InputError) as error:
            tost(REFERENCE, REFERENCE, tolerance=tolerance, relative=relative)
        assert str(error.value) == f"tolerance {tolerance!r} is not allowed; use {allowed}"
    with pytest.raises(InputError, match="give one finite value of each per replicate"):
        tost([1.0, np.nan], [1.0, 2.0], tolerance=1)
    with pytest.raises(InputError, match="the mean reference is 0, so no error is a share of it"):
        tost([0.0, 0.0], [1.0, 2.0], tolerance=0.1, relative=True)
