"""Between images and tensors: every order of axes, all types of number, and sizes that differ."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.errors import MethodError
from veriscope.methods.zoo.description import Axis, Tensor
from veriscope.methods.zoo.image_tensor import channel_map, cropped, on_grid, to_tensor
from veriscope.methods.zoo.object_steps import StarDistPostprocessing

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


def test_what_an_image_lacks_has_length_one_and_a_batch_repeats_it() -> None:
    image = Image(np.arange(20, dtype=np.uint8).reshape(4, 5), "yx")
    assert to_tensor(image, tensor("batch", "channel", "y", "x")).shape == (1, 1, 4, 5)
    assert to_tensor(image, tensor("x", "y")).tolist() == image.pixels.T.tolist()
    axes = (
        Axis(name="batch", size=3),
        Axis(name="channel"),
        Axis(name="y"),
        Axis(name="time"),
        Axis(name="x"),
    )
    found = to_tensor(image, Tensor(id="t", axes=axes))
    assert found.shape == (3, 1, 4, 1, 5)
    for one in found:
        np.testing.assert_array_equal(one[0, :, 0], image.pixels)


@pytest.mark.parametrize("order", list(itertools.permutations("zyx")))
def test_stacks_go_into_any_order_of_axes_and_come_back(order: tuple[str, ...]) -> None:
    pixels = np.arange(24).reshape(2, 3, 4)
    given = tensor("channel", *order)
    values = to_tensor(Image(pixels, "zyx"), given)
    assert values.shape == (1, *({"z": 2, "y": 3, "x": 4}[name] for name in order))
    np.testing.assert_array_equal(channel_map(values, given, 0), pixels)


def test_a_channel_that_the_model_does_not_give_is_told_with_what_it_gives() -> None:
    out = tensor("batch", "channel", "y", "x")
    with pytest.raises(MethodError) as error:
        channel_map(np.zeros((1, 2, 4, 5)), out, 2)
    assert str(error.value) == (
        "channel 2 of output 't' is wanted, and the model gives 2 channel(s); its card promises more, ask "
        "its authors to correct it"
    )
    assert channel_map(np.arange(20.0).reshape(4, 5), tensor("y", "x"), 7)[3, 4] == 19, "there is no axis"


@pytest.mark.parametrize(
    ("shape", "grid", "seen"), [((7, 9), (2, 2), (8, 10)), ((8, 8), (4, 2), (8, 8)), ((1, 1), (4, 4), (4, 4))]
)
def test_what_a_coarse_grid_of_objects_adds_is_cut_off(
    shape: tuple[int, int], grid: tuple[int, int], seen: tuple[int, int]
) -> None:
    step = StarDistPostprocessing(prob_threshold=0.5, nms_threshold=0.4, grid=grid)
    out = tensor("batch", "channel", "y", "x", steps=(step,))
    given = tensor("batch", "channel", "y", "x")
    values = np.arange(np.prod(seen)).reshape(1, 1, *seen)
    found = cropped(values, out, given, (1, 1, *shape))
    np.testing.assert_array_equal(found[0, 0], values[0, 0, : shape[0], : shape[1]])
    assert cropped(values, given, given, (1, 1, *shape)) is values, "nothing was added without objects"


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (16, 5)])
def test_a_constant_map_stays_constant_on_any_grid(shape: tuple[int, int]) -> None:
    found = on_grid(np.full((4, 6), 0.25), shape)
    assert (found.shape, found.dtype) == (shape, np.float32)
    np.testing.assert_allclose(found, 0.25)
