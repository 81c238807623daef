"""How large the parts of an image may be, so that the memory promised is kept."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from veriscope.core.words import counted
from veriscope.errors import InputError
from veriscope.methods.local_method import Footprint
from veriscope.predict.units import check_workers

__all__ = [
    "PIECES",
    "Plan",
    "fits_memory",
    "least_memory",
    "memory_for_part",
    "memory_of_part",
    "parse_memory",
    "plan_tiles",
    "require_memory",
    "require_survey_memory",
    "shown",
]

_BASE = 260 << 20
"""Memory of a process before it sees an image: Python and the packages."""
_SHARE = 0.8
"""Share of the memory that is planned with."""
_USUAL, _LARGEST, _SMALLEST, _STEP = 2048, 4096, 64, 64
_LARGEST_STACK, _VOXELS = 512, 1 << 25
"""Longest side of parts of a stack, and most voxels of one with its surroundings."""
_WIDTHS = 12
"""Parts are this many times as long as their surroundings, where memory allows: these are predicted twice."""
_MOST_WORK = 200
"""How many times over an image may be predicted because of surroundings; far more never ends."""
PIECES = 4
"""The memory promised holds so many pieces of a file for each process at least."""
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
    workers
        Number of processes.
    work
        About how many times every pixel is predicted, because parts need surroundings; at least 1.
    note
        What a user should know; empty: nothing.
    """

    tile: tuple[int, ...]
    largest_crop: int | None
    workers: int = 1
    work: float = 1.0
    note: str = ""


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
    held: int = 0,
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
    held
        Bytes of the file that each process holds meanwhile.

    Returns
    -------
    Plan
        The parts.

    Raises
    ------
    InputError
        If the memory does not suffice for the smallest part with its surroundings, or for the tile wanted; if
        the tile is no length; or if parts would be so small beside their surroundings that nearly all work
        would be done again and again.
    """
    if tile is not None and tile < 1:
        raise InputError(f"--tile {tile}: at least 1")
    halo = 2 * (footprint.reach + footprint.largest)
    largest = None
    if memory is not None:
        largest = int(memory_of_part(memory, workers, held) / bytes_per_pixel)
    side = tile or min(max(_USUAL, -(-_WIDTHS * halo // 2 // _STEP) * _STEP), _LARGEST)
    if tile is None and len(shape) == 3:
        side = _LARGEST_STACK
        while side > _SMALLEST and _crop(side, halo, shape) > _VOXELS:
            side -= _STEP
    while largest is not None and _crop(side, halo, shape) > largest and tile is None and side > _SMALLEST:
        side -= _STEP
    if memory is not None and largest is not None and _crop(side, halo, shape) > largest:
        total = memory_for_part(_crop(side, halo, shape) * bytes_per_pixel + held, workers)
        raise InputError(
            f"--memory: {shown(memory)} do not suffice for tiles of {side} pixels with {halo // 2} pixels of "
            f"surroundings on {counted(workers, 'worker')}; {shown(total)} would"
            + (", or a smaller --tile" if tile else ", or a smaller diameter")
        )
    work = math.prod(-(-size // side) for size in shape) * _crop(side, halo, shape) / math.prod(shape)
    if work > _MOST_WORK:
        better = max(halo // 2, _SMALLEST)
        total = memory_for_part(_crop(better, halo, shape) * bytes_per_pixel + held, workers)
        raise InputError(
            f"{'--tile' if tile else '--memory'}: parts of {side} pixels need {halo // 2} pixels of "
            f"surroundings on each side, so that the image would be predicted {work:.0f} times over; "
            + (f"give at least --tile {better}, or leave it out" if tile else f"give {shown(total)} or more")
            + ", or a smaller diameter"
        )
    inner = math.prod(min(side, size) for size in shape)
    return Plan(tuple(min(side, size) for size in shape), largest, workers, _crop(side, halo, shape) / inner)


def require_memory(shape: tuple[int, ...], bytes_per_pixel: float, memory: int | None, held: int = 0) -> None:
    """Refuse an amount of memory with which nothing can be predicted, before the image is looked at.

    Parameters
    ----------
    shape
        Of the image.
    bytes_per_pixel
        Memory that the method needs per pixel predicted.
    memory
        Bytes for all processes together, of which there may be one; None: not limited.
    held
        Bytes of the file that the process holds meanwhile.

    Raises
    ------
    InputError
        If it does not suffice for the smallest part, even without surroundings.
    """
    least = least_memory(shape, bytes_per_pixel, held)
    if memory is not None and memory < least:
        raise InputError(
            f"--memory: {shown(memory)} do not suffice for Python and its packages on 1 worker; give at "
            f"least {shown(least)}, and more where objects are large"
        )


def least_memory(shape: tuple[int, ...], bytes_per_pixel: float, held: int = 0) -> int:
    """Say with how much memory the smallest part can be predicted, if it needs no surroundings.

    Parameters
    ----------
    shape
        Of the image.
    bytes_per_pixel
        Memory that the method needs per pixel predicted.
    held
        Bytes of the file that the process holds meanwhile.

    Returns
    -------
    int
        Bytes for all processes together, of which there may be one.
    """
    return memory_for_part(_crop(_SMALLEST, 0, shape) * bytes_per_pixel + held, 1)


def require_survey_memory(needed: float, memory: int, held: int = 0) -> None:
    """Refuse an amount of memory in which the objects of an image cannot be measured beforehand.

    Parameters
    ----------
    needed
        Bytes, of the method; see `LocalMethod.survey_bytes`.
    memory
        Bytes for all processes together, of which there may be one.
    held
        Bytes of the file that the process holds meanwhile.

    Raises
    ------
    InputError
        If it does not suffice.
    """
    if needed > max(memory_of_part(memory, 1, held), 0):
        total = memory_for_part(needed + held, 1)
        raise InputError(
            f"--memory: {shown(memory)} do not suffice to measure the size of the objects on "
            f"1 worker; give {shown(total)}, or the size with --diameter"
        )


def memory_of_part(memory: int, workers: int, held: int = 0) -> int:
    """Say how much of the memory is for the part that a process is at.

    Parameters
    ----------
    memory
        Bytes for all processes together.
    workers
        Number of processes.
    held
        Bytes of the file that each process holds meanwhile.

    Returns
    -------
    int
        Bytes; below 0 if Python and the packages alone need more.

    Raises
    ------
    InputError
        If there is no process at all.
    """
    check_workers(workers)
    return int((_SHARE * memory - _base(workers)) / workers) - held


def memory_for_part(needed: float, workers: int) -> int:
    """Say how much memory has to be promised so that a process may take some; as `memory_of_part` backwards.

    Parameters
    ----------
    needed
        Bytes for the part or image that a process is at.
    workers
        Number of processes.

    Returns
    -------
    int
        Bytes for all processes together.
    """
    return math.ceil((workers * needed + _base(workers)) / _SHARE)


def fits_memory(needed: float, memory: int, workers: int) -> bool:
    """Tell whether each process can hold what an image takes.

    Parameters
    ----------
    needed
        Bytes for one image, beside Python and the packages.
    memory
        Bytes for all processes together.
    workers
        Number of processes.

    Returns
    -------
    bool
        Whether it takes no more than is planned with.
    """
    return needed <= memory_of_part(memory, workers)


def _crop(side: int, halo: int, shape: tuple[int, ...]) -> int:
    return math.prod(min(side + halo, size) for size in shape)


def _base(workers: int) -> int:
    """Memory of all processes before they see an image; that which starts workers is one more."""
    return (workers + 1 if workers > 1 else 1) * _BASE


def shown(n_bytes: float) -> str:
    """Write an amount of memory as `parse_memory` reads it.

    Parameters
    ----------
    n_bytes
        Above 0.

    Returns
    -------
    str
        Such as ``330MB``, rounded up.
    """
    return f"{math.ceil(n_bytes / (1 << 20))}MB"
