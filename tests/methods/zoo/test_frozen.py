"""Preprocessing with numbers put in gives in every part what it gives in the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.core.image import Image
from veriscope.core.source import ArraySource, grid
from veriscope.methods.zoo.fixed_steps import (
    Binarize,
    EnsureDtype,
    FixedZeroMeanUnitVariance,
    ScaleLinear,
    Sigmoid,
    Softmax,
)
from veriscope.methods.zoo.frozen import can_freeze, freeze, is_local
from veriscope.methods.zoo.measured_steps import Clip, ScaleMeanVariance, ScaleRange, ZeroMeanUnitVariance
from veriscope.methods.zoo.processing import Step, Unsupported, apply_steps

AXES = ("batch", "channel", "y", "x")
SPATIAL = ("y", "x")
MEASURED: list[Step] = [
    ZeroMeanUnitVariance(),
    ZeroMeanUnitVariance(axes=("y", "x"), eps=1e-3),
    ZeroMeanUnitVariance(axes=("channel", "x", "y")),
    ScaleRange(),
    ScaleRange(min_percentile=1, max_percentile=99.8, axes=("batch", "y", "x")),
    ScaleRange(min_percentile=5.5, max_percentile=40),
]
STRAIGHT: list[Step] = [
    EnsureDtype(dtype="float32"),
    ScaleLinear(gain=0.01, offset=3.0),
    ScaleLinear(offset=-7.5),
    FixedZeroMeanUnitVariance(mean=120.0, std=33.0),
]
SMOOTH: list[Step] = [Clip(min=-1.0, max=2.0), Sigmoid(), Softmax(), ScaleLinear(gain=-2.0)]
LAST: list[Step] = [*SMOOTH, Binarize(threshold=0.25)]


def picture(seed: int, kind: str = "u2", shape: tuple[int, ...] = (31, 44)) -> np.ndarray:
    values = np.random.default_rng(seed).gamma(2, 300, shape)
    return values.clip(0, 250 if kind == "u1" else None).astype(kind)


def tensor(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float32)[None, None]


def part_by_part(steps: tuple[Step, ...], pixels: np.ndarray) -> np.ndarray:
    whole = np.full((1, 1, *pixels.shape), np.nan, np.float32)
    for region in grid(pixels.shape, (13, 17)):
        index = (slice(None), slice(None), *region)
        whole[index] = apply_steps(steps, tensor(pixels)[index], AXES, {})
    return whole


@given(
    before=st.lists(st.sampled_from([*STRAIGHT, *MEASURED]), max_size=1),
    after=st.lists(st.sampled_from([*STRAIGHT, *SMOOTH]), max_size=2),
    measured=st.sampled_from(MEASURED),
    seed=st.integers(0, 20),
)
@settings(max_examples=40)
def test_parts_are_as_the_whole(before: list[Any], measured: Any, after: list[Any], seed: int) -> None:
    steps, pixels = (*before, measured, *after), picture(seed)
    assert can_freeze(steps, SPATIAL)
    expected = apply_steps(steps, tensor(pixels), AXES, {})
    frozen = freeze(steps, ArraySource(Image(pixels, "yx")))
    assert all(is_local(step) for step in frozen)
    found = part_by_part(frozen, pixels)
    # Values are in float32: what one step squeezes together on an offset, the next one pulls apart again.
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind", ["u1", "u2", "i4", "f4", "f8", ">u2"])
@pytest.mark.parametrize("measured", MEASURED[:5])
def test_numbers_do_not_depend_on_blocks_nor_type(kind: str, measured: Step) -> None:
    pixels = picture(3, kind)
    image = Image(pixels, "yx")
    whole, cut = ArraySource(image), ArraySource(image)
    cut.block = (5, 9)
    frozen = freeze((measured,), whole)
    assert freeze((measured,), cut) == frozen
    np.testing.assert_allclose(
        part_by_part(frozen, pixels), apply_steps((measured,), tensor(pixels), AXES, {}), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (4, 1030), (3, 40, 50)])
def test_mean_and_deviation_are_those_of_numpy(shape: tuple[int, ...]) -> None:
    pixels = picture(1, "f4", shape) + np.float32(1e5)
    axes = "zyx"[-len(shape) :]
    (step,) = freeze((ZeroMeanUnitVariance(eps=1e-6),), ArraySource(Image(pixels, axes)))
    assert isinstance(step, ScaleLinear)
    exact = pixels.astype(np.float64)
    assert step.gain == pytest.approx(1 / (exact.std() + 1e-6), rel=1e-9)
    assert step.offset == pytest.approx(-exact.mean() / (exact.std() + 1e-6), rel=1e-9)


def test_a_constant_image_becomes_zero_and_no_nan() -> None:
    flat = np.full((20, 20), 4096, np.uint16)
    for measured in MEASURED:
        frozen = freeze((measured,), ArraySource(Image(flat, "yx")))
        found = apply_steps(frozen, tensor(flat), AXES, {})
        assert np.isfinite(found).all()
        assert np.abs(found).max() < 1e3
        if isinstance(measured, ScaleRange):
            np.testing.assert_allclose(found, apply_steps((measured,), tensor(flat), AXES, {}), atol=1e-2)


def test_what_needs_no_measure_stays_as_it_is() -> None:
    steps = (ScaleLinear(gain=3.0), Sigmoid(), Clip(max=0.5))
    assert freeze(steps, ArraySource(Image(picture(0), "yx"))) == steps
    assert freeze((), ArraySource(Image(picture(0), "yx"))) == ()


@pytest.mark.parametrize(
    ("steps", "spatial"),
    [
        ((Clip(max_percentile=99), ZeroMeanUnitVariance()), SPATIAL),
        ((Clip(max_percentile=99),), SPATIAL),
        ((Clip(max=5.0), ScaleRange()), SPATIAL),
        ((Sigmoid(), ScaleRange()), SPATIAL),
        ((EnsureDtype(dtype="uint8"), ZeroMeanUnitVariance()), SPATIAL),
        ((ScaleLinear(gain=-1.0), ScaleRange()), SPATIAL),
        ((ScaleLinear(gain=(1.0, 2.0), axis="channel"), ScaleRange()), SPATIAL),
        ((ZeroMeanUnitVariance(axes=("x",)),), SPATIAL),
        ((ScaleRange(axes=("y", "x")),), ("z", "y", "x")),
        ((ScaleRange(axes=("z", "y", "x")),), SPATIAL),
        ((ScaleRange(reference="raw"),), SPATIAL),
        ((ScaleMeanVariance(reference="raw"),), SPATIAL),
        ((Unsupported(name="magic"),), SPATIAL),
        ((Softmax(axis="x"),), SPATIAL),
        ((ScaleLinear(gain=(1.0, 2.0), axis="y"),), SPATIAL),
        ((Binarize(threshold=(1.0, 2.0), axis="x"),), SPATIAL),
        ((FixedZeroMeanUnitVariance(mean=(1.0, 2.0), std=(1.0, 2.0), axis="y"),), SPATIAL),
    ],
)
def test_what_a_part_cannot_know_is_not_frozen(steps: tuple[Any, ...], spatial: tuple[str, ...]) -> None:
    assert not can_freeze(steps, spatial)


@pytest.mark.parametrize("step", [*STRAIGHT, *LAST, *MEASURED])
def test_a_step_that_is_called_local_gives_parts_of_the_whole(step: Step) -> None:
    pixels = picture(5)
    same = np.array_equal(part_by_part((step,), pixels), apply_steps((step,), tensor(pixels), AXES, {}))
    assert same == is_local(step)
