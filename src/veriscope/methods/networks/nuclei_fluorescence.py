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
from veriscope.methods.networks.objects import keep_objects, mean_inside
from veriscope.methods.networks.onnx import OnnxNetwork

__all__ = ["NucleiFluorescence", "NucleiFluorescenceParameters"]

_STRIDE = 16
_HALO = 112
_TRAINED_DIAMETER = 24.0
"""Object diameter in pixels to which an image is rescaled when the user states one."""


class NucleiFluorescenceParameters(Settings):
    """Options of `NucleiFluorescence`; the defaults need no knowledge of the images."""

    diameter: float | None = Field(default=None, gt=1, le=2000)
    """Typical diameter of the nuclei in pixels. None: taken as they are, then estimated; images whose
    nuclei turn out larger than the network is sure of are run again at a smaller scale."""
    threshold: float = Field(default=0.5, gt=0, lt=1)
    """Probability above which a pixel belongs to a nucleus."""
    smallest_area: int = Field(default=12, ge=1)
    """Smaller objects, in pixels of the image, are dropped."""


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
        diameter_px=(8.0, 58.0),
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
        options: NucleiFluorescenceParameters = self.parameters
        pixels = normalise_percentiles(image.pixels)
        scale = 1.0 if options.diameter is None else _TRAINED_DIAMETER / options.diameter
        dense = self._dense(pixels, scale)
        labels = self._separate(dense)
        return Prediction(
            labels=labels,
            axes="yx",
            probabilities=mean_inside(dense[0], labels),
            probability_map=np.clip(dense[0], 0, 1),
            details={"scale": scale},
        )

    def _dense(self, pixels: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
        """Give the network's outputs (channel, y, x) at the pixels of the image, run at another scale."""
        if not pixels.any():
            return np.zeros((5, *pixels.shape), np.float32)
        if scale == 1:
            return self._network.run(pixels)
        smooth = ndimage.gaussian_filter(pixels, 0.4 / scale) if scale < 0.8 else pixels
        shape = [max(round(length * scale), 1) for length in pixels.shape]
        dense = self._network.run(_resize(smooth, shape))
        return np.stack([_resize(channel, pixels.shape) for channel in dense])

    def _separate(self, dense: NDArray[np.float32]) -> NDArray[np.int32]:
        options: NucleiFluorescenceParameters = self.parameters
        flow = dense[3:5] / np.maximum(np.hypot(*dense[3:5]), 1e-3)
        labels = follow_flow(dense[0] > options.threshold, flow, merge=2.5)
        return keep_objects(labels, smallest_area=options.smallest_area)


def _resize(pixels: NDArray[np.float32], shape: Any) -> NDArray[np.float32]:
    """Interpolate linearly on a grid whose pixels cover the same field."""
    factors = [old / new for old, new in zip(pixels.shape, shape, strict=True)]
    offset = [0.5 * factor - 0.5 for factor in factors]
    out: NDArray[np.float32] = ndimage.affine_transform(
        pixels, factors, offset=offset, output_shape=tuple(shape), order=1, mode="nearest"
    )
    return out
