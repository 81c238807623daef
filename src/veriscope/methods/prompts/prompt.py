"""What a person points at: places inside and outside of one object, and a box around it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import InputError

__all__ = ["MOST_POINTS", "Prompt", "PromptPoint"]

MOST_POINTS = 64
"""Points of one prompt at most; a person gives a handful."""
_NEGATIVE, _POSITIVE, _TOP_LEFT, _BOTTOM_RIGHT, _PADDING = 0.0, 1.0, 2.0, 3.0, -1.0


@dataclass(frozen=True, slots=True)
class PromptPoint:
    """A place that was clicked.

    Parameters
    ----------
    y, x
        In pixels of the image; whole numbers are pixel centres.
    inside
        Whether it belongs to the object; otherwise it says what does not.
    """

    y: float
    x: float
    inside: bool = True


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything that was said of one object.

    Parameters
    ----------
    points
        Places, in the order in which they were clicked.
    box
        y0, x0, y1, x1 in pixels of the image; 0 is the outer edge of the first pixel. None: no box.
    """

    points: tuple[PromptPoint, ...] = ()
    box: tuple[float, float, float, float] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing shows where the object is: no box and no place inside."""
        return self.box is None and not any(point.inside for point in self.points)

    def steps(self) -> tuple[Prompt, ...]:
        """Give the prompt as it grew: its box first, then click by click.

        Returns
        -------
        tuple of Prompt
            Those that show where the object is; the last one is this prompt.
        """
        grown = (Prompt(self.points[:n], self.box) for n in range(len(self.points) + 1))
        return tuple(step for step in grown if not step.is_empty)

    def check(self, shape: tuple[int, int]) -> None:
        """Refuse what does not point at an object of an image.

        Parameters
        ----------
        shape
            Height and width of the image in pixels.

        Raises
        ------
        InputError
            If nothing shows where the object is, there are too many points, or one of them or the box lies
            outside the image.
        """
        height, width = shape
        if self.is_empty:
            raise InputError("nothing shows where the object is; give a point inside it, or a box around it")
        if len(self.points) > MOST_POINTS:
            raise InputError(f"{len(self.points)} points are too many; give at most {MOST_POINTS}")
        for point in self.points:
            if not (-0.5 <= point.y <= height - 0.5 and -0.5 <= point.x <= width - 0.5):
                raise InputError(
                    f"the point y = {point.y:g}, x = {point.x:g} lies outside the image of {height} x "
                    f"{width} pixels; give points inside it"
                )
        if self.box is None:
            return
        y0, x0, y1, x1 = self.box
        if not all(map(math.isfinite, self.box)) or not (0 <= y0 < y1 <= height and 0 <= x0 < x1 <= width):
            raise InputError(
                f"the box y {y0:g} to {y1:g}, x {x0:g} to {x1:g} is empty or leaves the image of {height} x "
                f"{width} pixels; give y0 < y1 and x0 < x1 inside it"
            )

    def arrays(self, scale: tuple[float, float]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Write the prompt as decoders of Segment Anything read it.

        Parameters
        ----------
        scale
            Pixels of the network's picture per pixel of the image, along y and x.

        Returns
        -------
        coordinates, labels
            float32, (1, n, 2) as x and y in pixels of the network's picture with whole numbers as centres,
            and (1, n): 1 inside, 0 outside, 2 and 3 the corners of the box, -1 the padding that a prompt
            without a box needs.
        """
        found = [
            (point.x + 0.5, point.y + 0.5, _POSITIVE if point.inside else _NEGATIVE) for point in self.points
        ]
        if self.box is not None:
            y0, x0, y1, x1 = self.box
            found += [(x0, y0, _TOP_LEFT), (x1, y1, _BOTTOM_RIGHT)]
        values = np.array(found, np.float64)
        coordinates = values[:, :2] * (scale[1], scale[0]) - 0.5
        labels = values[:, 2]
        if self.box is None:
            coordinates = np.vstack([coordinates, np.zeros((1, 2))])
            labels = np.append(labels, _PADDING)
        return coordinates[None].astype(np.float32), labels[None].astype(np.float32)
