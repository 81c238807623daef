"""Processing steps: values by hand, and independent formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from veriscope.errors import AxesError, MethodError
from veriscope.methods.zoo.fixed_steps import (
    Binarize,
    EnsureDtype,
    FixedZeroMeanUnitVariance,
    ScaleLinear,
    Sigmoid,
    Softmax,
)
from veriscope.methods.zoo.measured_steps import Clip, ScaleMeanVariance, ScaleRange, ZeroMeanUnitVariance
from veriscope.methods.zoo.processing import Custom, Unsupported, apply_steps

AXES = ("batch", "channel", "y", "x")
TENSOR = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3)


def run(step: Any, values: Any = TENSOR, axes: Any = AXES, **references: Any) -> Any:
    before = values.copy()
    found = apply_steps([step], values, axes, references)
    assert np.array_equal(values, before), "the input was changed"
    return found


def test_binarize_is_above_not_at_and_keeps_the_type() -> None:
    assert run(Binarize(threshold=5)).ravel().tolist() == [0] * 6 + [1] * 6
    assert run(Binarize(threshold=5)).dtype == np.float32
    along = run(Binarize(threshold=(1, 9), axis="channel"))
    assert along[0, 0].ravel().tolist() == [0, 0, 1, 1, 1, 1]
    assert along[0, 1].ravel().tolist() == [0, 0, 0, 0, 1, 1]


def test_clip_by_values_and_by_percentiles() -> None:
    assert run(Clip(min=2, max=4)).ravel().tolist() == [2, 2, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4]
    assert run(Clip(min=10)).min() == 10
    # the median of 0 … 5 is 2.5, of 6 … 11 it is 8.5
    found = run(Clip(max_percentile=50, axes=("batch", "y", "x")))
    assert found[0, 0].ravel().tolist() == [0, 1, 2, 2.5, 2.5, 2.5]
    assert found[0, 1].ravel().tolist() == [6, 7, 8, 8.5, 8.5, 8.5]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"min": 1, "min_percentile": 1},
        {"max": 1, "max_percentile": 2},
        {"min": 2, "max": 1},
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


@pytest.mark.parametrize("kind", ["u1", "i2", "f4", "f8", ">u2"])
@pytest.mark.parametrize(
    "step",
    [
        ScaleRange(min_percentile=1, max_percentile=99),
        ZeroMeanUnitVariance(),
        ScaleLinear(gain=0.5, offset=-3),
        FixedZeroMeanUnitVariance(mean=100.0, std=20.0),
        Sigmoid(),
    ],
)
def test_the_type_of_the_values_does_not_matter(step: Any, kind: str) -> None:
    values = np.random.default_rng(1).integers(0, 120, (1, 1, 8, 9))
    found = run(step, values.astype(kind))
    assert found.dtype == (np.float64 if kind == "f8" else np.float32)
    np.testing.assert_allclose(found, run(step, values.astype(np.float64)), rtol=1e-5, atol=1e-6)


def test_ensure_dtype_casts() -> None:
    assert run(EnsureDtype(dtype="uint8")).dtype == np.uint8
    with pytest.raises(ValidationError):
        EnsureDtype(dtype="object")  # type: ignore[arg-type]


def test_scale_linear_by_number_and_by_channel() -> None:
    assert run(ScaleLinear(gain=2, offset=1)).ravel().tolist() == [2 * v + 1 for v in range(12)]
    found = run(ScaleLinear(gain=(1, 10), offset=(0, 5), axis="channel"))
    assert found[0, 0, 1, 2] == 5
    assert found[0, 1, 0, 0] == 65


def test_fixed_zero_mean_unit_variance() -> None:
    found = run(FixedZeroMeanUnitVariance(mean=(2, 8), std=(2, 4), axis="channel"))
    assert found[0, 0].ravel().tolist() == [-1, -0.5, 0, 0.5, 1, 1.5]
    assert found[0, 1].ravel().tolist() == [-0.5, -0.25, 0, 0.25, 0.5, 0.75]
    with pytest.raises(ValidationError, match="std must be at least 1e-6"):
        FixedZeroMeanUnitVariance(mean=0.0, std=0.0)


def test_zero_mean_unit_variance_by_channel_and_jointly() -> None:
    # 0 … 5 has mean 2.5 and variance 35/12
    found = run(ZeroMeanUnitVariance(axes=("y", "x"), eps=1e-9))
    np.testing.assert_allclose(found[0, 0].ravel(), (np.arange(6) - 2.5) / np.sqrt(35 / 12), rtol=1e-6)
    np.testing.assert_allclose(found[0, 1], found[0, 0], rtol=1e-6)
    joint = run(ZeroMeanUnitVariance())
    assert joint.mean() == pytest.approx(0, abs=1e-6)
    assert joint.std() == pytest.approx(1, abs=1e-5)
    flat = run(ZeroMeanUnitVariance(), np.full((1, 1, 3, 3), 7, np.float32))
    assert not flat.any()


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
    np.testing.assert_allclose(
        run(ScaleRange(reference="raw"), raw=TENSOR * 2).max(), 11 / (22 + 1e-6), rtol=1e-6
    )
    with pytest.raises(MethodError, match="refers to the tensor 'other', which is not there"):
        run(ScaleRange(reference="other"))
    with pytest.raises(ValidationError, match=r"min_percentile 50\.0 >= max_percentile 20\.0"):
        ScaleRange(min_percentile=50, max_percentile=20)


def test_scale_mean_variance_takes_on_those_of_another_tensor() -> None:
    other = np.random.default_rng(0).normal(30, 5, TENSOR.shape)
    found = run(ScaleMeanVariance(reference="raw", eps=1e-9), raw=other)
    assert found.mean() == pytest.approx(other.mean(), rel=1e-5)
    assert found.std() == pytest.approx(other.std(), rel=1e-5)


def test_sigmoid_and_softmax() -> None:
    values = np.array([[[[-100, 0, 100]]]], np.float32)
    assert run(Sigmoid(), values).ravel().tolist() == [0, 0.5, 1]
    found = run(Softmax())
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(found[0, 1], 1 / (1 + np.exp(-6)), rtol=1e-6)


def test_what_cannot_be_done_is_refused_with_what_to_do() -> None:
    with pytest.raises(MethodError, match="'stardist_postprocessing', which Veriscope does not have"):
        run(Unsupported(name="stardist_postprocessing"))
    with pytest.raises(MethodError, match=r"evil\.py is code of the package and is not run"):
        run(Custom(callable="run", source="evil.py"))
    with pytest.raises(AxesError, match="the tensor has no axis 'z'; it has batch, channel, y, x"):
        run(ZeroMeanUnitVariance(axes=("z",)))
    with pytest.raises(AxesError, match="has 3 values for 2 along channel"):
        run(ScaleLinear(gain=(1, 2, 3), axis="channel"))
    with pytest.raises(AxesError, match="has 2 values and does not say along which axis"):
        run(ScaleLinear(gain=(1, 2)))


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(4)), st.integers(0, 2**32 - 1))
def test_the_order_of_the_axes_does_not_matter(order: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).normal(5, 2, (1, 2, 4, 5))
    steps = [
        ScaleRange(axes=("y", "x"), min_percentile=5, max_percentile=95),
        ScaleLinear(gain=(1, 3), axis="channel"),
        Softmax(),
    ]
    plain = apply_steps(steps, values, AXES, {})
    turned = apply_steps(steps, values.transpose(order), [AXES[i] for i in order], {})
    np.testing.assert_allclose(turned, plain.transpose(order), rtol=1e-12)
