"""Blob detection by the Laplacian of Gaussian over scales; each blob becomes an object."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from veriscope.core.labels import relabel_sequential
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.core.source import PixelSource
from veriscope.methods.base import Card
from veriscope.methods.local_method import Footprint, LocalMethod, Part, Survey
from veriscope.methods.rules.peaks import follow, local_peaks, steepest
from veriscope.methods.rules.scale import RuleSurvey, survey_rule
from veriscope.methods.rules.voxels import farthest, smoothing_reach, whole_along
from veriscope.methods.sampling import gaussian_reach

__all__ = ["LogSpots", "LogSpotsParameters"]

_SMOOTHING = 0.7
_GROWTH = 1.6
"""How far a blob may grow, in radii of its scale."""
_NARROWEST = 0.7
"""Smallest standard deviation of a filter along any axis of a stack, in voxels."""


class LogSpotsParameters(Settings):
    """Options of `LogSpots`."""

    diameter: float | None = Field(default=None, gt=1, le=10_000)
    """Typical object diameter in pixels; None estimates it from each image."""
    foreground: Literal["bright", "dark", "auto"] = "auto"
    """Brightness of the objects; ``auto`` takes the class with fewer pixels."""
    threshold: float = Field(default=0.15, ge=0)
    """Smallest blob response, as a share of that of a disc with the image's contrast."""
    scales: tuple[Annotated[float, Field(gt=0, le=20)], ...] = Field(
        default=(0.6, 0.8, 1.0, 1.3), min_length=1, max_length=20
    )
    """Scales searched, in multiples of the typical diameter."""


class LogSpots(LocalMethod):
    """Finds roundish objects as extrema of the scale-normalised Laplacian of Gaussian."""

    name: ClassVar[str] = "log-spots"
    version: ClassVar[str] = "2"
    Parameters: ClassVar[type[Settings]] = LogSpotsParameters
    SurveyType: ClassVar[type[Survey]] = RuleSurvey
    bytes_per_pixel: ClassVar[float] = 120.0
    card: ClassVar[Card] = Card(
        summary="Laplacian-of-Gaussian blob detection; each blob grows to its own edge.",
        objects=("spot", "nucleus", "particle"),
        modalities=(),
        dimensions=(2, 3),
        citation="Lindeberg T. Feature detection with automatic scale selection. "
        "Int. J. Comput. Vis. 30, 79-116 (1998). doi:10.1023/A:1008045108935",
        limits=(
            "Made for roundish objects of similar size; outlines are approximate.",
            "Textured or elongated objects give several blobs.",
            "Contrast and object size are those of the whole image; a part predicted as an image of its own "
            "gives another result.",
        ),
    )

    def survey(self, source: PixelSource) -> RuleSurvey:
        """Measure contrast and, unless it is given, object size on the whole image."""
        options = self.parameters
        return survey_rule(source, foreground=options.foreground, sigma=_SMOOTHING, diameter=options.diameter)

    def footprint(self, survey: RuleSurvey) -> Footprint:
        """Reach of the filters, of the window of a peak, and of the growth of a blob."""
        if survey.foreground is None:
            return Footprint(0, 0)
        widest, step = max(self._diameters(survey)), survey.step
        peak = _widest_reach(_sigma(widest, step), step) + max(_window(survey)) + 1
        # A pixel looks for seeds within the largest blob, and so does every pixel on its way to one.
        reach = smoothing_reach(_SMOOTHING, step) + peak + farthest(_GROWTH * widest / 2, step) + 2
        return Footprint(reach, farthest(_GROWTH * widest, step))

    def _diameters(self, survey: RuleSurvey) -> list[float]:
        return [survey.diameter * scale for scale in self.parameters.scales]

    def details(self, survey: RuleSurvey) -> dict[str, Any]:
        """Give size and polarity of the objects, as measured."""
        return survey.details

    def _predict_part(self, part: Part, survey: RuleSurvey) -> Prediction:
        image, found = part.image, survey.foreground
        if found is None:
            return Prediction(np.zeros(image.shape, np.int32), image.axes, details=survey.details)
        turned = found.turn(image.pixels)
        response, scale = _blob_response(turned, self._diameters(survey), survey.step)
        # A uniform disc of contrast c answers with 2c/e at its own scale, sigma = radius / sqrt(2), a ball
        # with 4 pi c (3 / 2 pi e) ** 1.5 at sigma = radius / sqrt(3).
        largest = 4 * np.pi * (3 / (2 * np.pi * math.e)) ** 1.5 if survey.step else 2 / math.e
        floor = max(self.parameters.threshold * largest * found.contrast, found.noise)
        peaks = local_peaks(response, distance=_window(survey), floor=floor)
        radii = scale[tuple(peaks.T)] / 2
        labels = _grow(turned, peaks, radii=radii, fine=survey.diameter / 6, step=survey.step)
        return Prediction(relabel_sequential(labels), image.axes, details=survey.details)


def _window(survey: RuleSurvey) -> tuple[int, ...]:
    return whole_along(max(1, round(0.3 * survey.diameter)), survey.step, len(survey.step) or 2)


def _sigma(diameter: float, step: tuple[float, ...]) -> float:
    return float(diameter / (2 * np.sqrt(3 if step else 2)))


def _widest_reach(sigma: float, step: tuple[float, ...]) -> int:
    """Reach of `_laplace`, in voxels along the axis where it is farthest."""
    return (
        max(gaussian_reach(max(sigma / size, _NARROWEST)) for size in step) if step else gaussian_reach(sigma)
    )


def _laplace(image: NDArray[np.float32], sigma: float, step: tuple[float, ...]) -> NDArray[np.float32]:
    """Laplacian of Gaussian, scale-normalised in stacks, where axes have voxels of other sizes."""
    if not step:
        return np.asarray(ndimage.gaussian_laplace(image, sigma, mode="nearest"), np.float32)
    total = np.zeros(image.shape, np.float32)
    # Weights of a second derivative add up to 0 only if the Gaussian is wider than a voxel.
    sigmas = [max(sigma / size, _NARROWEST) for size in step]
    for axis, own in enumerate(sigmas):
        order = [2 * (axis == other) for other in range(image.ndim)]
        total += np.float32(own**2) * ndimage.gaussian_filter(image, sigmas, order=order, mode="nearest")
    return total


def _blob_response(
    image: NDArray[np.float32], diameters: list[float], step: tuple[float, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give the largest scale-normalised response per pixel and the diameter at which it occurs."""
    best = np.full(image.shape, -np.inf, np.float32)
    at = np.zeros(image.shape, np.float32)
    for diameter in diameters:
        sigma = _sigma(diameter, step)
        weight = np.float32(1.0 if step else sigma**2)
        response = -weight * _laplace(image, sigma, step)
        better = response > best
        best[better] = response[better]
        at[better] = diameter
    return best, at


def _grow(
    image: NDArray[np.float32],
    peaks: NDArray[np.intp],
    *,
    radii: NDArray[np.float32],
    fine: float,
    step: tuple[float, ...],
) -> NDArray[np.int32]:
    """Grow each peak to the edge of its blob: the zero crossing of a fine Laplacian, within 1.6 radii.

    Every pixel goes to the neighbour that is nearest to a peak; those that arrive at one are its blob.
    """
    if not len(peaks):
        return np.zeros(image.shape, np.int32)
    seeds = np.zeros(image.shape, bool)
    seeds[tuple(peaks.T)] = True
    radius = np.zeros(image.shape, np.float32)
    radius[tuple(peaks.T)] = radii
    distance, nearest = ndimage.distance_transform_edt(~seeds, sampling=step or None, return_indices=True)
    reach = radius[tuple(nearest)]
    inside = _laplace(image, max(1.0, fine), step) < 0
    core = distance <= np.maximum(1.0, 0.5 * reach)
    mask = (distance <= _GROWTH * reach) & (inside | core)
    labels, arrived = follow(steepest(-distance.astype(np.float32), mask), mask)
    is_blob = np.zeros(len(arrived) + 1, bool)
    is_blob[1:] = seeds.ravel()[arrived]
    return np.where(is_blob[labels], labels, 0)
