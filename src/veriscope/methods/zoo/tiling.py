"""Cut an image of any size into the tiles that a model can take, and join what comes out.

Every pixel of the result comes from the tile in which it lies farther than the halo from the cuts. An
image that fits one tile is run in one piece, continued by reflection to a size that the model takes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import MethodError
from veriscope.methods.zoo.description import Axis

__all__ = ["AxisCut", "Tile", "cut_axis", "plan_axes", "run_tiled", "valid_length"]

_UNSTATED = 16
"""Overlap in pixels at each side where the package states no halo."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile along one axis.

    Parameters
    ----------
    start
        First pixel of the input, which may lie before the image.
    core
        Pixels of the image for which the tile gives the result, from and to.
    """

    start: int
    core: tuple[int, int]


@dataclass(frozen=True, slots=True)
class AxisCut:
    """How one axis of an image is cut.

    Parameters
    ----------
    length
        Of every tile, in pixels of the input.
    lost
        Pixels at each end of a tile for which the model gives no result.
    tiles
        From the first to the last; their cores cover the axis.
    padded
        Length of the axis that the cores cover: that of the image, or a little more.
    """

    length: int
    lost: int
    tiles: tuple[Tile, ...]
    padded: int


def plan_axes(
    shape: Sequence[int], inputs: Sequence[Axis], outputs: Sequence[Sequence[Axis]], *, limit: int
) -> tuple[AxisCut, ...]:
    """Choose the tiles of an image.

    Parameters
    ----------
    shape
        Of the image along its spatial axes.
    inputs
        The same axes of the model's input.
    outputs
        For each of them, this axis in all outputs that have it.
    limit
        Longest tile, in pixels; a model that takes only longer ones gets what it needs.

    Returns
    -------
    tuple of AxisCut
        One for each axis.

    Raises
    ------
    MethodError
        If the tiles that the model takes are not larger than their surroundings.
    """
    needs = [
        _need(size, axis, outs, limit=limit) for size, axis, outs in zip(shape, inputs, outputs, strict=True)
    ]
    if any(axis.tied for axis in inputs):
        longest = max(need[0] for need in needs)
        needs = [(longest, *need[1:]) for need in needs]
    return tuple(cut_axis(size, *need) for size, need in zip(shape, needs, strict=True))


def _need(size: int, axis: Axis, outs: Sequence[Axis], *, limit: int) -> tuple[int, int, int, int, str]:
    """Length of a tile, pixels lost, halo and grid of one axis, and its name."""
    grid = math.lcm(axis.align, *(out.exact_ratio.denominator for out in outs))
    lost = max((math.ceil(max(0.0, -out.offset / 2) / out.ratio) for out in outs), default=0)
    halo = max((math.ceil(out.halo / out.ratio) for out in outs), default=0)
    lost, halo = (math.ceil(n / grid) * grid for n in (lost, halo or _UNSTATED))
    whole = math.ceil(size / grid) * grid + 2 * lost
    if axis.size is not None:
        return axis.size, lost, halo, grid, axis.name
    one = valid_length(whole, axis, grid)
    if one <= limit:
        return one, lost, halo, grid, axis.name
    around = 2 * (lost + halo)
    shortest = valid_length(around + 4 * grid, axis, grid)
    unit = math.lcm(axis.step, grid)
    longest = shortest + max(0, (limit - shortest) // unit) * unit
    # As few tiles as possible, and then as short as they may be: they overlap no more than they must.
    count = max(1, math.ceil((whole - around) / (longest - around)))
    length = valid_length(math.ceil((whole - around) / count) + around, axis, grid)
    return min(length, longest, one), lost, halo, grid, axis.name


def valid_length(wanted: int, axis: Axis, grid: int) -> int:
    """Give the shortest length that a model takes and that is not below the one wanted.

    Parameters
    ----------
    wanted
        In pixels.
    axis
        Of the model's input.
    grid
        The length is a multiple of it.

    Returns
    -------
    int
        In pixels.

    Raises
    ------
    MethodError
        If there is none.
    """
    length = axis.smallest + max(0, math.ceil((wanted - axis.smallest) / axis.step)) * axis.step
    for _ in range(grid):
        if length % grid == 0:
            return length
        length += axis.step
    raise MethodError(
        f"the model takes lengths {axis.smallest} + n × {axis.step} along {axis.name}, and none of them "
        "gives whole pixels in its output; ask its authors to correct the description"
    )


def cut_axis(size: int, length: int, lost: int, halo: int, grid: int, name: str) -> AxisCut:
    """Lay tiles over one axis of an image.

    Parameters
    ----------
    size
        Of the image.
    length
        Of a tile.
    lost
        Pixels at each end of a tile for which the model gives no result.
    halo
        Pixels at each end of a tile, beyond those lost, whose result is not used.
    grid
        Tiles start at multiples of it, those lost not counted.
    name
        Of the axis, for messages.

    Returns
    -------
    AxisCut
        Its cores cover the axis.

    Raises
    ------
    MethodError
        If nothing of a tile is left.
    """
    padded = math.ceil(size / grid) * grid
    if padded + 2 * lost <= length:
        return AxisCut(length, lost, (Tile(-lost, (0, padded)),), padded)
    stride = (length - 2 * (lost + halo)) // grid * grid
    if stride < 1:
        raise MethodError(
            f"the model takes {length} pixels along {name} and needs {lost + halo} of them at each end as "
            f"surroundings, so that an image of {size} cannot be cut; give smaller images"
        )
    # On the grid as the others, though its end then lies beyond the image by less than one step of it.
    last = math.ceil((padded + 2 * lost - length) / grid) * grid - lost
    starts = [*range(-lost, last, stride), last]
    tiles, begin = [], 0
    for index, start in enumerate(starts):
        end = padded if index == len(starts) - 1 else start + length - lost - halo
        tiles.append(Tile(start, (begin, end)))
        begin = end
    return AxisCut(length, lost, tuple(tiles), padded)


def run_tiled(
    run: Callable[[NDArray[Any]], Sequence[NDArray[Any]]],
    values: NDArray[Any],
    places: Sequence[int],
    cuts: Sequence[AxisCut],
    outputs: Sequence[Sequence[tuple[int, Fraction, float]]],
    *,
    pad: str = "symmetric",
) -> list[NDArray[Any]]:
    """Run a model tile by tile.

    Parameters
    ----------
    run
        The model: one array in, some out.
    values
        The whole input.
    places
        Which axes of it are the spatial ones.
    cuts
        For each of them, how it is cut.
    outputs
        For each output and spatial axis: which axis it is (-1: none), its ratio and its offset.
    pad
        How the image is continued, as `numpy.pad` names it.

    Returns
    -------
    list of numpy.ndarray
        The outputs for the whole image; lengths are those of the image times the ratio, rounded up.

    Raises
    ------
    MethodError
        If an output has another size than its description promises.
    """
    sizes = [values.shape[place] for place in places]
    padded = _pad(values, places, cuts, pad=pad)
    joined: list[NDArray[Any]] = []
    for tiles in itertools.product(*(cut.tiles for cut in cuts)):
        index = [slice(None)] * values.ndim
        for place, tile, cut in zip(places, tiles, cuts, strict=True):
            index[place] = slice(tile.start + cut.lost, tile.start + cut.lost + cut.length)
        found = run(padded[tuple(index)])
        if len(found) < len(outputs):
            raise MethodError(f"the model gives {len(found)} outputs and its card describes {len(outputs)}")
        for number, (part, layout) in enumerate(zip(found, outputs, strict=False)):
            _check_promise(part, layout, cuts, number)
            if len(joined) == number:
                joined.append(_empty(part, layout, cuts))
            _place(joined[number], part, tiles, layout)
    return [_trim(whole, sizes, layout) for whole, layout in zip(joined, outputs, strict=True)]


def _pad(values: NDArray[Any], places: Sequence[int], cuts: Sequence[AxisCut], *, pad: str) -> NDArray[Any]:
    """Continue the image so that it holds every tile; index 0 is then pixel ``-lost``."""
    widths = [(0, 0)] * values.ndim
    for place, cut in zip(places, cuts, strict=True):
        end = max(tile.start + cut.length for tile in cut.tiles)
        widths[place] = (cut.lost, max(0, end - values.shape[place]))
    if not any(any(width) for width in widths):
        return values
    if pad == "reflect" and any(max(w) >= s for w, s in zip(widths, values.shape, strict=True) if max(w)):
        pad = "symmetric"
    return np.pad(values, widths, mode=pad)  # type: ignore[call-overload, no-any-return]


def _check_promise(
    part: NDArray[Any], layout: Sequence[tuple[int, Fraction, float]], cuts: Sequence[AxisCut], number: int
) -> None:
    """Refuse an output of another size than promised, before memory is taken for the whole."""
    for (place, ratio, offset), cut in zip(layout, cuts, strict=True):
        expected = int(cut.length * ratio + offset)
        if place >= 0 and (place >= part.ndim or part.shape[place] != expected):
            raise MethodError(
                f"output {number} of the model has shape {part.shape}; its card promises {expected} along "
                f"axis {place} for an input of {cut.length}"
            )


def _empty(
    part: NDArray[Any], layout: Sequence[tuple[int, Fraction, float]], cuts: Sequence[AxisCut]
) -> NDArray[Any]:
    shape = list(part.shape)
    for (place, ratio, _), cut in zip(layout, cuts, strict=True):
        if 0 <= place < part.ndim:
            shape[place] = int(cut.padded * ratio)
    return np.empty(shape, part.dtype)


def _place(
    whole: NDArray[Any],
    part: NDArray[Any],
    tiles: Sequence[Tile],
    layout: Sequence[tuple[int, Fraction, float]],
) -> None:
    """Copy the core of a tile to its place."""
    here, there = [slice(None)] * part.ndim, [slice(None)] * part.ndim
    for (place, ratio, offset), tile in zip(layout, tiles, strict=True):
        if place < 0:
            continue
        first = (tile.start * ratio) - int(offset // 2)
        begin, end = int(tile.core[0] * ratio), int(tile.core[1] * ratio)
        there[place] = slice(begin, end)
        here[place] = slice(begin - int(first), end - int(first))
    whole[tuple(there)] = part[tuple(here)]


def _trim(
    whole: NDArray[Any], sizes: Sequence[int], layout: Sequence[tuple[int, Fraction, float]]
) -> NDArray[Any]:
    index = [slice(None)] * whole.ndim
    for (place, ratio, _), size in zip(layout, sizes, strict=True):
        if place >= 0:
            index[place] = slice(0, math.ceil(size * ratio))
    return whole[tuple(index)]
