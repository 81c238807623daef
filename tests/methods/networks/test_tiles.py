"""Tiles cover an image with what a network needs around each, and little more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.methods.networks.tiles import cut_tiles


@st.composite
def cases(draw: st.DrawFn) -> dict[str, object]:
    stride = draw(st.sampled_from([1, 2, 16]))
    shape = tuple(stride * draw(st.integers(1, 300 // stride)) for _ in range(2))
    return {
        "shape": shape,
        "side": draw(st.integers(1, 200)),
        "halo": stride * draw(st.integers(0, 40 // stride)),
        "stride": stride,
    }


@given(cases())
def test_each_pixel_is_in_one_core_and_each_core_has_its_surroundings(case: dict[str, object]) -> None:
    shape, halo, stride, side = (case[name] for name in ("shape", "halo", "stride", "side"))
    times = np.zeros(shape, int)
    sizes = set()
    for core, tile in cut_tiles(**case):  # type: ignore[arg-type]
        times[core] += 1
        sizes.add(tuple(part.stop - part.start for part in tile))
        for inner, outer, size in zip(core, tile, shape, strict=True):
            assert inner.start < inner.stop
            assert 0 <= outer.start <= max(inner.start - halo, 0)
            assert min(inner.stop + halo, size) <= outer.stop <= size
            assert outer.start % stride == outer.stop % stride == 0
    assert (times == 1).all()
    ((height, width),) = sizes
    assert height * width <= max(side, 2 * halo + stride) ** 2


@given(cases())
def test_no_more_is_computed_than_with_squares(case: dict[str, object]) -> None:
    shape, halo, stride = case["shape"], case["halo"], case["stride"]
    side = max(case["side"] // stride * stride, 2 * halo + stride)
    squares = 1
    for size in shape:
        number = max(-(-(size - 2 * halo) // (side - 2 * halo)), 1)
        squares *= size + 2 * halo * (number - 1)
    tiles = [tile for _, tile in cut_tiles(**case)]  # type: ignore[arg-type]
    computed = sum((y.stop - y.start) * (x.stop - x.start) for y, x in tiles)
    # Lengths are whole strides, so that each tile may be a stride longer than its share.
    assert computed <= squares + stride * len(tiles) * sum(shape)


@pytest.mark.parametrize(
    ("shape", "side", "expected"),
    [
        ((1536, 1536), 1536, [(1536, 1536)]),
        ((1024, 2048), 1536, [(1024, 2048)]),  # no larger than the square
        ((2048, 2048), 1536, [(1120, 2048)] * 2),  # in four squares a tenth more would be computed
        ((2048, 2048), 1120, [(1120, 1120)] * 4),
        ((64, 20_000), 304, [(64, 1440)] * 16),
    ],
)
def test_tiles_are_few(shape: tuple[int, int], side: int, expected: list[tuple[int, int]]) -> None:
    tiles = [tile for _, tile in cut_tiles(shape, side=side, halo=96, stride=16)]
    assert [(y.stop - y.start, x.stop - x.start) for y, x in tiles] == expected
