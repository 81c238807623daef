"""Whether this computer has the memory for an image of a study, said before it runs out."""

from __future__ import annotations

import math

import numpy as np

from veriscope.core.memory import usable_memory
from veriscope.errors import InputError
from veriscope.methods.base import Method
from veriscope.workflow.layout import StudyImage

__all__ = ["need_of_study", "require_room"]

_LABEL_BYTES = 10
"""Per pixel, while labels are joined, written and measured; 8.5 were measured with under 65,536 objects."""
_SHARE = 0.9
"""Of the memory of the computer."""


def need_of_study(image: StudyImage) -> int:
    """Say how much memory a study needs for an image, however it is predicted.

    Parameters
    ----------
    image
        Of the study.

    Returns
    -------
    int
        Bytes for its pixels, its label image and what is computed to measure the objects.
    """
    stored = math.prod(int(length) for length in image.shape.split("x")) * np.dtype(image.dtype).itemsize
    return stored + _LABEL_BYTES * math.prod(image.spatial_shape)


def require_room(image: StudyImage, method: Method, *, in_parts: bool) -> None:
    """Refuse an image for which this computer has not enough memory, instead of being killed half way.

    Parameters
    ----------
    image
        Of the study.
    method
        That will predict it.
    in_parts
        Whether it predicts the image part by part.

    Raises
    ------
    InputError
        If this computer has less than is needed, with what to do.
    """
    has = usable_memory()
    size, here = " × ".join(map(str, image.spatial_shape)), f"this computer has {_shown(has)}"
    needed = need_of_study(image)
    if needed > _SHARE * has:
        raise InputError(
            f"{size} pixels are too many: a study holds an image and its objects in memory as a whole, which "
            f"needs about {_shown(needed)} for this one; {here}. Use a larger computer, make the study of "
            "smaller parts of the image, or predict it without a study, part by part: veriscope predict "
            "METHOD IMAGE -o OUTPUT.ome.zarr --memory 2GB"
        )
    whole = None if in_parts else method.whole_bytes(image.spatial_shape)
    if whole is not None and whole > _SHARE * has:
        raise InputError(
            f"{size} pixels are too many: {method.name} takes images as a whole, which needs about "
            f"{_shown(whole)} for this one; {here}. Use a larger computer, make the study of smaller parts "
            "of the image, or take a method that works part by part, such as nuclei-fluorescence"
        )


def _shown(n_bytes: float) -> str:
    return f"{n_bytes / 2**30:.3g} GB"
