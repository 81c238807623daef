"""A threshold that follows the background: what its options decide, by hand where that can be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.source import ArraySource
from veriscope.errors import InputError
from veriscope.methods.local_method import LocalMethod
from veriscope.registry import make_method

RULE = "local-threshold-watershed"


def predict(pixels: NDArray[Any], **options: Any) -> Prediction:
    spacing = options.pop("spacing", None)
    return make_method(RULE, options).predict(Image(pixels, "zyx"[-pixels.ndim :], spacing))


def grid_of_discs(shape: tuple[int, int] = (100, 140), radius: float = 7) -> NDArray[np.bool_]:
    y, x = np.indices(shape)
    return np.asarray((y % 40 - 20) ** 2 + (x % 40 - 20) ** 2 <= radius**2)


DISCS = grid_of_discs()
N_DISCS = int(ndimage.label(DISCS)[1])


@pytest.mark.parametrize("rise", [-200, 200, 350])
def test_objects_on_a_slope_are_found_to_the_pixel_but_for_their_rims(rise: int) -> None:
    pixels = 1000 + np.linspace(0, rise, DISCS.shape[1])[None] + 500 * DISCS
    found = predict(pixels, diameter=15, smoothing=0, foreground="bright")
    assert found.n_objects == N_DISCS
    assert ((found.labels > 0) == DISCS).mean() > 0.98


@pytest.mark.parametrize("dim", [0.35, 0.6])
def test_dim_objects_beside_bright_ones_are_found(dim: float) -> None:
    left = np.indices(DISCS.shape)[1] < 40
    pixels = 100 + 1000 * DISCS * np.where(left, 1.0, dim)
    found = predict(pixels, diameter=15, smoothing=0, foreground="bright")
    assert found.n_objects == N_DISCS


@pytest.mark.parametrize(("sensitivity", "found_dim"), [(0.05, True), (0.15, True), (0.9, False)])
def test_the_sensitivity_is_a_share_of_the_contrast(sensitivity: float, found_dim: bool) -> None:
    """Discs of a third of the contrast, less what they raise the local mean by themselves."""
    left = np.indices(DISCS.shape)[1] < 40
    pixels = 100 + 1000 * DISCS * np.where(left, 1.0, 0.35)
    found = predict(pixels, diameter=15, smoothing=0, sensitivity=sensitivity, foreground="bright")
    bright, dim = (int(ndimage.label(DISCS & side)[1]) for side in (left, ~left))
    assert found.n_objects == bright + dim * found_dim


@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "f4", "f8", ">u2"])
@pytest.mark.parametrize("foreground", ["bright", "dark", "auto"])
def test_types_and_polarities(dtype: str, foreground: str) -> None:
    bright = foreground != "dark"
    pixels = np.where(bright == DISCS, 120, 20).astype(dtype)
    found = predict(pixels, diameter=15, smoothing=0, foreground=foreground)
    assert found.n_objects == N_DISCS
    assert ((found.labels > 0) == DISCS).mean() > 0.98
    assert found.details["foreground"] == ("bright" if bright else "dark")


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_what_is_narrower_than_three_pixels_is_opened_away(width: int) -> None:
    """The opening is by a cross: lines of one or two pixels go, wider ones stay."""
    pixels = np.full((80, 80), 100)
    pixels[20:60, 40 : 40 + width] = 1000
    pixels[35:46, 8:19] = 1000
    found = predict(pixels, diameter=11, smoothing=0, foreground="bright")
    assert bool((found.labels[30:50, 40 : 40 + width] > 0).any()) == (width >= 3)
    assert (found.labels[37:44, 10:17] > 0).all()


@pytest.mark.parametrize("step", [1.0, 4.0])
def test_planes_that_lie_far_apart_are_opened_one_by_one(step: float) -> None:
    """A disc in a single plane: among cubes it is too thin to be an object, in thick planes it is one."""
    pixels = np.full((5, 50, 50), 100)
    y, x = np.indices((50, 50))
    pixels[2, (y - 25) ** 2 + (x - 25) ** 2 <= 36] = 1000
    found = predict(
        pixels,
        diameter=12,
        smoothing=0,
        foreground="bright",
        spacing={"z": step, "y": 1.0, "x": 1.0},
    )
    assert found.n_objects == (1 if step > 1.5 else 0)


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("flip", [False, True])
def test_turned_images_have_turned_objects(turn: int, flip: bool) -> None:
    rng = np.random.default_rng(3)
    pixels = (500 + 500 * DISCS + rng.normal(0, 30, DISCS.shape)).astype(np.float32)
    plain = predict(pixels, diameter=15)

    def moved(array: NDArray[Any]) -> NDArray[Any]:
        array = np.rot90(array, turn)
        return array[::-1] if flip else array

    turned = predict(np.ascontiguousarray(moved(pixels)), diameter=15)
    differing = (turned.labels > 0) != moved(plain.labels > 0)
    assert differing.mean() < 1e-3, "rounding may tip a pixel at the threshold"
    assert turned.n_objects == plain.n_objects == N_DISCS


def test_a_larger_window_looks_farther() -> None:
    method, wide = (make_method(RULE, {"diameter": 15, "window": w}) for w in (2.5, 5.0))
    assert isinstance(method, LocalMethod) and isinstance(wide, LocalMethod)
    source = ArraySource(Image(np.where(DISCS, 1000, 100), "yx"))
    near, far = (one.footprint(one.survey(source)) for one in (method, wide))
    assert far.reach > near.reach and far.largest == near.largest


def test_bright_crowds_do_not_hide_a_dim_neighbour() -> None:
    """What exceeds the global threshold counts no more than that for the mean around it."""
    y, x = np.indices((90, 90))
    crowd = (y % 16 - 8) ** 2 + (x % 16 - 8) ** 2 <= 36
    crowd &= x < 55
    lone = (y - 45) ** 2 + (x - 70) ** 2 <= 36
    for bright in (1000, 20_000):
        pixels = np.where(crowd, bright, 100) + np.where(lone, 0.45 * bright, 0)
        found = predict(pixels, diameter=12, smoothing=0, foreground="bright")
        assert found.labels[45, 70] > 0, f"hidden beside {bright}"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"window": 1}, "window"),
        ({"window": 101}, "window"),
        ({"sensitivity": -0.1}, "sensitivity"),
        ({"sensitivity": 1.1}, "sensitivity"),
        ({"smoothing": 2000}, "smoothing"),
        ({"diameter": 0.5}, "diameter"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        make_method(RULE, options)
    assert f"  - {said}: " in str(error.value)
