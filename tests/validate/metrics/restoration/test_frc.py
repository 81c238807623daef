"""Ring correlation and spectra from the full Fourier transform, sample by sample."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal.windows import tukey

from veriscope.errors import AxesError, InputError
from veriscope.validate.metrics.restoration.frc import (
    RingCorrelation,
    checkerboard_correlation,
    frc_resolution,
    ring_correlation,
)
from veriscope.validate.metrics.restoration.rings import rings
from veriscope.validate.metrics.restoration.spectrum import high_frequency_ratio, spectral_error

Image = NDArray[np.float64]
CASES = [
    ((16, 16), None),
    ((15, 18), None),
    ((9, 12, 10), None),
    ((16, 20), (0.5, 0.2)),
    ((8, 9, 11), (2.0, 1.0, 1.0)),
]


def pair(shape: tuple[int, ...], seed: int = 0) -> tuple[Image, Image]:
    random = np.random.default_rng(seed)
    truth = random.normal(100, 20, shape)
    return truth, truth + random.normal(0, 15, shape)


def transform(image: Image, *, window: bool) -> NDArray[np.complex128]:
    values = image - image.mean()
    if window:
        for axis, length in enumerate(image.shape):
            shape = [1] * image.ndim
            shape[axis] = length
            values = values * tukey(length, 0.25).reshape(shape)
    return np.fft.fftn(values)


def ring_of(shape: tuple[int, ...], spacing: tuple[float, ...] | None) -> dict[int, list[tuple[int, ...]]]:
    """Samples of the full transform by ring, each as wide as the coarsest step, up to what all axes hold."""
    steps = spacing or (1.0,) * len(shape)
    frequencies = [np.fft.fftfreq(n, step) for n, step in zip(shape, steps, strict=True)]
    width = max(1 / (n * step) for n, step in zip(shape, steps, strict=True))
    last = math.floor(min(1 / (2 * step) for step in steps) / width + 1e-9)
    found: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for place in product(*map(range, shape)):
        radius = math.sqrt(sum(f[i] ** 2 for f, i in zip(frequencies, place, strict=True)))
        ring = math.floor(radius / width + 0.5 + 1e-9)
        if 1 <= ring <= last:
            found[ring].append(place)
    return found


@pytest.mark.parametrize(("shape", "spacing"), CASES)
@pytest.mark.parametrize("window", [True, False])
def test_correlation_is_that_of_the_samples_of_each_ring(
    shape: tuple[int, ...], spacing: tuple[float, ...] | None, window: bool
) -> None:
    first, second = pair(shape)
    found = ring_correlation(first, second, spacing=spacing, window=window)
    one, other = transform(first, window=window), transform(second, window=window)
    held = ring_of(shape, spacing)
    assert found.n_samples.tolist() == [len(held[ring]) for ring in sorted(held)]
    for value, ring in zip(found.correlation, sorted(held), strict=True):
        index = tuple(np.array(held[ring]).T)
        shared = (one[index] * other[index].conj()).sum().real
        power = math.sqrt((abs(one[index]) ** 2).sum() * (abs(other[index]) ** 2).sum())
        assert value == pytest.approx(shared / power)


@pytest.mark.parametrize(("shape", "spacing"), CASES)
def test_spectra_are_those_of_the_samples_of_each_ring(
    shape: tuple[int, ...], spacing: tuple[float, ...] | None
) -> None:
    reference, prediction = pair(shape)
    prediction[...] = prediction * 3 - 40
    held = ring_of(shape, spacing)
    totals, means = [], []
    for image in (reference, prediction):
        power = abs(transform(image, window=True)) ** 2
        sums = {ring: sum(power[place] for place in places) for ring, places in held.items()}
        whole = sum(sums.values())
        totals.append({ring: value / whole for ring, value in sums.items()})
        means.append({ring: value / whole / len(held[ring]) for ring, value in sums.items()})
    squares = [(10 * math.log10(means[1][ring] / means[0][ring])) ** 2 for ring in held]
    assert spectral_error(reference, prediction, spacing=spacing) == pytest.approx(
        math.sqrt(sum(squares) / len(squares))
    )
    fine = [ring for ring in held if ring > max(held) / 2]
    assert high_frequency_ratio(reference, prediction, spacing=spacing) == pytest.approx(
        sum(totals[1][r] for r in fine) / sum(totals[0][r] for r in fine)
    )


@pytest.mark.parametrize(("shape", "spacing"), CASES)
def test_flips_change_nothing_and_the_unit_only_the_frequencies(
    shape: tuple[int, ...], spacing: tuple[float, ...] | None
) -> None:
    first, second = pair(shape, seed=4)
    plain = ring_correlation(first, second, spacing=spacing)
    flipped = ring_correlation(np.flip(first), np.flip(second), spacing=spacing)
    assert flipped.correlation == pytest.approx(plain.correlation)
    swapped = ring_correlation(second, first, spacing=spacing)
    assert swapped.correlation == pytest.approx(plain.correlation)
    steps = spacing or (1.0,) * len(shape)
    scaled = ring_correlation(first, second, spacing=tuple(1000 * step for step in steps))
    assert scaled.correlation == pytest.approx(plain.correlation)
    assert scaled.frequency == pytest.approx(plain.frequency / 1000)
    assert scaled.resolution() == pytest.approx(1000 * plain.resolution())


@given(
    values=st.lists(st.floats(-1, 1), min_size=2, max_size=8),
    criterion=st.sampled_from(["1/7", "half-bit"]),
)
def test_the_resolution_is_where_the_curve_first_falls_below(values: list[float], criterion: Any) -> None:
    n = len(values)
    curve = RingCorrelation(np.arange(1, n + 1) / (2 * n), np.array(values), np.arange(1, n + 1) * 8.0)
    above = curve.correlation - curve.threshold(criterion)
    found = curve.resolution(criterion)
    if above[0] < 0:
        assert found == math.inf
    elif (above >= 0).all():
        assert found == 2.0
    else:
        first = int(np.flatnonzero(above < 0)[0])
        crossing = 1 / found
        assert curve.frequency[first - 1] - 1e-12 <= crossing <= curve.frequency[first] + 1e-12
        on_line = np.interp(crossing, curve.frequency[first - 1 : first + 1], above[first - 1 : first + 1])
        assert on_line == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("shape", [(32, 32), (33, 40), (17, 16, 18)])
def test_noise_alone_does_not_correlate_and_smooth_images_do(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(7)
    one, other = random.normal(size=shape), random.normal(size=shape)
    found = ring_correlation(one, other)
    weights = found.n_samples / found.n_samples.sum()
    assert abs(float(weights @ found.correlation)) < 0.1
    assert ring_correlation(one, 5 * one + 3).correlation == pytest.approx(np.ones(len(found.frequency)))
    assert ring_correlation(one, -one).correlation == pytest.approx(-np.ones(len(found.frequency)))
    half = checkerboard_correlation(random.normal(size=shape))
    assert half.frequency[-1] <= 0.25 + 1e-9
    assert abs(float((half.n_samples / half.n_samples.sum()) @ half.correlation)) < 0.15


@pytest.mark.parametrize("criterion", ["1/7", "half-bit"])
def test_thresholds_are_those_of_the_papers(criterion: Any) -> None:
    grid = rings((16, 16), None)
    curve = RingCorrelation(grid.frequency, np.zeros(len(grid.frequency)), grid.n_samples)
    root = np.sqrt(grid.n_samples)
    expected = 1 / 7 + 0 * root if criterion == "1/7" else (0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root)
    assert curve.threshold(criterion) == pytest.approx(expected)
    with pytest.raises(InputError) as caught:
        curve.threshold("0.5")  # type: ignore[arg-type]
    assert str(caught.value) == "criterion '0.5' is not allowed; use '1/7' or 'half-bit'"


@pytest.mark.parametrize("shape", [(7, 16), (16, 7), (8, 16, 7)])
def test_too_small_an_image_says_how_large_it_must_be(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).normal(size=shape)
    with pytest.raises(AxesError) as caught:
        frc_resolution(image, image)
    assert str(caught.value) == (
        f"an image of shape {shape} is too small for frequencies; every axis needs at least 8 pixels (of a "
        "thin stack, compare planes or a projection)"
    )


@pytest.mark.parametrize("shape", [(15, 18), (9, 12, 10), (20, 24), (16, 30), (8, 12, 16)])
@pytest.mark.parametrize("unit", [0.1, 0.065, 1 / 3, 7.3])
def test_samples_half_way_between_rings_do_not_hang_on_the_unit(shape: tuple[int, ...], unit: float) -> None:
    plain, scaled = rings(shape, None), rings(shape, (unit,) * len(shape))
    np.testing.assert_array_equal(plain.index, scaled.index)
    assert plain.n_samples.tolist() == scaled.n_samples.tolist()
    assert scaled.frequency == pytest.approx(plain.frequency / unit)
