"""What stains, optics and camera do to crops, and that nothing is done where it is switched off."""

from __future__ import annotations

import numpy as np
import pytest

from veriscope.errors import InputError
from veriscope.training.images.light import (
    Augmentation,
    change_dyes,
    change_light,
    smooth_field,
    through_microscope,
)

OFF = {"stain": 0, "optics": 0, "camera": 0}
PIXELS = np.random.default_rng(1).random((3, 32, 32), dtype=np.float32)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("style", ["fluorescence", "brightfield", "any"])
def test_nothing_changes_where_all_is_switched_off(style: str) -> None:
    options = Augmentation.parse(OFF | {"style": style}, where="test")
    for seed in range(20):
        np.testing.assert_array_equal(change_light(PIXELS, options, rng(seed)), PIXELS)


def test_crops_are_not_changed_in_place_and_chance_alone_decides() -> None:
    before = PIXELS.copy()
    for style in ("fluorescence", "brightfield"):
        options = Augmentation.parse({"style": style, "stain": 1}, where="test")
        made = [change_light(PIXELS, options, rng(seed)) for seed in (3, 3, 4)]
        assert np.array_equal(made[0], made[1]) and not np.array_equal(made[0], made[2])
        assert made[0].dtype == np.float32 and made[0].shape == PIXELS.shape
        assert np.isfinite(made[0]).all()
    assert np.array_equal(PIXELS, before)


def test_dyes_leave_glass_white_and_keep_the_order_of_densities() -> None:
    glass = np.ones((3, 8, 8), np.float32)
    stained = np.linspace(0.1, 1, 64, dtype=np.float32).reshape(8, 8) * glass
    changed = []
    for seed in range(30):
        np.testing.assert_allclose(change_dyes(glass, rng(seed)), 1, atol=1e-6)
        found = change_dyes(stained, rng(seed))
        assert found.min() >= 0 and found.max() <= 2
        assert (np.diff(found.reshape(3, -1).sum(0)) > 0).all()
        changed.append(found)
    assert np.std([one.mean() for one in changed]) > 0.01


def test_absorption_of_black_pixels_is_bounded() -> None:
    assert np.isfinite(change_dyes(np.zeros((3, 4, 4), np.float32), rng())).all()


def test_the_camera_changes_contrast_and_adds_noise_of_which_bright_field_has_no_stray_light() -> None:
    flat = np.full((1, 48, 48), 0.5, np.float32)
    camera = Augmentation.parse(OFF | {"camera": 1}, where="test")
    made = [through_microscope(flat, camera, rng(seed)) for seed in range(60)]
    noisy = [one.std() > 1e-4 for one in made]
    assert 15 < sum(noisy) < 45  # half of them
    assert np.std([one.mean() for one in made]) > 0.05


def test_optics_blur_sharpen_or_light_unevenly_but_keep_a_dark_image_dark() -> None:
    optics = Augmentation.parse(OFF | {"optics": 1, "style": "brightfield"}, where="test")
    dark = np.zeros((1, 24, 24), np.float32)
    assert not any(through_microscope(dark, optics, rng(seed)).any() for seed in range(40))
    stray = optics.model_copy(update={"style": "fluorescence"})
    lit = [through_microscope(dark, stray, rng(seed)) for seed in range(40)]
    assert all(one.min() >= 0 for one in lit)
    assert 5 < sum(bool(one.any()) for one in lit) < 25


def test_a_field_is_smooth_and_of_about_one() -> None:
    fields = [smooth_field(rng(seed), 64) for seed in range(20)]
    assert all(one.shape == (64, 64) and one.dtype == np.float32 for one in fields)
    assert max(np.abs(one).max() for one in fields) < 1.6
    assert max(np.abs(np.diff(one, axis=0)).max() for one in fields) < 0.25
    assert np.mean([one.std() for one in fields]) > 0.2


@pytest.mark.parametrize("wrong", [{"scale": -1}, {"empty": 0.9}, {"style": "x-ray"}, {"blur": 1}])
def test_options_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        Augmentation.parse(wrong, where="test")
