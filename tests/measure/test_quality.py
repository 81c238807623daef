"""Flags of image quality, against images of known noise and blur."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from veriscope.measure.quality import flag_planes, plane_quality


def field(seed: int, *, blur: float = 1.0, noise: float = 6.0) -> NDArray[np.uint16]:
    """Forty bright discs on grey."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[:256, :256]
    image = np.full((256, 256), 200.0)
    for y, x in rng.uniform(0, 256, (40, 2)):
        image[(yy - y) ** 2 + (xx - x) ** 2 < 64] = 900
    return (gaussian_filter(image, blur) + rng.normal(0, noise, image.shape)).clip(0).astype(np.uint16)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["normal", "poisson", "float"])
def test_noise_alone_is_empty(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    image = {
        "normal": rng.normal(500, 12, (512, 512)).astype(np.uint16),
        "poisson": rng.poisson(4, (512, 512)).astype(np.uint8),
        "float": rng.normal(0, 1e-3, (512, 512)),
    }[kind]
    found = plane_quality([image])
    assert found.is_empty and found.sharpness is None and 3 < found.contrast < 7


def test_one_small_dim_object_is_not_empty() -> None:
    image = np.random.default_rng(0).normal(500, 12, (512, 512))
    image[100:110, 200:210] += 40
    assert not plane_quality([image.astype(np.uint16)]).is_empty


@pytest.mark.parametrize("value", [0, 7, 65535])
def test_a_constant_image_is_empty(value: int) -> None:
    found = plane_quality([np.full((40, 30), value, np.uint16)])
    assert found.is_empty and found.p50 == value
    assert plane_quality([np.array([[value]], np.uint16)]).is_empty


def test_saturation_counts_only_where_cameras_stop() -> None:
    image = field(0)
    image[:20, :20] = 4095
    assert plane_quality([image]).saturated_fraction == pytest.approx(400 / 65536)
    assert plane_quality([image]).is_saturated
    image[image == 4095] = 4000  # many pixels at the largest value, but no camera's
    assert plane_quality([image]).saturated_fraction == 0.0


def test_sharpness_falls_with_blur_and_not_with_noise() -> None:
    values = [plane_quality([field(1, blur=blur)]).sharpness or 0.0 for blur in (1, 2, 4, 6)]
    assert values == sorted(values, reverse=True) and values[0] > 4 * values[2]
    noisy = plane_quality([field(1, noise=25)]).sharpness
    assert noisy == pytest.approx(values[0], rel=0.15)


def test_out_of_focus_is_said_against_the_other_images() -> None:
    planes = [plane_quality([field(seed)]) for seed in range(6)]
    planes.append(plane_quality([field(7, blur=5)]))
    assert flag_planes(planes) == [[]] * 6 + [["out-of-focus"]]
    assert flag_planes(planes[-4:]) == [[]] * 4  # too few to compare with


def test_pixels_that_are_no_numbers_are_left_out() -> None:
    image = field(0).astype(float)
    image[5, 5], image[6, 6] = np.nan, np.inf
    clean = plane_quality([field(0).astype(float)])
    assert plane_quality([image]).contrast == pytest.approx(clean.contrast, rel=0.01)
    assert plane_quality([np.full((5, 5), np.nan)]).is_empty


def test_parts_of_a_large_image_are_taken_together() -> None:
    whole = field(3)
    parts = plane_quality([whole[:128], whole[128:]])
    assert parts.p50 == np.percentile(whole, 50)
    assert parts.contrast == pytest.approx(plane_quality([whole]).contrast, rel=0.25)


@pytest.mark.parametrize("thin", [(1, 256), (2, 256), (256, 1), (15, 256), (0, 256)])
def test_a_narrow_rest_of_a_large_image_does_not_decide(thin: tuple[int, int]) -> None:
    """The last part of a large image may be a pixel wide: no noise is seen there, and it is not smoothed."""
    image = np.random.default_rng(0).normal(500, 12, (256, 256))
    alone = plane_quality([image])
    found = plane_quality([image, image[: thin[0], : thin[1]]])
    assert alone.is_empty and found.is_empty
    assert found.contrast == pytest.approx(alone.contrast)


@pytest.mark.parametrize("unit", [1e-30, 1e-9, 1e6, 1e30])
def test_the_unit_of_the_intensities_does_not_matter(unit: float) -> None:
    image = field(2).astype(np.float64)
    plain, scaled = plane_quality([image]), plane_quality([image * unit])
    assert scaled.contrast == pytest.approx(plain.contrast)
    assert scaled.sharpness == pytest.approx(plain.sharpness)
    assert (scaled.p01, scaled.p50, scaled.p999) == pytest.approx(
        (plain.p01 * unit, plain.p50 * unit, plain.p999 * unit), abs=0
    )


def test_turning_the_image_and_order_of_parts_change_nothing() -> None:
    image = field(4)
    plain = plane_quality([image])
    for turned in (image.T, image[::-1], np.rot90(image)):
        assert plane_quality([turned]).contrast == pytest.approx(plain.contrast)
        assert plane_quality([turned]).sharpness == pytest.approx(plain.sharpness)
    parts = [image[:100], image[100:]]
    assert plane_quality(parts) == plane_quality(parts[::-1])


def test_a_mask_and_no_pixel_at_all_can_be_looked_at() -> None:
    mask = np.zeros((60, 60), bool)
    mask[20:40, 20:40] = True
    assert not plane_quality([mask]).is_empty
    assert plane_quality([mask]) == plane_quality([mask.astype(np.uint8)])
    for parts in ([], [np.zeros((0, 4))]):
        assert plane_quality(parts).is_empty


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32])
@pytest.mark.parametrize("value", [0, 1, 100])
def test_equal_pixels_of_any_type_are_empty_and_neither_sharp_nor_saturated(dtype: type, value: int) -> None:
    found = plane_quality([np.full((30, 40), value, dtype)])
    assert (found.is_empty, found.is_saturated, found.sharpness) == (True, False, None)
    assert (found.p01, found.p50, found.p999) == (value, value, value)


@pytest.mark.parametrize(("share", "flagged"), [(0.0005, False), (0.002, True)])
def test_saturation_begins_above_one_in_a_thousand(share: float, flagged: bool) -> None:
    image = np.full((200, 200), 100, np.uint8)
    image.ravel()[: round(share * image.size)] = 255
    assert plane_quality([image]).saturated_fraction == pytest.approx(share)
    assert plane_quality([image]).is_saturated is flagged


def flags_of(sharpness: list[float | None]) -> list[list[str]]:
    planes = [replace(plane_quality([field(0)]), sharpness=value) for value in sharpness]
    return [list(flags) for flags in flag_planes(planes)]


@pytest.mark.parametrize(
    ("sharpness", "blurred"),
    [
        ([1.0, 1.0, 1.0, 1.0, 0.34], []),  # not below a third of the median
        ([1.0, 1.0, 1.0, 1.0, 0.33], [4]),
        ([1.0, 1.0, 1.0, 0.1], []),  # too few to compare with
        ([1.0, 8.0, 0.5, 3.0, 0.2, 0.1], []),  # as varied as the others
        ([1.0, 1.0, None, 1.0, 1.0, 1.0, 0.1], [6]),
        ([1.0, 1.0, 1.0, 1.0, 1.0, 0.0], [5]),
        ([None] * 6, []),
    ],
)
def test_out_of_focus_is_far_below_the_median_of_five_or_more(
    sharpness: list[float | None], blurred: list[int]
) -> None:
    found = flags_of(sharpness)
    assert [number for number, flags in enumerate(found) if "out-of-focus" in flags] == blurred
