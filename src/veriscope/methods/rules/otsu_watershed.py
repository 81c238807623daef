"""Otsu's threshold, then a distance-transform watershed: the classic, as a baseline to beat."""

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

__all__ = ["OtsuWatershed", "OtsuWatershedParameters"]


class OtsuWatershedParameters(Settings):
    """Options of `OtsuWatershed`."""

    diameter: float | None = Field(default=None, gt=1)
    """Typical object diameter in pixels; None estimates it from each image."""
    foreground: Literal["bright", "dark", "auto"] = "auto"
    """Brightness of the objects; ``auto`` takes the class with fewer pixels."""
    smoothing: float = Field(default=1.0, ge=0)
    """Standard deviation of the Gaussian smoothing before the threshold, in pixels."""


class OtsuWatershed(Method):
    """One global threshold per image; touching objects are split at their necks."""

    name: ClassVar[str] = "otsu-watershed"
    version: ClassVar[str] = "1"
    Parameters: ClassVar[type[Settings]] = OtsuWatershedParameters
    card: ClassVar[Card] = Card(
        summary="Global Otsu threshold, then distance-transform watershed.",
        objects=("nucleus", "cell", "particle"),
        modalities=(),
        citation="Otsu N. A threshold selection method from gray-level histograms. "
        "IEEE Trans. Syst. Man Cybern. 9, 62-66 (1979). doi:10.1109/TSMC.1979.4310076",
        limits=(
            "One threshold per image: dim objects beside bright ones and uneven illumination are missed.",
            "Touching objects are split by shape alone; elongated or lobed ones are cut in pieces.",
            "The threshold depends on the whole image, so a tile alone gives another result.",
        ),
    )

    def _predict(self, image: Image) -> Prediction:
        options = self.parameters
        found = find_foreground(image.pixels, foreground=options.foreground, sigma=options.smoothing)
        if found is None:
            return Prediction(
                np.zeros(image.shape, np.int32), image.axes, details={"nothing_above_background": True}
            )
        mask = ndimage.binary_fill_holes(found.image > found.threshold)
        diameter = options.diameter or estimate_diameter(mask) or 3.0
        labels = drop_small(split_touching(mask, diameter=diameter), diameter=diameter)
        details = {
            "diameter_px": round(diameter, 2),
            "diameter_estimated": options.diameter is None,
            "foreground": found.polarity,
        }
        return Prediction(labels, image.axes, details=details)
