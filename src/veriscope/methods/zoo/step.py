"""What every processing step of a package is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from veriscope.core.settings import Settings
from veriscope.errors import AxesError

__all__ = ["Dtype", "ProcessingStep", "axis_place", "float_type"]

Dtype = Literal[
    "float32",
    "float64",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "uint32",
    "int32",
    "uint64",
    "int64",
    "bool",
]
"""Types of number that a package may name."""


class ProcessingStep(Settings):
    """One step, with its options."""

    def apply(
        self, values: NDArray[Any], axes: Sequence[str], references: Mapping[str, NDArray[Any]]
    ) -> NDArray[Any]:
        """Transform an array.

        Parameters
        ----------
        values
            Any shape.
        axes
            Name of each of its axes.
        references
            Other tensors by their ids: inputs before preprocessing, and outputs that are done.

        Returns
        -------
        numpy.ndarray
            A new array; the one given is not changed.
        """
        raise NotImplementedError


def float_type(values: NDArray[Any]) -> np.dtype[Any]:
    """Give the type of what is computed from values.

    Parameters
    ----------
    values
        Any shape and numeric dtype.

    Returns
    -------
    numpy.dtype
        That of the values if they are floats, else float32.
    """
    return values.dtype if values.dtype.kind == "f" else np.dtype(np.float32)


def axis_place(name: str, axes: Sequence[str], *, what: str) -> int:
    """Find an axis by its name.

    Parameters
    ----------
    name
        Of the axis.
    axes
        Names of the axes of a tensor.
    what
        The step that needs it, for messages.

    Returns
    -------
    int
        Its place, from 0.

    Raises
    ------
    AxesError
        If the tensor has no such axis.
    """
    if name not in axes:
        raise AxesError(f"{what}: the tensor has no axis {name!r}; it has {', '.join(axes)}")
    return list(axes).index(name)
