"""A threshold that follows the local background, then a distance-transform watershed."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.methods.base import Card, Method
from veriscope.methods.rules.scale import estimate_diameter, find_foreground
from veriscope.methods.rules.splitting import drop_small, split_touching

__all__ = ["LocalThresholdWatershed", "LocalThresholdWatershedParameters"]


class LocalThresholdWatershedParameters(Settings):
    """Options of `LocalThresholdWatershed`."""

    diameter: float | None = Field(default=None, gt=1)
    """Typical object diameter in pixels; None estimates it from each image."""
    foreground: Literal["bright", "dark", "auto"] = "auto"
    """Brightness of the objects; ``auto`` takes the class with fewer pixels."""
    window: float = Field(default=2.5, gt=1)
    """Size of the neighbourhood, in object diameters."""
    sensitivity: float = Field(default=0.15, ge=0, le=1)
    """How far above the local mean a pixel must be, as a share of the image's contrast."""
    smoothing: float = Field(default=1.0, ge=0)
    """Standard deviation of the Gaussian smoothing before the threshold, in pixels."""


class LocalThresholdWatershed(Method):
    """A threshold relative to the neighbourhood finds dim objects and follows uneven illumination."""

    name: ClassVar[str] = "local-threshold-watershed"
    version: ClassVar[str] = "1"
    Parameters: ClassVar[type[Settings]] = LocalThresholdWatershedParameters
    card: ClassVar[Card] = Card(
        summary="Local-mean threshold over a window of some object diameters, then watershed.",
        objects=("nucleus", "cell", "particle"),
        modalities=(),
        citation="Bradley D, Roth G. Adaptive thresholding using the integral image. "
        "J. Graphics Tools 12, 13-21 (2007). doi:10.1080/2151237X.2007.10129236",
        limits=(
            "Dense regions larger than the window raise their own threshold and thin out.",
            "Touching objects are split by shape alone; elongated or lobed ones are cut in pieces.",
            "Contrast and object size come from the whole image, so a tile alone gives another result.",
        ),
    )

    def _predict(self, image: Image) -> Prediction:
        options = self.parameters
        found = find_foreground(image.pixels, foreground=options.foreground, sigma=options.smoothing)
        if found is None:
            return Prediction(
                np.zeros(image.shape, np.int32), image.axes, details={"nothing_above_background": True}
            )
        diameter = options.diameter or estimate_diameter(found.image > found.threshold) or 3.0
        # Bright objects must not raise the threshold around them: what exceeds the global one counts as it.
        capped = np.minimum(found.image, found.threshold)
        local = ndimage.gaussian_filter(capped, options.window * diameter / 2, mode="nearest")
        margin = max(options.sensitivity * found.contrast, 3.0 * found.noise)
        mask = ndimage.binary_opening(found.image > local + margin)
        mask = ndimage.binary_fill_holes(mask)
        labels = drop_small(split_touching(mask, diameter=diameter), diameter=diameter)
        details = {
            "diameter_px": round(diameter, 2),
            "diameter_estimated": options.diameter is None,
            "foreground": found.polarity,
        }
        return Prediction(labels, image.axes, details=details)
