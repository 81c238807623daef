"""A random forest over a filter bank, trained from a few annotated tiles (as in ilastik)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage
from skimage.segmentation import find_boundaries

from veriscope.core.image import Image
from veriscope.core.labels import check_labels, check_same_shape, relabel_sequential
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.core.source import ArraySource, PixelSource, grow, within
from veriscope.errors import MethodError
from veriscope.methods.base import Card
from veriscope.methods.local_method import Footprint, LocalMethod, Part, Survey
from veriscope.methods.pixels.features import BrightnessSurvey, features_reach, pixel_features
from veriscope.methods.rules.peaks import follow, steepest

__all__ = ["PixelForest", "PixelForestParameters"]

_BACKGROUND, _INSIDE, _EDGE = 0, 1, 2
_RIM = 16.0
"""Pixels of the edge belong to an inside that is at most this far away."""
_USUAL_SCALES = 4
"""Standard deviations of the filters for which the memory per pixel was measured."""
_SEED_REACH = 4
"""Of the smoothing of the insides, in pixels."""


class PixelForestParameters(Settings):
    """Options of `PixelForest`."""

    scales: tuple[Annotated[float, Field(gt=0, le=1000)], ...] = Field(
        default=(1.0, 2.0, 4.0, 8.0), min_length=1, max_length=20
    )
    """Standard deviations of the filters, in pixels."""
    n_trees: int = Field(default=60, ge=1)
    """Number of trees."""
    max_depth: int = Field(default=14, ge=1)
    """Largest depth of a tree."""
    samples_per_class: int = Field(default=8000, ge=10)
    """Pixels drawn at random from each class over all tiles."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the draw and of the forest."""


class PixelForest(LocalMethod):
    """Classifies each pixel as background, inside or edge; insides become objects.

    An instance is untrained until `fit` gives back a trained one.

    Parameters
    ----------
    parameters
        `PixelForestParameters`, or None for the defaults.
    """

    name: ClassVar[str] = "pixel-forest"
    version: ClassVar[str] = "3"
    needs_training: ClassVar[bool] = True
    Parameters: ClassVar[type[Settings]] = PixelForestParameters
    SurveyType: ClassVar[type[Survey]] = BrightnessSurvey
    card: ClassVar[Card] = Card(
        summary="Filter bank and random forest trained from your annotated tiles; insides become objects.",
        objects=("nucleus", "cell", "particle"),
        modalities=(),
        training_data="the annotated training tiles of the study; nothing else",
        citation="Berg S et al. ilastik: interactive machine learning for (bio)image analysis. "
        "Nature Methods 16, 1226-1232 (2019). doi:10.1038/s41592-019-0582-9",
        limits=(
            "Knows only what the training tiles show: conditions without a training tile are extrapolation.",
            "Pixels are judged by their surroundings of some 16 pixels; larger shapes are not seen.",
            "Brightness is that of the whole image; a part predicted as an image of its own gives "
            "another result.",
        ),
    )

    def __init__(self, parameters: Settings | None = None) -> None:
        super().__init__(parameters)
        self._forest: Any = None
        self._smallest_area = 0.0
        self._largest = 0
        self._prior: NDArray[np.float64] = np.ones(3)
        self._trained_on = ""

    def describe(self) -> dict[str, Any]:
        """Give identity, parameters and what it was trained on as plain values, for the record.

        Returns
        -------
        dict
            As for every method; of a trained forest also ``trained_on``, the SHA-256 of its training data.
        """
        return super().describe() | ({"trained_on": self._trained_on} if self._trained_on else {})

    def fit(
        self,
        images: Sequence[Image],
        labels: Sequence[NDArray[Any]],
        *,
        regions: Sequence[tuple[slice, slice]] | None = None,
    ) -> Self:
        """Train on annotated images, or on annotated parts of them.

        Parameters
        ----------
        images
            One channel each, axes ``yx``; whole images, since brightness is normalised per image.
        labels
            Label image of each: of its region, or of the whole image.
        regions
            The part of each image that is annotated, slices along y and x; None: all of it.

        Returns
        -------
        PixelForest
            A new, trained method with the same parameters; same input and seed, same forest.

        Raises
        ------
        MethodError
            If there is no image, or no annotated object or no background in any of them; or if there are not
            as many labels and regions.
        AxesError, PixelValueError
            If an image has other axes or pixels that are no numbers, or labels are none.
        ShapeMismatchError
            If labels do not fit their image.
        """
        from sklearn.ensemble import RandomForestClassifier

        if len(images) != len(labels) or not images:
            raise MethodError(f"{self.name}: {len(images)} images and {len(labels)} label images to train on")
        if regions and len(regions) != len(images):
            raise MethodError(f"{self.name}: {len(images)} images and {len(regions)} regions to train on")
        classes, areas = [], []
        seen = hashlib.sha256()
        parts = list(regions or [(slice(None), slice(None))] * len(images))
        for image, given, region in zip(images, labels, parts, strict=True):
            self.check(image)
            reference = check_labels(given, where=f"{image.name}: what it is trained on")
            check_same_shape(reference, image.pixels[region], where=image.name)
            classes.append(_pixel_classes(reference).ravel())
            areas.append(np.bincount(relabel_sequential(reference).ravel())[1:])
            for part in (image.pixels, image.pixels[region], reference):
                seen.update(f"{part.shape}{part.dtype}".encode())
                seen.update(np.ascontiguousarray(part).tobytes())
        all_classes = np.concatenate(classes)
        chosen = self._draw(all_classes)
        forest = RandomForestClassifier(
            n_estimators=self.parameters.n_trees,
            max_depth=self.parameters.max_depth,
            min_samples_leaf=3,
            random_state=self.parameters.seed,
            n_jobs=1,
        )
        ends = np.cumsum([len(one) for one in classes])
        forest.fit(self._features(images, parts, ends, chosen), all_classes[chosen])
        trained = type(self)(self.parameters)
        trained._forest = forest
        # Classes were drawn alike; halfway (on a log scale) back to how rare they are in the tiles.
        drawn = np.bincount(all_classes[chosen], minlength=3)
        trained._prior = np.sqrt(np.bincount(all_classes, minlength=3) / drawn)
        trained._trained_on = seen.hexdigest()
        sizes = np.concatenate(areas)
        trained._smallest_area = 0.5 * float(np.percentile(sizes[sizes > 0], 5))
        trained._largest = math.ceil(3 * math.sqrt(float(np.percentile(sizes[sizes > 0], 95)) / math.pi))
        return trained

    def _features(
        self,
        images: Sequence[Image],
        parts: Sequence[tuple[slice, slice]],
        ends: NDArray[np.intp],
        chosen: NDArray[np.intp],
    ) -> NDArray[np.float32]:
        """Filter around one part after the other, and keep the chosen pixels of it; (pixel, feature)."""
        rows: NDArray[np.float32] | None = None
        reach = features_reach(self.parameters.scales)
        for image, part, end in zip(images, parts, ends, strict=True):
            place = tuple(
                slice(*side.indices(size)[:2]) for side, size in zip(part, image.shape, strict=True)
            )
            region = grow(place, reach, image.shape)
            normalised = BrightnessSurvey.measure(ArraySource(image)).normalise(image.pixels[region])
            stack = pixel_features(normalised, self.parameters.scales)[(slice(None), *within(place, region))]
            flat = stack.reshape(len(stack), -1)
            rows = np.empty((len(chosen), len(flat)), np.float32) if rows is None else rows
            here = (chosen >= end - flat.shape[1]) & (chosen < end)
            rows[here] = flat[:, chosen[here] - (end - flat.shape[1])].T
        assert rows is not None, "there is an image"
        return rows

    def _draw(self, classes: NDArray[np.uint8]) -> NDArray[np.intp]:
        rng = np.random.default_rng(self.parameters.seed)
        chosen = []
        for value, what in ((_BACKGROUND, "background"), (_INSIDE, "object"), (_EDGE, "object edge")):
            where = np.flatnonzero(classes == value)
            if len(where) == 0:
                raise MethodError(
                    f"{self.name}: the training tiles have no {what} pixel; annotate tiles with objects "
                    "and background"
                )
            size = min(len(where), self.parameters.samples_per_class)
            chosen.append(rng.choice(where, size=size, replace=False))
        return np.concatenate(chosen)

    def survey(self, source: PixelSource) -> BrightnessSurvey:
        """Measure the brightness of the whole image."""
        self._require_trained()
        return BrightnessSurvey.measure(source)

    def footprint(self, survey: BrightnessSurvey) -> Footprint:
        """Reach of the filters, of the smoothing of the insides, and of the edge around them."""
        if not survey.spread > 0:
            return Footprint(0, 0)
        reach = features_reach(self.parameters.scales) + _SEED_REACH + math.ceil(_RIM) + 2
        return Footprint(reach, self._largest)

    def whole_bytes(self, shape: tuple[int, ...]) -> float | None:
        """Say how much memory it takes at most, by the number of filters."""
        return math.prod(shape) * self._pixel_bytes

    def part_bytes(self, survey: BrightnessSurvey) -> float:
        """Say how much memory a part takes per pixel, by the number of filters."""
        return self._pixel_bytes

    @property
    def _pixel_bytes(self) -> float:
        return self.bytes_per_pixel * max(1.0, len(self.parameters.scales) / _USUAL_SCALES)

    def _require_trained(self) -> None:
        if self._forest is None:
            raise MethodError(
                f"{self.name} is not trained; annotate some training tiles first "
                "(veriscope audit STUDY --training 6) or give --train FOLDER with images/ and labels/"
            )

    def _predict_part(self, part: Part, survey: BrightnessSurvey) -> Prediction:
        self._require_trained()
        image = part.image
        if not survey.spread > 0:
            nothing = np.zeros(image.shape, np.float32)
            return Prediction(nothing.astype(np.int32), image.axes, probability_map=nothing)
        probabilities = self._probabilities(survey.normalise(image.pixels))
        inside = probabilities[_INSIDE]
        foreground = inside + probabilities[_EDGE]
        labels = _objects(inside, foreground)
        areas = np.bincount(labels.ravel())
        keep = (areas >= self._smallest_area) | part.near_cut(labels, self.footprint(survey).reach)
        keep[0] = False
        labels = relabel_sequential(np.where(keep[labels], labels, 0))
        n = int(labels.max())
        certainty = ndimage.mean(foreground, labels, np.arange(1, n + 1)) if n else np.zeros(0)
        return Prediction(
            labels,
            image.axes,
            probabilities=np.asarray(certainty, dtype=np.float32),
            probability_map=foreground.astype(np.float32),
        )

    def _probabilities(self, normalised: NDArray[np.float32]) -> NDArray[np.float32]:
        """Class probabilities, axes (class, y, x), in strips so that memory stays bounded."""
        stack = pixel_features(normalised, self.parameters.scales)
        flat = stack.reshape(len(stack), -1)
        out = np.empty((3, flat.shape[1]), np.float32)
        for start in range(0, flat.shape[1], 1 << 18):
            part = slice(start, start + (1 << 18))
            weighted = self._forest.predict_proba(flat[:, part].T) * self._prior
            out[:, part] = (weighted / weighted.sum(axis=1, keepdims=True)).T
        return out.reshape(3, *normalised.shape)


def _objects(inside: NDArray[np.float32], foreground: NDArray[np.float32]) -> NDArray[np.int32]:
    """Join to each connected inside the edge around it: what comes to it by going nearer to an inside."""
    seeds, _ = ndimage.label(ndimage.gaussian_filter(inside, 1.0) > 0.5)
    if not seeds.any():
        return np.zeros(seeds.shape, np.int32)
    distance = ndimage.distance_transform_edt(seeds == 0)
    mask = ((foreground > 0.5) | (seeds > 0)) & (distance <= _RIM)
    nearer = steepest(-distance.astype(np.float32), mask)
    is_seed = np.flatnonzero(seeds)
    nearer[is_seed] = is_seed
    ways, places = follow(nearer, mask)
    label = np.concatenate([[0], seeds.ravel()[places]])
    return np.asarray(label[ways], np.int32)


def _pixel_classes(labels: NDArray[Any]) -> NDArray[np.uint8]:
    classes = np.where(labels > 0, np.uint8(_INSIDE), np.uint8(_BACKGROUND))
    classes[find_boundaries(labels, mode="inner")] = _EDGE
    return classes
