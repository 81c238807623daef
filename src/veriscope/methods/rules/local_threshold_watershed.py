"""A threshold that follows the local background, then the basins of the distance transform."""

from __future__ import annotations

from math import ceil
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.core.source import PixelSource
from veriscope.methods.base import Card
from veriscope.methods.local_method import Footprint, LocalMethod, Part, Survey
from veriscope.methods.rules.scale import RuleSurvey, survey_rule
from veriscope.methods.rules.splitting import (
    drop_small,
    fill_holes,
    holes_reach,
    split_reach,
    split_touching,
)
from veriscope.methods.rules.voxels import along, farthest, smoothing_reach

__all__ = ["LocalThresholdWatershed", "LocalThresholdWatershedParameters"]

_OPENING = 2
"""Reach of the opening in pixels: one of the erosion, one of the dilation."""
_FAR = 1.5
"""Planes that lie this much farther apart than pixels are opened one by one."""


class LocalThresholdWatershedParameters(Settings):
    """Options of `LocalThresholdWatershed`."""

    diameter: float | None = Field(default=None, gt=1, le=10_000)
    """Typical object diameter in pixels; None estimates it from each image."""
    foreground: Literal["bright", "dark", "auto"] = "auto"
    """Brightness of the objects; ``auto`` takes the class with fewer pixels."""
    window: float = Field(default=2.5, gt=1, le=100)
    """Size of the neighbourhood, in object diameters."""
    sensitivity: float = Field(default=0.15, ge=0, le=1)
    """How far above the local mean a pixel must be, as a share of the image's contrast."""
    smoothing: float = Field(default=1.0, ge=0, le=1000)
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
        dimensions=(2, 3),
        citation="Bradley D, Roth G. Adaptive thresholding using the integral image. "
        "J. Graphics Tools 12, 13-21 (2007). doi:10.1080/2151237X.2007.10129236",
        limits=(
            "Light added unevenly counts as noise: where the background rises across the image by half "
            "the contrast of the objects, half of them are missed; by three quarters or more, all of them.",
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
        diameter, step = survey.diameter, survey.step
        smoothing = smoothing_reach(self.parameters.smoothing, step)
        seen = smoothing + smoothing_reach(self._window(survey), step) + _OPENING
        reach = seen + holes_reach(ceil(diameter), step) + split_reach(diameter, step)
        return Footprint(reach, farthest(1.5 * diameter, step))

    def _window(self, survey: RuleSurvey) -> float:
        """Give the standard deviation of the local mean, in pixels."""
        return float(self.parameters.window * survey.diameter / 2)

    def details(self, survey: RuleSurvey) -> dict[str, Any]:
        """Give size and polarity of the objects, as measured."""
        return survey.details

    def _predict_part(self, part: Part, survey: RuleSurvey) -> Prediction:
        image, found, diameter = part.image, survey.foreground, survey.diameter
        if found is None:
            return Prediction(np.zeros(image.shape, np.int32), image.axes, details=survey.details)
        turned = found.turn(image.pixels)
        # Bright objects must not raise the threshold around them: what exceeds the global one counts as it.
        capped = np.minimum(turned, np.float32(found.threshold))
        local = ndimage.gaussian_filter(capped, along(self._window(survey), survey.step), mode="nearest")
        margin = np.float32(max(self.parameters.sensitivity * found.contrast, 3.0 * found.noise))
        mask = ndimage.binary_opening(turned > local + margin, _cross(survey.step))
        mask = fill_holes(mask, largest=ceil(diameter), step=survey.step)
        labels = split_touching(mask, diameter=diameter, step=survey.step)
        spare = part.near_cut(labels, self.footprint(survey).reach)
        labels = drop_small(labels, diameter=diameter, spare=spare, step=survey.step)
        return Prediction(labels, image.axes, details=survey.details)


def _cross(step: tuple[float, ...]) -> NDArray[np.bool_] | None:
    """Neighbours of a pixel for the opening; in stacks not those that are much farther away than others."""
    if not step:
        return None
    cross: NDArray[np.bool_] = ndimage.generate_binary_structure(len(step), 1)
    for axis, size in enumerate(step):
        if size > _FAR * min(step):
            np.moveaxis(cross, axis, 0)[[0, 2]] = False
    return cross
