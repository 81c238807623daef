"""Pixels in the type of number that a model takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from veriscope.core.image import Image
from veriscope.errors import PixelValueError

__all__ = ["require_dtype"]


def require_dtype(image: Image, dtype: DTypeLike, name: str) -> None:
    """Refuse integers that a model's type of number cannot hold, and fractions where it takes integers.

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
    if wanted.kind not in "iu" or np.can_cast(given, wanted, "safe") or given.kind == "b":
        return
    low, high = float(image.pixels.min()), float(image.pixels.max())
    limits = np.iinfo(wanted)
    if given.kind in "iu" and limits.min <= low and high <= limits.max:
        return
    raise PixelValueError(
        f"{image.name}: {name} takes pixels of type {wanted} ({limits.min} to {limits.max}) and the image "
        f"has {given} from {low:g} to {high:g}; convert it, keeping in mind that the model was trained on "
        f"{wanted}"
    )
