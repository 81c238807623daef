"""A trained network that finds boxes, as a method: brightness, scale, network, boxes."""

from __future__ import annotations

import functools
import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from veriscope.core.boxes import Boxes
from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.methods.networks.centres import Found, boxes_at_peaks, ellipse_labels, keep_apart
from veriscope.methods.networks.engines import EngineName
from veriscope.methods.networks.normalise import normalise_channels
from veriscope.methods.networks.onnx import OnnxNetwork
from veriscope.methods.networks.packaged import PackagedNetwork
from veriscope.methods.networks.resample import resample

__all__ = ["BoxNetwork", "BoxParameters"]

_FITS = (0.67, 1.5)
"""Sizes relative to the best at which objects are taken as they are; others are looked at again, rescaled."""
_LOOKS = (1.0, 0.5, 2.0)
"""Sizes relative to those trained with at which objects are looked for, until enough are found."""
_ENOUGH = 5
"""Objects from which a size is believed."""
_GRID_BYTES = 360.0
"""Memory per pixel of the network's grid, measured with the network for blood."""
_USUAL_SCALE = 1.4
"""Scale up to which images are seen whose objects have about the size of those trained with."""
_LARGEST_SCALE = 6.0
"""Bound on memory where a tiny diameter is stated."""


class BoxParameters(Settings):
    """Options of a network that finds boxes; the defaults need no knowledge of the images."""

    diameter: float | None = Field(default=None, gt=1, le=4000)
    """Typical diameter, in pixels, of the first kind of objects that the card lists; images are rescaled by
    it. None: it is looked for, from the size at which the network was trained."""
    threshold: float | None = Field(default=None, gt=0, lt=1)
    """Score above which a box is kept; None: as chosen on the validation images."""
    engine: EngineName = "auto"
    """What runs the network; changes no result beyond rounding."""


class BoxNetwork(PackagedNetwork):
    """Find objects with their boxes and classes in 2D images. The labels are the ellipses in the boxes.

    The whole image is held in memory.

    Parameters
    ----------
    parameters
        `BoxParameters`, or None for the defaults. The network opens with the first image.

    Attributes
    ----------
    package
        Weights, and how they are used; of the class.
    """

    finds_boxes: ClassVar[bool] = True
    Parameters: ClassVar[type[Settings]] = BoxParameters

    def __init__(self, parameters: Settings | None = None) -> None:
        super().__init__(parameters)
        self.settings = self.package.settings
        given: BoxParameters = self.parameters
        self.threshold = self.settings.threshold if given.threshold is None else given.threshold
        self._network = OnnxNetwork(
            self.package.weights("float32"),
            stride=self.settings.stride,
            halo=self.settings.halo,
            examples=functools.partial(self.package.examples, "float32"),
            engine=given.engine,
        )

    def describe(self) -> dict[str, Any]:
        """Give identity, parameters and the weights used as plain values, for the record.

        Returns
        -------
        dict
            As for every method, with the threshold used, and ``weights_sha256``.
        """
        found = super().describe()
        found["parameters"] = {"diameter": self.parameters.diameter, "threshold": self.threshold}
        return found | {"weights_sha256": self.package.sha256("float32")}

    def make_ready(self) -> None:
        """Open the network with an engine that gives what it should on this machine."""
        self._network.opened()

    def limit_threads(self, threads: int) -> None:
        """Let the network use no more threads than that."""
        self._network.threads = threads

    def limit_memory(self, n_bytes: int) -> None:
        """Run the network on tiles that fit the memory."""
        self._network.keep_tiles_below(n_bytes / _GRID_BYTES)

    def whole_bytes(self, shape: tuple[int, ...]) -> float | None:
        """Estimate how much memory it takes; an image of tiny objects is enlarged and takes more."""
        given: float | None = self.parameters.diameter
        scale = _USUAL_SCALE if given is None else min(self.settings.best_diameter / given, _LARGEST_SCALE)
        return math.prod(shape) * _GRID_BYTES * max(scale, 1.0) ** 2

    def _predict(self, image: Image) -> Prediction:
        where = image.axes.find("c")
        pixels = image.pixels[None] if where < 0 else np.moveaxis(image.pixels, where, 0)
        values = normalise_channels(pixels)
        shape = values.shape[1:]
        if not values.any():
            return self._result(
                (np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, int)), shape, {}
            )
        diameter = self.parameters.diameter
        if diameter is not None:
            scale = min(self.settings.best_diameter / diameter, _LARGEST_SCALE)
            found = self._find(values, scale)
        else:
            scale, found = self._search(values)
        used = self._network.opened()
        details = {"scale": round(scale, 4), "engine": used.label, "engine_difference": used.check.largest}
        return self._result(found, shape, details)

    def _search(self, values: NDArray[np.float32]) -> tuple[float, Found]:
        """Look at the size trained with, and where too few are found, at others; then at the size found."""
        best, first = self.settings.best_diameter, None
        for factor in _LOOKS:
            scale = self.settings.zoom * factor
            found = self._find(values, scale)
            first = first or (scale, found)
            seen = self._size(found)
            if seen is None:
                continue
            if not _FITS[0] <= seen * scale / best <= _FITS[1]:
                scale = min(best / seen, _LARGEST_SCALE)
                found = self._find(values, scale)
            return scale, found
        assert first is not None
        return first

    def _find(self, values: NDArray[np.float32], scale: float) -> Found:
        """Give boxes in pixels of the image."""
        shape = values.shape[1:]
        onto = tuple(max(round(side * scale), 1) for side in shape)
        blur = 0.4 / scale if scale < 0.8 else 0.0
        here, there = (tuple(slice(0, side) for side in sides) for sides in (shape, onto))
        smooth = ndimage.gaussian_filter(values, (0, blur, blur)) if blur else values
        small = np.stack([resample(one, here, shape, onto=onto, part=there) for one in smooth])
        step, n_classes = self.settings.step, len(self.settings.classes)
        # Packages repeat each cell of the coarse grid, so that outputs have the size of the input.
        dense = self._network.run(small)[:, ::step, ::step]
        edges, scores, classes = boxes_at_peaks(dense, n_classes, step=step, threshold=self.threshold)
        kept = keep_apart((edges, scores, classes), overlap=self.settings.overlap)
        edges = edges[kept] * np.tile(np.divide(shape, onto), 2)
        limits = np.tile(np.asarray(shape, np.float64), 2)
        return np.clip(edges, 0, limits).astype(np.float32), scores[kept], classes[kept]

    def _size(self, found: Found) -> float | None:
        """Give the median diameter of the first kind of objects, in pixels; None: too few to tell."""
        edges = found[0][found[2] == 0]
        if len(edges) < _ENOUGH:
            return None
        return float(np.median(np.sqrt(np.prod(edges[:, 2:] - edges[:, :2], axis=1))))

    def _result(self, found: Found, shape: tuple[int, ...], details: dict[str, Any]) -> Prediction:
        labels, drawn = ellipse_labels(found[0], shape)
        boxes = Boxes(found[0][drawn], found[2][drawn], self.settings.classes)
        counts = np.bincount(boxes.classes, minlength=len(boxes.names))
        by_class = {name: int(count) for name, count in zip(boxes.names, counts, strict=True)}
        return Prediction(
            labels,
            "yx",
            probabilities=found[1][drawn],
            details=details | {"n_by_class": by_class},
            boxes=boxes,
        )
