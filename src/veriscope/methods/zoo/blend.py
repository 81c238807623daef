"""Tiles whose results are joined without a seam: cut where they agree, blended where they do not.

A tile is right where nothing outside it matters: farther from its cuts than the model sees. How far that is,
the card of a package often does not say, and some models see everything (normalisation over the whole
input). So it is measured: two tiles of the image that overlap are compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veriscope.core.source import Region
from veriscope.methods.zoo.description import Axis
from veriscope.methods.zoo.tiling import AxisCut, cut_axis, valid_length

__all__ = ["Halo", "TileSize", "cut_image", "measure_halo", "tile_sizes", "weights_along"]

_TOLERANCE = 1e-5
"""Difference of two tiles, relative to the range of the values, up to which they agree."""
_PLACES = (0.5, 0.25, 0.75)
_UNSTATED = 16
_LONGEST_ALIGNED = 64


@dataclass(frozen=True, slots=True)
class TileSize:
    """Tiles along one axis.

    Parameters
    ----------
    length
        In pixels.
    lost
        Pixels at each end for which the model gives no result.
    align
        Tiles start at multiples of this, so that pooling sees the same pixels together.
    halo
        Pixels at each end that the card says to leave out, or 16.
    """

    length: int
    lost: int
    align: int
    halo: int


@dataclass(frozen=True, slots=True)
class Halo:
    """How tiles of an image are joined.

    Parameters
    ----------
    width
        Pixels at each end of a tile that are not used.
    blend
        Half the width over which tiles are faded into each other, in pixels; 0: they agree.
    difference
        Largest difference of two tiles where both are used, in units of the result; NaN: there is one tile,
        or no place to compare two.
    """

    width: int
    blend: int
    difference: float


def tile_sizes(
    shape: Sequence[int], inputs: Sequence[Axis], outputs: Sequence[Sequence[Axis]], *, limit: int
) -> tuple[TileSize, ...]:
    """Choose the tiles of a model that gives as many pixels as it takes.

    Parameters
    ----------
    shape
        Of the image along its spatial axes.
    inputs
        The same axes of the model's input.
    outputs
        For each of them, this axis in the outputs.
    limit
        Longest tile, in pixels; a model that takes only longer ones gets what it needs.

    Returns
    -------
    tuple of TileSize
        One for each axis.
    """
    found = []
    for size, axis, outs in zip(shape, inputs, outputs, strict=True):
        lost = max((math.ceil(max(0.0, -out.offset / 2)) for out in outs), default=0)
        halo = max((out.halo for out in outs), default=0) or _UNSTATED
        if axis.size is not None:
            found.append(TileSize(axis.size, lost, math.gcd(axis.size, _LONGEST_ALIGNED), halo))
            continue
        align = axis.step
        whole = valid_length(math.ceil(size / align) * align + 2 * lost, axis, 1)
        shortest = valid_length(2 * (lost + halo) + 4 * align, axis, 1)
        largest = shortest + max(0, (limit - shortest) // align) * align
        found.append(TileSize(min(whole, largest), lost, align, halo))
    if any(axis.tied for axis in inputs):
        length = max(tile.length for tile in found)
        found = [TileSize(length, tile.lost, tile.align, tile.halo) for tile in found]
    return tuple(found)


def cut_image(
    shape: Sequence[int], tiles: Sequence[TileSize], inputs: Sequence[Axis], halos: Sequence[Halo]
) -> tuple[AxisCut, ...]:
    """Lay tiles over an image.

    Parameters
    ----------
    shape
        Of the image.
    tiles
        Their size along each axis.
    inputs
        The axes of the model's input.
    halos
        How they are joined along each axis.

    Returns
    -------
    tuple of AxisCut
        One for each axis; cores meet in the middle of where tiles are blended.

    Raises
    ------
    MethodError
        If tiles are not larger than what has to be left out of them.
    """
    return tuple(
        cut_axis(size, tile.length, tile.lost, halo.width + halo.blend, tile.align, axis.name)
        for size, tile, axis, halo in zip(shape, tiles, inputs, halos, strict=True)
    )


def measure_halo(
    run: Callable[[Region], NDArray[np.float32]], shape: Sequence[int], tiles: Sequence[TileSize]
) -> tuple[Halo, ...]:
    """Compare tiles that overlap, at up to three places of an image.

    Parameters
    ----------
    run
        Gives the result of the model for those pixels of a tile that lie inside the image.
    shape
        Of the image.
    tiles
        Their size along each axis.

    Returns
    -------
    tuple of Halo
        For each axis. Where tiles agree from some distance to their cuts on, that is left out, if it is no
        more than a quarter of the tile; else the stated halo is, and tiles are blended.
    """
    shifts = [_shift(size, tile) for size, tile in zip(shape, tiles, strict=True)]
    if not any(shifts):
        fits = [size <= tile.length - 2 * tile.lost for size, tile in zip(shape, tiles, strict=True)]
        return tuple(Halo(tile.halo, 0, np.nan) if all(fits) else _blended(tile, np.nan) for tile in tiles)
    seen = []
    for place in _PLACES:
        starts = [
            int(place * (size - tile.length - shift)) // tile.align * tile.align if shift else -tile.lost
            for size, tile, shift in zip(shape, tiles, shifts, strict=True)
        ]
        seen.append(_compare(run, starts, tiles, shifts))
    needed = max(distance for distance, _ in seen)
    exact = all(needed <= tile.length // 4 for tile, shift in zip(tiles, shifts, strict=True) if shift)
    stated = max(tile.halo for tile in tiles)
    width = max(stated, needed) if exact else stated
    difference = max(float(by_distance[min(width, len(by_distance) - 1)]) for _, by_distance in seen)
    return tuple(
        Halo(max(tile.halo, width), 0, difference) if exact else _blended(tile, difference) for tile in tiles
    )


def _shift(size: int, tile: TileSize) -> int:
    """How far apart two tiles are compared: half of what both give, or as far as the image allows."""
    if size <= tile.length - 2 * tile.lost:
        return 0
    wanted = (tile.length - 2 * (tile.lost + tile.halo)) // 2 // tile.align * tile.align
    return max(0, min(wanted, (size - tile.length) // tile.align * tile.align))


def _blended(tile: TileSize, difference: float) -> Halo:
    room = tile.length - 2 * (tile.lost + tile.halo)
    return Halo(tile.halo, max(1, min(room // 6, 64)), difference)


def _compare(
    run: Callable[[Region], NDArray[np.float32]],
    starts: Sequence[int],
    tiles: Sequence[TileSize],
    shifts: Sequence[int],
) -> tuple[int, NDArray[np.float64]]:
    """Distance to the cuts from which two tiles agree, and their largest difference beyond each distance."""
    first = run(tuple(slice(a, a + tile.length) for a, tile in zip(starts, tiles, strict=True)))
    second = run(
        tuple(slice(a + s, a + s + tile.length) for a, s, tile in zip(starts, shifts, tiles, strict=True))
    )
    difference = np.abs(
        first[tuple(slice(shift, None) for shift in shifts)].astype(np.float64)
        - second[tuple(slice(0, n - shift) for n, shift in zip(first.shape, shifts, strict=True))]
    )
    distance = np.full(difference.shape, np.iinfo(np.int64).max)
    for axis, (shift, tile) in enumerate(zip(shifts, tiles, strict=True)):
        if shift:
            # Both ends of what two tiles share are cuts: of the second one, and of the first.
            place = np.arange(difference.shape[axis])
            near = np.minimum(place, place[::-1]) - tile.lost
            distance = np.minimum(
                distance, near.reshape([-1 if a == axis else 1 for a in range(difference.ndim)])
            )
    spread = float(first.max()) - float(first.min())
    wrong = difference > max(_TOLERANCE * spread, np.finfo(np.float32).tiny)
    needed = int(distance[wrong].max()) + 1 if wrong.any() else 0
    beyond = np.zeros(int(distance.max()) + 2)
    np.maximum.at(beyond, np.maximum(distance, 0).ravel(), difference.ravel())
    return needed, np.maximum.accumulate(beyond[::-1])[::-1]


def weights_along(cut: AxisCut, size: int, blend: int) -> NDArray[np.float32]:
    """Give the share of each tile in each pixel of an axis.

    Parameters
    ----------
    cut
        The tiles.
    size
        Length of the axis.
    blend
        Half the width over which tiles are faded into each other.

    Returns
    -------
    numpy.ndarray
        float32 (tiles, size), 0 to 1; the shares in a pixel add up to 1.
    """
    place = np.arange(size) + 0.5
    shares = np.zeros((len(cut.tiles), size))
    for row, tile in zip(shares, cut.tiles, strict=True):
        begin, end = tile.core
        if blend == 0:
            row[begin:end] = 1
            continue
        rises = np.ones(size) if begin <= 0 else (place - (begin - blend)) / (2 * blend)
        falls = np.ones(size) if end >= size else ((end + blend) - place) / (2 * blend)
        row[:] = np.clip(np.minimum(rises, falls), 0, 1)
    return np.asarray(shares / shares.sum(axis=0), np.float32)
