"""How large the objects of an image are, found out by looking at it as it is and from afar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from veriscope.core.source import PixelSource
from veriscope.methods.local_method import Part
from veriscope.methods.networks.resample import resample
from veriscope.methods.sampling import sample_windows

__all__ = ["COARSE", "Finder", "Found", "SizeLimits", "large_diameter", "look", "median_diameter", "resize"]

COARSE = 0.25
"""Scale of the look for large objects."""
_CONFIRMED = 0.3
"""Mean probability at full scale below which the look from afar was mistaken."""
_ENOUGH_WINDOWS, _MOST_WINDOWS = 16, 64
_FAR_SIDE, _ENOUGH_FAR_WINDOWS, _MOST_FAR_WINDOWS = 2048, 2, 8
"""Windows of large images in which the size of the objects is looked for: with objects, and in all."""

Found = tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]
"""Labels, probability of each object, probability of each pixel."""


class Finder(Protocol):
    """Finds the objects of a window."""

    def __call__(self, part: Part, *, coarse: bool = False) -> Found:
        """Give labels, the probability of each object, and that of each pixel; coarse: on a smaller grid."""


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """Median diameters beyond which an image is seen at another scale, from those of the training images.

    Parameters
    ----------
    smallest, largest
        Median object diameters in the training images, in pixels.
    """

    smallest: float
    largest: float

    @property
    def small(self) -> float:
        """Below this median diameter an image is enlarged, if it has enough objects."""
        return 1.5 * self.smallest

    @property
    def fine(self) -> float:
        """Diameter to which it is enlarged."""
        return 2.5 * self.smallest

    @property
    def large(self) -> float:
        """Above this median diameter an image is reduced."""
        return 1.5 * self.largest


def look(source: PixelSource, find: Finder) -> tuple[NDArray[np.int64], Found | None]:
    """Measure the objects of a whole image, or of some windows of a large one, as it is.

    Parameters
    ----------
    source
        The image.
    find
        Finds objects.

    Returns
    -------
    areas, found
        Pixels of each object; and what was found, if the window was the whole image.
    """
    areas: list[NDArray[np.int64]] = []
    found = None
    for tried, window in enumerate(sample_windows(source.shape)):
        found = find(Part.whole(source.image(window)))
        here = np.bincount(found[0].ravel())[1:]
        areas += [here] if len(here) else []
        if tried + 1 == _MOST_WINDOWS or len(areas) == _ENOUGH_WINDOWS:
            break
    is_all = found is not None and found[0].shape == source.shape
    return np.concatenate([np.zeros(0, np.int64), *areas]), found if is_all else None


def large_diameter(source: PixelSource, find: Finder, limits: SizeLimits) -> float | None:
    """Measure objects that are seen from afar only.

    Parameters
    ----------
    source
        The image.
    find
        Finds objects.
    limits
        What counts as large.

    Returns
    -------
    float or None
        Their median diameter in pixels; None: there are none.
    """
    areas, confirmed, n_pixels, seen = [], 0.0, 0, 0
    for tried, window in enumerate(sample_windows(source.shape, side=_FAR_SIDE)):
        part = Part.whole(source.image(window))
        coarse = find(part, coarse=True)[0]
        here = np.bincount(coarse.ravel())[1:]
        if len(here):
            seen += 1
            areas.append(here)
            if median_diameter(here) / COARSE > limits.large:
                # Averaging makes background structure stand out; the full image has to see something too.
                small = resize(find(part)[2], coarse.shape)
                confirmed += float(small[coarse > 0].sum())
                n_pixels += int((coarse > 0).sum())
        if tried + 1 == _MOST_FAR_WINDOWS or seen == _ENOUGH_FAR_WINDOWS:
            break
    if not areas:
        return None
    diameter = median_diameter(np.concatenate(areas)) / COARSE
    return diameter if diameter > limits.large and confirmed > _CONFIRMED * max(n_pixels, 1) else None


def median_diameter(areas: NDArray[np.int64]) -> float:
    """Give the median equivalent diameter.

    Parameters
    ----------
    areas
        Pixels of each object.

    Returns
    -------
    float
        In pixels; 0 without objects.
    """
    return float(2 * (np.median(areas) / np.pi) ** 0.5) if len(areas) else 0.0


def resize(pixels: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Interpolate an image on a grid whose pixels cover the same field.

    Parameters
    ----------
    pixels
        Image (y, x).
    shape
        Of the other grid.

    Returns
    -------
    numpy.ndarray
        float32, of that shape.
    """
    here, there = (tuple(slice(0, size) for size in sizes) for sizes in (pixels.shape, shape))
    return resample(pixels, here, pixels.shape, onto=shape, part=there)
