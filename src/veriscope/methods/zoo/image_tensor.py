"""From an image to the tensor that a model takes, and from what it gives back to the pixels of the image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.errors import MethodError
from veriscope.methods.networks.resample import resample
from veriscope.methods.zoo.description import Tensor

__all__ = ["channel_map", "cropped", "on_grid", "to_tensor"]


def to_tensor(image: Image, tensor: Tensor) -> NDArray[Any]:
    """Bring the axes of an image into the order of a tensor; what it lacks has length 1.

    Parameters
    ----------
    image
        Any that the model takes.
    tensor
        Its input.

    Returns
    -------
    numpy.ndarray
        Of the type of the tensor.
    """
    letters = {"channel": "c", "z": "z", "y": "y", "x": "x"}
    there = [letters[name] for name in tensor.names if letters.get(name, "-") in image.axes]
    values = np.transpose(image.pixels, [image.axes.index(letter) for letter in there])
    for place, axis in enumerate(tensor.axes):
        if letters.get(axis.name, "-") not in image.axes:
            values = np.expand_dims(values, place)
            if axis.name == "batch" and (axis.size or 1) > 1:
                values = np.repeat(values, axis.size or 1, axis=place)
    return values.astype(tensor.dtype, copy=False)


def channel_map(values: NDArray[Any], tensor: Tensor, channel: int) -> NDArray[Any]:
    """Give one channel of an output, in its own type of number.

    Parameters
    ----------
    values
        The output, with all its axes.
    tensor
        Its description.
    channel
        Index of the channel.

    Returns
    -------
    numpy.ndarray
        Axes in the order z, y, x; the first image of a batch.

    Raises
    ------
    MethodError
        If the output has no such channel.
    """
    if "channel" in tensor.names and channel >= (given := values.shape[tensor.names.index("channel")]):
        raise MethodError(
            f"channel {channel} of output {tensor.id!r} is wanted, and the model gives {given} channel(s); "
            "its card promises more, ask its authors to correct it"
        )
    index: list[Any] = [
        slice(None) if name in "zyx" else channel if name == "channel" else 0 for name in tensor.names
    ]
    left = [name for name in tensor.names if name in "zyx"]
    return np.transpose(values[tuple(index)], np.argsort(["zyx".index(name) for name in left]))


def cropped(values: NDArray[Any], out: Tensor, given: Tensor, shape: Sequence[int]) -> NDArray[Any]:
    """Cut off what a coarse grid of objects adds at the end of an axis.

    Parameters
    ----------
    values
        An output, after all its steps.
    out
        Its description.
    given
        That of the input.
    shape
        Of the input.

    Returns
    -------
    numpy.ndarray
        The output of the size that its description promises.
    """
    if out.before_objects is out:
        return values
    index = [slice(None)] * values.ndim
    for place, axis in enumerate(out.axes):
        if axis.name in ("z", "y", "x") and axis.name in given.names:
            index[place] = slice(0, math.ceil(shape[given.names.index(axis.name)] * axis.exact_ratio))
    return values[tuple(index)]


def on_grid(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Bring a map to the pixels of the image; one with fewer axes is refused.

    Parameters
    ----------
    values
        A map, with the axes of an image.
    shape
        Of the image.

    Returns
    -------
    numpy.ndarray
        float32 of that shape.

    Raises
    ------
    MethodError
        If it has another number of axes.
    """
    if values.ndim != len(shape):
        raise MethodError(f"the model gives {values.ndim}D maps for {len(shape)}D images")
    numbers = np.asarray(values, np.float32)
    if values.shape == shape:
        return numbers
    whole = tuple(slice(0, size) for size in values.shape)
    return resample(numbers, whole, values.shape, onto=shape, part=tuple(slice(0, size) for size in shape))
