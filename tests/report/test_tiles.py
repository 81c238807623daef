"""Pictures of tiles: the right pixels get the right colours."""

from __future__ import annotations

import base64
import io
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Picture

from veriscope.errors import AxesError, InputError, ShapeMismatchError
from veriscope.report.outlines import dashes, outlines
from veriscope.report.tiles import (
    PREDICTION_COLOUR,
    REFERENCE_COLOUR,
    data_uri,
    scale_bar_length,
    tile_picture,
)

from .pictures import nuclei

GREY = np.full((40, 40), 100, dtype=np.uint8)
NOTHING = np.zeros((40, 40), dtype=np.int32)


def square() -> NDArray[np.int32]:
    """One object over rows and columns 10 to 29 of 40."""
    labels = NOTHING.copy()
    labels[10:30, 10:30] = 7
    return labels


def read(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Picture.open(io.BytesIO(png)))


def near(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    return np.abs(picture.astype(int) - colour).sum(axis=-1) < 60


def test_the_outline_of_the_reference_is_where_its_border_is() -> None:
    picture = read(tile_picture(GREY, square(), NOTHING, width=400))
    blue = near(picture, REFERENCE_COLOUR)
    rows, columns = np.nonzero(blue)

    # Ten pixels of the picture for one of the image: the border runs along 100 and 300.
    assert picture.shape == (400, 400, 3)
    assert (rows.min(), rows.max()) == pytest.approx((100, 300), abs=2)
    assert (columns.min(), columns.max()) == pytest.approx((100, 300), abs=2)
    assert blue[105:295, 105:295].sum() == 0
    assert blue[98:103, 150:250].any(axis=0).all(), "a solid line has no gaps"


def test_the_prediction_is_dashed_so_that_the_two_differ_without_colour() -> None:
    picture = read(tile_picture(GREY, NOTHING, square(), width=400))
    along = near(picture, PREDICTION_COLOUR)[98:103, 120:280].any(axis=0)

    assert 0.3 < along.mean() < 0.8
    assert np.abs(np.diff(along.astype(int))).sum() >= 10


def test_both_show_where_they_agree() -> None:
    picture = read(tile_picture(GREY, square(), square(), width=400))
    edge = picture[98:103, 120:280]

    assert near(edge, REFERENCE_COLOUR).any() and near(edge, PREDICTION_COLOUR).any()


def test_touching_objects_have_an_outline_each() -> None:
    labels = square()
    labels[10:30, 20:30] = 8
    picture = read(tile_picture(GREY, labels, NOTHING, width=400))

    assert near(picture, REFERENCE_COLOUR)[150:250, 196:205].any(axis=1).all()


def test_outside_the_box_is_dimmed_and_its_border_drawn() -> None:
    picture = read(tile_picture(GREY, NOTHING, NOTHING, box=[10, 10, 30, 30], width=400))

    assert picture[200, 200].tolist() == [128, 128, 128]  # a constant image is grey
    assert picture[50, 50].tolist() == [70, 70, 70]
    white = near(picture, (255, 255, 255))
    assert white[99:104, 150:250].any(axis=0).all()
    assert not white[:95].any()


def test_a_scale_bar_is_as_long_as_it_says() -> None:
    spacing = {"y": 0.5, "x": 0.5}
    picture = read(tile_picture(GREY, NOTHING, NOTHING, spacing=spacing, width=400))
    bar = near(picture, (255, 255, 255))[389]

    # 40 pixels of 0.5 µm are 20 µm; a quarter is 5 µm: 100 pixels of the picture.
    assert bar.sum() == pytest.approx(100, abs=2)
    assert not near(read(tile_picture(GREY, NOTHING, NOTHING, width=400)), (255, 255, 255)).any()


@given(st.floats(1e-3, 1e6))
def test_scale_bars_are_round_and_fit(extent: float) -> None:
    length = scale_bar_length(extent)
    leading = length / 10.0 ** math.floor(math.log10(length) + 1e-9)

    assert extent / 10.01 <= length <= extent / 4 * (1 + 1e-6)
    assert min(abs(leading - factor) for factor in (1, 2, 5)) < 1e-6


def test_the_contrast_is_stretched_and_colours_keep_their_order() -> None:
    ramp = np.tile(np.linspace(1000, 2000, 100), (100, 1)).astype(np.uint16)
    empty = np.zeros((100, 100), dtype=np.int32)
    grey = read(tile_picture(ramp, empty, empty, width=100))
    assert grey[..., 0].min() == 0 and grey[..., 0].max() == 255

    colour = np.stack([ramp, ramp // 2, ramp // 4], axis=-1)
    picture = read(tile_picture(colour, empty, empty, width=100))
    assert (picture[:, 50:90, 0] > picture[:, 50:90, 1]).all()
    channels_first = np.moveaxis(colour, -1, 0)
    assert (read(tile_picture(channels_first, empty, empty, width=100)) == picture).all()


def test_pixels_that_are_not_numbers_are_black() -> None:
    pixels = np.ones((40, 40), dtype=np.float32)
    pixels[:20] = np.nan

    picture = read(tile_picture(pixels, NOTHING, NOTHING, width=40))

    assert picture[5, 5].tolist() == [0, 0, 0] and picture[30, 30].tolist() == [128, 128, 128]


def test_real_sizes_give_the_width_asked_for_and_the_arrays_stay() -> None:
    pixels, labels = nuclei()
    before = pixels.copy(), labels.copy()

    wide = read(tile_picture(pixels[:, :100], labels[:, :100], labels[:, :100], width=333))

    assert wide.shape == (533, 333, 3)
    assert (pixels == before[0]).all() and (labels == before[1]).all()
    assert read(tile_picture(pixels, labels, labels, width=64)).shape == (64, 64, 3)


def test_a_picture_as_an_address() -> None:
    uri = data_uri(b"\x89PNG")
    assert base64.b64decode(uri.removeprefix("data:image/png;base64,")) == b"\x89PNG"


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"pixels": np.zeros((2, 40, 40))},
            AxesError,
            "a tile of shape (2, 40, 40) cannot be drawn; give one channel (axes yx) or three colours "
            "(axes yxc or cyx)",
        ),
        (
            {"prediction": np.zeros((40, 39), dtype=np.int32)},
            ShapeMismatchError,
            "the prediction of a tile has shape (40, 39) and its pixels (40, 40); both must "
            "cover the same y and x",
        ),
        (
            {"box": [0, 0, 41, 40]},
            InputError,
            "the box [0, 0, 41, 40] is not within the 40 × 40 pixels drawn; give [y0, x0, y1, x1] with "
            "y0 < y1 and x0 < x1",
        ),
        ({"width": 8}, InputError, "a tile's picture cannot be 8 pixels wide; give 32 or more"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    changes: dict[str, Any], error: type[InputError], message: str
) -> None:
    arguments: dict[str, Any] = {"pixels": GREY, "reference": NOTHING, "prediction": NOTHING, **changes}
    arrays = [arguments.pop(name) for name in ("pixels", "reference", "prediction")]

    with pytest.raises(error) as caught:
        tile_picture(*arrays, **arguments)

    assert str(caught.value) == message


def test_an_object_that_fills_the_tile_has_an_outline() -> None:
    (line,) = outlines(np.full((4, 6), 3))
    x, y = zip(*line, strict=True)

    assert (min(x), max(x), min(y), max(y)) == (0.0, 6.0, 0.0, 4.0)


@given(st.integers(3, 40), st.floats(1, 20), st.floats(0.5, 20))
def test_dashes_lie_on_the_line_and_have_gaps(n: int, dash: float, gap: float) -> None:
    angles = np.linspace(0, 2 * np.pi, n + 1)
    line = [(30 * math.cos(a), 30 * math.sin(a)) for a in angles]
    total = sum(math.dist(a, b) for a, b in pairwise(line))

    pieces = dashes(line, dash, gap)
    drawn = sum(math.dist(a, b) for piece in pieces for a, b in pairwise(piece))

    assert drawn == pytest.approx(total * dash / (dash + gap), rel=0.01)
    assert len(pieces) == pytest.approx(total / (dash + gap), abs=1.01)
