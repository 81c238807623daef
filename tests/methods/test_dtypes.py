"""Pixels that a model's type of number cannot hold are refused, all others taken."""

from __future__ import annotations

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.errors import PixelValueError
from veriscope.methods.dtypes import require_dtype


def image(kind: str, *values: float) -> Image:
    return Image(np.array([values], kind), "yx", name="a.tif")


@pytest.mark.parametrize(
    ("kind", "value", "wanted", "taken"),
    [
        ("u1", 255, "uint16", True),
        ("u2", 255, "uint8", True),
        ("u2", 256, "uint8", False),
        ("i2", -1, "uint16", False),
        ("i2", 0, "uint16", True),
        ("u2", 32767, "int16", True),
        ("u2", 32768, "int16", False),
        ("u8", 2**63, "int64", False),
        ("i8", -(2**63), "int64", True),
        ("u4", 2**32 - 1, "int64", True),
        ("?", True, "uint8", True),
        ("f4", 3.0, "int32", False),
        ("u1", 7, "bool", True),
        ("u8", 2**64 - 1, "float32", True),
        ("f4", 3e38, "float32", True),
        ("f8", 3e38, "float32", True),
        ("f8", 1e300, "float64", True),
        (">f8", 2.5, "float32", True),
    ],
)
def test_types_of_number_at_their_ends(kind: str, value: float, wanted: str, taken: bool) -> None:
    if taken:
        require_dtype(image(kind, value), wanted, "zoo:m")
        return
    with pytest.raises(PixelValueError, match=rf"^a\.tif: zoo:m takes pixels of type {wanted} \("):
        require_dtype(image(kind, value), wanted, "zoo:m")


def test_the_message_says_what_is_taken_what_is_there_and_what_to_do() -> None:
    with pytest.raises(PixelValueError) as error:
        require_dtype(image("u2", 3, 256), "uint8", "zoo:m")
    assert str(error.value) == (
        "a.tif: zoo:m takes pixels of type uint8 (0 to 255) and the image has uint16 from 3 to 256; convert "
        "it, keeping in mind that the model was trained on uint8"
    )
    with pytest.raises(PixelValueError) as error:
        require_dtype(image("f8", 0.5, 3), "int64", "zoo:m")
    assert str(error.value) == (
        "a.tif: zoo:m takes pixels of type int64 (-9223372036854775808 to 9223372036854775807) and the image "
        "has float64 from 0.5 to 3; convert it, keeping in mind that the model was trained on int64"
    )


@pytest.mark.parametrize("kind", ["u1", "u2", "i4"])
def test_one_pixel_that_does_not_fit_is_enough(kind: str) -> None:
    require_dtype(image(kind, *range(100)), "int8", "m")
    with pytest.raises(PixelValueError, match="from 0 to 128; "):
        require_dtype(image(kind, *range(100), 128), "int8", "m")
