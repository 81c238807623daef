"""What the rule-based methods find, and what they must not find."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.core.source import ArraySource
from veriscope.errors import InputError
from veriscope.methods.rules.scale import estimate_diameter, survey_foreground
from veriscope.methods.rules.splitting import drop_small, split_touching
from veriscope.registry import make_method
from veriscope.testing.methods import discs_image

RULES = ("otsu-watershed", "local-threshold-watershed", "log-spots")


def disc(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    yy, xx = np.indices(shape)
    return (yy - centre[0]) ** 2 + (xx - centre[1]) ** 2 <= radius**2


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("diameter", [10.0, 16.0, 40.0])
def test_every_separate_disc_is_found_once_without_being_told_its_size(name: str, diameter: float) -> None:
    pitch = 1.75 * diameter
    shape = (round(4 * pitch), round(5 * pitch))
    result = make_method(name).predict(discs_image(shape, diameter=diameter))
    assert result.n_objects == 20
    assert result.details["diameter_px"] == pytest.approx(diameter, rel=0.2)
    assert result.details["diameter_estimated"]


@pytest.mark.parametrize("name", RULES)
def test_noise_alone_has_no_objects(name: str) -> None:
    noise = np.random.default_rng(1).normal(100, 10, (128, 128))
    result = make_method(name).predict(Image(noise, "yx"))
    assert result.n_objects == 0
    assert result.details == {"nothing_above_background": True}


@pytest.mark.parametrize("name", RULES)
def test_dark_objects_are_found_as_bright_ones(name: str) -> None:
    image = discs_image()
    inverted = replace(image, pixels=200 - image.pixels)
    bright, dark = make_method(name).predict(image), make_method(name).predict(inverted)
    assert dark.details["foreground"] == "dark"
    assert dark.n_objects == bright.n_objects
    agreement = np.mean((dark.labels > 0) == (bright.labels > 0))
    assert agreement > 0.99


@pytest.mark.parametrize("name", RULES)
def test_brightness_and_contrast_do_not_matter(name: str) -> None:
    image = discs_image()
    method = make_method(name)
    expected = method.predict(image).labels
    scaled = method.predict(replace(image, pixels=image.pixels * 37 + 1000)).labels
    assert np.mean(scaled != expected) < 1e-3


def test_local_threshold_follows_uneven_illumination_where_the_global_one_does_not() -> None:
    image = discs_image((112, 448), diameter=16)
    gradient = np.linspace(1.0, 0.25, 448)[None, :]
    uneven = replace(image, pixels=image.pixels * gradient)
    globally = make_method("otsu-watershed").predict(uneven).n_objects
    locally = make_method("local-threshold-watershed").predict(uneven).n_objects
    assert locally == 64 > globally


def test_touching_discs_are_split_at_the_neck() -> None:
    mask = disc((60, 80), (30, 28), 13) | disc((60, 80), (30, 50), 13)
    labels = split_touching(mask, diameter=26)
    assert labels.max() == 2
    assert labels[30, 28] != labels[30, 50]
    assert np.array_equal(labels > 0, mask)


def test_small_crumbs_are_dropped_and_numbers_close_up() -> None:
    labels = np.zeros((40, 40), np.int32)
    labels[2, 2] = 1
    labels[disc((40, 40), (20, 20), 8)] = 5
    kept = drop_small(labels, diameter=16)
    assert kept[2, 2] == 0
    assert kept[20, 20] == 1


def test_diameter_of_a_cluster_is_that_of_its_parts() -> None:
    mask = np.zeros((120, 120), bool)
    for cy in (30, 52, 74):
        for cx in (30, 52, 74):
            mask |= disc(mask.shape, (cy, cx), 11.5)
    assert estimate_diameter(mask) == pytest.approx(23, rel=0.25)
    assert estimate_diameter(np.zeros((5, 5), bool)) is None


def test_foreground_reports_contrast_and_noise_in_image_units() -> None:
    found = survey_foreground(ArraySource(discs_image()), foreground="auto", sigma=0)
    assert found is not None
    assert found.contrast == pytest.approx(100, rel=0.05)
    assert found.noise == pytest.approx(3, rel=0.15)
    assert found.background == pytest.approx(20, rel=0.05)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("log-spots", {"scales": []}, "scales: Tuple should have at least 1 item"),
        ("log-spots", {"scales": [1, 0]}, "scales.1: Input should be greater than 0 (got 0)"),
        ("log-spots", {"scales": [-1]}, "scales.0: Input should be greater than 0 (got -1)"),
        ("log-spots", {"scales": [float("nan")]}, "scales.0: Input should be "),
        ("log-spots", {"diameter": float("inf")}, "diameter: Input should be a finite number"),
        ("otsu-watershed", {"smoothing": float("inf")}, "smoothing: Input should be a finite number"),
        ("otsu-watershed", {"smoothing": -1}, "smoothing: Input should be greater than or equal to 0"),
        ("local-threshold-watershed", {"window": 1e9}, "window: Input should be less than or equal to 100"),
        ("local-threshold-watershed", {"sensitivity": 2}, "sensitivity: Input should be less than or equal"),
        ("pixel-forest", {"scales": []}, "scales: Tuple should have at least 1 item"),
        ("pixel-forest", {"scales": [0]}, "scales.0: Input should be greater than 0 (got 0)"),
        ("pixel-forest", {"seed": -1}, "seed: Input should be greater than or equal to 0 (got -1)"),
    ],
)
def test_options_that_find_nothing_or_never_end_are_refused(
    name: str, options: dict[str, object], message: str
) -> None:
    """No scale, or one of 0, used to give label images without an object and without a word."""
    with pytest.raises(InputError) as caught:
        make_method(name, options)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", RULES)
def test_areas_are_those_of_the_discs(name: str) -> None:
    diameter = 24.0
    image = discs_image((168, 168), diameter=diameter)
    labels = make_method(name, {"diameter": diameter}).predict(image).labels
    areas = np.bincount(labels.ravel())[1:]
    assert len(areas) == 16
    assert areas.mean() == pytest.approx(np.pi / 4 * diameter**2, rel=0.15)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_turned_image_has_the_turned_objects(name: str, turn: int) -> None:
    image = discs_image((84, 112), diameter=16)
    method = make_method(name, {"diameter": 16.0})
    still = method.predict(image).labels > 0
    turned = method.predict(replace(image, pixels=np.rot90(image.pixels, turn).copy())).labels > 0
    assert np.mean(np.rot90(still, turn) != turned) < 2e-3
