"""The class of a whole image: as it is known, and as a method states it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError

__all__ = ["ClassProbabilities", "ImageClass"]

_ROUNDING = 1e-4
"""How far probabilities of single precision may be from a sum of 1."""


@dataclass(frozen=True, slots=True)
class ImageClass:
    """One of several classes.

    Parameters
    ----------
    number
        Index into `names`.
    names
        All classes.

    Raises
    ------
    InputError
        If there is no class of that number.
    """

    number: int
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.number < len(self.names):
            raise InputError(f"class {self.number} is not one of {len(self.names)} names; count them from 0")

    @property
    def name(self) -> str:
        """Name of the class."""
        return self.names[self.number]


@dataclass(frozen=True, slots=True, eq=False)
class ClassProbabilities:
    """How probable each class is for one image.

    Parameters
    ----------
    names
        The classes.
    values
        float64 (class,), 0 to 1, summing to 1.
    details
        What the method found out on the way and a reader of the record should know; plain values.

    Raises
    ------
    ShapeMismatchError
        If there is not one probability per class.
    PixelValueError
        If they are no probabilities, or do not sum to 1.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    details: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.names),) or not self.names:
            raise ShapeMismatchError(
                f"probabilities of shape {self.values.shape} do not fit {len(self.names)} classes; needed is "
                "one for each"
            )
        if not ((self.values >= 0) & (self.values <= 1)).all() or abs(self.values.sum() - 1) > _ROUNDING:
            raise PixelValueError(
                f"{', '.join(f'{value:g}' for value in self.values)} are no probabilities of classes: each "
                "has to be from 0 to 1, and together 1"
            )

    @property
    def number(self) -> int:
        """Index of the most probable class; of equally probable ones the first."""
        return int(np.argmax(self.values))

    @property
    def name(self) -> str:
        """Name of the most probable class."""
        return self.names[self.number]
