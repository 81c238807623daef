"""Blobs where they are, as large as they are, and none beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, optimize

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.registry import make_method
from veriscope.testing.methods import discs_image


def spots(**options: Any) -> Any:
    return make_method("log-spots", options)


def blobs(
    centres: list[tuple[float, float]], heights: list[float], *, sigma: float = 3.0, noise: float = 0.5
) -> Image:
    y, x = np.indices((100, 120))
    pixels = np.random.default_rng(0).normal(10, noise, y.shape)
    for (cy, cx), height in zip(centres, heights, strict=True):
        pixels += height * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * sigma**2))
    return Image(pixels.astype(np.float32), "yx")


CENTRES = [(20.0, 20.0), (20.5, 60.0), (50.0, 90.5), (75.0, 30.0), (80.0, 80.0)]


def middles(found: Prediction) -> np.ndarray:
    return np.array(ndimage.center_of_mass(found.labels > 0, found.labels, range(1, found.n_objects + 1)))


@pytest.mark.parametrize("sign", [1, -1])
def test_every_blob_is_found_where_it_is(sign: int) -> None:
    image = blobs(CENTRES, [100.0] * 5)
    found = spots(diameter=10).predict(replace(image, pixels=sign * image.pixels))
    assert found.n_objects == 5
    distance = np.linalg.norm(middles(found)[:, None] - np.array(CENTRES)[None], axis=2)
    rows, columns = optimize.linear_sum_assignment(distance)
    assert distance[rows, columns].max() < 1
    assert found.details["foreground"] == ("bright" if sign > 0 else "dark")


@pytest.mark.parametrize(("threshold", "expected"), [(0.05, 5), (0.4, 3), (1.2, 0)])
def test_the_threshold_is_a_share_of_the_contrast(threshold: float, expected: int) -> None:
    """Two blobs are a quarter as bright as the others."""
    image = blobs(CENTRES, [100, 25, 100, 25, 100], noise=0.2)
    assert spots(diameter=10, threshold=threshold).predict(image).n_objects == expected


def test_two_blobs_apart_are_two_and_the_border_between_them_is_in_the_middle() -> None:
    found = spots(diameter=12).predict(blobs([(50, 50), (50, 64)], [100, 100], sigma=4))
    assert found.n_objects == 2
    assert found.labels[50, 50] != found.labels[50, 64]
    assert set(found.labels[50, 50:56]) == {found.labels[50, 50]}
    assert set(found.labels[50, 59:65]) == {found.labels[50, 64]}


def test_a_blob_grows_no_farther_than_its_scale_allows() -> None:
    """A cone has no edge of its own: its blob ends 1.6 radii of the largest scale from the top."""
    y, x = np.indices((121, 121)) - 60
    cone = Image(np.maximum(100 - 2 * np.hypot(y, x), 0), "yx")
    found = spots(diameter=10, scales=[0.8, 1.3]).predict(cone)
    assert found.n_objects == 1
    far = np.hypot(y, x)[found.labels > 0].max()
    assert 0.9 * 1.6 * 6.5 < far <= 1.6 * 6.5


@pytest.mark.parametrize("diameter", [8.0, 14.0, 30.0])
def test_scales_decide_which_sizes_are_looked_for(diameter: float) -> None:
    """A scale four times too large sees the field of discs and not the discs."""
    image = discs_image((round(7 * diameter), round(7 * diameter)), diameter=diameter)
    right = spots(diameter=diameter, scales=[1.0]).predict(image)
    assert right.n_objects == 16
    wrong = spots(diameter=diameter, scales=[6.0]).predict(image)
    assert wrong.n_objects < 8


@pytest.mark.parametrize("name", ["otsu-watershed", "local-threshold-watershed", "log-spots"])
@given(seed=st.integers(0, 99), power=st.integers(-12, 12))
@settings(max_examples=8)
def test_a_gain_of_a_power_of_two_changes_no_pixel(name: str, seed: int, power: int) -> None:
    image = discs_image((60, 70), diameter=12, seed=seed)
    method = make_method(name)
    scaled = replace(image, pixels=image.pixels * np.float32(2.0**power))
    np.testing.assert_array_equal(method.predict(scaled).labels, method.predict(image).labels)


@pytest.mark.parametrize("name", ["otsu-watershed", "local-threshold-watershed", "log-spots"])
@pytest.mark.parametrize("kind", ["u1", "u2", "i4", "i8", "f8", ">u2", ">f4"])
def test_the_type_of_the_pixels_does_not_matter(name: str, kind: str) -> None:
    whole = np.rint(discs_image((80, 90), diameter=14).pixels)
    method = make_method(name)
    expected = method.predict(Image(whole.astype(np.float32), "yx")).labels
    assert expected.max() > 5
    np.testing.assert_array_equal(method.predict(Image(whole.astype(kind), "yx")).labels, expected)
    strided = np.repeat(np.repeat(whole, 2, axis=0), 3, axis=1)[::2, ::3]
    np.testing.assert_array_equal(method.predict(Image(strided, "yx")).labels, expected)


@pytest.mark.parametrize("name", ["otsu-watershed", "local-threshold-watershed", "log-spots"])
@pytest.mark.parametrize("seed", range(3))
def test_a_transposed_image_has_the_transposed_objects(name: str, seed: int) -> None:
    image = discs_image((84, 112), diameter=16, seed=seed)
    method = make_method(name, {"diameter": 16.0})
    straight = method.predict(image)
    across = method.predict(replace(image, pixels=image.pixels.T.copy()))
    assert across.n_objects == straight.n_objects
    for number in range(1, straight.n_objects + 1):
        inside = straight.labels == number
        other = np.bincount(across.labels.T[inside]).argmax() == across.labels.T
        assert (inside & other).sum() / (inside | other).sum() > 0.95


@pytest.mark.parametrize("name", ["otsu-watershed", "local-threshold-watershed", "log-spots"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1), (2, 2), (3, 40)])
def test_slender_images_are_taken(name: str, shape: tuple[int, int]) -> None:
    pixels = np.zeros(shape, np.uint8)
    pixels[:, shape[1] // 2 :][:, :4] = 200
    for options in ({}, {"diameter": 4.0}):
        found = make_method(name, options).predict(Image(pixels, "yx"))
        assert found.labels.shape == shape
        assert found.n_objects <= 1
        assert (found.labels > 0).sum() <= 8 * shape[0], "an object does not fill the image"


@pytest.mark.parametrize("name", ["otsu-watershed", "local-threshold-watershed", "log-spots"])
def test_objects_are_numbered_row_by_row(name: str) -> None:
    labels = make_method(name).predict(discs_image()).labels
    _, first = np.unique(labels, return_index=True)
    assert (np.diff(first[1:]) > 0).all()
