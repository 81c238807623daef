"""The ellipse with the same second moments, against covariances and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.measure.moments import Ellipses, measure_ellipses
from veriscope.measure.runs import find_runs
from veriscope.measure.size import measure_sizes

label_images = hnp.arrays(
    np.int64, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 3)
)


def measure(labels: NDArray[np.int64], spacing: tuple[float, float] = (1.0, 1.0)) -> Ellipses:
    runs = find_runs(labels)
    return measure_ellipses(runs, measure_sizes(runs), spacing=spacing)


@settings(max_examples=100, deadline=None)
@given(labels=label_images, y=st.sampled_from([0.2, 1.0, 3.0]), x=st.sampled_from([0.2, 1.0, 3.0]))
def test_axes_are_four_roots_of_the_eigenvalues_of_the_covariance(
    labels: NDArray[np.int64], y: float, x: float
) -> None:
    found = measure(labels, (y, x))
    for i, label in enumerate(v for v in np.unique(labels) if v):
        points = np.argwhere(labels == label) * (y, x)
        small, large = np.linalg.eigvalsh(
            np.cov(points.T, bias=True) if len(points) > 1 else np.zeros((2, 2))
        )
        assert found.major[i] == pytest.approx(4 * np.sqrt(max(large, 0)), abs=1e-6)
        assert found.minor[i] == pytest.approx(4 * np.sqrt(max(small, 0)), abs=1e-6)
        expected = np.sqrt(1 - small / large) if large > 0 else 0.0
        assert found.eccentricity[i] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (4, 4), (3, 9), (20, 2)])
def test_a_rectangle_in_closed_form(height: int, width: int) -> None:
    """The variance of n whole numbers in a row is (n² - 1) / 12."""
    labels = np.zeros((30, 30), int)
    labels[3 : 3 + height, 5 : 5 + width] = 1
    found = measure(labels)
    long, short = max(height, width), min(height, width)
    assert found.major[0] == pytest.approx(4 * np.sqrt((long**2 - 1) / 12), abs=1e-12)
    assert found.minor[0] == pytest.approx(4 * np.sqrt((short**2 - 1) / 12), abs=1e-12)


@pytest.mark.parametrize("line", ["row", "column", "diagonal", "antidiagonal", "knight"])
def test_lines_are_exactly_as_thin_as_can_be(line: str) -> None:
    labels = np.zeros((40, 40), int)
    t = np.arange(12)
    y, x = {
        "row": (0 * t + 7, t),
        "column": (t, 0 * t + 7),
        "diagonal": (t, t),
        "antidiagonal": (t, 30 - t),
        "knight": (t, 2 * t + 3),
    }[line]
    labels[y, x] = 5
    found = measure(labels)
    assert (found.minor[0], found.eccentricity[0]) == (0, 1)
    assert found.major[0] == pytest.approx(4 * np.hypot(y.std(), x.std()))


def test_squares_and_single_pixels_are_round() -> None:
    labels = np.zeros((20, 20), int)
    labels[2:9, 4:11], labels[15, 15] = 1, 2
    found = measure(labels)
    assert found.eccentricity.tolist() == [0, 0]
    assert found.major[0] == found.minor[0]
    assert (found.major[1], found.minor[1]) == (0, 0)


@settings(max_examples=40, deadline=None)
@given(labels=label_images, scale=st.sampled_from([1e-6, 0.325, 1e4]))
def test_turning_changes_nothing_and_the_unit_only_the_axes(labels: NDArray[np.int64], scale: float) -> None:
    plain, turned = measure(labels), measure(np.rot90(labels).copy())
    scaled = measure(labels, (scale, scale))
    np.testing.assert_allclose(turned.major, plain.major, atol=1e-9)
    np.testing.assert_allclose(turned.minor, plain.minor, atol=1e-7)
    np.testing.assert_allclose(turned.eccentricity, plain.eccentricity, atol=1e-7)
    np.testing.assert_allclose(scaled.major, scale * plain.major, rtol=1e-9)
    np.testing.assert_allclose(scaled.eccentricity, plain.eccentricity, rtol=1e-6)
