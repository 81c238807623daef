"""Rings of equal frequency: every sample once, whatever the pixels; and the window before the transform."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal.windows import tukey

from veriscope.errors import AxesError
from veriscope.validate.metrics.restoration.frc import ring_correlation
from veriscope.validate.metrics.restoration.rings import count_rings, fourier_transform, rings
from veriscope.validate.metrics.restoration.spectrum import high_frequency_ratio, spectral_error
from veriscope.validate.restorations import measure_restoration

SHAPES = st.sampled_from([(8, 8), (8, 9), (15, 10), (16, 40), (8, 9, 11), (10, 8, 8)])
STEPS = st.sampled_from([0.1, 0.25, 1.0, 3.0])


@settings(max_examples=60, deadline=None)
@given(SHAPES, st.data())
def test_each_sample_of_the_full_transform_lies_in_one_ring(
    shape: tuple[int, ...], data: st.DataObject
) -> None:
    spacing = tuple(data.draw(STEPS) for _ in shape)
    if not count_rings(shape, spacing):
        assert min(n * d for n, d in zip(shape, spacing, strict=True)) < 2 * max(spacing) * (1 + 1e-6)
        return
    grid = rings(shape, spacing)
    axes = np.meshgrid(*(np.fft.fftfreq(n, d) for n, d in zip(shape, spacing, strict=True)), indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in axes))
    width = max(1 / (n * d) for n, d in zip(shape, spacing, strict=True))
    place = np.floor(radius / width + 0.5 + 1e-9).astype(int).ravel()
    n = len(grid.frequency)
    assert grid.n_samples.tolist() == np.bincount(place, minlength=n + 1)[1 : n + 1].tolist()
    assert grid.frequency == pytest.approx(width * np.arange(1, n + 1))
    highest = min(1 / (2 * d) for d in spacing)
    assert grid.frequency[-1] <= highest * (1 + 1e-9) < grid.frequency[-1] + width * (1 + 1e-6)


@settings(max_examples=40, deadline=None)
@given(SHAPES, st.integers(0, 99))
def test_sums_over_the_half_transform_are_those_over_the_full_one(shape: tuple[int, ...], seed: int) -> None:
    image = np.random.default_rng(seed).random(shape)
    grid = rings(shape, None)
    found = grid.sums(np.abs(fourier_transform(image, window=False)) ** 2)
    full = np.abs(np.fft.fftn(image - image.mean())) ** 2
    axes = np.meshgrid(*map(np.fft.fftfreq, shape), indexing="ij")
    place = np.floor(np.sqrt(sum(a**2 for a in axes)) * min(shape) + 0.5 + 1e-9).astype(int)
    expected = [full[place == ring].sum() for ring in range(1, len(found) + 1)]
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("unit", [1e-9, 0.3, 1e6])
def test_the_unit_of_length_scales_frequencies_and_moves_no_sample(unit: float) -> None:
    plain, other = rings((16, 12), (0.5, 0.7)), rings((16, 12), (0.5 * unit, 0.7 * unit))
    assert np.array_equal(plain.index, other.index)
    assert other.frequency * unit == pytest.approx(plain.frequency)


def test_a_wave_has_its_power_in_its_ring() -> None:
    wave = np.sin(2 * np.pi * 5 * np.arange(32) / 32)[None] * np.ones((32, 1))
    grid = rings(wave.shape, (0.1, 0.1))
    power = grid.sums(np.abs(fourier_transform(wave, window=False)) ** 2)
    assert int(power.argmax()) == 4 and power[4] / power.sum() == pytest.approx(1)
    assert grid.frequency[4] == pytest.approx(5 / 3.2)  # five waves in 3.2 µm


def test_the_window_fades_every_axis_and_the_mean_is_left_out() -> None:
    image = np.random.default_rng(1).random((10, 14)) + 40
    fade = np.outer(tukey(10, 0.25), tukey(14, 0.25))
    expected = np.fft.rfftn((image - image.mean()) * fade)
    assert fourier_transform(image, window=True) == pytest.approx(expected)
    assert abs(fourier_transform(image, window=False).flat[0]) < 1e-9


@pytest.mark.parametrize("function", [spectral_error, high_frequency_ratio])
def test_spectra_do_not_mind_gain_offset_place_or_the_unit_of_length(function: Any) -> None:
    random = np.random.default_rng(2)
    reference, prediction = random.random((16, 18)), random.random((16, 18)) ** 2
    plain = function(reference, prediction)
    assert function(1e6 * reference, 1e-3 * prediction + 7) == pytest.approx(plain)
    assert function(reference[::-1], prediction[:, ::-1]) == pytest.approx(plain)
    assert function(reference, prediction, spacing=(0.2, 0.2)) == pytest.approx(plain)


def test_spectral_error_and_ratio_are_turned_around_by_swapping_the_images() -> None:
    random = np.random.default_rng(3)
    one, other = random.random((20, 16)), random.random((20, 16)).cumsum(axis=1)
    assert spectral_error(one, other) == pytest.approx(spectral_error(other, one))
    assert high_frequency_ratio(one, other) == pytest.approx(1 / high_frequency_ratio(other, one))


def test_twice_the_power_everywhere_but_in_one_ring_by_hand() -> None:
    """Waves with 3 and 5 periods; one image has both alike, the other four times the power in the first."""
    x = 2 * np.pi * np.arange(16) / 16
    one = np.ones((16, 1)) * (np.sin(2 * x) + np.sin(6 * x))
    other = np.ones((16, 1)) * (2 * np.sin(2 * x) + np.sin(6 * x))
    grid = rings(one.shape, None)
    shares = []
    for image in (one, other):
        power = grid.sums(np.abs(fourier_transform(image, window=True)) ** 2)
        shares.append(power / power.sum())
    fine = grid.frequency > 0.25
    expected = shares[1][fine].sum() / shares[0][fine].sum()
    assert high_frequency_ratio(one, other) == pytest.approx(expected)
    assert expected == pytest.approx((1 / 5) / (1 / 2), rel=0.05)


@pytest.mark.parametrize("shape", [(7, 30), (8, 8, 7)])
def test_an_axis_of_fewer_than_eight_pixels_has_no_rings(shape: tuple[int, ...]) -> None:
    with pytest.raises(AxesError) as caught:
        rings(shape, None)
    assert str(caught.value) == (
        f"an image of shape {shape} is too small for frequencies; every axis needs at least 8 pixels (of a "
        "thin stack, compare planes or a projection)"
    )
    assert count_rings(shape, None) == 0


def test_a_small_field_with_coarse_planes_has_no_frequency_in_common() -> None:
    """3.2 µm across, planes 2 µm apart: the lowest frequency across is beyond the highest along z."""
    shape, spacing = (8, 32, 32), (2.0, 0.1, 0.1)
    assert count_rings(shape, spacing) == 0
    assert count_rings((8, 40, 40), spacing) == 1
    stack = np.random.default_rng(0).random(shape)
    for function in (ring_correlation, spectral_error, high_frequency_ratio):
        with pytest.raises(AxesError) as caught:
            function(stack, stack, spacing=spacing)
        assert str(caught.value) == (
            "an image of shape (8, 32, 32) with a spacing of (2.0, 0.1, 0.1) has no frequency that all axes "
            "hold, because its shortest side, 3.2, is less than two of its largest pixels; give a larger "
            "field, or compare planes or a projection"
        )
    values = measure_restoration(stack, stack**2, data_range=1.0, spacing=spacing)
    undefined = {key for key, value in values.items() if np.isnan(value)}
    assert undefined == {
        "frc_resolution",
        "frc_resolution_half_bit",
        "spectral_error",
        "high_frequency_ratio",
    }
