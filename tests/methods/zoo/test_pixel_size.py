"""Images come to a model at the pixel size of its card, and sizes that cannot be right are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.image import Image
from veriscope.errors import MethodError
from veriscope.methods.zoo.description import Axis, Tensor
from veriscope.methods.zoo.pixel_size import at_spacing


def tensor(spacing: dict[str, float | None], dtype: str = "float32") -> Tensor:
    axes = (Axis(name="batch"), *(Axis(name=name, spacing=size) for name, size in spacing.items()))  # type: ignore[arg-type]
    return Tensor(id="image", axes=axes, dtype=dtype)  # type: ignore[arg-type]


def ramp(shape: tuple[int, ...] = (40, 60), dtype: str = "u2") -> np.ndarray:
    return np.add.outer(100 * np.arange(shape[0]), 10 * np.arange(shape[1])).astype(dtype)


SIZE = tensor({"y": 0.5, "x": 0.5})


@pytest.mark.parametrize(
    ("spacing", "wanted"),
    [
        (None, {"y": 0.5, "x": 0.5}),
        ({"y": 0.2, "x": 0.2}, {"y": None, "x": None}),
        ({"y": 0.5, "x": 0.5}, {"y": 0.5, "x": 0.5}),
        ({"y": 0.514, "x": 0.486}, {"y": 0.5, "x": 0.5}),
    ],
)
def test_it_is_taken_as_it_is_where_sizes_agree_or_one_is_not_known(
    spacing: dict[str, float] | None, wanted: dict[str, float | None]
) -> None:
    image = Image(ramp(), "yx", spacing)
    seen, details = at_spacing(image, tensor(wanted), "zoo:x")
    assert seen is image and details == {"rescaled": False}


def test_each_axis_by_its_own_factor_and_the_field_stays() -> None:
    """A plane is still the same plane: linear interpolation of a ramp is the ramp."""
    image = Image(ramp(), "yx", {"y": 1.0, "x": 0.25}, name="ramp")
    seen, details = at_spacing(image, SIZE, "zoo:x")
    assert details == {"rescaled": {"y": 2.0, "x": 0.5}}
    assert (seen.shape, seen.axes, seen.spacing, seen.name) == ((80, 30), "yx", None, "ramp")
    y, x = (np.arange(80) + 0.5) / 2 - 0.5, (np.arange(30) + 0.5) * 2 - 0.5
    expected = np.add.outer(100 * y, 10 * x)
    np.testing.assert_allclose(seen.pixels[1:-1, 3:-3], expected[1:-1, 3:-3], rtol=1e-5)


@pytest.mark.parametrize("axes", ["cyx", "zyx", "czyx"])
def test_channels_are_not_rescaled_and_planes_are_where_the_card_says_so(axes: str) -> None:
    shape = {"c": 3, "z": 4, "y": 20, "x": 24}
    pixels = np.random.default_rng(0).random([shape[a] for a in axes]).astype(np.float32)
    spacing = {a: 1.0 for a in axes if a != "c"}
    wanted = tensor({"z": 0.5, "y": 2.0, "x": 2.0} if "z" in axes else {"y": 2.0, "x": 2.0})
    names = tuple(f"channel {i}" for i in range(3)) if "c" in axes else ()
    seen, _ = at_spacing(Image(pixels, axes, spacing, names), wanted, "zoo:x")
    expected = {"c": 3, "z": 8, "y": 10, "x": 12}
    assert seen.shape == tuple(expected[a] for a in axes) and seen.channels == names
    assert seen.pixels.mean() == pytest.approx(pixels.mean(), abs=0.03)


@pytest.mark.parametrize("kind", ["?", "u1", ">u2", "f8"])
def test_pixels_come_in_the_type_of_the_model(kind: str) -> None:
    image = Image((ramp() % 2).astype(kind), "yx", {"y": 1.0, "x": 1.0})
    assert at_spacing(image, SIZE, "zoo:x")[0].pixels.dtype == np.float32
    whole = at_spacing(image, tensor({"y": 0.5, "x": 0.5}, "uint8"), "zoo:x")[0].pixels
    assert whole.dtype == np.uint8 and set(np.unique(whole)) <= {0, 1}


@given(st.floats(0.03, 9.9), st.integers(1, 30), st.integers(1, 30))
def test_any_size_and_factor_leaves_a_constant_constant(factor: float, height: int, width: int) -> None:
    image = Image(np.full((height, width), 7, np.uint8), "yx", {"y": 0.5 * factor, "x": 0.5})
    pixels = at_spacing(image, SIZE, "zoo:x")[0].pixels
    np.testing.assert_allclose(pixels, 7, rtol=1e-5)
    assert min(pixels.shape) >= 1 and pixels.shape[1] == width


@pytest.mark.parametrize("size", [352.8, 1e-6])
def test_a_size_that_cannot_be_right_is_refused_before_memory_is_taken(size: float) -> None:
    """Such as the 72 dots per inch that programs write where they know no size."""
    image = Image(ramp(), "yx", {"y": size, "x": size}, name="a.tif")
    with pytest.raises(
        MethodError, match=rf"^a\.tif: its pixels measure {size:g} µm along y, and zoo:x was made"
    ):
        at_spacing(image, SIZE, "zoo:x")


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_the_largest_and_smallest_numbers_of_a_type_stay_what_they_are(kind: str) -> None:
    """In single precision the largest of 32 bits is one more, and became 0."""
    limits = np.iinfo(kind)
    for value in (limits.min, limits.max):
        image = Image(np.full((6, 8), value, kind), "yx", {"y": 1.0, "x": 0.25})
        pixels = at_spacing(image, tensor({"y": 0.5, "x": 0.5}, kind), "zoo:x")[0].pixels
        assert pixels.dtype == np.dtype(kind) and pixels.shape == (12, 4)
        np.testing.assert_allclose(pixels.astype(float), float(value), rtol=1e-7)
