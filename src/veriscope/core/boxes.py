"""Boxes around objects, with their classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import PixelValueError, ShapeMismatchError

__all__ = ["Boxes"]


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """One box per object.

    Parameters
    ----------
    edges
        float32 (n, 4): y0, x0, y1, x1 in pixels. The pixel in the first row and column reaches from 0 to 1.
    classes
        Index into `names` of each object, integer (n,).
    names
        Names of the classes.

    Raises
    ------
    ShapeMismatchError
        If there are not as many classes as boxes.
    PixelValueError
        If a class has no name.
    """

    edges: NDArray[np.float32]
    classes: NDArray[np.int64]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.edges.shape != (len(self.classes), 4):
            raise ShapeMismatchError(
                f"boxes of shape {self.edges.shape} do not fit {len(self.classes)} classes; "
                "needed is one row of y0, x0, y1, x1 for each"
            )
        outside = (self.classes < 0) | (self.classes >= len(self.names))
        if outside.any():
            raise PixelValueError(
                f"class {int(self.classes[outside][0])} of a box is not one of {len(self.names)} names; "
                "count them from 0"
            )

    def __len__(self) -> int:
        return len(self.classes)

    def take(self, order: NDArray[np.integer]) -> Boxes:
        """Give some of the boxes, in the order given.

        Parameters
        ----------
        order
            Indices.

        Returns
        -------
        Boxes
            Of the same names.
        """
        return Boxes(self.edges[order], self.classes[order], self.names)

    def class_of(self, index: int) -> str:
        """Give the name of the class of one object.

        Parameters
        ----------
        index
            0 and up.

        Returns
        -------
        str
            One of `names`.
        """
        return self.names[int(self.classes[index])]
