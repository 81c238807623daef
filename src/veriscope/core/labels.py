"""Label images: integers, 0 = background, one value per object."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import PixelValueError, ShapeMismatchError

__all__ = [
    "check_labels",
    "check_same_shape",
    "first_pixels",
    "relabel_sequential",
    "smallest_label_dtype",
]


def check_labels(labels: NDArray[Any], *, where: str = "the label image") -> NDArray[Any]:
    """Give back an array as a label image, or say why it is none.

    Parameters
    ----------
    labels
        Array of integers ≥ 0, or of floating-point numbers that are all whole (some tools save
        labels so); 0 is background.
    where
        What the array is, for the message.

    Returns
    -------
    numpy.ndarray
        The same array, or an int64 copy if it was floating point.

    Raises
    ------
    PixelValueError
        If the array is boolean, has negative, fractional, non-finite or absurdly large values.
    """
    if labels.dtype.kind == "b":
        raise PixelValueError(
            f"{where}: is a mask (true/false), not a label image; give each object a number of its own, "
            "for example by connected components (touching objects merge then)"
        )
    if labels.dtype.kind == "f":
        # Beyond 2**53 floating-point numbers skip integers, so that labels would be lost.
        whole = (np.abs(labels) <= np.float64(2**53)).all() and (labels == np.floor(labels)).all()
        if not whole:
            raise PixelValueError(
                f"{where}: has fractional, infinite or NaN values, so it is not a label image; "
                "save it with an integer type, 0 = background and one number per object"
            )
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "iu":
        raise PixelValueError(f"{where}: type {labels.dtype} is not an integer type")
    if labels.dtype.kind == "i" and labels.size and labels.min() < 0:
        raise PixelValueError(f"{where}: has negative values; labels are 0 (background) and positive numbers")
    return labels


def check_same_shape(reference: NDArray[Any], prediction: NDArray[Any], *, where: str = "") -> None:
    """Refuse two arrays of different shape.

    Parameters
    ----------
    reference, prediction
        Any two arrays.
    where
        Names the pair, for the message.

    Raises
    ------
    ShapeMismatchError
        If the shapes differ.
    """
    if reference.shape != prediction.shape:
        raise ShapeMismatchError(
            f"{where + ': ' if where else ''}the reference has shape {reference.shape} and the prediction "
            f"{prediction.shape}; both must cover the same pixels (was one rescaled, cropped or transposed?)"
        )


def smallest_label_dtype(n_objects: int) -> np.dtype[Any]:
    """Give the smallest unsigned type that file formats for labels know and that holds a number.

    Parameters
    ----------
    n_objects
        Largest label.

    Returns
    -------
    numpy.dtype
        uint16 or uint32; never uint8, in which labels above 255 would wrap around on the next edit.

    Raises
    ------
    PixelValueError
        If none holds it.
    """
    if n_objects > np.iinfo(np.uint32).max:
        raise PixelValueError(
            f"a label is {n_objects}, and files hold labels up to {np.iinfo(np.uint32).max}; number the "
            "objects anew (veriscope.core.labels.relabel_sequential)"
        )
    return np.dtype(np.uint16 if n_objects <= np.iinfo(np.uint16).max else np.uint32)


def relabel_sequential(labels: NDArray[Any]) -> NDArray[np.int32]:
    """Renumber objects 1, 2, … in the order of their old labels.

    Parameters
    ----------
    labels
        Label image of any dimension.

    Returns
    -------
    numpy.ndarray
        int32, same shape, with no gaps; 0 stays 0.

    Raises
    ------
    PixelValueError
        If it is no label image, see `check_labels`.
    """
    flat = check_labels(labels).ravel()
    top = int(flat.max()) if flat.size else 0
    if top <= max(4 * flat.size, 1 << 16):
        present = np.zeros(top + 1, dtype=bool)
        present[flat] = True
        present[0] = False
        lookup = (np.cumsum(present) * present).astype(np.int32)
        renumbered: NDArray[np.int32] = lookup[flat].reshape(labels.shape)
        return renumbered
    values, inverse = np.unique(flat, return_inverse=True)
    start = 0 if values[0] == 0 else 1
    return np.asarray(inverse.reshape(labels.shape) + start, dtype=np.int32)


def first_pixels(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Find the first pixel of each object, row by row (of stacks plane by plane).

    The first pixel is a pixel of the object, in whole numbers, and is found in a part of an image
    as well as in the whole: by it objects are numbered and told apart.

    Parameters
    ----------
    labels
        Label image, C-contiguous, numbered 1 … n.

    Returns
    -------
    numpy.ndarray
        int64 (n,): place of the first pixel of labels 1 … n in the flattened array; its size for a
        number that no pixel has.
    """
    flat = labels.ravel()
    first = np.full(int(flat.max(initial=0)) + 1, flat.size, np.int64)
    # Backwards, so that the earliest of the pixels with one number is written last.
    inside = np.flatnonzero(flat)[::-1]
    first[flat[inside]] = inside
    return first[1:]
