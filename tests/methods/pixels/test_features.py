"""The filter bank against NumPy and scikit-image, and what it must be blind to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.core.source import ArraySource
from veriscope.methods.pixels.features import BrightnessSurvey, features_reach, pixel_features

NAMES = ("smooth", "gradient", "larger eigenvalue", "smaller eigenvalue", "spread")


def picture(shape: tuple[int, int] = (40, 50), seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1, shape)
    return ndimage.gaussian_filter(noise, 1.0).astype(np.float32)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 4.0])
def test_each_response_by_its_formula(sigma: float) -> None:
    """Eigenvalues as NumPy finds them for the matrix of second derivatives of each pixel."""
    image = picture()
    raw, *found = pixel_features(image, (sigma,))
    np.testing.assert_array_equal(raw, image)

    def derivative(*order: int) -> np.ndarray:
        exact = image.astype(np.float64)
        return np.asarray(ndimage.gaussian_filter(exact, sigma, order=order, mode="nearest"))

    hessian = np.empty((*image.shape, 2, 2))
    hessian[..., 0, 0], hessian[..., 1, 1] = derivative(2, 0), derivative(0, 2)
    hessian[..., 0, 1] = hessian[..., 1, 0] = derivative(1, 1)
    small, large = np.moveaxis(np.linalg.eigvalsh(hessian), -1, 0)
    mean = derivative(0, 0)
    square = ndimage.gaussian_filter(image.astype(np.float64) ** 2, sigma, mode="nearest")
    expected = (
        mean,
        sigma * np.sqrt(derivative(1, 0) ** 2 + derivative(0, 1) ** 2),
        sigma**2 * large,
        sigma**2 * small,
        np.sqrt(np.maximum(square - mean**2, 0)),
    )
    for name, one, other in zip(NAMES, found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4, err_msg=name)


def test_gradients_and_eigenvalues_do_not_depend_on_direction() -> None:
    image = picture((33, 41))
    straight = pixel_features(image, (1.0, 3.0))
    for turn in range(4):
        for flip in (1, -1):
            turned = pixel_features(np.rot90(image[:, ::flip], turn).copy(), (1.0, 3.0))
            expected = np.rot90(straight[:, :, ::flip], turn, axes=(1, 2))
            np.testing.assert_allclose(turned, expected, atol=1e-5)


def test_a_disc_is_bent_down_both_ways_in_its_middle_and_a_hole_up() -> None:
    y, x = np.indices((41, 41)) - 20
    hill = np.exp(-(y**2 + x**2) / (2 * 4.0**2)).astype(np.float32)
    _, _, gradient, large, small, _ = pixel_features(hill, (2.0,))[:, 20, 20]
    assert gradient == pytest.approx(0, abs=1e-5)
    assert large == pytest.approx(small, abs=1e-4)
    # Gaussians add their variances: height 16/20 at the top, bent by -1/20 of it.
    assert large == pytest.approx(-(2.0**2) * (16 / 20) / 20, rel=0.02)
    hole = pixel_features(-hill, (2.0,))[:, 20, 20]
    assert hole[3] == pytest.approx(-small, abs=1e-5)


@given(seed=st.integers(0, 50), power=st.integers(-6, 6))
@settings(max_examples=15)
def test_all_responses_grow_with_the_contrast(seed: int, power: int) -> None:
    image = picture((20, 24), seed)
    gain = np.float32(2.0**power)
    np.testing.assert_allclose(
        pixel_features(image * gain, (1.0, 2.0)),
        pixel_features(image, (1.0, 2.0)) * gain,
        rtol=1e-3,
        atol=1e-3 * gain,
    )


def test_a_constant_image_has_no_edges_ridges_or_texture() -> None:
    features = pixel_features(np.full((15, 17), 0.75, np.float32), (1.0, 8.0))
    np.testing.assert_allclose(features[[0, 1, 6]], 0.75, rtol=1e-6)
    np.testing.assert_allclose(np.delete(features, [0, 1, 6], axis=0), 0, atol=2e-3)


@pytest.mark.parametrize("scales", [(1.0,), (0.5, 2.0, 4.0), (3.3,)])
def test_nothing_beyond_the_reach_changes_a_pixel_and_something_at_it_does(scales: tuple[float, ...]) -> None:
    reach = features_reach(scales)
    image = picture((15, 2 * reach + 40))
    there = 3
    before = pixel_features(image, scales)[:, 7, there + reach :]
    changed = image.copy()
    changed[7, there] += 50
    after = pixel_features(changed, scales)[:, 7, there + reach :]
    assert (after[:, 0] != before[:, 0]).any()
    np.testing.assert_array_equal(after[:, 1:], before[:, 1:])


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (2, 2)])
def test_slender_images(shape: tuple[int, int]) -> None:
    features = pixel_features(picture(shape), (1.0, 8.0))
    assert features.shape == (11, *shape)
    assert np.isfinite(features).all()


@pytest.mark.parametrize("kind", ["u1", "u2", "i2", "i4", "f4", "f8", ">u2", ">f8"])
def test_brightness_is_measured_on_the_values(kind: str) -> None:
    pixels = (100 + 40 * picture((60, 70))).clip(0).astype(kind)
    found = BrightnessSurvey.measure(ArraySource(Image(pixels, "yx")))
    low, middle, high = np.percentile(pixels.astype(float), [1, 50, 99.8])
    assert (found.middle, found.spread) == (pytest.approx(middle), pytest.approx(high - low))
    normal = found.normalise(pixels)
    assert normal.dtype == np.float32
    np.testing.assert_allclose(normal, (pixels.astype(float) - middle) / (high - low), atol=1e-5)


@pytest.mark.parametrize(("kind", "offset"), [("i4", 2**30), ("f8", 1e9), ("u4", 2**31), ("i8", 2**40)])
def test_contrast_on_a_large_offset_is_not_rounded_away(kind: str, offset: float) -> None:
    """Sums of many frames: a contrast of some hundred on a billion was left as steps of 64."""
    pixels = (100 * picture((60, 70)).astype(float)).round()
    near, far = ((pixels + shift).astype(kind) if shift else pixels.astype("f8") for shift in (0, offset))
    one, other = (BrightnessSurvey.measure(ArraySource(Image(array, "yx"))) for array in (near, far))
    assert other.spread == pytest.approx(one.spread)
    np.testing.assert_allclose(other.normalise(far), one.normalise(near), atol=1e-5)


@pytest.mark.parametrize("pixels", [np.full((4, 5), 7), np.zeros((1, 1)), np.full((3, 3), -1e30)])
def test_a_constant_image_becomes_zero(pixels: np.ndarray) -> None:
    survey = BrightnessSurvey.measure(ArraySource(Image(pixels, "yx")))
    assert survey.spread == 0
    np.testing.assert_array_equal(survey.normalise(pixels), 0)


@pytest.mark.parametrize("sign", [1, -1])
def test_one_object_on_a_background_without_noise_is_no_constant_image(sign: int) -> None:
    """Its percentiles are the same: the image was made zero, and a forest found nothing in it."""
    pixels = np.full((200, 200), 100)
    pixels[50:57, 60:67] += sign * 80
    survey = BrightnessSurvey.measure(ArraySource(Image(pixels, "yx")))
    assert (survey.middle, survey.spread) == (100, 80)
    np.testing.assert_array_equal(survey.normalise(pixels), (pixels - 100) / 80)
