"""Tiles in which a network is run on a large image: of one size, and with little computed twice."""

from __future__ import annotations

from collections.abc import Iterator

from veriscope.core.source import Region

__all__ = ["cut_tiles"]


def cut_tiles(
    shape: tuple[int, int], *, side: int, halo: int, stride: int
) -> Iterator[tuple[Region, Region]]:
    """Cut an image into cores, each with the tile around it that the network has to see.

    All tiles have one size, for which an engine gets ready once. They hold no more pixels than a square of
    the side given, but need not be squares: of two tiles beside each other less is computed twice than of
    four in a square.

    Parameters
    ----------
    shape
        Of the image (y, x), multiples of the stride.
    side
        Of a square that fits the memory, in pixels; taken as larger where a tile of it would be all halo.
    halo
        Distance in pixels, a multiple of the stride, that the network looks.
    stride
        Tiles begin and end at multiples of this number of pixels.

    Yields
    ------
    core, tile
        Cores cover every pixel once; a tile reaches a halo beyond its core, or to the edge of the image.
    """
    most = max(side, 2 * halo + stride) ** 2
    plans = []
    for rows in range(1, max((shape[0] - 2 * halo) // stride, 1) + 1):
        height = _length(shape[0], rows, halo, stride)
        widest = most // height // stride * stride
        if widest >= shape[1]:
            columns = 1
        elif widest > 2 * halo:
            columns = -(-(shape[1] - 2 * halo) // (widest - 2 * halo))
        else:
            continue
        width = _length(shape[1], columns, halo, stride)
        plans.append((rows * height * columns * width, rows * columns, columns, rows))
    _, _, columns, rows = min(plans)
    for y_core, y_tile in _along(shape[0], rows, halo, stride):
        for x_core, x_tile in _along(shape[1], columns, halo, stride):
            yield (y_core, x_core), (y_tile, x_tile)


def _length(size: int, number: int, halo: int, stride: int) -> int:
    """Length of each of several tiles that overlap by two halos."""
    return -(-(size + 2 * halo * (number - 1)) // (number * stride)) * stride


def _along(size: int, number: int, halo: int, stride: int) -> Iterator[tuple[slice, slice]]:
    """Cores and tiles along one axis."""
    length = _length(size, number, halo, stride)
    starts = [min(index * (length - 2 * halo), size - length) for index in range(number)]
    cuts = [0, *(start + halo for start in starts[1:]), size]
    for start, first, last in zip(starts, cuts, cuts[1:], strict=False):
        yield slice(first, last), slice(start, start + length)
