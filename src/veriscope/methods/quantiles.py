"""Percentiles of an image of any size, exact, by counting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.source import PixelSource

__all__ = ["noise_deviation", "percentiles"]

_DIGIT = 16


def percentiles(source: PixelSource, wanted: Sequence[float]) -> list[float]:
    """Give percentiles of the pixels, interpolated linearly as `numpy.percentile` does.

    Parameters
    ----------
    source
        Image of any boolean, integer or finite floating-point dtype. It is gone through once for 8- and
        16-bit pixels, twice for 32-bit and four times for 64-bit ones.
    wanted
        Percentiles, 0 to 100.

    Returns
    -------
    list of float
        The same however the source cuts its blocks.
    """

    def values() -> Iterator[NDArray[Any]]:
        return (block.pixels[block.core].ravel() for block in source.blocks())

    n = int(np.prod(source.shape))
    return _interpolated(values, n, wanted)


def noise_deviation(source: PixelSource) -> float:
    """Estimate the standard deviation of the noise from differences along the longer axis.

    Parameters
    ----------
    source
        As for `percentiles`.

    Returns
    -------
    float
        Median of the absolute differences of neighbours, divided by what it is for unit Gaussian noise;
        0 for an image of one pixel.
    """
    axis = int(np.argmax(source.shape))
    exact = np.float64 if source.dtype.itemsize > 2 else np.float32

    def values() -> Iterator[NDArray[Any]]:
        for block in source.blocks(halo=1):
            core = list(block.core)
            core[axis] = slice(core[axis].start, core[axis].stop + 1)
            pixels = block.pixels[tuple(core)].astype(exact)
            yield np.abs(np.diff(pixels, axis=axis)).ravel()

    length = source.shape[axis]
    n = int(np.prod(source.shape)) // length * (length - 1)
    return _interpolated(values, n, [50.0])[0] / (0.6745 * 2**0.5) if n else 0.0


def _interpolated(
    values: Callable[[], Iterable[NDArray[Any]]], n: int, wanted: Sequence[float]
) -> list[float]:
    places = [(n - 1) * percent / 100 for percent in wanted]
    ranks = sorted({rank for place in places for rank in (int(place), min(int(place) + 1, n - 1))})
    found = _order_statistics(values, ranks)
    lows = [found[int(place)] for place in places]
    highs = [found[min(int(place) + 1, n - 1)] for place in places]
    return [
        low + (high - low) * (place - int(place))
        for low, high, place in zip(lows, highs, places, strict=True)
    ]


def _order_statistics(values: Callable[[], Iterable[NDArray[Any]]], ranks: Sequence[int]) -> dict[int, float]:
    """Values at ranks of the sorted values, found digit by digit (16 bits each) from the most significant."""
    groups: dict[int, list[tuple[int, int]]] = {0: [(rank, rank) for rank in ranks]}
    shift, dtype = -1, np.dtype(np.uint8)
    while shift != 0:
        counts: dict[int, NDArray[np.int64]] = {}
        after = shift
        for part in values():
            keys, dtype = _keys(part), part.dtype
            bits = keys.dtype.itemsize * 8
            before = bits if shift < 0 else shift
            after = max(before - _DIGIT, 0)
            for prefix in groups:
                own = keys if shift < 0 else keys[(keys >> keys.dtype.type(before)) == prefix]
                digits = (own >> keys.dtype.type(after)) & keys.dtype.type((1 << (before - after)) - 1)
                found = np.bincount(digits.astype(np.int32), minlength=1 << (before - after))
                counts[prefix] = counts.get(prefix, np.zeros_like(found)) + found
        groups = _descend(groups, counts)
        shift = after
    keys_of = {rank: key for key, members in groups.items() for rank, _ in members}
    return {rank: _value(key, dtype) for rank, key in keys_of.items()}


def _descend(
    groups: dict[int, list[tuple[int, int]]], counts: dict[int, NDArray[np.int64]]
) -> dict[int, list[tuple[int, int]]]:
    """Go one digit further: which digit each rank falls in, and its rank among the values with that digit."""
    further: dict[int, list[tuple[int, int]]] = {}
    for prefix, members in groups.items():
        reached = np.cumsum(counts[prefix])
        for rank, within in members:
            digit = int(np.searchsorted(reached, within, side="right"))
            left = within - (int(reached[digit - 1]) if digit else 0)
            further.setdefault(prefix * len(reached) + digit, []).append((rank, left))
    return further


def _keys(values: NDArray[Any]) -> NDArray[Any]:
    """Unsigned integers in the order of the values."""
    size = values.dtype.itemsize
    unsigned = np.dtype(f"u{size}")
    bits = np.ascontiguousarray(values, values.dtype.newbyteorder("=")).view(unsigned)
    top = unsigned.type(1 << (8 * size - 1))
    if values.dtype.kind in "bu":
        return bits
    flipped: NDArray[Any] = bits ^ top
    if values.dtype.kind == "i":
        return flipped
    if size == 2:
        return _keys(values.astype(np.float32))
    # Negative numbers are in reverse order: all bits are flipped; of others only the sign.
    return np.asarray(np.where(bits & top, ~bits, flipped), dtype=unsigned)


def _value(key: int, dtype: np.dtype[Any]) -> float:
    size = dtype.itemsize
    top = 1 << (8 * size - 1)
    if dtype.kind in "bu":
        return float(key)
    if dtype.kind == "i":
        return float(key - top)
    if size == 2:
        return _value(key, np.dtype(np.float32))
    bits = key ^ top if key & top else ~key & (2 * top - 1)
    return float(np.array([bits], f"u{size}").view(f"f{size}")[0])
