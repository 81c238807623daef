"""The network for nuclei in fluorescence images that comes with Veriscope."""

from __future__ import annotations

import functools
import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.methods.base import Card, Method
from veriscope.methods.networks.flow import follow_flow
from veriscope.methods.networks.normalise import normalise_percentiles
from veriscope.methods.networks.objects import keep_objects, keep_probable, mean_inside
from veriscope.methods.networks.onnx import OnnxNetwork

__all__ = ["NucleiFluorescence", "NucleiFluorescenceParameters"]

_STRIDE = 16
_HALO = 112
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


class NucleiFluorescence(Method):
    """Find nuclei in 2D fluorescence images with a small network, touching ones apart.

    Parameters
    ----------
    parameters
        `NucleiFluorescenceParameters`, or None for the defaults. The network opens with the first image.
    """

    name: ClassVar[str] = "nuclei-fluorescence"
    version: ClassVar[str] = "0.1.0"
    Parameters: ClassVar[type[Settings]] = NucleiFluorescenceParameters
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
        self._network = OnnxNetwork(_weights(), stride=_STRIDE, halo=_HALO)

    def describe(self) -> dict[str, Any]:
        """Give identity, parameters and the weights used as plain values, for the record.

        Returns
        -------
        dict
            As for every method, and ``weights_sha256``: other weights are another method.
        """
        return super().describe() | {"weights_sha256": _weights_sha256()}

    def _predict(self, image: Image) -> Prediction:
        options: NucleiFluorescenceParameters = self.parameters
        pixels = normalise_percentiles(image.pixels)
        if options.diameter is not None:
            scale, found = min(_BEST_DIAMETER / options.diameter, _LARGEST_SCALE), None
        else:
            scale, found = self._choose_scale(pixels)
        labels, probabilities, foreground = found or self._find(pixels, scale)
        return Prediction(
            labels=labels,
            axes="yx",
            probabilities=probabilities,
            probability_map=np.clip(foreground, 0, 1),
            details={"scale": round(scale, 4)},
        )

    def _choose_scale(self, pixels: NDArray[np.float32]) -> tuple[float, _Found | None]:
        """Give the scale that suits the nuclei, and what was found there if that is known already."""
        found = self._find(pixels, 1.0)
        diameter = _median_diameter(found[0])
        if diameter < _SMALL_DIAMETER and found[0].max() >= _ENOUGH:
            return min(_FINE_DIAMETER / diameter, _FINEST), None
        if min(pixels.shape) * _COARSE >= _STRIDE:
            coarse, _, _ = self._find(_rescale(pixels, _COARSE), 1.0)
            diameter = _median_diameter(coarse) / _COARSE
            # Averaging makes background structure stand out; the full image has to see something there too.
            if diameter > _LARGE_DIAMETER and _resize(found[2], coarse.shape)[coarse > 0].mean() > _CONFIRMED:
                return _BEST_DIAMETER / diameter, None
        return 1.0, found

    def _find(self, pixels: NDArray[np.float32], scale: float) -> _Found:
        """Give labels, the probability of each object, and that of each pixel."""
        options: NucleiFluorescenceParameters = self.parameters
        if not pixels.any():
            none = np.zeros(pixels.shape, np.float32)
            return none.astype(np.int32), np.zeros(0, np.float32), none
        dense = self._network.run(_rescale(pixels, scale))
        # Small objects are taken apart on the finer grid of the network, large ones on that of the image.
        step = max(2.0, 2.0 / scale)
        if scale > 1:
            labels = _sample(self._separate(dense, step), pixels.shape)
        dense = np.stack([_resize(channel, pixels.shape) for channel in dense])
        if scale <= 1:
            labels = self._separate(dense, step)
        labels = keep_objects(labels, smallest_area=max(round(options.smallest_area / scale**2), 1))
        probabilities = _calibrated(mean_inside(dense[0], labels))
        return *keep_probable(labels, probabilities, threshold=options.object_threshold), dense[0]

    def _separate(self, dense: NDArray[np.float32], step: float) -> NDArray[np.int32]:
        flow = dense[1:3] / np.maximum(np.hypot(dense[1], dense[2]), 1e-3)
        return follow_flow(dense[0] > self.parameters.threshold, flow, step=step, merge=1.25 * step)


def _weights() -> Traversable:
    return files("veriscope.methods.networks") / "nuclei_fluorescence_package" / "weights.onnx"


@functools.cache
def _weights_sha256() -> str:
    return hashlib.sha256(_weights().read_bytes()).hexdigest()


def _calibrated(mean: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn the mean probability of an object's pixels into that of the object."""
    slope, intercept = _CALIBRATION
    safe = np.clip(mean.astype(np.float64), 1e-4, 1 - 1e-4)
    return np.asarray(1 / (1 + np.exp(-intercept) * ((1 - safe) / safe) ** slope), np.float32)


def _median_diameter(labels: NDArray[np.int32]) -> float:
    """Give the median equivalent diameter in pixels; 0 without objects."""
    areas = np.bincount(labels.ravel())[1:]
    return float(2 * (np.median(areas) / np.pi) ** 0.5) if len(areas) else 0.0


def _rescale(pixels: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """Give the image at another scale; smoothed before it shrinks, against aliasing."""
    smooth = ndimage.gaussian_filter(pixels, 0.4 / scale) if scale < 0.8 else pixels
    return _resize(smooth, tuple(max(round(length * scale), 1) for length in pixels.shape))


def _resize(pixels: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Interpolate linearly on a grid whose pixels cover the same field."""
    if pixels.shape == shape:
        return pixels
    factors = [old / new for old, new in zip(pixels.shape, shape, strict=True)]
    offset = [0.5 * factor - 0.5 for factor in factors]
    out: NDArray[np.float32] = ndimage.affine_transform(
        pixels, factors, offset=offset, output_shape=shape, order=1, mode="nearest"
    )
    return out


def _sample(labels: NDArray[np.int32], shape: tuple[int, ...]) -> NDArray[np.int32]:
    """Give the label under the centre of each pixel of a coarser grid."""
    y, x = (
        ((np.arange(new) + 0.5) * old / new).astype(int) for old, new in zip(labels.shape, shape, strict=True)
    )
    return labels[np.ix_(y, x)]
