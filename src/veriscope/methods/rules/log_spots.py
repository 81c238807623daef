"""Blob detection by the Laplacian of Gaussian over scales; each blob becomes an object."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from veriscope.core.image import Image
from veriscope.core.labels import relabel_sequential
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.methods.base import Card, Method
from veriscope.methods.rules.scale import estimate_diameter, find_foreground

__all__ = ["LogSpots", "LogSpotsParameters"]


class LogSpotsParameters(Settings):
    """Options of `LogSpots`."""

    diameter: float | None = Field(default=None, gt=1)
    """Typical object diameter in pixels; None estimates it from each image."""
    foreground: Literal["bright", "dark", "auto"] = "auto"
    """Brightness of the objects; ``auto`` takes the class with fewer pixels."""
    threshold: float = Field(default=0.15, ge=0)
    """Smallest blob response, as a share of that of a disc with the image's contrast."""
    scales: tuple[float, ...] = (0.6, 0.8, 1.0, 1.3)
    """Scales searched, in multiples of the typical diameter."""


class LogSpots(Method):
    """Finds roundish objects as extrema of the scale-normalised Laplacian of Gaussian."""

    name: ClassVar[str] = "log-spots"
    version: ClassVar[str] = "1"
    Parameters: ClassVar[type[Settings]] = LogSpotsParameters
    card: ClassVar[Card] = Card(
        summary="Laplacian-of-Gaussian blob detection; each blob grows to its own edge.",
        objects=("spot", "nucleus", "particle"),
        modalities=(),
        citation="Lindeberg T. Feature detection with automatic scale selection. "
        "Int. J. Comput. Vis. 30, 79-116 (1998). doi:10.1023/A:1008045108935",
        limits=(
            "Made for roundish objects of similar size; outlines are approximate.",
            "Textured or elongated objects give several blobs.",
            "Contrast and object size come from the whole image, so a tile alone gives another result.",
        ),
    )

    def _predict(self, image: Image) -> Prediction:
        options = self.parameters
        found = find_foreground(image.pixels, foreground=options.foreground, sigma=0.7)
        if found is None:
            return Prediction(
                np.zeros(image.shape, np.int32), image.axes, details={"nothing_above_background": True}
            )
        diameter = options.diameter or estimate_diameter(found.image > found.threshold) or 3.0
        response, scale = _blob_response(found.image, [diameter * s for s in options.scales])
        # A uniform disc of contrast c answers with 2c/e at its own scale, sigma = radius / sqrt(2).
        floor = max(options.threshold * 2 / np.e * found.contrast, found.noise)
        peaks = peak_local_max(
            response, min_distance=max(1, round(0.3 * diameter)), threshold_abs=floor, exclude_border=False
        )
        seeds = np.zeros(image.shape, np.int32)
        seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        labels = _grow(found.image, seeds, radii=scale[tuple(peaks.T)] / 2)
        details = {
            "diameter_px": round(diameter, 2),
            "diameter_estimated": options.diameter is None,
            "foreground": found.polarity,
        }
        return Prediction(relabel_sequential(labels), image.axes, details=details)


def _blob_response(
    image: NDArray[np.float32], diameters: list[float]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give the largest scale-normalised response per pixel and the diameter at which it occurs."""
    best = np.full(image.shape, -np.inf, np.float32)
    at = np.zeros(image.shape, np.float32)
    for diameter in diameters:
        sigma = diameter / (2 * np.sqrt(2))
        response = -(sigma**2) * ndimage.gaussian_laplace(image, sigma, mode="nearest")
        better = response > best
        best[better] = response[better]
        at[better] = diameter
    return best, at


def _grow(
    image: NDArray[np.float32], seeds: NDArray[np.int32], *, radii: NDArray[np.float32]
) -> NDArray[np.int32]:
    """Grow each seed to the edge of its blob: the zero crossing of a fine Laplacian, within 1.6 radii."""
    if not seeds.any():
        return seeds
    distance, nearest = ndimage.distance_transform_edt(seeds == 0, return_indices=True)
    owner = seeds[tuple(nearest)]
    reach = np.concatenate([[0.0], radii])[owner]
    fine = max(1.0, float(np.median(radii)) / 3)
    inside = ndimage.gaussian_laplace(image, fine, mode="nearest") < 0
    core = distance <= np.maximum(1.0, 0.5 * reach)
    mask = (distance <= 1.6 * reach) & (inside | core)
    labels = watershed(distance, seeds, mask=mask)
    return np.asarray(labels, dtype=np.int32)
