"""Between images and tensors: every order of axes, all types of number, and sizes that differ."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.errors import MethodError, PixelValueError
from veriscope.methods.zoo.description import Axis, Tensor
from veriscope.methods.zoo.image_tensor import channel_map, check_dtype, on_grid, to_tensor

LENGTHS = {"batch": 1, "channel": 3, "y": 4, "x": 5}


def tensor(*names: str, **more: object) -> Tensor:
    return Tensor(id="t", axes=tuple(Axis(name=name) for name in names), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("order", list(itertools.permutations(LENGTHS)))
def test_a_channel_comes_back_in_the_order_of_the_image_from_any_tensor(order: tuple[str, ...]) -> None:
    rng = np.random.default_rng(0)
    image = Image(rng.integers(0, 99, (3, 4, 5)).astype(np.uint8), "cyx")
    values = to_tensor(image, tensor(*order, dtype="int32"))
    assert values.shape == tuple(LENGTHS[name] for name in order)
    for channel in range(3):
        found = channel_map(values, tensor(*order), channel)
        np.testing.assert_array_equal(found, image.pixels[channel])
        assert found.dtype == np.int32


def test_large_numbers_of_objects_stay_exact_and_maps_become_fractions() -> None:
    numbers = np.array([[[[2**24 + 1, 7]]]], np.int64)
    channel = channel_map(numbers, tensor("batch", "channel", "y", "x"), 0)
    assert channel.tolist() == [[2**24 + 1, 7]]
    assert on_grid(channel, (1, 2)).dtype == np.float32


def test_a_map_is_brought_to_the_pixels_of_the_image() -> None:
    ramp = np.tile(np.arange(4.0), (4, 1))
    found = on_grid(ramp, (8, 8))
    assert (found.shape, found.dtype) == ((8, 8), np.float32)
    assert (np.diff(found, axis=1) >= 0).all()
    assert found.mean() == pytest.approx(ramp.mean(), abs=1e-6)
    with pytest.raises(MethodError, match=r"^the model gives 2D maps for 3D images$"):
        on_grid(ramp, (2, 4, 4))


def test_integers_that_the_model_cannot_hold_are_refused_and_others_taken() -> None:
    eight = tensor("y", "x", dtype="uint8")
    check_dtype(Image(np.full((2, 2), 255, np.uint16), "yx"), eight, "model")
    check_dtype(Image(np.full((2, 2), 0.5), "yx"), tensor("y", "x"), "model")
    with pytest.raises(
        PixelValueError, match=r"model takes pixels of type uint8 \(0 to 255\) .* uint16 from 256"
    ):
        check_dtype(Image(np.full((2, 2), 256, np.uint16), "yx"), eight, "model")
    with pytest.raises(PixelValueError, match=r"the image has float64 from 0.5 to 0.5"):
        check_dtype(Image(np.full((2, 2), 0.5), "yx"), eight, "model")
