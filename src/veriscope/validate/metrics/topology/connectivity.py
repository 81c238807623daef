"""Which pixels of a mask are neighbours, and the pieces that follow from it."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.errors import AxesError, InputError, PixelValueError
from veriscope.validate.metrics.semantic.masks import BoolArray

__all__ = ["Connectivity", "background_pieces", "check_mask", "foreground_pieces"]

Connectivity = Literal["full", "face"]
"""Neighbours in the foreground: ``"full"`` also across corners (8 in 2D, 26 in 3D), ``"face"`` across faces
alone (4 and 6). The background always has the other one, or a line could cross a closed line."""


def check_mask(mask: NDArray[Any], connectivity: str) -> None:
    """Refuse what is not a mask, and a connectivity that there is not.

    Parameters
    ----------
    mask
        Mask (true/false), (y, x) or (z, y, x).
    connectivity
        What was given.

    Raises
    ------
    AxesError
        If the mask has neither two nor three axes.
    PixelValueError
        If it is not boolean.
    InputError
        If there is no such connectivity.
    """
    if connectivity not in get_args(Connectivity):
        raise InputError(
            f"connectivity {connectivity!r} is not allowed; use 'full' (foreground across corners too) "
            "or 'face' (across faces alone)"
        )
    if mask.dtype != np.bool_:
        raise PixelValueError(
            f"type {mask.dtype} is not a mask (true/false); say which pixels are inside, "
            "for example `labels > 0`"
        )
    if mask.ndim not in (2, 3):
        raise AxesError(
            f"masks of {mask.ndim} axes are not allowed; give (y, x) or (z, y, x), "
            "one time and one class at a time"
        )


def foreground_pieces(mask: BoolArray, *, connectivity: Connectivity) -> tuple[NDArray[np.int32], int]:
    """Label the connected pieces of the foreground.

    Parameters
    ----------
    mask
        Mask of two or three axes.
    connectivity
        Neighbours in the foreground.

    Returns
    -------
    tuple
        Image of piece numbers from 1 with 0 outside, of the mask's shape; number of pieces.
    """
    pieces, n_pieces = ndimage.label(mask, structure=_neighbours(mask.ndim, full=connectivity == "full"))
    return pieces, int(n_pieces)


def background_pieces(mask: BoolArray, *, connectivity: Connectivity) -> tuple[NDArray[np.int32], int]:
    """Label the connected pieces of the background, the outside of the image joined to it.

    Parameters
    ----------
    mask
        Mask of two or three axes.
    connectivity
        Neighbours in the *foreground*; the background has the other one.

    Returns
    -------
    tuple
        Image of piece numbers from 1 with 0 in the mask, one pixel larger on each side; number of pieces.
        Piece 1 is the one that reaches beyond the image, so every other piece is enclosed.
    """
    around = np.pad(~mask, 1, constant_values=True)
    # Pieces are numbered in the order of their first pixel, which here lies outside the image.
    pieces, n_pieces = ndimage.label(around, structure=_neighbours(mask.ndim, full=connectivity == "face"))
    return pieces, int(n_pieces)


def _neighbours(ndim: int, *, full: bool) -> BoolArray:
    structure: BoolArray = ndimage.generate_binary_structure(ndim, ndim if full else 1)
    return structure
