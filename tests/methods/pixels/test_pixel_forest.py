"""The pixel classifier learns what it is shown."""

from __future__ import annotations

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.core.source import ArraySource
from veriscope.errors import MethodError, ShapeMismatchError
from veriscope.methods.pixels.features import BrightnessSurvey, pixel_features
from veriscope.methods.pixels.pixel_forest import PixelForest, PixelForestParameters
from veriscope.testing.methods import discs_image

QUICK = PixelForestParameters(n_trees=15, samples_per_class=1500)


def true_discs(shape: tuple[int, int], diameter: float) -> np.ndarray:
    """The labels behind `discs_image`."""
    yy, xx = np.indices(shape)
    pitch = 1.75 * diameter
    inside = (yy % pitch - pitch / 2) ** 2 + (xx % pitch - pitch / 2) ** 2 <= (diameter / 2) ** 2
    numbers = (yy // pitch).astype(int) * 100 + (xx // pitch).astype(int) + 1
    return np.where(inside, numbers, 0)


def test_learns_to_tell_textured_objects_from_equally_bright_ones() -> None:
    rng = np.random.default_rng(0)
    shape = (112, 140)
    labels = true_discs(shape, 16)
    left = np.arange(shape[1]) < 56  # between the second and the third disc
    wanted = np.where(left, labels, 0)
    pixels = rng.normal(20, 2, shape) + 60 * (labels > 0)
    pixels += np.where(left & (labels > 0), 25 * np.sin(np.indices(shape)[0] * 2.0), 0)
    forest = PixelForest(QUICK).fit([Image(pixels, "yx")], [wanted])
    found = forest.predict(Image(pixels + rng.normal(0, 2, shape), "yx"))
    assert found.n_objects == len(np.unique(wanted)) - 1 == 8
    assert np.mean((found.labels > 0) == (wanted > 0)) > 0.95
    assert found.probabilities is not None
    assert found.probabilities.min() > 0.5


def test_same_seed_same_forest() -> None:
    image, labels = discs_image(), true_discs((96, 112), 16)
    first = PixelForest(QUICK).fit([image], [labels]).predict(image)
    second = PixelForest(QUICK).fit([image], [labels]).predict(image)
    assert np.array_equal(first.labels, second.labels)
    assert np.array_equal(first.probability_map, second.probability_map)


def test_fit_leaves_the_untrained_method_untrained() -> None:
    method = PixelForest(QUICK)
    method.fit([discs_image()], [true_discs((96, 112), 16)])
    with pytest.raises(MethodError, match="pixel-forest is not trained; annotate some training tiles"):
        method.predict(discs_image())


def test_tiles_without_objects_are_refused() -> None:
    with pytest.raises(MethodError, match="the training tiles have no object pixel"):
        PixelForest(QUICK).fit([discs_image()], [np.zeros((96, 112), int)])
    with pytest.raises(MethodError, match="0 images and 0 label images"):
        PixelForest(QUICK).fit([], [])


def test_labels_of_another_size_are_refused() -> None:
    with pytest.raises(ShapeMismatchError, match=r"discs: the reference has shape \(10, 10\)"):
        PixelForest(QUICK).fit([discs_image()], [np.ones((10, 10), int)])


def test_normalise_is_blind_to_gain_and_offset() -> None:
    pixels = discs_image().pixels

    def normalise(pixels: np.ndarray) -> np.ndarray:
        return BrightnessSurvey.measure(ArraySource(Image(pixels, "yx"))).normalise(pixels)

    assert np.allclose(normalise(pixels), normalise(pixels * 12 + 300), atol=1e-4)
    assert not normalise(np.full((4, 4), 9)).any()


def test_features_describe_a_ridge() -> None:
    image = np.zeros((31, 31), np.float32)
    image[15] = 1
    features = pixel_features(image, (1.5,))
    assert features.shape == (6, 31, 31)
    raw, smooth, gradient, large, small, spread = features[:, 15, 15]
    assert raw == 1
    assert 0 < smooth < 1
    assert gradient == pytest.approx(0, abs=1e-6)
    assert small < -0.1 < large, "a bright ridge bends down across and not along"
    assert spread > 0.2
