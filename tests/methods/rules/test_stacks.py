"""Rules in stacks: balls are found whatever the distance of the planes, and tiles leave no seam."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.runs import ObjectRuns
from veriscope.core.source import ArraySource, grid
from veriscope.methods.local_method import LocalMethod
from veriscope.methods.rules.splitting import split_touching
from veriscope.predict.part import predict_part
from veriscope.registry import make_method
from veriscope.testing.methods import check_method

RULES = ("otsu-watershed", "local-threshold-watershed", "log-spots")
DIAMETER = 8.0


@cache
def balls(shape: tuple[int, int, int], step: float, *, touching: bool = False) -> tuple[Image, np.ndarray]:
    """Balls 8 pixels wide on a grid, shifted at random; z in planes that lie `step` pixels apart."""
    rng = np.random.default_rng(0)
    z, y, x = np.indices(shape).astype(float)
    labels = np.zeros(shape, np.int32)
    pitch = DIAMETER * (1.0 if touching else 1.5)
    sizes = (shape[0] * step, shape[1], shape[2])
    centres = np.stack(np.meshgrid(*(np.arange(pitch / 2, n - 3, pitch) for n in sizes), indexing="ij"), -1)
    for number, (cz, cy, cx) in enumerate(
        centres.reshape(-1, 3) + rng.uniform(-1, 1, (centres.size // 3, 3)), 1
    ):
        labels[(z * step - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 <= (DIAMETER / 2) ** 2] = number
    light = ndimage.gaussian_filter(100.0 * (labels > 0), (0.7 / step, 0.7, 0.7))
    spacing = {"z": 0.3 * step, "y": 0.3, "x": 0.3}
    return Image((20 + light + rng.normal(0, 3, shape)).astype(np.float32), "zyx", spacing), labels


def found_of(labels: np.ndarray, reference: np.ndarray) -> float:
    """Share of the balls of which one object covers more than half, and that lies in no other."""
    hit = 0
    for number in range(1, reference.max() + 1):
        inside = labels[reference == number]
        if not len(inside):
            continue
        own = np.bincount(inside).argmax()
        overlap = np.count_nonzero(inside == own)
        union = len(inside) + np.count_nonzero(labels == own) - overlap
        hit += own > 0 and overlap / union > 0.5
    return hit / len(np.unique(reference[reference > 0]))


@cache
def method(name: str) -> LocalMethod:
    made = make_method(name)
    assert isinstance(made, LocalMethod)
    return made


@cache
def whole(name: str, step: float) -> Prediction:
    return method(name).predict(balls(SHAPES[step], step)[0])


SHAPES = {1.0: (40, 52, 60), 3.0: (16, 52, 60)}


@pytest.mark.parametrize("step", [1.0, 3.0])
@pytest.mark.parametrize("name", RULES)
def test_balls_are_found_whatever_the_distance_of_the_planes(name: str, step: float) -> None:
    found = whole(name, step)
    assert found_of(found.labels, balls(SHAPES[step], step)[1]) > 0.9
    assert found.axes == "zyx"
    assert found.details["diameter_px"] == pytest.approx(DIAMETER, rel=0.3)
    assert "voxels" not in found.details


def test_a_stack_without_voxel_size_is_taken_as_cubes_and_says_so() -> None:
    image = balls(SHAPES[1.0], 1.0)[0]
    found = method("otsu-watershed").predict(Image(image.pixels, "zyx"))
    np.testing.assert_array_equal(found.labels, whole("otsu-watershed", 1.0).labels)
    assert found.details["voxels"] == "taken as cubes: the stack is uncalibrated"


def test_spacing_decides_what_is_one_object() -> None:
    """The same voxels: two balls on top of each other, or one disc of thin planes."""
    z, y, x = np.indices((26, 30, 30))
    mask = np.zeros(z.shape, bool)
    for centre in (7, 18):
        mask |= (z - centre) ** 2 + (y - 15) ** 2 + (x - 15) ** 2 <= 5.5**2
    assert split_touching(mask, diameter=11, step=(1.0, 1.0, 1.0)).max() == 2
    assert split_touching(mask, diameter=11, step=(0.25, 1.0, 1.0)).max() == 1


@pytest.mark.parametrize("name", RULES)
def test_contract_in_stacks(name: str) -> None:
    check_method(method(name), image=balls((14, 40, 44), 2.0)[0])


def tiled(chosen: LocalMethod, image: Image, sides: tuple[int, ...]) -> np.ndarray:
    source = ArraySource(image)
    survey = chosen.survey(source)
    parts = [predict_part(chosen, source, survey, core) for core in grid(image.shape, sides)]
    objects = ObjectRuns.join([part.objects for part in parts])
    labels = np.zeros(image.shape, np.int32)
    everything = tuple(slice(0, size) for size in image.shape)
    objects.paint(labels, everything, image.shape, np.arange(1, len(objects) + 1))
    return labels


@pytest.mark.parametrize("step", [1.0, 3.0])
@pytest.mark.parametrize("name", RULES)
@given(sides=st.tuples(st.integers(9, 40), st.integers(20, 52), st.integers(20, 60)))
@settings(max_examples=3, deadline=None)
def test_any_size_of_parts_gives_the_same_voxels(name: str, step: float, sides: tuple[int, int, int]) -> None:
    labels = tiled(method(name), balls(SHAPES[step], step)[0], sides)
    np.testing.assert_array_equal(labels, whole(name, step).labels)


@pytest.mark.parametrize("name", ["otsu-watershed", "log-spots"])
def test_objects_across_the_corners_of_small_parts_in_a_larger_stack(name: str) -> None:
    """Parts so small that their surroundings are cut too; a rod runs through many of them."""
    pixels = balls((44, 110, 120), 2.0)[0].pixels.copy()
    pixels[20:24, 50:56, 4:116] = 120
    image = Image(pixels, "zyx", {"z": 0.6, "y": 0.3, "x": 0.3})
    chosen = make_method(name, {"diameter": 6})
    assert isinstance(chosen, LocalMethod)
    np.testing.assert_array_equal(tiled(chosen, image, (22, 55, 40)), chosen.predict(image).labels)
