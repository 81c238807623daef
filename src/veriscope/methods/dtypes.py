"""Pixels in the type of number that a model takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from veriscope.core.image import Image
from veriscope.errors import PixelValueError

__all__ = ["require_dtype"]


def require_dtype(image: Image, dtype: DTypeLike, name: str) -> None:
    """Refuse pixels that a model's type of number cannot hold, and fractions where it takes integers.

    Parameters
    ----------
    image
        Any image, of finite pixels.
    dtype
        What the model takes.
    name
        Of the model, for the message.

    Raises
    ------
    PixelValueError
        If they do not fit.
    """
    wanted, given = np.dtype(dtype), image.pixels.dtype
    if wanted.kind not in "iuf" or np.can_cast(given, wanted, "safe") or given.kind == "b":
        return
    low, high = float(image.pixels.min()), float(image.pixels.max())
    least, most = _limits(wanted)
    if (given.kind in "iu" or wanted.kind == "f") and least <= low and high <= most:
        return
    raise PixelValueError(
        f"{image.name}: {name} takes pixels of type {wanted} ({least} to {most}) and the image has {given} "
        f"from {low:g} to {high:g}; convert it, keeping in mind that the model was trained on {wanted}"
    )


def _limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    if dtype.kind == "f":
        return float(np.finfo(dtype).min), float(np.finfo(dtype).max)
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
