"""Pixels that are no numbers, counted part by part: an image may be larger than the memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import PixelValueError

__all__ = ["FiniteCheck"]

_MOST = float(np.finfo(np.float32).max)


class FiniteCheck:
    """Counts what methods, which compute in 32-bit numbers, cannot use.

    Attributes
    ----------
    size
        Pixels looked at.
    not_finite
        Of these NaN or infinite.
    beyond
        Of these finite, but infinite in 32-bit numbers.
    """

    def __init__(self) -> None:
        self.size = self.not_finite = self.beyond = 0

    def add(self, pixels: NDArray[Any]) -> None:
        """Look at pixels.

        Parameters
        ----------
        pixels
            Of any shape; boolean, integer or floating-point numbers.
        """
        self.size += pixels.size
        if pixels.dtype.kind != "f" or not pixels.size:
            return
        bad = pixels.size - int(np.count_nonzero(np.isfinite(pixels)))
        self.not_finite += bad
        if pixels.dtype.itemsize > 4 and (bad or not -_MOST <= pixels.min() <= pixels.max() <= _MOST):
            outside = np.isfinite(pixels) & ((pixels < -_MOST) | (pixels > _MOST))
            self.beyond += int(np.count_nonzero(outside))

    def require(self, name: str) -> None:
        """Refuse the image of which all pixels were looked at, if it cannot be used.

        Parameters
        ----------
        name
            Of the image.

        Raises
        ------
        PixelValueError
            If pixels are NaN, infinite or beyond 32-bit numbers; the message counts them.
        """
        if self.not_finite:
            raise PixelValueError(
                f"{name}: {self.not_finite} of {self.size} pixels are NaN or infinite; replace them "
                "(for example by the background) before the analysis, or leave the image out"
            )
        if self.beyond:
            raise PixelValueError(
                f"{name}: {self.beyond} of {self.size} pixels are beyond ±{_MOST:.1e}, as values are that "
                "stand for missing ones; replace them (for example by the background) before the analysis, "
                "or leave the image out"
            )
