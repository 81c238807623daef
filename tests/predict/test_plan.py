"""Parts as large as the memory allows, and no larger."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.methods.base import Footprint
from veriscope.predict.plan import parse_memory, plan_tiles


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
    assert "for tiles of 4096 pixels with 80 pixels of surroundings on 1 workers" in str(error.value)
    assert str(error.value).endswith("MB would, or a smaller --tile")


def test_small_images_are_one_part() -> None:
    plan = plan_tiles((300, 500), Footprint(50, 30), bytes_per_pixel=100, memory=None, workers=1, tile=None)
    assert plan.tile == (300, 500)
    assert plan.largest_crop is None
