"""Steps with numbers of the package: by hand, and element by element in plain Python."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from veriscope.errors import AxesError
from veriscope.methods.zoo.fixed_steps import (
    Binarize,
    EnsureDtype,
    FixedZeroMeanUnitVariance,
    ScaleLinear,
    Sigmoid,
    Softmax,
)

PLANE = ("batch", "channel", "y", "x")
STACK = ("batch", "channel", "z", "y", "x")
TENSOR = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3)


def run(step: Any, values: NDArray[Any] = TENSOR, axes: tuple[str, ...] = PLANE) -> NDArray[Any]:
    before = values.copy()
    found: NDArray[Any] = step.apply(values, axes, {})
    np.testing.assert_array_equal(values, before, err_msg="the input was changed")
    assert found.shape == values.shape
    return found


def one_by_one(
    values: NDArray[Any], place: int | None, rule: Callable[[float, int], float]
) -> NDArray[np.float64]:
    """Apply a rule to each element, which is told its place along an axis; 0 without one."""
    found = np.empty(values.shape)
    for index in itertools.product(*map(range, values.shape)):
        found[index] = rule(float(values[index]), 0 if place is None else index[place])
    return found


def test_binarize_is_above_not_at_and_keeps_the_type() -> None:
    assert run(Binarize(threshold=5)).ravel().tolist() == [0] * 6 + [1] * 6
    assert run(Binarize(threshold=5)).dtype == np.float32
    along = run(Binarize(threshold=(1, 9), axis="channel"))
    assert along[0, 0].ravel().tolist() == [0, 0, 1, 1, 1, 1]
    assert along[0, 1].ravel().tolist() == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("kind", "threshold", "values", "expected"),
    [
        ("u1", 254.5, [0, 254, 255], [0, 0, 1]),
        ("i1", -1, [-128, -1, 0, 127], [0, 0, 1, 1]),
        ("u2", 65534, [0, 65534, 65535], [0, 0, 1]),
        ("f4", 0, [-np.inf, -0.0, 1e-45, np.nan, np.inf], [0, 0, 1, 0, 1]),
        ("?", 0.5, [False, True], [0, 1]),
    ],
)
def test_binarize_at_the_ends_of_a_type(
    kind: str, threshold: float, values: list[float], expected: list[int]
) -> None:
    found = run(Binarize(threshold=threshold), np.array(values, kind), ("x",))
    assert found.dtype == np.dtype(kind)
    assert found.tolist() == expected


def test_ensure_dtype_casts() -> None:
    assert run(EnsureDtype(dtype="uint8")).dtype == np.uint8
    with pytest.raises(ValidationError):
        EnsureDtype(dtype="object")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "kind", ["float32", "float64", "uint8", "int8", "uint16", "int16", "uint32", "int32"]
)
def test_whole_numbers_that_fit_survive_any_type(kind: Any) -> None:
    values = np.array([[0, 1, 127]], np.float64)
    found = run(EnsureDtype(dtype=kind), values, ("y", "x"))
    assert found.dtype == np.dtype(kind)
    assert found.tolist() == values.tolist()
    back = run(EnsureDtype(dtype="float64"), found, ("y", "x"))
    np.testing.assert_array_equal(back, values)


def test_fractions_are_cut_off_towards_zero_and_truth_is_one() -> None:
    values = np.array([[-1.9, -0.5, 0.0, 0.5, 2.999]])
    assert run(EnsureDtype(dtype="int16"), values, ("y", "x")).tolist() == [[-1, 0, 0, 0, 2]]
    assert run(EnsureDtype(dtype="bool"), values, ("y", "x")).tolist() == [[True, True, False, True, True]]


def test_scale_linear_by_number_and_by_channel() -> None:
    assert run(ScaleLinear(gain=2, offset=1)).ravel().tolist() == [2 * v + 1 for v in range(12)]
    found = run(ScaleLinear(gain=(1, 10), offset=(0, 5), axis="channel"))
    assert found[0, 0, 1, 2] == 5
    assert found[0, 1, 0, 0] == 65


def test_scale_linear_with_one_list_and_one_number() -> None:
    """The format allows both kinds in one step."""
    found = run(ScaleLinear(gain=(1, 10), offset=-1.0, axis="channel"))
    assert found[0, 0].ravel().tolist() == [-1, 0, 1, 2, 3, 4]
    assert found[0, 1].ravel().tolist() == [59, 69, 79, 89, 99, 109]
    assert run(ScaleLinear(), TENSOR).tolist() == TENSOR.tolist(), "nothing by default"


def test_fixed_zero_mean_unit_variance() -> None:
    found = run(FixedZeroMeanUnitVariance(mean=(2, 8), std=(2, 4), axis="channel"))
    assert found[0, 0].ravel().tolist() == [-1, -0.5, 0, 0.5, 1, 1.5]
    assert found[0, 1].ravel().tolist() == [-0.5, -0.25, 0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize("std", [0.0, 9e-7, -1.0, (1.0, 0.0), (2.0, -3.0)])
def test_a_deviation_that_would_divide_by_nothing_is_refused(std: Any) -> None:
    with pytest.raises(ValidationError, match=r"std must be at least 1e-6, got "):
        FixedZeroMeanUnitVariance(mean=0.0, std=std)
    assert FixedZeroMeanUnitVariance(mean=0.0, std=1e-6).std == 1e-6


def test_sigmoid_by_hand_and_far_out() -> None:
    values = np.array([[[[-100, -math.log(3), 0, math.log(3), 100]]]], np.float32)
    np.testing.assert_allclose(run(Sigmoid(), values).ravel(), [0, 0.25, 0.5, 0.75, 1], atol=1e-7)
    far = np.array([[-1e30, -np.inf, np.inf, 1e30]], np.float32)
    assert run(Sigmoid(), far, ("y", "x")).tolist() == [[0, 0, 1, 1]]


def test_softmax_by_hand() -> None:
    found = run(Softmax())
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(found[0, 1], 1 / (1 + np.exp(-6)), rtol=1e-6)
    weights = np.log(np.array([[1, 2, 5]], np.float64))
    np.testing.assert_allclose(run(Softmax(axis="x"), weights, ("y", "x")), [[0.125, 0.25, 0.625]])


@pytest.mark.parametrize("shift", [-1e30, -500.0, 0.0, 500.0, 1e30])
def test_softmax_stays_finite_far_out_and_equal_values_share(shift: float) -> None:
    values = np.full((1, 4, 2, 2), shift, np.float32)
    np.testing.assert_allclose(run(Softmax(), values), 0.25, rtol=1e-6)
    assert (run(Softmax(axis="batch"), values) == 1).all(), "along an axis of one place all is one"


RULES: list[tuple[Any, Callable[[tuple[float, ...]], Callable[[float, int], float]]]] = [
    (Binarize, lambda n: lambda v, i: float(v > n[i])),
    (ScaleLinear, lambda n: lambda v, i: v * n[i] + n[i]),
    (FixedZeroMeanUnitVariance, lambda n: lambda v, i: (v - n[i]) / abs(n[i])),
]


def with_numbers(kind: Any, numbers: tuple[float, ...], axis: str) -> Any:
    if kind is Binarize:
        return Binarize(threshold=numbers, axis=axis)
    if kind is ScaleLinear:
        return ScaleLinear(gain=numbers, offset=numbers, axis=axis)
    return FixedZeroMeanUnitVariance(mean=numbers, std=tuple(abs(n) for n in numbers), axis=axis)


@given(
    which=st.sampled_from(RULES),
    axis=st.sampled_from(STACK),
    lengths=st.lists(st.integers(1, 4), min_size=5, max_size=5),
    seed=st.integers(0, 2**32 - 1),
)
def test_numbers_along_any_axis_are_those_of_each_place(
    which: Any, axis: str, lengths: list[int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(-40, 40, lengths) / 8
    place = STACK.index(axis)
    numbers = tuple((rng.integers(1, 9, lengths[place]) * rng.choice([-1, 1], lengths[place])) / 4)
    kind, rule = which
    found = run(with_numbers(kind, numbers, axis), values, STACK)
    np.testing.assert_allclose(found, one_by_one(values, place, rule(numbers)), rtol=1e-12)


@given(which=st.sampled_from(RULES), lengths=st.lists(st.integers(1, 4), min_size=4, max_size=4))
def test_a_list_of_one_number_is_that_number(which: Any, lengths: list[int]) -> None:
    values = np.arange(math.prod(lengths), dtype=np.float32).reshape(lengths)
    kind, rule = which
    expected = one_by_one(values, None, rule((2.5,)))
    for axis in PLANE:
        np.testing.assert_allclose(run(with_numbers(kind, (2.5,), axis), values), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (
            ScaleLinear(gain=(1, 2, 3), axis="channel"),
            "scale_linear: has 3 values for 2 along channel",
        ),
        (
            ScaleLinear(offset=(1, 2), axis="z"),
            "scale_linear: the tensor has no axis 'z'; it has batch, channel, y, x",
        ),
        (Binarize(threshold=(1, 2)), "binarize: has 2 values and does not say along which axis"),
        (
            FixedZeroMeanUnitVariance(mean=(1, 2), std=1.0),
            "fixed_zero_mean_unit_variance: has 2 values and does not say along which axis",
        ),
        (
            FixedZeroMeanUnitVariance(mean=1.0, std=(1, 2, 3, 4), axis="y"),
            "fixed_zero_mean_unit_variance: has 4 values for 2 along y",
        ),
        (Softmax(axis="z"), "softmax: the tensor has no axis 'z'; it has batch, channel, y, x"),
    ],
)
def test_numbers_that_fit_no_axis_are_refused_in_words(step: Any, said: str) -> None:
    with pytest.raises(AxesError) as error:
        run(step)
    assert str(error.value) == said


@pytest.mark.parametrize("kind", ["u1", "i2", "u4", "i8", "f2", "f4", "f8", ">u2", ">f4"])
@pytest.mark.parametrize(
    "step",
    [
        ScaleLinear(gain=0.5, offset=-3),
        FixedZeroMeanUnitVariance(mean=100.0, std=20.0),
        Sigmoid(),
        Softmax(axis="x"),
    ],
)
def test_floats_stay_and_integers_become_float32(step: Any, kind: str) -> None:
    values = np.random.default_rng(1).integers(0, 120, (1, 1, 4, 5))
    found = run(step, values.astype(kind))
    assert found.dtype.newbyteorder("=") == np.dtype(kind[-2:] if "f" in kind else "f4")
    tolerance = 1e-2 if kind == "f2" else 1e-5
    np.testing.assert_allclose(found, run(step, values.astype(np.float64)), rtol=tolerance, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "value"), [("u2", 65_535), ("i2", -32_768), ("u4", 2**32 - 1), ("i8", -(2**62)), ("u8", 2**63)]
)
def test_the_largest_numbers_of_a_type_do_not_overflow(kind: str, value: int) -> None:
    values = np.full((1, 1, 1, 1), value, kind)
    assert run(ScaleLinear(gain=-2, offset=8), values).item() == np.float32(-2.0 * value + 8)
    assert run(FixedZeroMeanUnitVariance(mean=float(value), std=3.0), values).item() == 0
    next_below = value - (1024 if values.itemsize == 8 else 1)
    assert run(Binarize(threshold=next_below), values).item() == 1
    assert run(Binarize(threshold=float(value)), values).item() == 0
