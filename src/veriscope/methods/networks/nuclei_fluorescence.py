"""The network for nuclei in fluorescence images that comes with Veriscope."""

from __future__ import annotations

from importlib.resources import files
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
_LARGE_DIAMETER = 90.0
"""Images whose median diameter is above are rescaled; on training images the estimate stays below 60."""
_COARSE = 0.25
"""Scale of the quick first look that estimates the diameter; it costs 6 % of the full pass."""
_CALIBRATION = (2.235, -3.320)
"""Slope and intercept of the object's log odds, fitted on the validation split by `choose.py`."""


class NucleiFluorescenceParameters(Settings):
    """Options of `NucleiFluorescence`; the defaults need no knowledge of the images."""

    diameter: float | None = Field(default=None, gt=1, le=4000)
    """Typical diameter of the nuclei in pixels; images are rescaled by it. None: images are taken as they
    are, unless a quick look finds nuclei above 90 pixels, which are then scaled down."""
    threshold: float = Field(default=0.5, gt=0, lt=1)
    """Probability above which a pixel belongs to a nucleus."""
    object_threshold: float = Field(default=0.5, ge=0, lt=1)
    """Objects with a smaller probability to be a nucleus are dropped."""
    smallest_area: int = Field(default=20, ge=1)
    """Smaller objects are dropped; in pixels of the image as the network sees it."""


class NucleiFluorescence(Method):
    """Find nuclei in 2D fluorescence images with a small network, touching ones apart."""

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
        limits=(
            "Made for bright nuclei on a dark background; not for brightfield, histology or whole cells.",
            "Stacks have to be projected or cut into slices first.",
        ),
    )

    def __init__(self, parameters: Settings | None = None) -> None:
        super().__init__(parameters)
        package = files("veriscope.methods.networks") / "nuclei_fluorescence_package"
        self._network = OnnxNetwork(package / "weights.onnx", stride=_STRIDE, halo=_HALO)

    def _predict(self, image: Image) -> Prediction:
        pixels = normalise_percentiles(image.pixels)
        scale, details = self._choose_scale(pixels)
        labels, probabilities, foreground = self._find(pixels, scale)
        return Prediction(
            labels=labels,
            axes="yx",
            probabilities=probabilities,
            probability_map=np.clip(foreground, 0, 1),
            details={"scale": round(scale, 4), **details},
        )

    def _choose_scale(self, pixels: NDArray[np.float32]) -> tuple[float, dict[str, Any]]:
        """Give the scale at which to run the network, and what it was based on."""
        options: NucleiFluorescenceParameters = self.parameters
        if options.diameter is not None:
            return _BEST_DIAMETER / options.diameter, {"diameter_px_stated": options.diameter}
        if min(pixels.shape) * _COARSE < _STRIDE:
            return 1.0, {}
        labels, _, _ = self._find(_rescale(pixels, _COARSE), 1.0)
        if not labels.any():
            return 1.0, {}
        area = float(np.median(np.bincount(labels.ravel())[1:]))
        diameter = 2 * (area / np.pi) ** 0.5 / _COARSE
        if diameter < _LARGE_DIAMETER:
            return 1.0, {}
        return _BEST_DIAMETER / diameter, {"diameter_px_estimated": round(diameter, 1)}

    def _find(
        self, pixels: NDArray[np.float32], scale: float
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
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


def _calibrated(mean: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn the mean probability of an object's pixels into that of the object."""
    slope, intercept = _CALIBRATION
    safe = np.clip(mean.astype(np.float64), 1e-4, 1 - 1e-4)
    return np.asarray(1 / (1 + np.exp(-intercept) * ((1 - safe) / safe) ** slope), np.float32)


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
