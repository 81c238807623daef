"""A model package as a method: image in, objects out."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.errors import AxesError, MethodError, PixelValueError
from veriscope.methods.base import Method
from veriscope.methods.dtypes import require_dtype
from veriscope.methods.zoo.card import card_of, channel_count, channel_names
from veriscope.methods.zoo.choose import Maps, choose_engine, choose_maps
from veriscope.methods.zoo.custom_code import (
    CustomCode,
    finish_outputs,
    gives_labels,
    made_labels,
)
from veriscope.methods.zoo.description import ModelDescription, Tensor
from veriscope.methods.zoo.engines import OnnxEngine, require_room
from veriscope.methods.zoo.free_sizes import free_sizes
from veriscope.methods.zoo.image_tensor import channel_map, cropped, on_grid, to_tensor
from veriscope.methods.zoo.instances import objects_from_maps
from veriscope.methods.zoo.pixel_size import at_spacing
from veriscope.methods.zoo.processing import Step, apply_steps
from veriscope.methods.zoo.tiling import AxisCut, plan_axes, run_tiled

__all__ = [
    "InstalledModel",
    "ZooModel",
    "ZooModelParameters",
    "class_members",
    "describe_package",
    "model_class",
]

_TILE = {2: 1536, 3: 160}
_PIXEL_BYTES, _CHANNEL_BYTES = 600.0, 16.0
"""Memory per pixel with one channel, as measured with small networks, and more for each further channel."""


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A verified package on disk.

    Parameters
    ----------
    name
        Name of the method.
    description
        What the package says of itself.
    folder
        Where its files lie.
    hashes
        SHA-256 of each of its files, by relative path.
    trusted
        Hashes of Python code to which the user has consented.
    states
        What has been found out about it: ``format_valid``, ``output_reproduced``, each with details.
    """

    name: str
    description: ModelDescription
    folder: Path
    hashes: Mapping[str, str]
    trusted: frozenset[str] = frozenset()
    states: Mapping[str, Any] | None = None


class ZooModelParameters(Settings):
    """Options of a model package; those of the step from its maps to objects, unless it has its own."""

    foreground: str | int | None = None
    """Name or index of the output channel that is high in objects; None: what the package says of making
    objects (as StarDist's do), else the only one, or the one whose name says so."""
    boundary: str | int | None = None
    """Name or index of the output channel that is high where objects touch; None: the one whose name says
    so, or none."""
    output: str | None = None
    """Name of the output tensor to use; None: the first that is an image."""
    threshold: float = 0.5
    """Foreground above which a pixel belongs to an object."""
    split: bool = True
    """Split touching objects; otherwise every connected part is one object."""
    diameter: float | None = Field(default=None, gt=1)
    """Typical object diameter in pixels, for the split without boundaries; None: estimated."""
    smallest_area: int = Field(default=10, ge=1)
    """Objects with fewer pixels (voxels) are dropped."""
    tile: int | None = Field(default=None, ge=16)
    """Longest side of the tiles in pixels; None: 1536 in 2D, 160 in 3D."""
    weights: str | None = None
    """Format of the weights to run; None: ONNX, else TorchScript, else a state dict."""
    fixed_size: bool = False
    """Cut tiles of the size that the card fixes, also where every operation of the network takes any size,
    which larger tiles make faster and without seams."""
    rescale: bool = True
    """Rescale images to the pixel size of the card, where both are known."""


class ZooModel(Method):
    """A model package; `model_class` makes the class of one.

    Parameters
    ----------
    parameters
        `ZooModelParameters`, or None for the defaults. The weights are loaded with the first image.
    """

    Parameters: ClassVar[type[Settings]] = ZooModelParameters
    installed: ClassVar[InstalledModel]

    def __init__(self, parameters: Settings | None = None) -> None:
        super().__init__(parameters)
        outputs = self.installed.description.outputs
        self.gives_maps = any({"y", "x"} <= set(out.names) for out in outputs)
        first = Maps(outputs[0].id, 0, None)
        self.maps = choose_maps(self.installed.description, self.parameters) if self.gives_maps else first
        self.engine = choose_engine(self.installed, self.parameters.weights)
        self.described = self.installed.description
        if isinstance(self.engine, OnnxEngine) and not self.parameters.fixed_size:
            self.described = free_sizes(self.described, self.engine)
        self.code = CustomCode(self.installed)

    def __reduce__(self) -> Any:
        return _remake, (self.installed, self.parameters)

    def describe(self) -> dict[str, Any]:
        """Give identity, parameters and the weights used as plain values, for the record.

        Returns
        -------
        dict
            As for every method, with ``weights``, ``weights_sha256`` and ``package`` (what is known of it).
        """
        found = super().describe() | describe_package(self.installed, self.engine.weights.name)
        is_free = self.described is not self.installed.description
        return found | ({"sizes": "any, by its operations"} if is_free else {})

    def check(self, image: Image) -> None:
        """Refuse also pixels of a type that the model's own cannot hold, and models that give no image."""
        if not self.gives_maps:
            given = ", ".join(out.id for out in self.installed.description.outputs)
            raise MethodError(
                f"{self.name}: gives no image but {given}, which says something of the image as a whole; a "
                "network that Veriscope trained to tell classes runs as network:NAME or network:PATH"
            )
        tensor = self.tensor
        wanted = channel_count(tensor)
        if wanted <= 1:
            super().check(image)
        elif "c" not in image.axes or len(image.channels) != wanted:
            raise AxesError(
                f"{image.name}: {self.name} takes {wanted} channels "
                f"({', '.join(channel_names(tensor)) or 'unnamed'}) "
                f"and the image has {max(1, len(image.channels))}; give an image with these channels"
            )
        elif "t" in image.axes or len(image.axes) - 1 not in self.card.dimensions:
            raise AxesError(f"{image.name}: {self.name} takes other axes than {image.axes!r}")
        else:
            image.require_finite()
        require_dtype(image, tensor.dtype, self.name)

    @property
    def tensor(self) -> Tensor:
        """The one input that is an image."""
        return next(item for item in self.described.inputs if not item.optional)

    def whole_bytes(self, shape: tuple[int, ...]) -> float | None:
        """Estimate how much memory it takes; not known where images are rescaled to a pixel size."""
        tensor = self.tensor
        if self.parameters.rescale and any(axis.spacing is not None for axis in tensor.spatial):
            return None
        channels = max(channel_count(tensor), 1)
        return math.prod(shape) * (_PIXEL_BYTES + _CHANNEL_BYTES * (channels - 1))

    def outputs(self, image: Image) -> dict[str, NDArray[Any]]:
        """Run the model on a checked image: preprocessing, network in tiles, postprocessing.

        Parameters
        ----------
        image
            As for `predict`, at the pixel size of the model.

        Returns
        -------
        dict of numpy.ndarray
            Every output by its name, with the axes of the description.
        """
        cuts = self._cuts([image.sizes[axis.name] for axis in self.tensor.spatial])
        return self._dense(image, self.tensor.steps, cuts)

    def _cuts(self, shape: Sequence[int]) -> tuple[AxisCut, ...]:
        """Choose the tiles of an image, whose spatial axes are in the order of the tensor."""
        spatial, described = self.tensor.spatial, self.described.outputs
        cuts = plan_axes(
            shape,
            spatial,
            [[a for out in described if (a := out.before_objects.axis(axis.name))] for axis in spatial],
            limit=self._limit(),
        )
        others = [axis.size or 1 for axis in self.tensor.axes if axis not in spatial]
        require_room([*others, *(cut.length for cut in cuts)], name=self.name)
        return cuts

    def _limit(self) -> int:
        """Longest tile, in pixels."""
        return int(self.parameters.tile or _TILE[len(self.tensor.spatial)])

    def _dense(self, image: Image, steps: Sequence[Step], cuts: Sequence[AxisCut]) -> dict[str, NDArray[Any]]:
        """Preprocessing, network in tiles, postprocessing."""
        tensor, described = self.tensor, self.described.outputs
        raw = to_tensor(image, tensor)
        values = apply_steps(steps, raw, tensor.names, {tensor.id: raw})
        layout = [
            [
                (out.names.index(axis.name), found.exact_ratio, found.offset)
                if (found := out.before_objects.axis(axis.name))
                else (-1, axis.exact_ratio, 0.0)
                for axis in tensor.spatial
            ]
            for out in described
        ]
        places = [tensor.names.index(axis.name) for axis in tensor.spatial]
        parts = run_tiled(self.engine.run, values, places, cuts, layout)
        finished = finish_outputs(described, parts, {tensor.id: raw}, self.code)
        return {out.id: cropped(finished[out.id], out, tensor, values.shape) for out in described}

    def _predict(self, image: Image) -> Prediction:
        seen, details = self._rescaled(image)
        tensor = next(out for out in self.described.outputs if out.id == self.maps.output)
        values = self.outputs(seen)[tensor.id]
        shape = image.spatial_shape
        axes = "zyx"[-len(shape) :]
        making = self.installed.description.objects
        if gives_labels(tensor) or (making is not None and self.parameters.foreground is None):
            if making is not None and not gives_labels(tensor):
                values = making.apply(values, tensor.names, {})
            labels = made_labels(values, tensor, image, self.maps.foreground)
            return Prediction(labels, axes, details=details)
        flat = image.pixels.min() == image.pixels.max()
        foreground = on_grid(channel_map(values, tensor, self.maps.foreground), shape)
        boundary = None
        if self.maps.boundary is not None:
            boundary = on_grid(channel_map(values, tensor, self.maps.boundary), shape)
        if flat:
            foreground = np.zeros(shape, np.float32)
        self._require_finite(foreground, image.name)
        options = self.parameters
        labels, found = objects_from_maps(
            foreground,
            boundary,
            threshold=options.threshold,
            diameter=options.diameter,
            smallest_area=options.smallest_area,
            split=options.split,
        )
        probable = float(foreground.min()) >= 0 and float(foreground.max()) <= 1
        return Prediction(
            labels=labels,
            axes=axes,
            probability_map=foreground if probable else None,
            details=details | found,
        )

    def _require_finite(self, values: NDArray[np.float32], name: str) -> None:
        if not np.isfinite(values).all():
            raise PixelValueError(f"{name}: {self.name} gives NaN or infinite values for it")

    def _rescaled(self, image: Image) -> tuple[Image, dict[str, Any]]:
        """Bring an image to the pixel size of the card, where both are known and that is wanted."""
        if not self.parameters.rescale:
            return image, {"rescaled": False}
        return at_spacing(image, self.tensor, self.name)


def describe_package(installed: InstalledModel, weights: str) -> dict[str, Any]:
    """Say which package and which of its weights are used.

    Parameters
    ----------
    installed
        The package.
    weights
        File of the weights.

    Returns
    -------
    dict
        ``weights``, ``weights_sha256`` and ``package`` (what is known of it).
    """
    return {
        "weights": weights,
        "weights_sha256": installed.hashes.get(weights, ""),
        "package": {
            "name": installed.description.name,
            "format_version": installed.description.format_version,
            "states": dict(installed.states or {}),
        },
    }


def model_class(installed: InstalledModel) -> type[ZooModel]:
    """Make the method of a package.

    Parameters
    ----------
    installed
        The package.

    Returns
    -------
    type
        A subclass of `ZooModel` with name, version and card of the package.

    Raises
    ------
    MethodError
        If the package does not map one image to another one.
    """
    from veriscope.methods.zoo.local import LocalZooModel, fits_parts

    members = class_members(installed)
    in_parts = fits_parts(installed.description) and installed.description.objects is None
    return type("ZooModel", (LocalZooModel if in_parts else ZooModel,), members)


def class_members(installed: InstalledModel) -> dict[str, Any]:
    """Give what the class of a package has of its own.

    Parameters
    ----------
    installed
        The package.

    Returns
    -------
    dict
        Name, version, card and documentation.

    Raises
    ------
    MethodError
        If the package does not take one image.
    """
    description = installed.description
    needed = [item for item in description.inputs if not item.optional]
    if len(needed) != 1:
        names = ", ".join(item.id for item in needed)
        raise MethodError(
            f"{installed.name}: takes {len(needed)} tensors ({names}); Veriscope runs models that take one "
            "image"
        )
    tensor = needed[0]
    if not {"y", "x"} <= set(tensor.names):
        raise MethodError(f"{installed.name}: its input has axes {tensor.names}, so it is no image")
    for axis in tensor.axes:
        if axis.name in ("time", "index") and (axis.size or axis.smallest) != 1:
            raise MethodError(f"{installed.name}: needs several images at once (axis {axis.name}), not one")
    version = re.sub(r"[^\w.+-]", "-", description.version) or "unversioned"
    return {
        "name": installed.name,
        "version": version,
        "card": card_of(installed),
        "installed": installed,
        "__module__": __name__,
        "__doc__": description.summary,
    }


def _remake(installed: InstalledModel, parameters: Settings) -> ZooModel:
    return model_class(installed)(parameters)
