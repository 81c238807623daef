"""In which measurable ways images differ from what a method was made for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.workflow.scripted import squares

from veriscope.core.image import Image
from veriscope.methods.base import Card
from veriscope.workflow.audited import AuditedTile
from veriscope.workflow.config import Candidate, StudyConfig
from veriscope.workflow.domain import outside_domain
from veriscope.workflow.quantities import TileSums
from veriscope.workflow.question import Question

ONE = np.ones(1)


def tile(
    *corners: tuple[int, int],
    side: int = 6,
    objects: float = 200,
    background: float = 20,
    box: tuple[int, int, int, int] = (0, 0, 64, 64),
    dtype: Any = np.uint8,
) -> AuditedTile:
    """A tile with square objects of one brightness on an even background."""
    labels = squares(*corners, side=side)
    pixels: NDArray[Any] = np.where(labels > 0, objects, background).astype(dtype)
    image = Image(pixels, "yx", None, (), "a")
    sums = TileSums(ONE, None, ONE)
    return AuditedTile("a_tile000", "a", "all", "a", box, (0, 0), labels, image, sums, 1.0)


def said(*tiles: AuditedTile, object: str = "nucleus", **card: Any) -> list[str]:
    given = {"summary": "x", "objects": ("nucleus", "cell"), "modalities": (), "limits": ()} | card
    config = StudyConfig(
        name="s",
        question=Question.from_text("count", object=object),
        candidates=[Candidate(id="one", method="otsu-watershed")],
    )
    return outside_domain(Card(**given), config, tiles)


def test_images_of_the_right_kind_give_no_sentence() -> None:
    fits = {"diameter_px": (5, 9), "foreground": "bright"}
    assert said(tile((3, 3), (30, 30)), tile((10, 40)), **fits) == []
    assert said(tile((3, 3)), object="object", **fits) == [], "any object"
    assert said(tile((3, 3)), object="cell", **fits) == []


def test_another_object_is_told() -> None:
    assert said(object="fibre") == ["The method was made for nucleus and cell, the question is about fibre."]


@pytest.mark.parametrize(("side", "told"), [(4, True), (5, False), (10, False), (13, True)])
def test_the_typical_size_is_the_median_of_the_equivalent_diameters(side: int, told: bool) -> None:
    """A square of side s has the area of a circle of diameter 1.13 s."""
    found = said(tile((2, 2), (30, 30), side=side), tile((40, 4), side=side), diameter_px=(5.5, 12))
    width = round(np.sqrt(4 / np.pi) * side)
    sentence = f"Objects are typically {width} pixels wide; the method was tested from 5.5 to 12 pixels."
    assert found == ([sentence] if told else [])


def test_one_large_object_among_small_ones_is_not_typical() -> None:
    large = tile((2, 2), side=30)
    small = tile((2, 2), (2, 20), (20, 2), (20, 20), side=6)
    assert said(large, small, diameter_px=(5, 9)) == []
    assert len(said(large, diameter_px=(5, 9))) == 1


def dark(*corners: tuple[int, int]) -> AuditedTile:
    return tile(*corners, objects=20, background=200)


@pytest.mark.parametrize("foreground", ["bright", "dark"])
def test_most_tiles_decide_what_is_bright_and_half_of_them_do_not(foreground: str) -> None:
    """In one of two tiles objects are darker: that is no majority, whichever way the method was made."""
    bright_tile, dark_tile = tile((5, 5)), dark((5, 5))
    right, wrong = (bright_tile, dark_tile) if foreground == "bright" else (dark_tile, bright_tile)
    is_ = "darker" if foreground == "bright" else "brighter"
    sentence = (
        f"Objects are {is_} than their background in most tiles; the method was made for {foreground} ones."
    )
    assert said(right, right, wrong, foreground=foreground) == []
    assert said(right, wrong, foreground=foreground) == []
    assert said(right, wrong, wrong, foreground=foreground) == [sentence]
    assert said(wrong, foreground=foreground) == [sentence]
    assert said(wrong, foreground="either") == []


@pytest.mark.parametrize("foreground", ["bright", "dark"])
def test_tiles_that_tell_nothing_of_brightness_do_not_count(foreground: str) -> None:
    even = tile((5, 5), objects=50, background=50)
    full = tile((0, 0), side=64)
    empty = tile()
    assert said(even, full, empty, foreground=foreground, diameter_px=(1, 100)) == []


def test_only_the_tile_itself_is_looked_at_for_brightness() -> None:
    """A bright object in the surroundings does not make those of the tile bright."""
    labels = squares((4, 4), (40, 40))
    pixels = np.full(labels.shape, 100, np.uint8)
    pixels[labels == 1], pixels[labels == 2] = 10, 250
    inner = AuditedTile(
        "a_tile000",
        "a",
        "all",
        "a",
        (0, 0, 32, 32),
        (0, 0),
        labels,
        Image(pixels, "yx", None, (), "a"),
        TileSums(ONE, None, ONE),
        1.0,
    )
    assert len(said(inner, foreground="bright")) == 1
    assert said(inner, foreground="dark") == []


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.int16])
def test_darker_is_darker_in_every_type_of_pixels(dtype: Any) -> None:
    """Unsigned numbers wrap around where a larger one is taken from a smaller one."""
    below = tile((5, 5), objects=20, background=200, dtype=dtype)
    assert len(said(below, foreground="bright")) == 1


def test_without_tiles_only_the_object_is_compared() -> None:
    assert said(foreground="bright", diameter_px=(5, 9)) == []
