"""One threshold for an image: exact outlines on clean images, in planes and in stacks, and each option."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.errors import AxesError, InputError, PixelValueError
from veriscope.registry import make_method


def predict(pixels: NDArray[Any], axes: str = "", **options: Any) -> Prediction:
    spacing = options.pop("spacing", None)
    image = Image(pixels, axes or "zyx"[-pixels.ndim :], spacing, name="a.tif")
    return make_method("otsu-watershed", options).predict(image)


def discs(
    *centres: tuple[int, int], radius: float = 7, shape: tuple[int, int] = (60, 90)
) -> NDArray[np.bool_]:
    y, x = np.indices(shape)
    return np.any([(y - cy) ** 2 + (x - cx) ** 2 <= radius**2 for cy, cx in centres], axis=0)


CENTRES = ((15, 15), (15, 45), (15, 75), (42, 30), (42, 60))


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "f8", ">u2", "?"])
@pytest.mark.parametrize("bright", [True, False])
def test_without_smoothing_clean_objects_are_found_to_the_pixel(dtype: str, bright: bool) -> None:
    truth = discs(*CENTRES)
    low, high = (0, 1) if dtype == "?" else (20, 100)
    pixels = np.where(truth == bright, high, low).astype(dtype)
    found = predict(pixels, smoothing=0, foreground="bright" if bright else "dark")
    np.testing.assert_array_equal(found.labels > 0, truth)
    expected, n = ndimage.label(truth)
    assert found.n_objects == n == 5
    assert len(np.unique(np.stack([found.labels[truth], expected[truth]]), axis=1).T) == 5


def test_the_class_with_fewer_pixels_is_taken_unless_the_user_says_which() -> None:
    truth = discs(*CENTRES)
    pixels = np.where(truth, 20, 100).astype(np.uint8)
    found = predict(pixels, smoothing=0)
    np.testing.assert_array_equal(found.labels > 0, truth)
    assert found.details["foreground"] == "dark"
    other = predict(pixels, smoothing=0, foreground="bright", diameter=8)
    assert other.details["foreground"] == "bright"
    np.testing.assert_array_equal(other.labels > 0, ~truth, "the discs are larger than holes that are filled")


@pytest.mark.parametrize("seed", range(3))
def test_pixels_of_objects_are_those_above_the_threshold_of_scikit_image(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = np.where(discs(*CENTRES), 3000, 1000) + rng.normal(0, 150, (60, 90))
    found = predict(pixels, smoothing=0, diameter=15)
    above = pixels > threshold_otsu(pixels, nbins=4096)
    inside = ndimage.binary_fill_holes(above)
    differing = (found.labels > 0) != inside
    assert differing[ndimage.binary_opening(inside, iterations=2)].sum() == 0
    assert differing.mean() < 0.005, "single pixels of noise are too small to be objects"


def test_smoothing_is_what_closes_the_gaps_of_noise() -> None:
    rng = np.random.default_rng(4)
    pixels = np.where(discs(*CENTRES), 300, 100) + rng.normal(0, 90, (60, 90))
    rough, smooth = predict(pixels, smoothing=0, diameter=15), predict(pixels, smoothing=1.0, diameter=15)
    truth = discs(*CENTRES)
    assert 2 * ((smooth.labels > 0) != truth).sum() < ((rough.labels > 0) != truth).sum()
    assert smooth.n_objects == 5


@pytest.mark.parametrize(("side", "kept"), [(3, False), (5, True)])
def test_an_object_of_a_tenth_of_the_usual_area_is_the_smallest(side: int, kept: bool) -> None:
    """The usual disc of 15 pixels has 177; 9 are too few, 25 are enough."""
    truth = discs(*CENTRES)
    crumb = np.zeros_like(truth)
    crumb[52 : 52 + side, 4 : 4 + side] = True
    found = predict(np.where(truth | crumb, 100, 20), smoothing=0, diameter=15)
    np.testing.assert_array_equal(found.labels > 0, truth | crumb if kept else truth)


@pytest.mark.parametrize(("width", "filled"), [(5, True), (15, True), (17, False)])
def test_holes_up_to_one_diameter_are_filled(width: int, filled: bool) -> None:
    ring = np.zeros((60, 90), bool)
    ring[10:50, 10:50] = True
    inner = slice(30 - width // 2, 30 - width // 2 + width)
    ring[inner, inner] = False
    found = predict(np.where(ring, 100, 20), smoothing=0, diameter=15, foreground="bright")
    assert (found.labels[inner, inner] > 0).all() == filled
    assert (found.labels[ring] > 0).all()


@pytest.mark.parametrize(("apart", "n"), [(10, 2), (13, 2), (3, 1)])
def test_touching_discs_are_parted_at_the_neck(apart: int, n: int) -> None:
    truth = discs((30, 40 - apart // 2), (30, 40 - apart // 2 + apart))
    found = predict(np.where(truth, 100, 20), smoothing=0, diameter=15)
    assert found.n_objects == n
    np.testing.assert_array_equal(found.labels > 0, truth)
    if n == 2:
        sizes = np.bincount(found.labels.ravel())[1:]
        assert abs(int(sizes[0]) - int(sizes[1])) <= 0.25 * sizes.max()


def balls(step: float, *, radius: float = 6.0) -> NDArray[np.bool_]:
    """Give two balls, 24 pixels apart, in planes that lie `step` pixels apart."""
    n_planes = round(30 / step)
    z, y, x = np.indices((n_planes, 30, 54)).astype(float)
    z *= step
    middle = step * (n_planes // 2)
    return np.asarray(
        ((z - middle) ** 2 + (y - 15) ** 2 + (x - 15) ** 2 <= radius**2)
        | ((z - middle) ** 2 + (y - 15) ** 2 + (x - 39) ** 2 <= radius**2)
    )


@pytest.mark.parametrize("step", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("size", [0.1, 1.0])
def test_balls_are_found_to_the_voxel_whatever_the_planes_and_the_unit(step: float, size: float) -> None:
    truth = balls(step)
    spacing = {"z": step * size, "y": size, "x": size}
    found = predict(np.where(truth, 900, 100), spacing=spacing, smoothing=0)
    np.testing.assert_array_equal(found.labels > 0, truth)
    assert found.n_objects == 2
    assert found.details["diameter_px"] == pytest.approx(12, rel=0.25)


@pytest.mark.parametrize("turn", [(0, 2, 1), (0, 1, 2)])
@pytest.mark.parametrize("flip", [(), (0,), (1, 2)])
def test_turned_stacks_have_turned_objects(turn: tuple[int, ...], flip: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    pixels = np.where(balls(2.0), 900, 100) + rng.normal(0, 20, balls(2.0).shape)
    spacing = {"z": 2.0, "y": 1.0, "x": 1.0}
    plain = predict(pixels, spacing=spacing, diameter=12)
    turned = predict(
        np.ascontiguousarray(np.flip(pixels.transpose(turn), flip)), spacing=spacing, diameter=12
    )
    expected = np.flip(plain.labels.transpose(turn), flip)
    np.testing.assert_array_equal(turned.labels > 0, expected > 0)
    assert turned.n_objects == plain.n_objects == 2


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((1, 1)),
        np.full((9, 9), 65535, np.uint16),
        np.full((3, 5, 5), -1e30),
        np.zeros((1, 40), bool),
        np.full((2, 2), np.iinfo(np.int64).min),
    ],
)
def test_an_image_without_contrast_holds_nothing_and_that_is_said(pixels: NDArray[Any]) -> None:
    found = predict(pixels)
    assert found.labels.shape == pixels.shape
    assert found.n_objects == 0
    assert found.details == {"nothing_above_background": True}


def test_what_it_cannot_take_is_refused() -> None:
    with pytest.raises(AxesError) as error:
        predict(np.zeros((2, 3, 4)), "tyx")
    assert str(error.value) == "a.tif: otsu-watershed takes single time points and the image has axis t"
    with pytest.raises(PixelValueError, match=r"^a\.tif: 2 of 12 pixels are NaN or infinite"):
        predict(np.array([[np.nan, np.inf, 1, 2]] * 1 + [[0.0, 1, 2, 3]] * 2))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"diameter": 1}, "diameter"),
        ({"diameter": float("nan")}, "diameter"),
        ({"smoothing": -0.1}, "smoothing"),
        ({"foreground": "grey"}, "foreground"),
        ({"threshold": 0.5}, "threshold"),
    ],
)
def test_wrong_options_are_named_with_those_there_are(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        make_method("otsu-watershed", options)
    assert f"  - {said}: " in str(error.value)
    assert "Options are: diameter, foreground, smoothing" in str(error.value)
