"""What a pair of masks, or of label images, must be, and which of its pixels lie on the boundary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.labels import check_labels, check_same_shape
from veriscope.errors import AxesError, InputError, PixelValueError

__all__ = [
    "ROUNDING",
    "BoolArray",
    "boundary_pixels",
    "check_distance",
    "check_label_images",
    "check_masks",
    "check_steps",
    "crop",
]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

ROUNDING = 1 + 1e-9
"""Largest distances are multiplied by it: 3 pixels of 0.1 µm are 0.30000000000000004 µm, still within 0.3."""


def check_masks(reference: NDArray[Any], prediction: NDArray[Any]) -> None:
    """Refuse what is not a pair of masks.

    Parameters
    ----------
    reference, prediction
        Masks (true/false) of one shape, (y, x) or (z, y, x).

    Raises
    ------
    AxesError
        If the arrays have neither two nor three axes.
    PixelValueError
        If either is not boolean.
    ShapeMismatchError
        If the shapes differ.
    """
    for where, mask in (("the reference", reference), ("the prediction", prediction)):
        if mask.dtype != np.bool_:
            raise PixelValueError(
                f"{where}: type {mask.dtype} is not a mask (true/false); say which pixels are inside, "
                "for example `labels > 0`"
            )
    check_same_shape(reference, prediction)
    if reference.ndim not in (2, 3):
        raise AxesError(
            f"masks of {reference.ndim} axes are not allowed; give (y, x) or (z, y, x), "
            "one time and one class at a time"
        )


def check_label_images(
    reference: NDArray[Any], prediction: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Refuse what is not a pair of label images of two or three axes.

    Parameters
    ----------
    reference, prediction
        Label images of one shape, (y, x) or (z, y, x), 0 = background.

    Returns
    -------
    tuple
        Both, of integer type.

    Raises
    ------
    AxesError
        If the images have neither two nor three axes.
    PixelValueError
        If either is no label image.
    ShapeMismatchError
        If the shapes differ.
    """
    images = check_labels(reference, where="the reference"), check_labels(prediction, where="the prediction")
    check_same_shape(*images)
    if reference.ndim not in (2, 3):
        raise AxesError(f"label images of {reference.ndim} axes are not allowed; give (y, x) or (z, y, x)")
    return images


def check_steps(spacing: Sequence[float] | None, ndim: int) -> FloatArray:
    """Give the size of a pixel along each axis.

    Parameters
    ----------
    spacing
        Size of a pixel along each axis in the order of the axes, in µm; None: distances are in pixels.
    ndim
        Number of axes.

    Returns
    -------
    numpy.ndarray
        Shape (ndim,).

    Raises
    ------
    AxesError
        If there is not one positive finite number for each axis.
    """
    steps = np.ones(ndim) if spacing is None else np.asarray(spacing, dtype=np.float64)
    if steps.shape != (ndim,) or not (np.isfinite(steps) & (steps > 0)).all():
        raise AxesError(
            f"spacing {spacing!r} is not allowed; give one positive number of µm for each of the "
            f"{ndim} axes, in their order"
        )
    return steps


def check_distance(distance: float, *, name: str, zero: bool) -> None:
    """Refuse a distance that makes no sense.

    Parameters
    ----------
    distance
        The distance given.
    name
        What it is, for the message.
    zero
        Whether 0 is allowed.

    Raises
    ------
    InputError
        If it is not a finite number, or negative, or 0 where that is not allowed.
    """
    if not (np.isfinite(distance) and (distance > 0 or (zero and distance == 0))):
        least = "of at least 0" if zero else "above 0"
        raise InputError(
            f"{name} {distance!r} is not allowed; use a finite number {least}, in the unit of the spacing"
        )


def crop(*masks: BoolArray) -> tuple[slice, ...]:
    """Give the smallest box that holds all true pixels of some masks.

    Parameters
    ----------
    *masks
        Masks of one shape.

    Returns
    -------
    tuple of slice
        One slice per axis, of length 0 where no mask has a true pixel.
    """
    box = []
    for axis in range(masks[0].ndim):
        others = tuple(other for other in range(masks[0].ndim) if other != axis)
        used = np.logical_or.reduce([mask.any(axis=others) for mask in masks])
        (inside,) = np.nonzero(used)
        box.append(slice(int(inside[0]), int(inside[-1]) + 1) if len(inside) else slice(0, 0))
    return tuple(box)


def boundary_pixels(values: NDArray[Any]) -> BoolArray:
    """Mark the pixels with a neighbour across a face that has another value; the edge counts as another.

    Parameters
    ----------
    values
        Mask or label image of any number of axes.

    Returns
    -------
    numpy.ndarray
        Mask of the same shape. Both sides of a border are marked, background included, so restrict it
        to the object: ``mask & boundary_pixels(mask)``.
    """
    marked = np.zeros(values.shape, dtype=np.bool_)
    if not values.size:
        return marked
    for axis in range(values.ndim):
        along, pixels = np.moveaxis(marked, axis, 0), np.moveaxis(values, axis, 0)
        differ = pixels[1:] != pixels[:-1]
        along[1:] |= differ
        along[:-1] |= differ
        along[0] = True
        along[-1] = True
    return marked
