"""A trained network as a method: brightness, scale, network, objects."""

from __future__ import annotations

import functools
import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.core.source import ArraySource, PixelSource
from veriscope.methods.local_method import Footprint, LocalMethod, Part, Survey
from veriscope.methods.networks.dense_objects import Dense, separator_for
from veriscope.methods.networks.network_settings import NetworkParameters
from veriscope.methods.networks.normalise import ContrastSurvey
from veriscope.methods.networks.objects import keep_objects, keep_probable, mean_inside
from veriscope.methods.networks.onnx import OnnxNetwork
from veriscope.methods.networks.packaged import PackagedNetwork
from veriscope.methods.networks.resample import resample, source_range
from veriscope.methods.networks.seen import SeenImage
from veriscope.methods.networks.size_search import (
    COARSE,
    Found,
    SizeLimits,
    large_diameter,
    look,
    median_diameter,
    resize,
)
from veriscope.methods.sampling import gaussian_reach, sample_windows

__all__ = ["InstanceNetwork", "NetworkSurvey"]

_LONG = 1.5
"""Length of a long object, in diameters of a disc of its area."""
_USUAL_BYTES, _GRID_BYTES = 650.0, 400.0
"""Memory per pixel of the image, and of the network's grid, which is finer where objects are tiny."""
_TILE_SHARE = 0.5
"""Of the memory, for the network itself where its grid is finer than the image."""
_SEEN_SHARE = 0.1
"""Of the memory, for what the network said while an image was surveyed."""
_SURVEY_BYTES = 100.0
"""Memory per pixel of the window that is looked at first, beside that of the network."""
_LARGEST_SCALE = 6.0
"""Bound on memory where a tiny diameter is stated."""
_FINEST, _ENOUGH = 3.0, 5
"""Images with at least 5 objects that are small are enlarged, at most 3 times."""


class NetworkSurvey(ContrastSurvey):
    """What is measured on the whole image."""

    scale: float = 1.0
    """Size of the network's grid relative to that of the image."""
    longest: float = 0.0
    """Length in pixels that few objects exceed."""
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


class InstanceNetwork(PackagedNetwork, LocalMethod):
    """Find objects in 2D images with a network from a package of Veriscope's own.

    Parameters
    ----------
    parameters
        `NetworkParameters`, or None for the defaults. The network opens with the first image.

    Attributes
    ----------
    package
        Weights, and how they are used; of the class.
    """

    Parameters: ClassVar[type[Settings]] = NetworkParameters
    SurveyType: ClassVar[type[Survey]] = NetworkSurvey
    bytes_per_pixel: ClassVar[float] = _USUAL_BYTES
    threaded: ClassVar[float] = 0.9

    def __init__(self, parameters: Settings | None = None) -> None:
        super().__init__(parameters)
        given: NetworkParameters = self.parameters
        self.settings = self.package.settings
        self.options = given.filled(self.settings)
        self._separate = separator_for(self.settings)
        self._most_bytes: int | None = None
        self._seen: SeenImage | None = None
        self._network = OnnxNetwork(
            self.package.weights(given.precision),
            stride=self.settings.stride,
            halo=self.settings.halo,
            examples=functools.partial(self.package.examples, given.precision),
            engine=given.engine,
            precision=given.precision,
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_seen": None}

    def describe(self) -> dict[str, Any]:
        """Give identity, parameters and the weights used as plain values, for the record.

        Returns
        -------
        dict
            As for every method, with the numbers that the package chose, and ``weights_sha256``: other
            weights are another method. All engines give the same objects in float32, so the engine is
            named only in other precisions.
        """
        options = self.options
        found = super().describe() | {
            "parameters": options.model_dump(mode="json", exclude={"engine"}),
            "weights_sha256": self.package.sha256(options.precision),
        }
        if options.precision != "float32":
            found["engine"] = self._network.opened().label
        return found

    def limit_memory(self, n_bytes: int) -> None:
        """Run the network on tiles that fit the memory, also where objects are measured beforehand."""
        self._most_bytes = n_bytes
        self._network.keep_tiles_below(n_bytes / self.bytes_per_pixel)

    def whole_bytes(self, shape: tuple[int, ...]) -> float | None:
        """Say how much memory it takes at most: tiny objects are enlarged, if no diameter is given."""
        scale = _FINEST if self.settings.scale_search else 1.0
        if self.options.diameter is not None:
            scale = min(self.settings.best_diameter / self.options.diameter, _LARGEST_SCALE)
        return math.prod(shape) * _pixel_bytes(scale)

    def part_bytes(self, survey: NetworkSurvey) -> float:
        """Say how much memory a part takes per pixel at the scale at which the image is seen."""
        return _pixel_bytes(survey.scale)

    def survey_bytes(self, shape: tuple[int, ...]) -> float:
        """Objects of one window are taken apart as a whole, unless their diameter is given."""
        if self.options.diameter is not None:
            return 0.0
        window = next(sample_windows(shape))
        return float(_SURVEY_BYTES * math.prod(side.stop - side.start for side in window))

    def make_ready(self) -> None:
        """Open the network with an engine that gives what it should on this machine."""
        self._network.opened()

    def limit_threads(self, threads: int) -> None:
        """Let the network use no more threads than that."""
        self._network.threads = threads

    def survey(self, source: PixelSource) -> NetworkSurvey:
        """Measure brightness and, unless the diameter is given, the scale that suits the objects.

        What the network says on the way of an image that it sees as a whole is kept until the next survey.
        """
        self._seen = None
        kept: list[Dense] = []
        survey, found = self._survey(source, kept)
        if found is not None and kept:
            most = None if self._most_bytes is None else _SEEN_SHARE * self._most_bytes
            self._seen = SeenImage.of(kept[0], survey, most_bytes=most)
        return survey

    def remembers(self) -> bool:
        """Whether the network saw the whole image in the survey, and what it said was kept."""
        return self._seen is not None

    def footprint(self, survey: NetworkSurvey) -> Footprint:
        """Reach of the network, of the interpolation to its grid and back, and of taking objects apart."""
        if not survey.contrast > 0:
            return Footprint(0, 0)
        scale = survey.scale
        seen = (self.settings.halo + self.settings.stride + 2) / scale
        reach = math.ceil(seen + self._separate.reach(scale)) + gaussian_reach(_blur(scale)) + 3
        return Footprint(reach, math.ceil(survey.longest))

    def _predict(self, image: Image) -> Prediction:
        survey, found = self._survey(ArraySource(image))
        return self._result(survey, found or self._find(Part.whole(image), survey))

    def _predict_part(self, part: Part, survey: NetworkSurvey) -> Prediction:
        self._network.keep_to(survey.engine)
        return self._result(survey, self._find(part, survey))

    def _result(self, survey: NetworkSurvey, found: Found) -> Prediction:
        labels, probabilities, foreground = found
        return Prediction(
            labels=labels,
            axes="yx",
            probabilities=probabilities,
            probability_map=np.clip(foreground, 0, 1),
            details=self.details(survey),
        )

    def details(self, survey: NetworkSurvey) -> dict[str, Any]:
        """Give the scale at which the image was seen, and what ran the network."""
        return {"scale": round(survey.scale, 4)} | survey.ran()

    def _survey(
        self, source: PixelSource, kept: list[Dense] | None = None
    ) -> tuple[NetworkSurvey, Found | None]:
        """Give the survey, and what was found on the way if that is the answer already.

        Of what the network says the first goes to `kept`.
        """
        brightness = ContrastSurvey.join([ContrastSurvey.measure(one) for one in source.singles()])
        plain = NetworkSurvey(**brightness.model_dump())
        if not plain.contrast > 0:
            return plain, None
        used = self._network.opened()
        ran = {
            "engine": used.label,
            "engine_difference": used.check.largest,
            "engine_fallback": used.fallback,
        }
        plain = plain.model_copy(update=ran)
        best, given = self.settings.best_diameter, self.options.diameter
        if given is not None:
            return _scaled(plain, min(best / given, _LARGEST_SCALE), given), None
        find = functools.partial(self._find, survey=plain, kept=kept)
        areas, found = look(source, find)
        if self.settings.scale_search:
            limits = SizeLimits(*self.settings.diameters)
            diameter = median_diameter(areas)
            if diameter < limits.small and len(areas) >= _ENOUGH:
                return _scaled(plain, min(limits.fine / diameter, _FINEST), diameter), None
            large = None
            fits = min(source.shape) * COARSE >= self.settings.stride
            if self.settings.search_large and fits:
                large = large_diameter(source, find, limits)
            if large is not None:
                return _scaled(plain, best / large, large), None
        large_ones = float(np.percentile(areas, 95)) if len(areas) else 0.0
        return _scaled(plain, 1.0, 2 * (large_ones / np.pi) ** 0.5), found

    def _find(
        self, part: Part, survey: NetworkSurvey, *, coarse: bool = False, kept: list[Dense] | None = None
    ) -> Found:
        """Give labels, the probability of each object, and that of each pixel."""
        dense = self.dense(part, survey, coarse=coarse)
        if kept is not None and not kept and dense is not None:
            kept.append(dense)
        if dense is not None:
            return self._objects(dense, survey)
        shape = part.image.spatial_shape
        return np.zeros(shape, np.int32), np.zeros(0, np.float32), np.zeros(shape, np.float32)

    def dense(self, part: Part, survey: NetworkSurvey, *, coarse: bool = False) -> Dense | None:
        """Run the network.

        Parameters
        ----------
        part
            Of an image.
        survey
            Of the whole image.
        coarse
            See it from afar instead, on a quarter of the pixels along each axis.

        Returns
        -------
        Dense or None
            What the network says; None: the part is constant or too small for its grid.
        """
        if self._most_bytes is not None and survey.scale > 1:
            self._network.keep_tiles_below(_TILE_SHARE * self._most_bytes / self.bytes_per_pixel)
        pixels = survey.normalise(part.image.pixels).reshape(-1, *part.image.spatial_shape)
        if not pixels.any():
            return None
        if coarse:
            pixels = _shrink(pixels, COARSE)
            part = Part.whole(Image(pixels, "cyx", name=part.image.name))
        onto = tuple(max(round(size * survey.scale), 1) for size in part.shape)
        grid = source_range(part.region, part.shape, onto=onto, step=self.settings.stride)
        if any(side.stop <= side.start for side in grid):
            return None
        known = None if self._seen is None or coarse else self._seen.values_on(part, grid, survey)
        if known is not None:
            return Dense(known, grid, onto, part, survey.scale)
        smooth = _smoothed(pixels, _blur(survey.scale))
        seen = [resample(one, part.region, part.shape, onto=onto, part=grid) for one in smooth]
        return Dense(self._network.run(np.stack(seen)), grid, onto, part, survey.scale)

    def _objects(self, dense: Dense, survey: NetworkSurvey) -> Found:
        """Take objects apart, and drop what is too small or too improbable."""
        options, part = self.options, dense.part
        assert options.threshold is not None
        assert options.object_threshold is not None
        assert options.smallest_area is not None
        labels, foreground = self._separate(dense, threshold=options.threshold)
        reach = self.footprint(survey).reach
        smallest = max(round(options.smallest_area / dense.scale**2), 1)
        labels = keep_objects(labels, smallest_area=smallest, spare=part.near_cut(labels, reach))
        mean = mean_inside(foreground, labels)
        labels, probabilities = keep_probable(
            labels,
            _calibrated(mean, self.settings.calibration),
            threshold=options.object_threshold,
            spare=part.near_cut(labels, reach),
        )
        return labels, probabilities, foreground


def _calibrated(mean: NDArray[np.float32], calibration: tuple[float, float]) -> NDArray[np.float32]:
    """Turn the mean probability of an object's pixels into that of the object."""
    slope, intercept = calibration
    safe = np.clip(mean.astype(np.float64), 1e-4, 1 - 1e-4)
    return np.asarray(1 / (1 + np.exp(-intercept) * ((1 - safe) / safe) ** slope), np.float32)


def _pixel_bytes(scale: float) -> float:
    return max(_USUAL_BYTES, _GRID_BYTES * scale**2)


def _blur(scale: float) -> float:
    """Smoothing in pixels before an image shrinks, against aliasing."""
    return 0.4 / scale if scale < 0.8 else 0.0


def _smoothed(pixels: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    return np.asarray(ndimage.gaussian_filter(pixels, (0, sigma, sigma))) if sigma else pixels


def _shrink(pixels: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    shape = tuple(max(round(length * scale), 1) for length in pixels.shape[1:])
    return np.stack([resize(one, shape) for one in _smoothed(pixels, _blur(scale))])


def _scaled(survey: NetworkSurvey, scale: float, diameter: float) -> NetworkSurvey:
    return survey.model_copy(update={"scale": scale, "longest": _LONG * diameter})
