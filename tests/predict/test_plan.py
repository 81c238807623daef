"""Parts as large as the memory allows, and no larger."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.methods.local_method import Footprint
from veriscope.predict.plan import (
    parse_memory,
    plan_tiles,
    require_memory,
    require_survey_memory,
    shown,
)


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [
        ("2GB", 2 << 30),
        ("500 MB", 500 << 20),
        ("1.5g", 3 << 29),
        ("2GiB", 2 << 30),
        ("1024", 1024),
        ("1T", 1 << 40),
    ],
)
def test_amounts_of_memory(text: str, n_bytes: int) -> None:
    assert parse_memory(text) == n_bytes


@pytest.mark.parametrize("text", ["", "GB", "-2GB", "2XB", "0", "2GBB"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(InputError) as error:
        parse_memory(text)
    assert str(error.value) == f"--memory {text!r} is no amount of memory; write it as 2GB or 500MB"


@given(
    memory=st.integers(1 << 30, 64 << 30),
    workers=st.integers(1, 2),
    reach=st.integers(0, 100),
    cost=st.floats(50, 700),
)
def test_parts_with_their_surroundings_fit_the_memory(
    memory: int, workers: int, reach: int, cost: float
) -> None:
    footprint = Footprint(reach, 40)
    try:
        plan = plan_tiles(
            (40_000, 30_000), footprint, bytes_per_pixel=cost, memory=memory, workers=workers, tile=None
        )
    except InputError:
        assert memory < 3 << 30
        return
    crop = math.prod(side + 2 * (reach + 40) for side in plan.tile)
    assert plan.largest_crop is not None
    assert crop <= plan.largest_crop
    assert crop * cost * workers < memory
    assert plan.tile[0] == plan.tile[1] <= 4096


def test_a_tile_that_does_not_fit_is_refused_with_the_memory_that_would_do() -> None:
    with pytest.raises(InputError) as error:
        plan_tiles(
            (10_000, 10_000), Footprint(50, 30), bytes_per_pixel=100, memory=1 << 30, workers=1, tile=4096
        )
    assert str(error.value) == (
        "--memory: 1024MB do not suffice for tiles of 4096 pixels with 80 pixels of surroundings on 1 "
        "worker; 2485MB would, or a smaller --tile"
    )


def test_memory_that_no_part_fits_is_refused_with_what_would_do() -> None:
    options: dict[str, Any] = {"bytes_per_pixel": 100, "workers": 2, "tile": None}
    shape, footprint = (10_000, 10_000), Footprint(500, 300)
    with pytest.raises(InputError) as error:
        plan_tiles(shape, footprint, memory=1 << 30, **options)
    assert str(error.value) == (
        "--memory: 1024MB do not suffice for tiles of 64 pixels with 800 pixels of surroundings on 2 "
        "workers; 1636MB would, or a smaller diameter"
    )


def test_surroundings_that_dwarf_the_parts_are_refused_with_what_would_do() -> None:
    shape, footprint = (10_000, 10_000), Footprint(800, 200)
    with pytest.raises(InputError) as error:
        plan_tiles(shape, footprint, bytes_per_pixel=100, memory=None, workers=1, tile=16)
    assert str(error.value) == (
        "--tile: parts of 16 pixels need 1000 pixels of surroundings on each side, so that the image would "
        "be predicted 15876 times over; give at least --tile 1000, or leave it out, or a smaller diameter"
    )
    with pytest.raises(InputError) as error:
        plan_tiles(shape, footprint, bytes_per_pixel=100, memory=860 << 20, workers=1, tile=None)
    text = str(error.value)
    assert text.startswith("--memory: parts of 64 pixels need 1000 pixels of surroundings on each side, so ")
    better = parse_memory(text.split("give ")[1].split(" or more")[0])
    plan = plan_tiles(shape, footprint, bytes_per_pixel=100, memory=better, workers=1, tile=None)
    assert plan.tile[0] >= 960
    # An image that is not much larger than its parts is not predicted often.
    assert plan_tiles((90, 100), footprint, bytes_per_pixel=100, memory=None, workers=1, tile=16).tile == (
        16,
        16,
    )


@given(
    shape=st.lists(st.integers(1, 5000), min_size=2, max_size=3).map(tuple),
    reach=st.integers(0, 300),
    memory=st.none() | st.integers(1 << 29, 16 << 30),
    tile=st.none() | st.integers(16, 5000),
)
def test_any_plan_covers_the_image_in_the_memory_and_in_time(
    shape: tuple[int, ...], reach: int, memory: int | None, tile: int | None
) -> None:
    footprint = Footprint(reach, 30)
    try:
        plan = plan_tiles(shape, footprint, bytes_per_pixel=90, memory=memory, workers=1, tile=tile)
    except InputError as error:
        assert str(error).startswith(("--memory: ", "--tile: "))
        assert memory is not None or tile is not None or len(shape) == 3
        return
    assert all(1 <= side <= size for side, size in zip(plan.tile, shape, strict=True))
    assert tile is None or max(plan.tile) <= tile
    crops = [min(side + 2 * (reach + 30), size) for side, size in zip(plan.tile, shape, strict=True)]
    if memory is not None:
        assert math.prod(crops) * 90 < memory
    parts = math.prod(math.ceil(size / side) for size, side in zip(shape, plan.tile, strict=True))
    assert parts * math.prod(crops) <= 200 * math.prod(shape)


def test_memory_that_python_alone_needs_is_refused_at_once() -> None:
    with pytest.raises(InputError) as error:
        require_memory((5000, 5000), 90, 300 << 20)
    assert str(error.value) == (
        "--memory: 300MB do not suffice for Python and its packages on 1 worker; give at least 326MB, and "
        "more where objects are large"
    )
    require_memory((5000, 5000), 90, None)
    require_memory((5000, 5000), 90, 326 << 20)


def test_a_survey_that_needs_more_memory_is_refused_with_what_would_do() -> None:
    with pytest.raises(InputError) as error:
        require_survey_memory(400 << 20, 700 << 20)
    assert str(error.value) == (
        "--memory: 700MB do not suffice to measure the size of the objects on 1 worker; give 825MB, or the "
        "size with --diameter"
    )
    require_survey_memory(400 << 20, 825 << 20)
    require_survey_memory(0, 1)


@given(st.integers(1, 1 << 45))
def test_amounts_shown_are_read_again(n_bytes: int) -> None:
    assert 0 <= parse_memory(shown(n_bytes)) - n_bytes < 1 << 20


def test_small_images_are_one_part() -> None:
    plan = plan_tiles((300, 500), Footprint(50, 30), bytes_per_pixel=100, memory=None, workers=1, tile=None)
    assert plan.tile == (300, 500)
    assert plan.largest_crop is None


@pytest.mark.parametrize("tile", [0, -8])
def test_a_tile_without_length_is_refused(tile: int) -> None:
    """0 used to be taken for no wish, and -8 ended in an error of NumPy."""
    with pytest.raises(InputError) as error:
        plan_tiles((90, 90), Footprint(5, 5), bytes_per_pixel=9, memory=None, workers=1, tile=tile)
    assert str(error.value) == f"--tile {tile}: at least 1"
