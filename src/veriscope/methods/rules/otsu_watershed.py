"""Otsu's threshold, then the basins of the distance transform: the classic, as a baseline to beat."""

from __future__ import annotations

from math import ceil
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

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
from veriscope.methods.rules.voxels import farthest, smoothing_reach

__all__ = ["OtsuWatershed", "OtsuWatershedParameters"]


class OtsuWatershedParameters(Settings):
    """Options of `OtsuWatershed`."""

    diameter: float | None = Field(default=None, gt=1, le=10_000)
    """Typical object diameter in pixels; None estimates it from each image."""
    foreground: Literal["bright", "dark", "auto"] = "auto"
    """Brightness of the objects; ``auto`` takes the class with fewer pixels."""
    smoothing: float = Field(default=1.0, ge=0, le=1000)
    """Standard deviation of the Gaussian smoothing before the threshold, in pixels."""


class OtsuWatershed(LocalMethod):
    """One global threshold per image; touching objects are split at their necks."""

    name: ClassVar[str] = "otsu-watershed"
    version: ClassVar[str] = "2"
    Parameters: ClassVar[type[Settings]] = OtsuWatershedParameters
    SurveyType: ClassVar[type[Survey]] = RuleSurvey
    bytes_per_pixel: ClassVar[float] = 90.0
    card: ClassVar[Card] = Card(
        summary="Global Otsu threshold, then split along the valleys of the distance transform.",
        objects=("nucleus", "cell", "particle"),
        modalities=(),
        dimensions=(2, 3),
        citation="Otsu N. A threshold selection method from gray-level histograms. "
        "IEEE Trans. Syst. Man Cybern. 9, 62-66 (1979). doi:10.1109/TSMC.1979.4310076",
        limits=(
            "One threshold per image: dim objects beside bright ones and uneven illumination are missed.",
            "Touching objects are split by shape alone; elongated or lobed ones are cut in pieces.",
            "Threshold and object size are those of the whole image; a part predicted as an image of its own "
            "gives another result.",
        ),
    )

    def survey(self, source: PixelSource) -> RuleSurvey:
        """Measure threshold and, unless it is given, object size on the whole image."""
        options = self.parameters
        return survey_rule(
            source, foreground=options.foreground, sigma=options.smoothing, diameter=options.diameter
        )

    def footprint(self, survey: RuleSurvey) -> Footprint:
        """Reach of smoothing, holes and splitting, one after the other."""
        if survey.foreground is None:
            return Footprint(0, 0)
        diameter, step = survey.diameter, survey.step
        smoothing = smoothing_reach(self.parameters.smoothing, step)
        reach = smoothing + holes_reach(ceil(diameter), step) + split_reach(diameter, step)
        return Footprint(reach, farthest(1.5 * diameter, step))

    def details(self, survey: RuleSurvey) -> dict[str, Any]:
        """Give size and polarity of the objects, as measured."""
        return survey.details

    def _predict_part(self, part: Part, survey: RuleSurvey) -> Prediction:
        image = part.image
        if survey.foreground is None:
            return Prediction(np.zeros(image.shape, np.int32), image.axes, details=survey.details)
        mask = survey.foreground.turn(image.pixels) > survey.foreground.threshold
        mask = fill_holes(mask, largest=ceil(survey.diameter), step=survey.step)
        labels = split_touching(mask, diameter=survey.diameter, step=survey.step)
        spare = part.near_cut(labels, self.footprint(survey).reach)
        labels = drop_small(labels, diameter=survey.diameter, spare=spare, step=survey.step)
        return Prediction(labels, image.axes, details=survey.details)
