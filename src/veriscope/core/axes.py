"""Axes and spacing: the one table of axis names, their order and their rules.

An array's axes are a string with one letter per dimension, a subset of ``tczyx`` in this order
(that of OME-Zarr): time, channel, and the spatial axes. They are stated, never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from veriscope.errors import AxesError

__all__ = ["AXES", "SPATIAL", "check_axes", "check_spacing", "spatial_axes"]

AXES = "tczyx"
SPATIAL = "zyx"


def check_axes(axes: str, ndim: int, *, where: str = "the image") -> str:
    """Give back the axes if they are a valid description of an array.

    Parameters
    ----------
    axes
        One letter of ``tczyx`` per dimension, each once, ``y`` and ``x`` among them, in this order.
    ndim
        Number of dimensions of the array.
    where
        What the array is, for the message.

    Returns
    -------
    str
        The axes, unchanged.

    Raises
    ------
    AxesError
        If a letter is unknown or repeated, the order differs, or the number does not fit.
    """
    unknown = [letter for letter in axes if letter not in AXES]
    if unknown or len(set(axes)) != len(axes) or not {"y", "x"} <= set(axes):
        raise AxesError(
            f"{where}: axes {axes!r} are not valid; use the letters {AXES!r}, each at most once, with y and x"
        )
    if len(axes) != ndim:
        raise AxesError(f"{where}: axes {axes!r} name {len(axes)} dimensions but the array has {ndim}")
    if list(axes) != sorted(axes, key=AXES.index):
        expected = "".join(sorted(axes, key=AXES.index))
        raise AxesError(
            f"{where}: axes {axes!r} are not in the order {AXES!r}; reorder the array to {expected!r}"
        )
    return axes


def spatial_axes(axes: str) -> str:
    """Give the spatial letters among some axes, in order: ``"yx"`` or ``"zyx"``.

    Parameters
    ----------
    axes
        Axes of an array, such as ``"czyx"``.

    Returns
    -------
    str
        The letters of `axes` that are spatial.
    """
    return "".join(letter for letter in axes if letter in SPATIAL)


def check_spacing(
    spacing: Mapping[str, float] | None, axes: str, *, where: str = "the image"
) -> dict[str, float] | None:
    """Give back the spacing if it has a positive number for every spatial axis and no other.

    Parameters
    ----------
    spacing
        Size of a pixel along each spatial axis in µm, or None for an uncalibrated image.
    axes
        Axes of the array.
    where
        What the array is, for the message.

    Returns
    -------
    dict or None
        Spacing by axis letter in the order of `axes`, in µm.

    Raises
    ------
    AxesError
        If an axis is missing or too many, or a value is not a positive finite number.
    """
    if spacing is None:
        return None
    wanted = spatial_axes(axes)
    if set(spacing) != set(wanted):
        raise AxesError(
            f"{where}: spacing is given for axes {''.join(spacing)!r} but the image has {wanted!r}; "
            "give one value in µm for each spatial axis"
        )
    checked = {}
    for letter in wanted:
        try:
            checked[letter] = float(spacing[letter])
        except (TypeError, ValueError):
            checked[letter] = math.nan
        if not 0 < checked[letter] < math.inf:
            raise AxesError(f"{where}: spacing {letter}={spacing[letter]} is not a positive number of µm")
    return checked
