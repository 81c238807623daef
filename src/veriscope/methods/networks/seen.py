"""What a network said of an image while it was surveyed, so that it is not run again for the parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.source import Region
from veriscope.methods.local_method import Part, Survey
from veriscope.methods.networks.dense_objects import Dense

__all__ = ["SeenImage"]


@dataclass(frozen=True, slots=True, eq=False)
class SeenImage:
    """Outputs of a network on a whole image, on the grid of its pixels.

    Parameters
    ----------
    pixels
        Of the image, (y, x) or (c, y, x).
    values
        float32 (channel, y, x).
    survey
        With which the network saw the image.
    """

    pixels: NDArray[Any]
    values: NDArray[np.float32]
    survey: Survey

    @classmethod
    def of(cls, dense: Dense, survey: Survey, *, most_bytes: float | None) -> SeenImage | None:
        """Keep what was seen, if there is room for it.

        Parameters
        ----------
        dense
            Outputs on the whole image, at its own scale.
        survey
            Of the image.
        most_bytes
            That may be kept; None: any number.

        Returns
        -------
        SeenImage or None
            None if there is no room, or the outputs are on another grid.
        """
        pixels = dense.part.image.pixels
        whole = dense.grid == tuple(slice(0, size) for size in dense.part.shape) == dense.part.region
        if not whole or dense.scale != 1 or dense.values.shape[1:] != dense.part.shape:
            return None
        if most_bytes is not None and dense.values.nbytes + pixels.nbytes > most_bytes:
            return None
        return cls(pixels, dense.values, survey)

    def values_on(self, part: Part, grid: Region, survey: Survey) -> NDArray[np.float32] | None:
        """Give the outputs on a part, if it is one of this image.

        Parameters
        ----------
        part
            Any.
        grid
            Where the outputs are wanted, in pixels of the whole image.
        survey
            With which the part is to be seen.

        Returns
        -------
        numpy.ndarray or None
            float32 (channel, y, x), with the bits that the whole image has there; None if pixels, place or
            survey are not those of this image.
        """
        if part.shape != self.values.shape[1:] or survey != self.survey:
            return None
        place: tuple[Any, ...] = (..., *part.region)
        there = self.pixels[place]
        if there.dtype != part.image.pixels.dtype or not np.array_equal(there, part.image.pixels):
            return None
        return self.values[(slice(None), *grid)]
