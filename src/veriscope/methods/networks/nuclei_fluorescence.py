"""The network for nuclei in fluorescence images that comes with Veriscope."""

from __future__ import annotations

import functools
import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.core.source import ArraySource, PixelSource, Region, within
from veriscope.methods.base import Card, Footprint, LocalMethod, Part, Survey
from veriscope.methods.networks.engines import EngineName, Precision
from veriscope.methods.networks.flow import follow_flow
from veriscope.methods.networks.normalise import ContrastSurvey
from veriscope.methods.networks.nuclei_weights import examples, weights, weights_sha256
from veriscope.methods.networks.objects import keep_objects, keep_probable, mean_inside
from veriscope.methods.networks.onnx import OnnxNetwork
from veriscope.methods.networks.resample import nearest, resample, source_range
from veriscope.methods.sampling import gaussian_reach, sample_windows

__all__ = ["NucleiFluorescence", "NucleiFluorescenceParameters"]

_STRIDE = 16
_HALO = 96
_MERGE = 1.25
"""Radius by which end points of the flow are joined, in steps."""
_LONG = 1.5
"""Length of a long nucleus, in diameters of a disc of its area."""
_ENOUGH_WINDOWS, _MOST_WINDOWS = 16, 64
_FAR_SIDE, _ENOUGH_FAR_WINDOWS, _MOST_FAR_WINDOWS = 2048, 2, 8
"""Windows of large images in which the size of the nuclei is looked for: with nuclei, and in all."""
_BEST_DIAMETER = 28.0
"""Object diameter in pixels to which an image is rescaled, where it is."""
_LARGEST_SCALE = 6.0
"""Bound on memory where a tiny diameter is stated."""
_LARGE_DIAMETER = 90.0
"""Images whose median diameter is above are rescaled; on training images the estimate stays below 60."""
_SMALL_DIAMETER, _FINE_DIAMETER, _FINEST, _ENOUGH = 12.0, 20.0, 3.0, 5
"""Images with at least 5 nuclei of a median diameter below 12 pixels are enlarged to 20, at most 3 times."""
_COARSE, _CONFIRMED = 0.25, 0.3
"""Scale of the look for large nuclei; mean probability at full scale below which it was mistaken."""
_CALIBRATION = (2.183, -3.305)
"""Slope and intercept of the object's log odds, fitted on the validation split by `choose.py`."""

_Found = tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]
"""Labels, probability of each object, probability of each pixel."""


class NucleiFluorescenceParameters(Settings):
    """Options of `NucleiFluorescence`; the defaults need no knowledge of the images."""

    diameter: float | None = Field(default=None, gt=1, le=4000)
    """Typical diameter of the nuclei in pixels; images are rescaled by it. None: images are taken as they
    are, unless the nuclei found are very large or very small."""
    threshold: float = Field(default=0.5, gt=0, lt=1)
    """Probability above which a pixel belongs to a nucleus."""
    object_threshold: float = Field(default=0.5, ge=0, lt=1)
    """Objects with a smaller probability to be a nucleus are dropped."""
    smallest_area: int = Field(default=20, ge=1)
    """Smaller objects are dropped; in pixels of the image as the network sees it."""
    precision: Precision = "float32"
    """In which the network computes; int8 and bfloat16 are faster and change results a little."""
    engine: EngineName = "auto"
    """What runs the network; changes no result beyond rounding."""


class NucleiSurvey(ContrastSurvey):
    """What is measured on the whole image."""

    scale: float = 1.0
    """Size of the network's grid relative to that of the image."""
    longest: float = 0.0
    """Length in pixels that few nuclei exceed."""
    engine: str = ""
    """What runs the network, and must run it on every part; empty: the image holds nothing to run it on."""
    engine_difference: float = 0.0
    """Largest difference that the check of the engine found."""
    engine_fallback: str = ""
    """Why a faster engine was passed over."""

    def ran(self) -> dict[str, Any]:
        """Say what ran the network, for the record.

        Returns
        -------
        dict
            Engine and what its check found; nothing if the network did not run.
        """
        found = {"engine": self.engine, "engine_difference": self.engine_difference}
        if self.engine_fallback:
            found["engine_fallback"] = self.engine_fallback
        return found if self.engine else {}


class NucleiFluorescence(LocalMethod):
    """Find nuclei in 2D fluorescence images with a small network, touching ones apart.

    Parameters
    ----------
    parameters
        `NucleiFluorescenceParameters`, or None for the defaults. The network opens with the first image.
    """

    name: ClassVar[str] = "nuclei-fluorescence"
    version: ClassVar[str] = "0.2.0"
    Parameters: ClassVar[type[Settings]] = NucleiFluorescenceParameters
    SurveyType: ClassVar[type[Survey]] = NucleiSurvey
    bytes_per_pixel: ClassVar[float] = 650.0
    card: ClassVar[Card] = Card(
        summary="Small U-Net for nuclei in fluorescence images; touching nuclei are separated by flows.",
        objects=("nucleus",),
        modalities=("fluorescence",),
        channels="one channel of a DNA stain",
        dimensions=(2,),
        foreground="bright",
        diameter_px=(8.0, 60.0),
        training_data="BBBC038v1 / Data Science Bowl 2018, stage 1, fluorescence: 150 images, 6,108 nuclei "
        "(train split by field of view; 30 images for choices, 50 for the figures)",
        licence="CC0-1.0 (weights and training images)",
        citation="Caicedo JC et al. Nucleus segmentation across imaging experiments: the 2018 Data Science "
        "Bowl. Nature Methods 16, 1247-1253 (2019), doi:10.1038/s41592-019-0612-7",
        figures=(
            "50 held-out images of the same collection, 2,388 nuclei, sizes not told: F1 0.939, AP 0.885 at "
            "IoU 0.5, F1 0.893 at IoU 0.7 (python benchmarks/science/nuclei_fluorescence.py --data DIR)",
            "precision=int8 on the same 50 images: F1 0.939 at IoU 0.5, difference to float32 -0.0005 (95 % "
            "interval -0.0033 to +0.0023; python benchmarks/science/nuclei_precision.py --data DIR)",
            "StarDist's demo image, another laboratory, 125 nuclei: F1 0.939 at IoU 0.5 (same command)",
        ),
        limits=(
            "Made for bright nuclei on a dark background; not for brightfield, histology or whole cells.",
            "Stacks have to be projected or cut into slices first.",
            "Nuclei more than twice as long as wide are sometimes split.",
            "Nuclei above about 300 pixels are found only if their diameter is stated.",
        ),
    )

    def __init__(self, parameters: Settings | None = None) -> None:
        super().__init__(parameters)
        precision = self.parameters.precision
        self._network = OnnxNetwork(
            weights(precision),
            stride=_STRIDE,
            halo=_HALO,
            examples=functools.partial(examples, precision),
            engine=self.parameters.engine,
            precision=precision,
        )

    def describe(self) -> dict[str, Any]:
        """Give identity, parameters and the weights used as plain values, for the record.

        Returns
        -------
        dict
            As for every method, and ``weights_sha256``: other weights are another method. All engines give
            the same objects in float32, so the engine is named only in other precisions.
        """
        found = super().describe() | {"weights_sha256": weights_sha256(self.parameters.precision)}
        del found["parameters"]["engine"]
        if self.parameters.precision != "float32":
            found["engine"] = self._network.opened().label
        return found

    def make_ready(self) -> None:
        """Open the network with an engine that gives what it should on this machine."""
        self._network.opened()

    def limit_threads(self, threads: int) -> None:
        """Let the network use no more threads than that."""
        self._network.threads = threads

    def survey(self, source: PixelSource) -> NucleiSurvey:
        """Measure brightness and, unless the diameter is given, the scale that suits the nuclei."""
        return self._survey(source)[0]

    def footprint(self, survey: NucleiSurvey) -> Footprint:
        """Reach of the network, of the interpolation to its grid and back, and of a step along the flow."""
        if not survey.contrast > 0:
            return Footprint(0, 0)
        scale = survey.scale
        step = max(2.0, 2.0 / scale)
        separating = (step + 2 * _MERGE * step + 2) / max(scale, 1.0)
        reach = math.ceil((_HALO + _STRIDE + 2) / scale + separating) + gaussian_reach(_blur(scale)) + 3
        return Footprint(reach, math.ceil(survey.longest))

    def _predict(self, image: Image) -> Prediction:
        survey, found = self._survey(ArraySource(image))
        return self._result(survey, found or self._find(_whole(image.pixels), survey))

    def _predict_part(self, part: Part, survey: NucleiSurvey) -> Prediction:
        self._network.keep_to(survey.engine)
        return self._result(survey, self._find(part, survey))

    def _result(self, survey: NucleiSurvey, found: _Found) -> Prediction:
        labels, probabilities, foreground = found
        return Prediction(
            labels=labels,
            axes="yx",
            probabilities=probabilities,
            probability_map=np.clip(foreground, 0, 1),
            details={"scale": round(survey.scale, 4)} | survey.ran(),
        )

    def _survey(self, source: PixelSource) -> tuple[NucleiSurvey, _Found | None]:
        """Give the survey, and what was found on the way if that is the answer already."""
        brightness = ContrastSurvey.measure(source)
        plain = NucleiSurvey(**brightness.model_dump())
        options: NucleiFluorescenceParameters = self.parameters
        if not plain.contrast > 0:
            return plain, None
        used = self._network.opened()
        ran = {
            "engine": used.label,
            "engine_difference": used.check.largest,
            "engine_fallback": used.fallback,
        }
        plain = plain.model_copy(update=ran)
        if options.diameter is not None:
            return _scaled(
                plain, min(_BEST_DIAMETER / options.diameter, _LARGEST_SCALE), options.diameter
            ), None
        areas, found = self._look(source, plain)
        diameter = _median_diameter(areas)
        if diameter < _SMALL_DIAMETER and len(areas) >= _ENOUGH:
            return _scaled(plain, min(_FINE_DIAMETER / diameter, _FINEST), diameter), None
        large = self._large_diameter(source, plain)
        if large is not None:
            return _scaled(plain, _BEST_DIAMETER / large, large), None
        large_ones = float(np.percentile(areas, 95)) if len(areas) else 0.0
        return _scaled(plain, 1.0, 2 * (large_ones / np.pi) ** 0.5), found

    def _look(self, source: PixelSource, survey: NucleiSurvey) -> tuple[NDArray[np.int64], _Found | None]:
        """Areas of the nuclei in the whole image, or in some windows of a large one, as it is."""
        areas: list[NDArray[np.int64]] = []
        found = None
        for tried, window in enumerate(sample_windows(source.shape)):
            found = self._find(_whole(source.read(window)), survey)
            here = np.bincount(found[0].ravel())[1:]
            areas += [here] if len(here) else []
            if tried + 1 == _MOST_WINDOWS or len(areas) == _ENOUGH_WINDOWS:
                break
        is_all = found is not None and found[0].shape == source.shape
        return np.concatenate([np.zeros(0, np.int64), *areas]), found if is_all else None

    def _large_diameter(self, source: PixelSource, survey: NucleiSurvey) -> float | None:
        """Median diameter of nuclei that are seen from afar only; None: there are none."""
        if min(source.shape) * _COARSE < _STRIDE:
            return None
        areas, confirmed, n_pixels, seen = [], 0.0, 0, 0
        for tried, window in enumerate(sample_windows(source.shape, side=_FAR_SIDE)):
            pixels = source.read(window)
            coarse = self._find(_whole(pixels), survey, coarse=True)[0]
            here = np.bincount(coarse.ravel())[1:]
            if len(here):
                seen += 1
                areas.append(here)
                if _median_diameter(here) / _COARSE > _LARGE_DIAMETER:
                    # Averaging makes background structure stand out; the full image has to see something too.
                    foreground = self._find(_whole(pixels), survey)[2]
                    small = _resize(foreground, coarse.shape)
                    confirmed += float(small[coarse > 0].sum())
                    n_pixels += int((coarse > 0).sum())
            if tried + 1 == _MOST_FAR_WINDOWS or seen == _ENOUGH_FAR_WINDOWS:
                break
        if not areas:
            return None
        diameter = _median_diameter(np.concatenate(areas)) / _COARSE
        return diameter if diameter > _LARGE_DIAMETER and confirmed > _CONFIRMED * max(n_pixels, 1) else None

    def _find(self, part: Part, survey: NucleiSurvey, *, coarse: bool = False) -> _Found:
        """Give labels, the probability of each object, and that of each pixel."""
        shape = part.image.shape
        empty = np.zeros(shape, np.int32), np.zeros(0, np.float32), np.zeros(shape, np.float32)
        pixels = survey.normalise(part.image.pixels)
        if not pixels.any():
            return empty
        if coarse:
            pixels = _shrink(pixels, _COARSE)
            part = _whole(pixels)
            shape = pixels.shape
        onto = tuple(max(round(size * survey.scale), 1) for size in part.shape)
        grid = source_range(part.region, part.shape, onto=onto, step=_STRIDE)
        if any(side.stop <= side.start for side in grid):
            return empty
        blur = _blur(survey.scale)
        smooth = ndimage.gaussian_filter(pixels, blur) if blur else pixels
        dense = self._network.run(resample(smooth, part.region, part.shape, onto=onto, part=grid))
        return self._objects(part, dense, grid, onto, survey)

    def _objects(
        self,
        part: Part,
        dense: NDArray[np.float32],
        grid: Region,
        onto: tuple[int, ...],
        survey: NucleiSurvey,
    ) -> _Found:
        """From what the network says on a part of its grid to the objects of a part of the image."""
        options: NucleiFluorescenceParameters = self.parameters
        scale = survey.scale
        back = source_range(grid, onto, onto=part.shape)
        inner = within(back, part.region)
        step = max(2.0, 2.0 / scale)
        labels = np.zeros(part.image.shape, np.int32)
        # Small objects are taken apart on the finer grid of the network, large ones on that of the image.
        if scale > 1:
            labels[inner] = nearest(self._separate(dense, step), grid, onto, onto=part.shape, part=back)
        maps = np.zeros((len(dense), *labels.shape), np.float32)
        for channel, values in zip(maps, dense, strict=True):
            channel[inner] = resample(values, grid, onto, onto=part.shape, part=back)
        if scale <= 1:
            labels = self._separate(maps, step)
        reach = self.footprint(survey).reach
        smallest = max(round(options.smallest_area / scale**2), 1)
        labels = keep_objects(labels, smallest_area=smallest, spare=part.near_cut(labels, reach))
        probabilities = _calibrated(mean_inside(maps[0], labels))
        labels, probabilities = keep_probable(
            labels,
            probabilities,
            threshold=options.object_threshold,
            spare=part.near_cut(labels, reach),
        )
        return labels, probabilities, maps[0]

    def _separate(self, dense: NDArray[np.float32], step: float) -> NDArray[np.int32]:
        flow = dense[1:3] / np.maximum(np.hypot(dense[1], dense[2]), 1e-3)
        return follow_flow(dense[0] > self.parameters.threshold, flow, step=step, merge=_MERGE * step)


def _calibrated(mean: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn the mean probability of an object's pixels into that of the object."""
    slope, intercept = _CALIBRATION
    safe = np.clip(mean.astype(np.float64), 1e-4, 1 - 1e-4)
    return np.asarray(1 / (1 + np.exp(-intercept) * ((1 - safe) / safe) ** slope), np.float32)


def _median_diameter(areas: NDArray[np.int64]) -> float:
    """Give the median equivalent diameter in pixels; 0 without objects."""
    return float(2 * (np.median(areas) / np.pi) ** 0.5) if len(areas) else 0.0


def _blur(scale: float) -> float:
    """Smoothing in pixels before an image shrinks, against aliasing."""
    return 0.4 / scale if scale < 0.8 else 0.0


def _whole(pixels: NDArray[Any]) -> Part:
    return Part(Image(pixels, "yx"), tuple(slice(0, size) for size in pixels.shape), pixels.shape)


def _shrink(pixels: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    smooth = ndimage.gaussian_filter(pixels, _blur(scale))
    return _resize(smooth, tuple(max(round(length * scale), 1) for length in pixels.shape))


def _resize(pixels: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Interpolate an image on a grid whose pixels cover the same field."""
    here, there = (tuple(slice(0, size) for size in sizes) for sizes in (pixels.shape, shape))
    return resample(pixels, here, pixels.shape, onto=shape, part=there)


def _scaled(survey: NucleiSurvey, scale: float, diameter: float) -> NucleiSurvey:
    return survey.model_copy(update={"scale": scale, "longest": _LONG * diameter})
