"""Whether images can be predicted as a whole in the memory promised, before any is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from veriscope.core.axes import spatial_axes
from veriscope.errors import InputError, MethodError
from veriscope.io.images import ImageHeader
from veriscope.methods.base import Method
from veriscope.methods.local_method import LocalMethod
from veriscope.predict.concurrency import most_workers
from veriscope.predict.plan import fits_memory, memory_for_part, shown
from veriscope.predict.units import check_workers

__all__ = ["fits_whole", "require_whole", "workers_for_whole"]


def fits_whole(method: Method, header: ImageHeader, memory: int, workers: int) -> bool:
    """Tell whether an image can be predicted as a whole.

    Parameters
    ----------
    method
        Ready to predict, or to be trained.
    header
        Of the image.
    memory
        Bytes for all processes together.
    workers
        Number of processes.

    Returns
    -------
    bool
        Whether the memory suffices; False where it is not known.
    """
    needed = _needed(method, header)
    return needed is not None and fits_memory(needed, memory, workers)


def workers_for_whole(method: Method, headers: Sequence[ImageHeader], memory: int, workers: int) -> int:
    """Say how many processes can predict images as a whole at the same time.

    Parameters
    ----------
    method
        Ready to predict, or to be trained.
    headers
        Of the images.
    memory
        Bytes for all processes together.
    workers
        Number of processes asked for.

    Returns
    -------
    int
        So many that each can hold the largest image that one alone can hold.
    """
    check_workers(workers)
    needed = [size for header in headers if (size := _needed(method, header)) is not None]
    largest = max((size for size in needed if fits_memory(size, memory, 1)), default=0.0)
    return most_workers(workers, lambda number: fits_memory(largest, memory, number))


def require_whole(method: Method, header: ImageHeader, memory: int) -> None:
    """Refuse an image that has to be predicted as a whole and needs more memory than is promised.

    Parameters
    ----------
    method
        Ready to predict, or to be trained.
    header
        Of the image.
    memory
        Bytes for all processes together, of which there may be one.

    Raises
    ------
    MethodError
        If it is not known how much memory the method needs.
    InputError
        If it needs more, with what would do.
    """
    needed = _needed(method, header)
    if needed is None:
        raise MethodError(
            f"--memory: {method.name} takes images as a whole, and how much memory it needs for them is not "
            f"known, so {shown(memory)} cannot be promised; leave out --memory, or use a method that works "
            "part by part, such as nuclei-fluorescence"
        )
    if not fits_memory(needed, memory, 1):
        size = " × ".join(map(str, _spatial(header)))
        whole = "as it is used here" if isinstance(method, LocalMethod) else "always"
        raise InputError(
            f"{header.path}: {method.name} takes images as a whole ({whole}), and needs about "
            f"{shown(memory_for_part(needed, 1))} for this one of {size} pixels; --memory promises "
            f"{shown(memory)}. Give more, or smaller images, or use a method that works part by part"
        )


def _needed(method: Method, header: ImageHeader) -> float | None:
    """Bytes for one image: what the method takes, and all channels of the file if there are several."""
    taken = method.whole_bytes(_spatial(header))
    if taken is None or "c" not in header.axes:
        return taken
    return taken + math.prod(header.shape) * header.dtype.itemsize


def _spatial(header: ImageHeader) -> tuple[int, ...]:
    sizes = dict(zip(header.axes, header.shape, strict=True))
    return tuple(sizes[letter] for letter in spatial_axes(header.axes))
