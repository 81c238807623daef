"""Steps that measure the image: by hand, and place by place with statistics of their own."""

from __future__ import annotations

import itertools
import statistics
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from veriscope.errors import AxesError, MethodError
from veriscope.methods.zoo.measured_steps import Clip, ScaleMeanVariance, ScaleRange, ZeroMeanUnitVariance

AXES = ("batch", "channel", "y", "x")
STACK = ("batch", "channel", "z", "y", "x")
TENSOR = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3)


def run(step: Any, values: Any = TENSOR, axes: Any = AXES, **references: Any) -> NDArray[Any]:
    before = values.copy()
    found: NDArray[Any] = step.apply(values, axes, references)
    np.testing.assert_array_equal(values, before, err_msg="the input was changed")
    assert found.shape == values.shape
    return found


def percentile(values: list[float], percent: float) -> float:
    """Linear between the sorted values, from its definition."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def places(lengths: tuple[int, ...], axes: tuple[str, ...], over: tuple[str, ...] | None) -> list[Any]:
    """Give an index for each part of a tensor that is measured together."""
    free = [
        range(n) if over is not None and a not in over else None for n, a in zip(lengths, axes, strict=True)
    ]
    return [
        tuple(slice(None) if i is None else i for i in index)
        for index in itertools.product(*[[None] if r is None else r for r in free])
    ]


def test_clip_by_values_and_by_percentiles() -> None:
    assert run(Clip(min=2, max=4)).ravel().tolist() == [2, 2, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4]
    assert run(Clip(min=10)).min() == 10
    assert run(Clip(max=-1)).max() == -1
    # the median of 0 … 5 is 2.5, of 6 … 11 it is 8.5
    found = run(Clip(max_percentile=50, axes=("batch", "y", "x")))
    assert found[0, 0].ravel().tolist() == [0, 1, 2, 2.5, 2.5, 2.5]
    assert found[0, 1].ravel().tolist() == [6, 7, 8, 8.5, 8.5, 8.5]


def test_clip_between_a_value_and_a_percentile() -> None:
    found = run(Clip(min=4, max_percentile=75, axes=("channel", "y", "x")))
    assert found.ravel().tolist() == [4, 4, 4, 4, 4, 5, 6, 7, 8, 8.25, 8.25, 8.25]
    turned = run(Clip(min_percentile=50, max=9))
    assert turned.ravel().tolist() == [5.5] * 6 + [6, 7, 8, 9, 9, 9]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"min": 1, "min_percentile": 1},
        {"max": 1, "max_percentile": 2},
        {"min": 2, "max": 1},
        {"min": 2, "max": 2},
        {"min_percentile": 50, "max_percentile": 20},
        {"min_percentile": 20, "max_percentile": 20},
    ],
)
def test_clip_needs_limits_that_make_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="clip"):
        Clip(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("low", [None, 0, 5, 50])
@pytest.mark.parametrize("high", [None, 60, 99.8, 100])
def test_clip_between_percentiles_is_that_of_numpy(low: float | None, high: float | None) -> None:
    if low is None and high is None:
        return
    values = np.random.default_rng(0).gamma(2, 100, (1, 2, 9, 11)).astype(np.float32)
    found = run(Clip(min_percentile=low, max_percentile=high, axes=("y", "x")), values)
    for channel, one in zip(values[0], found[0], strict=True):
        limits = np.percentile(channel, [0 if low is None else low, 100 if high is None else high])
        np.testing.assert_allclose(one, np.clip(channel, *limits), rtol=1e-6)
        assert not np.isclose(one.max(), channel.max()) or high in (None, 100)


@pytest.mark.parametrize("kind", ["u1", "i2", "u2", "f4", "f8"])
def test_clip_keeps_the_type_and_does_not_wrap_at_its_ends(kind: str) -> None:
    values = np.array([[0, 10, 100]], kind)
    assert run(Clip(min=-5, max=70_000), values, ("y", "x")).tolist() == values.tolist()
    found = run(Clip(min=5, max=50), values, ("y", "x"))
    assert found.dtype == values.dtype
    assert found.tolist() == [[5, 10, 50]]


def test_zero_mean_unit_variance_by_channel_and_jointly() -> None:
    # 0 … 5 has mean 2.5 and variance 35/12
    found = run(ZeroMeanUnitVariance(axes=("y", "x"), eps=1e-9))
    np.testing.assert_allclose(found[0, 0].ravel(), (np.arange(6) - 2.5) / np.sqrt(35 / 12), rtol=1e-6)
    np.testing.assert_allclose(found[0, 1], found[0, 0], rtol=1e-6)
    joint = run(ZeroMeanUnitVariance())
    assert joint.mean() == pytest.approx(0, abs=1e-6)
    assert joint.std() == pytest.approx(1, abs=1e-5)


def test_integers_become_float32_and_large_ones_keep_their_precision() -> None:
    values = np.full((1, 1, 1, 2), 60_000, np.uint16)
    values[..., 1] = 60_001
    found = run(ZeroMeanUnitVariance(eps=1e-9), values)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.ravel(), [-1, 1], rtol=1e-6)


def test_scale_range_with_percentiles_and_a_reference() -> None:
    np.testing.assert_allclose(run(ScaleRange()).ravel(), np.arange(12) / (11 + 1e-6), rtol=1e-6)
    # percentiles 10 and 90 of 0 … 10 are 1 and 9
    line = np.arange(11, dtype=np.float32).reshape(1, 1, 1, 11)
    found = run(ScaleRange(min_percentile=10, max_percentile=90), line)
    np.testing.assert_allclose(found.ravel(), (np.arange(11) - 1) / 8, rtol=1e-5, atol=1e-6)
    twice = run(ScaleRange(reference="raw"), raw=TENSOR * 2)
    np.testing.assert_allclose(twice.max(), 11 / (22 + 1e-6), rtol=1e-6)


@pytest.mark.parametrize("low", [20.0, 50.0])
def test_scale_range_needs_percentiles_in_order(low: float) -> None:
    with pytest.raises(ValidationError, match=rf"min_percentile {low} >= max_percentile 20\.0"):
        ScaleRange(min_percentile=low, max_percentile=20)


def test_scale_mean_variance_takes_on_those_of_another_tensor() -> None:
    other = np.random.default_rng(0).normal(30, 5, TENSOR.shape)
    found = run(ScaleMeanVariance(reference="raw", eps=1e-9), raw=other)
    assert found.mean() == pytest.approx(other.mean(), rel=1e-5)
    assert found.std() == pytest.approx(other.std(), rel=1e-5)


def test_a_reference_may_have_another_size_and_is_measured_by_channel() -> None:
    raw = np.stack([np.full((5, 7), 100.0), np.full((5, 7), -4.0)])[None]
    raw[..., ::2] += 2  # of seven columns four: mean 8/7 higher
    found = run(ScaleMeanVariance(reference="raw", axes=("y", "x"), eps=1e-9), raw=raw)
    np.testing.assert_allclose(found.mean((2, 3)), [[100 + 8 / 7, -4 + 8 / 7]], rtol=1e-6)
    np.testing.assert_allclose(found.std((2, 3)), 2 * np.sqrt(12) / 7, rtol=1e-6)


@pytest.mark.parametrize("step", [ScaleRange(reference="other"), ScaleMeanVariance(reference="other")])
def test_a_reference_that_is_not_there_or_has_other_axes_is_refused(step: Any) -> None:
    with pytest.raises(MethodError) as missing:
        run(step, raw=TENSOR)
    assert str(missing.value) == "a processing step refers to the tensor 'other', which is not there"
    with pytest.raises(AxesError) as flat:
        run(step, other=TENSOR[0])
    assert str(flat.value) == "the tensor 'other' has 3 axes and should have 4"


def measured(kind: str, over: tuple[str, ...] | None) -> Any:
    return {
        "clip": Clip(min_percentile=20, max_percentile=70, axes=over),
        "range": ScaleRange(min_percentile=10, max_percentile=85, axes=over, eps=1e-3),
        "moments": ZeroMeanUnitVariance(axes=over, eps=1e-2),
    }[kind]


def by_definition(kind: str, part: NDArray[Any]) -> NDArray[Any]:
    numbers = [float(value) for value in part.ravel()]
    if kind == "clip":
        return np.clip(part, percentile(numbers, 20), percentile(numbers, 70))
    if kind == "range":
        low, high = percentile(numbers, 10), percentile(numbers, 85)
        return (part - low) / (high - low + 1e-3)
    return (part - statistics.fmean(numbers)) / (statistics.pstdev(numbers) + 1e-2)


@given(
    kind=st.sampled_from(["clip", "range", "moments"]),
    lengths=st.tuples(*[st.integers(1, 3)] * 5),
    over=st.none() | st.sets(st.sampled_from(STACK), min_size=1).map(lambda names: tuple(sorted(names))),
    seed=st.integers(0, 2**32 - 1),
)
def test_what_is_measured_together_is_what_the_axes_say(
    kind: str, lengths: tuple[int, ...], over: tuple[str, ...] | None, seed: int
) -> None:
    values = np.random.default_rng(seed).integers(-500, 500, lengths) / 4
    expected = np.empty(lengths)
    for index in places(lengths, STACK, over):
        expected[index] = by_definition(kind, values[index])
    found = run(measured(kind, over), values, STACK)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["clip", "range", "moments"])
def test_the_batch_may_be_named_where_a_tensor_has_none(kind: str) -> None:
    """Format 0.4 says per_sample by naming all axes but b, 0.5 also names the batch."""
    plane = np.random.default_rng(2).random((4, 5))
    named = run(measured(kind, ("batch", "y", "x")), plane, ("y", "x"))
    np.testing.assert_array_equal(named, run(measured(kind, ("y", "x")), plane, ("y", "x")))


@pytest.mark.parametrize(
    ("step", "what"),
    [
        (Clip(max_percentile=99, axes=("z", "y")), "clip"),
        (ScaleRange(axes=("z",)), "scale_range"),
        (ZeroMeanUnitVariance(axes=("y", "x", "z")), "zero_mean_unit_variance"),
        (ScaleMeanVariance(reference="raw", axes=("z",)), "scale_mean_variance"),
    ],
)
def test_an_axis_that_is_not_there_is_refused_in_words(step: Any, what: str) -> None:
    with pytest.raises(AxesError) as error:
        run(step, raw=TENSOR)
    assert str(error.value) == f"{what}: the tensor has no axis 'z'; it has batch, channel, y, x"


@pytest.mark.parametrize("eps", [0, -1e-6, 0.2])
@pytest.mark.parametrize("kind", [ZeroMeanUnitVariance, ScaleRange])
def test_eps_is_small_and_positive(kind: Any, eps: float) -> None:
    with pytest.raises(ValidationError, match="eps"):
        kind(eps=eps)


@pytest.mark.parametrize("value", [0.0, 7.0, -1e30, 65_535.0])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 2, 3, 4)])
def test_a_constant_image_is_not_divided_by_zero(value: float, shape: tuple[int, ...]) -> None:
    flat = np.full(shape, value, np.float32)
    assert not run(ZeroMeanUnitVariance(), flat).any()
    assert not run(ScaleRange(min_percentile=1, max_percentile=99.8), flat).any()
    np.testing.assert_array_equal(run(Clip(min_percentile=1, max_percentile=99), flat), flat)
    found = run(ScaleMeanVariance(reference="raw"), flat, raw=np.full(shape, 3.0))
    np.testing.assert_allclose(found, 3)


@given(gain=st.floats(0.01, 1e4), offset=st.floats(-1e4, 1e4), seed=st.integers(0, 99))
def test_gain_and_offset_of_the_camera_are_taken_out(gain: float, offset: float, seed: int) -> None:
    values = np.random.default_rng(seed).normal(0, 100, (1, 1, 6, 7))
    for step in (
        ZeroMeanUnitVariance(eps=1e-12),
        ScaleRange(min_percentile=2, max_percentile=98, eps=1e-12),
    ):
        np.testing.assert_allclose(run(step, values * gain + offset), run(step, values), atol=1e-6)


@pytest.mark.parametrize("kind", ["u1", "i2", "f2", "f4", ">u2", ">f4"])
def test_the_type_of_the_values_does_not_matter(kind: str) -> None:
    values = np.random.default_rng(1).integers(0, 120, (1, 1, 8, 9))
    for step in (ScaleRange(min_percentile=1, max_percentile=99), ZeroMeanUnitVariance()):
        found = run(step, values.astype(kind))
        assert found.dtype.newbyteorder("=") == np.dtype(kind[-2:] if "f" in kind else "f4")
        tolerance = 2e-3 if kind == "f2" else 1e-5
        np.testing.assert_allclose(
            found, run(step, values.astype(np.float64)), rtol=tolerance, atol=tolerance
        )
