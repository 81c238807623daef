"""How large the parts of an image may be, so that the memory promised is kept."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from veriscope.errors import InputError
from veriscope.methods.base import Footprint

__all__ = ["Plan", "fits_memory", "parse_memory", "plan_tiles"]

_BASE = 260 << 20
"""Memory of a process before it sees an image: Python and the packages."""
_SHARE = 0.8
"""Share of the memory that is planned with."""
_USUAL, _LARGEST, _SMALLEST, _STEP = 2048, 4096, 64, 64
_LARGEST_STACK, _VOXELS = 512, 1 << 25
"""Longest side of parts of a stack, and most voxels of one with its surroundings."""
_WIDTHS = 12
"""Parts are this many times as long as their surroundings, where memory allows: these are predicted twice."""
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclass(frozen=True, slots=True)
class Plan:
    """How an image is cut.

    Parameters
    ----------
    tile
        Length of the parts along each axis, in pixels.
    largest_crop
        Pixels that may be predicted at once, surroundings included; None: any.
    """

    tile: tuple[int, ...]
    largest_crop: int | None


def parse_memory(text: str) -> int:
    """Read an amount of memory.

    Parameters
    ----------
    text
        Such as ``2GB``, ``500 MB`` or ``1.5G``; multiples of 1024.

    Returns
    -------
    int
        Bytes.

    Raises
    ------
    InputError
        If it is none.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?\s*", text, re.IGNORECASE)
    if match is None or float(match[1]) == 0:
        raise InputError(f"--memory {text!r} is no amount of memory; write it as 2GB or 500MB")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def plan_tiles(
    shape: tuple[int, ...],
    footprint: Footprint,
    *,
    bytes_per_pixel: float,
    memory: int | None,
    workers: int,
    tile: int | None,
) -> Plan:
    """Choose the size of the parts.

    Parameters
    ----------
    shape
        Of the image.
    footprint
        Of the method on it.
    bytes_per_pixel
        Memory that the method needs per pixel predicted.
    memory
        Bytes for all processes together; None: not limited.
    workers
        Number of processes.
    tile
        Length wanted, in pixels along y and x (and z); None: 2048, up to 4096 where surroundings are wide,
        in stacks up to 512; less where memory does not suffice.

    Returns
    -------
    Plan
        The parts.

    Raises
    ------
    InputError
        If the memory does not suffice for the smallest part with its surroundings, or for the tile wanted.
    """
    halo = 2 * (footprint.reach + footprint.largest)
    largest = None
    if memory is not None:
        processes = workers + 1 if workers > 1 else 1
        largest = int((_SHARE * memory - processes * _BASE) / (workers * bytes_per_pixel))
    side = tile or min(max(_USUAL, -(-_WIDTHS * halo // 2 // _STEP) * _STEP), _LARGEST)
    if tile is None and len(shape) == 3:
        side = _LARGEST_STACK
        while side > _SMALLEST and _crop(side, halo, shape) > _VOXELS:
            side -= _STEP
    while largest is not None and _crop(side, halo, shape) > largest and tile is None and side > _SMALLEST:
        side -= _STEP
    if largest is not None and (needed := _crop(side, halo, shape)) > largest:
        total = (needed * bytes_per_pixel * workers + (workers + (workers > 1)) * _BASE) / _SHARE
        raise InputError(
            f"--memory: {memory} bytes do not suffice for tiles of {side} pixels with {halo // 2} pixels of "
            f"surroundings on {workers} workers; {_shown(total)} would"
            + (", or a smaller --tile" if tile else ", or fewer --workers, or a smaller diameter")
        )
    return Plan(tuple(min(side, size) for size in shape), largest)


def fits_memory(shape: tuple[int, ...], bytes_per_pixel: float, memory: int) -> bool:
    """Tell whether an image can be predicted as a whole.

    Parameters
    ----------
    shape
        Of the image.
    bytes_per_pixel
        Memory that the method needs per pixel predicted.
    memory
        Bytes promised.

    Returns
    -------
    bool
        Whether it needs no more than is planned with.
    """
    return math.prod(shape) * bytes_per_pixel + _BASE <= _SHARE * memory


def _crop(side: int, halo: int, shape: tuple[int, ...]) -> int:
    return math.prod(min(side + halo, size) for size in shape)


def _shown(n_bytes: float) -> str:
    return f"{math.ceil(n_bytes / (1 << 20))}MB"
