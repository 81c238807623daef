"""What rules measure before they start: threshold, polarity, contrast and size, counted and exact."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.filters import threshold_otsu

from veriscope.core.image import Image
from veriscope.core.source import ArraySource
from veriscope.methods.rules.scale import (
    ForegroundSurvey,
    RuleSurvey,
    estimate_diameter,
    survey_foreground,
    survey_rule,
)
from veriscope.registry import make_method
from veriscope.testing.methods import discs_image

Polarity = Literal["bright", "dark", "auto"]


def measured(pixels: np.ndarray, *, foreground: Polarity = "auto", sigma: float = 0.0) -> ForegroundSurvey:
    found = survey_foreground(
        ArraySource(Image(pixels, "zyx"[-pixels.ndim :])), foreground=foreground, sigma=sigma
    )
    assert found is not None
    return found


def two_classes(seed: int, dtype: str = "u2") -> np.ndarray:
    """A background around 100 and a fifth of the pixels around 600."""
    rng = np.random.default_rng(seed)
    bright = rng.random((50, 61)) < 0.2
    return (rng.normal(100, 12, bright.shape) + 500 * bright).clip(0).astype(dtype)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dtype", ["u2", "i4", "f4", "f8"])
def test_the_threshold_is_that_of_scikit_image(seed: int, dtype: str) -> None:
    pixels = two_classes(seed, dtype)
    expected = float(threshold_otsu(pixels.astype(np.float64)))
    bin_width = float(np.ptp(pixels)) / 256
    assert measured(pixels).threshold == pytest.approx(expected, abs=1e-3 * bin_width)


@pytest.mark.parametrize("seed", range(3))
def test_contrast_background_and_noise_are_those_of_the_pixels(seed: int) -> None:
    pixels = two_classes(seed).astype(np.float64)
    found = measured(pixels)
    inside = pixels > found.threshold
    background = np.median(pixels[~inside])
    bin_width = np.ptp(pixels) / 65_536
    assert found.background == pytest.approx(background, abs=bin_width)
    assert found.contrast == pytest.approx(pixels[inside].mean() - background, abs=2 * bin_width)
    deviation = 1.4826 * np.median(np.abs(pixels[~inside] - background))
    assert found.noise == pytest.approx(deviation, abs=3 * bin_width)


@pytest.mark.parametrize("sigma", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("block", [(7, 11), (50, 3), (1, 61)])
def test_blocks_change_nothing_not_a_bit(sigma: float, block: tuple[int, int]) -> None:
    image = Image(two_classes(0, "f4"), "yx")
    whole, cut = ArraySource(image), ArraySource(image)
    cut.block = block
    options: dict[str, Any] = {"foreground": "auto", "sigma": sigma, "diameter": None}
    assert survey_rule(cut, **options) == survey_rule(whole, **options)


@given(seed=st.integers(0, 99), power=st.integers(-20, 20))
@settings(max_examples=15)
def test_a_gain_of_a_power_of_two_scales_everything_exactly(seed: int, power: int) -> None:
    pixels = two_classes(seed, "f4")
    one, other = measured(pixels), measured(pixels * np.float32(2.0**power))
    assert other.polarity == one.polarity
    for name in ("threshold", "contrast", "background", "noise"):
        assert getattr(other, name) == pytest.approx(getattr(one, name) * 2.0**power, rel=1e-12)


@pytest.mark.parametrize(("seed", "turn"), [(0, 1), (1, 2), (2, 3)])
def test_a_turned_image_has_the_same_threshold(seed: int, turn: int) -> None:
    pixels = two_classes(seed)
    assert measured(np.rot90(pixels, turn)) == measured(pixels)
    assert measured(np.asfortranarray(pixels.T)) == measured(pixels)


@pytest.mark.parametrize("seed", range(3))
def test_a_negative_has_dark_objects_of_the_same_contrast(seed: int) -> None:
    pixels = two_classes(seed).astype(np.float32)
    bright, dark = measured(pixels), measured(700 - pixels)
    assert (bright.polarity, dark.polarity) == ("bright", "dark")
    # Where no value lies between the classes, the first of the thresholds that are as good is another one.
    assert dark.contrast == pytest.approx(bright.contrast, rel=1e-3)
    assert dark.noise == pytest.approx(bright.noise, rel=0.02)
    assert dark.background == pytest.approx(bright.background - 700, abs=1), "turned, as the threshold"
    # Turned, objects are bright: above the threshold lie as many pixels as before, save those of one bin.
    turned, plain = dark.turn(700 - pixels), bright.turn(pixels)
    assert abs(int((turned > dark.threshold).sum()) - int((plain > bright.threshold).sum())) <= 2
    np.testing.assert_allclose(turned, pixels - 700, rtol=1e-6)


def test_the_user_decides_what_is_foreground() -> None:
    pixels = two_classes(0)
    bright, dark = (measured(pixels, foreground=which) for which in ("bright", "dark"))
    assert (bright.polarity, dark.polarity) == ("bright", "dark")
    share = float((dark.turn(pixels) > dark.threshold).mean())
    assert share == pytest.approx(0.8, abs=0.05), "the background is taken for the objects"
    assert measured(pixels, foreground="auto") == bright


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((5, 5), 7),
        np.zeros((1, 1)),
        np.random.default_rng(0).normal(0, 1, (80, 80)),
        np.random.default_rng(0).uniform(0, 1, (80, 80)),
        np.random.default_rng(0).poisson(5, (80, 80)),
    ],
    ids=["constant", "one pixel", "normal", "uniform", "poisson"],
)
def test_where_nothing_stands_out_there_is_no_foreground(pixels: np.ndarray) -> None:
    source = ArraySource(Image(pixels, "yx"))
    assert survey_foreground(source, foreground="auto", sigma=1.0) is None
    found = survey_rule(source, foreground="auto", sigma=1.0, diameter=None)
    assert found == RuleSurvey(foreground=None)
    assert (found.step, found.details) == ((), {"nothing_above_background": True})


@pytest.mark.parametrize("pixels", [np.array([[0, 1]]), np.array([[False, True, False]]), np.eye(9) * 1e-20])
def test_two_values_without_noise_are_told_apart(pixels: np.ndarray) -> None:
    found = measured(pixels)
    top = float(pixels.max())
    assert 0 < found.threshold < top
    assert found.contrast == pytest.approx(top, rel=1e-4)
    np.testing.assert_array_equal(found.turn(pixels) > found.threshold, pixels > 0)


def test_one_hot_pixel_does_not_hide_the_objects() -> None:
    image = discs_image((120, 140), diameter=16)
    pixels = image.pixels.copy()
    pixels[60, 70] = 3000
    plain, hot = measured(image.pixels, sigma=1.0), measured(pixels, sigma=1.0)
    same = (plain.turn(pixels) > plain.threshold) == (hot.turn(pixels) > hot.threshold)
    assert same.mean() > 0.97


def disc_mask(diameter: float, pitch: float, n: int = 4) -> np.ndarray:
    y, x = np.indices((round(n * pitch), round(n * pitch)))
    return np.asarray((y % pitch - pitch / 2) ** 2 + (x % pitch - pitch / 2) ** 2 <= (diameter / 2) ** 2)


@pytest.mark.parametrize("diameter", [6, 10, 17, 33, 60])
def test_the_size_of_separate_discs(diameter: int) -> None:
    assert estimate_diameter(disc_mask(diameter, 2 * diameter)) == pytest.approx(diameter, abs=2.1)


@pytest.mark.parametrize(("width", "expected"), [(3, 4), (9, 10), (21, 22)])
def test_the_size_of_bars_is_their_width(width: int, expected: float) -> None:
    mask = np.zeros((100, 100), bool)
    mask[40 : 40 + width, 5:95] = True
    assert estimate_diameter(mask) == pytest.approx(expected, abs=0.5)
    assert estimate_diameter(mask.T) == estimate_diameter(mask)


def test_crumbs_do_not_make_objects_small() -> None:
    mask = disc_mask(20, 40)
    rng = np.random.default_rng(0)
    for y, x in rng.integers(0, 160, (60, 2)):
        mask[y : y + 2, x : x + 2] = True
    assert mask.sum() < 1.2 * disc_mask(20, 40).sum()
    assert estimate_diameter(mask) == pytest.approx(20, abs=3)


def test_the_smallest_size_is_three_pixels() -> None:
    mask = np.zeros((20, 20), bool)
    mask[::5, ::5] = True
    assert estimate_diameter(mask) == 3.0
    assert estimate_diameter(~np.ones((3, 3), bool)) is None


@pytest.mark.parametrize("step", [1.0, 2.0, 4.0])
def test_balls_have_the_same_size_whatever_the_distance_of_the_planes(step: float) -> None:
    z, y, x = np.indices((round(60 / step), 60, 60)).astype(float)
    ball = ((z * step - 30) ** 2 + (y - 30) ** 2 + (x - 30) ** 2) <= 12**2
    image = Image(ball * 100.0, "zyx", {"z": 0.2 * step, "y": 0.2, "x": 0.2})
    found = survey_rule(ArraySource(image), foreground="auto", sigma=0.0, diameter=None)
    assert found.step == (step, 1.0, 1.0)
    assert found.diameter == pytest.approx(24, rel=0.15)
    assert "voxels" not in found.details


@pytest.mark.parametrize("given_diameter", [None, 31.5])
def test_the_record_says_whether_the_size_was_measured(given_diameter: float | None) -> None:
    image = Image(disc_mask(16, 28) * 50.0, "yx")
    found = survey_rule(ArraySource(image), foreground="auto", sigma=0.0, diameter=given_diameter)
    assert found.details == {
        "diameter_px": 31.5 if given_diameter else pytest.approx(16, abs=2),
        "diameter_estimated": given_diameter is None,
        "foreground": "bright",
    }
    again = RuleSurvey.model_validate_json(found.model_dump_json())
    assert again == found, "it comes back from the file of a run that was stopped, to the last bit"


def test_smoothing_is_by_length_not_by_voxels() -> None:
    pixels = np.random.default_rng(0).random((9, 20, 20)).astype(np.float32)
    survey = ForegroundSurvey(
        sigma=2.0, threshold=0, contrast=1, background=0, noise=0, polarity="bright", step=(4.0, 1.0, 1.0)
    )
    expected = ndimage.gaussian_filter(pixels, (0.5, 2.0, 2.0), mode="nearest")
    np.testing.assert_array_equal(survey.turn(pixels), expected)
    np.testing.assert_array_equal(survey.model_copy(update={"polarity": "dark"}).turn(pixels), -expected)


FAR: dict[str, list[Any]] = {
    "i4": [2_000_000_000, -2_000_000_000],
    "u4": [4_000_000_000],
    "i8": [10**15, -(2**62)],
    "u8": [2**63 + 5],
    "f8": [1e8, -3e12],
}


@pytest.mark.parametrize("method", ["otsu-watershed", "log-spots", "local-threshold-watershed"])
@pytest.mark.parametrize(
    ("dtype", "offset"), [(dtype, far) for dtype, all_of in FAR.items() for far in all_of]
)
def test_a_faint_contrast_far_from_zero_is_found_as_near_it(method: str, dtype: str, offset: Any) -> None:
    near = discs_image((90, 100), diameter=14).pixels
    near = np.round(near / near.max() * 60).astype(dtype)
    far = near + np.dtype(dtype).type(offset)
    (expected, found) = (make_method(method).predict(Image(pixels, "yx")) for pixels in (near, far))
    assert expected.n_objects > 3
    np.testing.assert_array_equal(found.labels, expected.labels)


@given(st.sampled_from(["u1", "u2", "i2", "i4", "f4", "f8"]), st.integers(0, 99), st.integers(1, 30_000))
@settings(max_examples=30)
def test_nothing_is_taken_from_ordinary_images(dtype: str, seed: int, top: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, min(top, 255 if dtype == "u1" else top) + 1, (20, 30))
    pixels[0, 0], pixels[0, 1] = 0, 1
    found = survey_foreground(ArraySource(Image(pixels.astype(dtype), "yx")), foreground="auto", sigma=1.0)
    assert found is None or found.offset == 0


def test_the_offset_is_kept_with_what_else_was_measured() -> None:
    pixels = two_classes(1, "i8") + 10**15
    found = measured(pixels)
    assert found.offset == int(pixels.min())
    read = ForegroundSurvey.model_validate_json(found.model_dump_json())
    assert read == found and isinstance(read.offset, int)
    np.testing.assert_array_equal(read.turn(pixels), found.turn(pixels))
    old = found.model_dump(exclude={"offset"})
    assert ForegroundSurvey.model_validate(old).offset == 0
    assert measured(two_classes(1, "i8")).threshold == pytest.approx(
        found.threshold + int(two_classes(1, "i8").min()), abs=0.05
    )
