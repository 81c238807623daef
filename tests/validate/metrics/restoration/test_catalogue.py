"""What is told of metrics of restored images holds for the functions: ranges, best values, empty cases."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from veriscope.validate.metrics.description import Description
from veriscope.validate.metrics.restoration.catalogue import DESCRIPTIONS
from veriscope.validate.restorations import measure_restoration


def scene() -> NDArray[np.float64]:
    values = gaussian_filter(np.random.default_rng(0).gamma(0.5, 100, (32, 36)), 1.0)
    return np.asarray(values + np.random.default_rng(1).random((32, 36)))


@pytest.fixture(scope="module")
def values() -> dict[str, dict[str, float]]:
    """All metrics of an image against itself, against noisy ones, and with a constant one on either side."""
    image, flat = scene(), np.full((32, 36), 3.0)
    noise = np.random.default_rng(2).normal(size=image.shape)
    pairs = {
        "same": (image, image),
        "little noise": (image, image + noise),
        "much noise": (image, image + 20 * noise),
        "no prediction": (image, flat),
        "no reference": (flat, image),
    }
    return {name: measure_restoration(*pair, data_range=300) for name, pair in pairs.items()}


@pytest.mark.parametrize("each", DESCRIPTIONS, ids=lambda each: each.key)
def test_an_image_against_itself_is_perfect_as_far_as_pixels_allow(
    each: Description, values: dict[str, dict[str, float]]
) -> None:
    if each.key.startswith("frc"):
        assert values["same"][each.key] == pytest.approx(2)  # two pixels are the limit
    elif each.best == inf:
        assert values["same"][each.key] == inf
    else:
        assert values["same"][each.key] == pytest.approx(each.best, abs=1e-6)


@pytest.mark.parametrize("each", DESCRIPTIONS, ids=lambda each: each.key)
def test_values_stay_in_their_range_and_more_noise_is_never_better(
    each: Description, values: dict[str, dict[str, float]]
) -> None:
    little, much = (values[name][each.key] for name in ("little noise", "much noise"))
    assert each.low <= little <= each.high and each.low <= much <= each.high
    if each.best == inf:
        assert little > much
    else:
        assert abs(little - each.best) <= abs(much - each.best)


@pytest.mark.parametrize("each", DESCRIPTIONS, ids=lambda each: each.key)
def test_constant_images_are_undefined_where_that_is_told(
    each: Description, values: dict[str, dict[str, float]]
) -> None:
    without_prediction, without_reference = (
        values[name][each.key] for name in ("no prediction", "no reference")
    )
    if each.empty.startswith("either image constant"):
        assert np.isnan(without_prediction) and np.isnan(without_reference)
    elif each.empty.startswith("reference constant"):
        assert np.isfinite(without_prediction) and np.isnan(without_reference)
    else:
        assert np.isfinite(without_prediction) and np.isfinite(without_reference)
    if each.key == "rse":
        assert without_prediction == pytest.approx(scene().std())
