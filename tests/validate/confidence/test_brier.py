"""The Brier score with its interval by image: by hand, its means, and which images count."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.confidence.brier import brier_interval
from veriscope.validate.metrics.classification.calibration import brier_by_case, brier_score
from veriscope.validate.statistics import jackknife_interval


def test_squares_by_hand() -> None:
    assert brier_by_case([1, 0, 1], [0.7, 0.2, 0.0]) == pytest.approx([0.09, 0.04, 1.0])
    three = [[0.5, 0.3, 0.2], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    assert brier_by_case([0, 2, 1], three) == pytest.approx([0.25 + 0.09 + 0.04, 0, 2])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1), st.integers(0, 3)), min_size=1, max_size=30))
def test_the_mean_is_the_score_and_two_columns_are_twice_one(
    cases: list[tuple[bool, float, int]],
) -> None:
    true, stated, units = (np.array(column) for column in zip(*cases, strict=True))
    squares = brier_by_case(true, stated)
    assert squares.mean() == pytest.approx(brier_score(true, stated))
    two = np.stack([1 - stated, stated], axis=1)
    assert brier_by_case(true, two) == pytest.approx(2 * squares)
    one, other = (brier_interval(true, each, units=units.tolist()) for each in (stated, two))
    assert one.value == pytest.approx(squares.mean())
    assert other.value == pytest.approx(2 * one.value)
    assert (one.low is None) == (other.low is None)
    if one.low is not None and one.high is not None:
        assert 0 <= one.low <= one.value + 1e-12 and one.value - 1e-12 <= one.high <= 1
        assert (other.low, other.high) == pytest.approx((2 * one.low, 2 * one.high), abs=1e-9)


def test_the_interval_leaves_out_one_image_at_a_time() -> None:
    true, stated = [1, 0, 1, 1, 0, 0, 1], [0.9, 0.4, 0.6, 0.1, 0.2, 0.7, 0.8]
    units = ["a", "a", "b", "b", "b", "c", "c"]
    squares = brier_by_case(true, stated)
    inside = [np.array([unit == name for unit in units]) for name in "abc"]
    left_out = np.array([squares[~each].mean() for each in inside])
    expected = jackknife_interval(
        float(squares.mean()), left_out, np.array([2.0, 3, 2]), level=0.9, bounds=(0.0, 1.0), unit="well"
    )
    found = brier_interval(true, stated, units=units, level=0.9, unit="well")
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )
    assert (found.n_units, found.unit, found.method) == (3, "well", expected.method)


def test_images_with_more_cases_weigh_more() -> None:
    """Pooled: nine cases of one image at 0.01 and one of another at 0.49."""
    found = brier_interval([1] * 10, [0.9] * 9 + [0.3], units=["a"] * 9 + ["b"])
    assert found.value == pytest.approx((9 * 0.01 + 0.49) / 10)
    assert (found.n_units, found.aggregation, found.unit) == (2, "pooled", "image")


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_images_have_no_interval(n: int) -> None:
    found = brier_interval([1, 0][:n], [0.5, 0.5][:n], units=["a", "a"][:n])
    assert (found.low, found.high) == (None, None)
    assert math.isnan(found.value) == (n == 0)
    assert found.method == f"cannot tell: {n} image{'s' if n == 0 else ''}"


def test_equal_images_are_bounded_by_what_was_not_seen() -> None:
    """Three perfect images: at most 1 - 0.025^(1/3) of all could be as bad as can be."""
    found = brier_interval([1, 1, 0], [1.0, 1.0, 0.0], units=[1, 2, 3])
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 3))
    two = brier_interval([1, 1, 0], np.eye(2)[[1, 1, 0]], units=[1, 2, 3])
    assert two.high == pytest.approx(2 * (1 - 0.025 ** (1 / 3)))


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(8)))
def test_the_order_of_cases_and_the_names_of_images_change_nothing(order: list[int]) -> None:
    true, units = np.array([1, 0, 1, 1, 0, 1, 0, 0]), list("aabbccdd")
    stated = np.array([0.9, 0.3, 0.5, 0.6, 0.1, 0.2, 0.4, 0.8])
    plain = brier_interval(true, stated, units=units)
    turned = brier_interval(true[order], stated[order], units=[(units[i], 0) for i in order])
    assert (turned.value, turned.low, turned.high) == pytest.approx((plain.value, plain.low, plain.high))


@pytest.mark.parametrize(
    ("given_values", "options", "kind", "message"),
    [
        (
            ([0, 1], [0.2, 0.3]),
            {"units": ["a"]},
            InputError,
            "1 units are given for 2 cases; give one for each",
        ),
        (
            ([0, 1], [0.2, 0.3]),
            {"units": ["a", "b"], "level": 95},
            InputError,
            "level 95 is not allowed; use a share between 0 and 1, such as 0.95",
        ),
        (
            ([0, 2], [0.2, 0.3]),
            {"units": ["a", "b"]},
            InputError,
            "reference: 1 of 2 classes are not allowed, the first is 2; number the classes from 0 to 1",
        ),
        (
            ([0, 1], [[0.2, 0.8]]),
            {"units": ["a", "b"]},
            ShapeMismatchError,
            "probabilities have shape (1, 2) for 2 cases; give an array of shape (cases, classes)",
        ),
        (
            ([0, 1], [0.2, 1.3]),
            {"units": ["a", "b"]},
            PixelValueError,
            "probabilities: 1 of 2 values are not between 0 and 1, the first is 1.3; turn scores into "
            "probabilities, and leave out cases without one",
        ),
    ],
    ids=["units", "level", "class", "shape", "probability"],
)
def test_what_does_not_fit_is_refused(
    given_values: Any, options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        brier_interval(*given_values, **options)
    assert str(caught.value) == message
