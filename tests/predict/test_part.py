"""What begins in a part is what a prediction of the whole finds there, pixel for pixel."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.runs import ObjectRuns
from veriscope.core.source import ArraySource, grid
from veriscope.datasets.scene import SceneSettings, build_scene
from veriscope.methods.local_method import LocalMethod
from veriscope.methods.pixels.pixel_forest import PixelForest
from veriscope.predict.part import predict_part
from veriscope.registry import make_method

RULES = ("otsu-watershed", "local-threshold-watershed", "log-spots")


@cache
def nuclei(shape: tuple[int, int] = (300, 340), diameter: float = 12.0, seed: int = 0) -> tuple[Image, Any]:
    """Simulated nuclei, many of them touching, with noise; and their labels."""
    rng = np.random.default_rng(seed)
    size = {"height_px": shape[0], "width_px": shape[1]}
    density = 3000.0 * (12 / diameter) ** 2
    scene = build_scene(SceneSettings(density_per_mm2=density, diameter_um=diameter, **size), rng)
    light = ndimage.gaussian_filter(200.0 * (scene.labels > 0) * scene.depth**0.3, 1.2)
    return Image(rng.poisson(20 + light).astype(np.uint16), "yx", name="nuclei"), scene.labels


@cache
def method(name: str) -> LocalMethod:
    if name == "pixel-forest":
        image, labels = nuclei((128, 128), seed=1)
        return PixelForest(PixelForest.Parameters(n_trees=5)).fit([image], [labels])
    made = make_method(name)
    assert isinstance(made, LocalMethod)
    return made


@cache
def whole(name: str) -> Prediction:
    return method(name).predict(nuclei()[0])


def tiled(chosen: LocalMethod, image: Image, sides: tuple[int, ...]) -> tuple[ObjectRuns, np.ndarray, int]:
    source = ArraySource(image)
    survey = chosen.survey(source)
    parts = [predict_part(chosen, source, survey, core) for core in grid(image.shape, sides)]
    objects = ObjectRuns.join([part.objects for part in parts])
    labels = np.zeros(image.shape, np.int32)
    everything = tuple(slice(0, size) for size in image.shape)
    objects.paint(labels, everything, image.shape, np.arange(1, len(objects) + 1))
    return objects, labels, sum(part.n_grown for part in parts)


@pytest.mark.parametrize("name", [*RULES, "pixel-forest"])
@given(height=st.integers(60, 300), width=st.integers(60, 340))
@settings(max_examples=3, deadline=None)
def test_any_size_of_parts_gives_the_same_pixels(name: str, height: int, width: int) -> None:
    objects, labels, _ = tiled(method(name), nuclei()[0], (height, width))
    expected = whole(name)
    assert len(objects) == expected.n_objects > 50
    np.testing.assert_array_equal(labels, expected.labels)
    if expected.probabilities is not None:
        np.testing.assert_array_equal(objects.probabilities, expected.probabilities)


@pytest.mark.parametrize(("diameter", "stated"), [(12.0, None), (40.0, 56.0), (6.0, 14.0)])
def test_a_network_gives_the_same_pixels_at_any_scale(diameter: float, stated: float | None) -> None:
    network = make_method("nuclei-fluorescence", {"diameter": stated})
    assert isinstance(network, LocalMethod)
    image, _ = nuclei((300, 330), diameter)
    expected = network.predict(image)
    objects, labels, _ = tiled(network, image, (170, 200))
    assert expected.n_objects > 5
    np.testing.assert_array_equal(labels, expected.labels)
    np.testing.assert_array_equal(objects.probabilities, expected.probabilities)


@pytest.mark.parametrize("name", RULES)
def test_objects_far_longer_than_expected_are_found_whole(name: str) -> None:
    """A bar across all parts, and a ring around a corner where four meet."""
    y, x = np.indices((260, 420))
    bright = (abs(y - 60) < 6) & (x > 5)
    bright |= abs(np.hypot(y - 150, x - 210) - 70) < 6
    noise = np.random.default_rng(0).normal(0, 2, y.shape)
    image = Image((20 + 100 * bright + noise).astype(np.float32), "yx")
    chosen = make_method(name, {"diameter": 14})
    assert isinstance(chosen, LocalMethod)
    _, labels, _ = tiled(chosen, image, (150, 105))
    np.testing.assert_array_equal(labels, chosen.predict(image).labels)
