"""Model packages that can be run on parts of an image of any size, with the result of the whole."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.source import ArraySource, PixelSource, Region, grow, within
from veriscope.errors import MethodError
from veriscope.methods.local_method import Footprint, LocalMethod, Part, Survey
from veriscope.methods.networks.objects import keep_objects
from veriscope.methods.rules.scale import estimate_diameter
from veriscope.methods.rules.splitting import split_reach, split_touching
from veriscope.methods.sampling import sample_windows
from veriscope.methods.zoo.description import ModelDescription
from veriscope.methods.zoo.frozen import can_freeze, freeze, is_local
from veriscope.methods.zoo.image_tensor import channel_map
from veriscope.methods.zoo.processing import Step
from veriscope.methods.zoo.tiling import AxisCut, Tile
from veriscope.methods.zoo.zoo_model import ZooModel

__all__ = ["LocalZooModel", "PackageSurvey", "fits_parts"]

_ENOUGH_OBJECTS, _MOST_WINDOWS = 8, 16


class PackageSurvey(Survey):
    """What is measured on the whole image."""

    steps: tuple[Step, ...]
    """Preprocessing, with its numbers put in."""
    diameter: float | None
    """Typical object diameter in pixels; None: nothing was found, so nothing is split."""
    estimated: bool
    """Whether the diameter was estimated."""


def fits_parts(description: ModelDescription) -> bool:
    """Tell whether a model gives for a part of an image what it gives for the whole.

    Parameters
    ----------
    description
        Of the package.

    Returns
    -------
    bool
        Whether it takes one channel in pixels of no stated size, every step but the normalisation of the
        whole looks at single pixels, and the outputs have the pixels of the input.
    """
    tensor = next(item for item in description.inputs if not item.optional)
    channel = tensor.axis("channel")
    names = [axis.name for axis in tensor.spatial]
    return (
        (channel is None or (channel.size or channel.smallest) == 1)
        and all(axis.spacing is None for axis in tensor.spatial)
        and np.dtype(tensor.dtype).kind == "f"
        and can_freeze(tensor.steps, names)
        and all(is_local(step) for out in description.outputs for step in out.steps)
        and all(axis.ratio == 1 and axis.offset <= 0 for out in description.outputs for axis in out.spatial)
    )


class LocalZooModel(ZooModel, LocalMethod):
    """A package that can be run part by part; its tiles lie where they lie in the whole image."""

    SurveyType: ClassVar[type[Survey]] = PackageSurvey
    bytes_per_pixel: ClassVar[float] = 600.0

    def survey(self, source: PixelSource) -> PackageSurvey:
        """Measure brightness and, unless it is given or not needed, the size of the objects."""
        return self._survey(source)[0]

    def footprint(self, survey: PackageSurvey) -> Footprint:
        """Length of a tile, in which all that matters to a pixel lies, and reach of the split."""
        diameter = survey.diameter or 1.0
        splitting = split_reach(diameter) if self.parameters.split and survey.diameter else 0
        return Footprint(self._tile_reach() + splitting + 2, math.ceil(1.5 * diameter))

    def limit_threads(self, threads: int) -> None:
        """Use no more threads than that."""
        self.engine.threads = threads

    def outputs(self, image: Image) -> dict[str, NDArray[Any]]:
        """Run the model on a checked image, by the same steps as on its parts."""
        return self._dense(image, freeze(self.tensor.steps, ArraySource(image)), self._cuts(image.shape))

    def _predict(self, image: Image) -> Prediction:
        if self.maps.boundary is not None:
            return super()._predict(image)
        survey, found = self._survey(ArraySource(image))
        whole = Part(image, tuple(slice(0, size) for size in image.shape), image.shape)
        return self._objects(whole, survey, self._foreground(whole, survey.steps) if found is None else found)

    def _predict_part(self, part: Part, survey: PackageSurvey) -> Prediction:
        return self._objects(part, survey, self._foreground(part, survey.steps))

    def _survey(self, source: PixelSource) -> tuple[PackageSurvey, NDArray[np.float32] | None]:
        """Give the survey, and the foreground of the whole image if it was needed on the way."""
        if self.maps.boundary is not None:
            raise MethodError(
                f"{self.name}: objects grown from a boundary channel need the whole image at once; predict "
                "without --tile and --memory"
            )
        options = self.parameters
        steps = freeze(self.tensor.steps, source)
        if not options.split or options.diameter is not None:
            return PackageSurvey(steps=steps, diameter=options.diameter, estimated=False), None
        reach, seen = self._tile_reach(), None
        found: list[float] = []
        for tried, window in enumerate(sample_windows(source.shape)):
            region = grow(window, reach, source.shape)
            part = Part(Image(source.read(region), source.axes, name=source.name), region, source.shape)
            foreground = self._foreground(part, steps)
            seen = foreground if tried == 0 and foreground.shape == source.shape else None
            diameter = estimate_diameter(foreground[within(window, region)] > options.threshold)
            found += [] if diameter is None else [diameter]
            if tried + 1 >= _MOST_WINDOWS or len(found) >= _ENOUGH_OBJECTS:
                break
        typical = float(np.median(found)) if found else None
        return PackageSurvey(steps=steps, diameter=typical, estimated=True), seen

    def _tile_reach(self) -> int:
        """Longest tile of a large image; what a pixel gets depends on nothing farther away."""
        large = tuple(1 << 15 for _ in self.tensor.spatial)
        return max(self._limit(), *(cut.length for cut in self._cuts(large)))

    def _foreground(self, part: Part, steps: tuple[Step, ...]) -> NDArray[np.float32]:
        """Foreground in a part; minus infinity where tiles are cut off."""
        pixels = part.image.pixels
        if part.image.shape == part.shape and pixels.min() == pixels.max():
            return np.full(part.shape, -np.inf, np.float32)
        cuts = tuple(
            _within(cut, side, size)
            for cut, side, size in zip(self._cuts(part.shape), part.region, part.shape, strict=True)
        )
        below = np.full(part.image.shape, -np.inf, np.float32)
        if any(not cut.tiles for cut in cuts):
            return below
        tensor = next(out for out in self.installed.description.outputs if out.id == self.maps.output)
        values = self._dense(part.image, steps, cuts)[tensor.id]
        known: Region = tuple(slice(cut.tiles[0].core[0], cut.tiles[-1].core[1]) for cut in cuts)
        known = tuple(
            slice(side.start, min(side.stop, size))
            for side, size in zip(known, part.image.shape, strict=True)
        )
        below[known] = channel_map(values, tensor, self.maps.foreground)[known]
        self._require_finite(below[known], part.image.name)
        return below

    def details(self, survey: PackageSurvey) -> dict[str, Any]:
        """Give the diameter by which touching objects were split, where it was estimated."""
        details: dict[str, Any] = {"rescaled": False}
        if survey.estimated and survey.diameter is not None:
            details |= {"diameter_px": round(survey.diameter, 2), "diameter_estimated": True}
        return details

    def _objects(self, part: Part, survey: PackageSurvey, foreground: NDArray[np.float32]) -> Prediction:
        mask = foreground > self.parameters.threshold
        if survey.diameter is None or not self.parameters.split:
            from scipy import ndimage

            labels = np.asarray(ndimage.label(mask)[0], np.int32)
        else:
            labels = split_touching(mask, diameter=survey.diameter)
        spare = part.near_cut(labels, self.footprint(survey).reach)
        labels = keep_objects(labels, smallest_area=self.parameters.smallest_area, spare=spare)
        known = np.where(np.isfinite(foreground), foreground, 0).astype(np.float32)
        probable = float(known.min()) >= 0 and float(known.max()) <= 1
        return Prediction(
            labels,
            part.image.axes,
            probability_map=known if probable else None,
            details=self.details(survey),
        )


def _within(cut: AxisCut, side: slice, size: int) -> AxisCut:
    """Keep the tiles whose pixels lie in a part of the axis, and count from the start of the part."""
    start = side.start
    tiles = tuple(
        Tile(tile.start - start, (tile.core[0] - start, tile.core[1] - start))
        for tile in cut.tiles
        if max(tile.start, 0) >= start and min(tile.start + cut.length, size) <= side.stop
    )
    return replace(cut, tiles=tiles, padded=max((tile.core[1] for tile in tiles), default=0))
