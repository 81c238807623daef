"""A threshold that follows the local background, then the basins of the distance transform."""

from __future__ import annotations

from math import ceil
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy import ndimage

from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.core.source import PixelSource
from veriscope.methods.base import Card, Footprint, LocalMethod, Part, Survey
from veriscope.methods.rules.scale import RuleSurvey, survey_rule
from veriscope.methods.rules.splitting import (
    drop_small,
    fill_holes,
    holes_reach,
    split_reach,
    split_touching,
)
from veriscope.methods.sampling import gaussian_reach

__all__ = ["LocalThresholdWatershed", "LocalThresholdWatershedParameters"]

_OPENING = 2
"""Reach of the opening in pixels: one of the erosion, one of the dilation."""


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


class LocalThresholdWatershed(LocalMethod):
    """A threshold relative to the neighbourhood finds dim objects and follows uneven illumination."""

    name: ClassVar[str] = "local-threshold-watershed"
    version: ClassVar[str] = "2"
    Parameters: ClassVar[type[Settings]] = LocalThresholdWatershedParameters
    SurveyType: ClassVar[type[Survey]] = RuleSurvey
    bytes_per_pixel: ClassVar[float] = 110.0
    card: ClassVar[Card] = Card(
        summary="Local-mean threshold over a window of some object diameters, then split at the necks.",
        objects=("nucleus", "cell", "particle"),
        modalities=(),
        citation="Bradley D, Roth G. Adaptive thresholding using the integral image. "
        "J. Graphics Tools 12, 13-21 (2007). doi:10.1080/2151237X.2007.10129236",
        limits=(
            "Dense regions larger than the window raise their own threshold and thin out.",
            "Touching objects are split by shape alone; elongated or lobed ones are cut in pieces.",
            "Contrast and object size are those of the whole image; a part predicted as an image of its own "
            "gives another result.",
        ),
    )

    def survey(self, source: PixelSource) -> RuleSurvey:
        """Measure contrast and, unless it is given, object size on the whole image."""
        options = self.parameters
        return survey_rule(
            source, foreground=options.foreground, sigma=options.smoothing, diameter=options.diameter
        )

    def footprint(self, survey: RuleSurvey) -> Footprint:
        """Reach of smoothing, local mean, opening, holes and splitting, one after the other."""
        if survey.foreground is None:
            return Footprint(0, 0)
        diameter = survey.diameter
        seen = gaussian_reach(self.parameters.smoothing) + gaussian_reach(self._window(survey)) + _OPENING
        reach = seen + holes_reach(ceil(diameter)) + split_reach(diameter)
        return Footprint(reach, ceil(1.5 * diameter))

    def _window(self, survey: RuleSurvey) -> float:
        """Give the standard deviation of the local mean, in pixels."""
        return float(self.parameters.window * survey.diameter / 2)

    def _predict_part(self, part: Part, survey: RuleSurvey) -> Prediction:
        image, found, diameter = part.image, survey.foreground, survey.diameter
        if found is None:
            return Prediction(np.zeros(image.shape, np.int32), image.axes, details=survey.details)
        turned = found.turn(image.pixels)
        # Bright objects must not raise the threshold around them: what exceeds the global one counts as it.
        capped = np.minimum(turned, np.float32(found.threshold))
        local = ndimage.gaussian_filter(capped, self._window(survey), mode="nearest")
        margin = np.float32(max(self.parameters.sensitivity * found.contrast, 3.0 * found.noise))
        mask = ndimage.binary_opening(turned > local + margin)
        mask = fill_holes(mask, largest=ceil(diameter))
        labels = split_touching(mask, diameter=diameter)
        spare = part.near_cut(labels, self.footprint(survey).reach)
        return Prediction(
            drop_small(labels, diameter=diameter, spare=spare), image.axes, details=survey.details
        )
