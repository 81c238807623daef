"""A trained network for planes as a method for stacks."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.core.source import ArraySource
from veriscope.errors import AxesError
from veriscope.methods.base import Method
from veriscope.methods.networks.engines import EngineName
from veriscope.methods.networks.instance_network import InstanceNetwork, NetworkSurvey
from veriscope.methods.networks.network_settings import NetworkParameters
from veriscope.methods.networks.normalise import ContrastSurvey
from veriscope.methods.networks.size_search import median_diameter
from veriscope.methods.networks.three_views import SECTION, even_planes, objects_in_space, see_in_space
from veriscope.methods.rules.voxels import steps_of

__all__ = ["StackNetwork", "StackNetworkParameters"]

_PLANES_LOOKED_AT = 5
_LARGEST_SCALE = 3.0
"""Bound on memory where the diameter is tiny."""
_MOST_ANISOTROPY = 10.0
"""Beyond which a file is not believed, or views from the side would show next to nothing."""
_BYTES = 200.0
"""Memory per voxel once planes lie as far apart as pixels; 74 to 108 were measured."""
_SMALLEST = 0.1
"""Share of the volume of a ball of the usual diameter below which an object is dropped."""


class StackNetworkParameters(Settings):
    """Options of a network that sees stacks."""

    diameter: float | None = Field(default=None, gt=1, le=4000)
    """Typical diameter of the objects in pixels along x; None: measured on five planes."""
    anisotropy: float | None = Field(default=None, gt=0, le=100)
    """Distance of planes, in pixels; None: from the pixel size, without which it has to be given, as where it
    is more than 10."""
    threshold: float = Field(default=0.5, gt=0, lt=1)
    """Probability above which a voxel belongs to an object: the mean of what is seen along three axes."""
    smallest_volume: int | None = Field(default=None, ge=1)
    """Objects of fewer voxels, once planes lie as far apart as pixels, are dropped; None: a tenth of a ball
    of the diameter."""
    engine: EngineName = "auto"
    """What runs the network; changes no result beyond rounding."""


class StackNetwork(Method):
    """Find objects in stacks with a network that was trained on planes; a subclass names the network.

    Parameters
    ----------
    parameters
        `StackNetworkParameters`, or None for the defaults.

    Attributes
    ----------
    flat
        The method for planes, whose weights are used; of the class.
    """

    flat: ClassVar[type[InstanceNetwork]]
    Parameters: ClassVar[type[Settings]] = StackNetworkParameters

    def __init__(self, parameters: Settings | None = None) -> None:
        super().__init__(parameters)
        self._network = self.flat(NetworkParameters(engine=self.parameters.engine))

    def describe(self) -> dict[str, Any]:
        """Give identity, parameters and the weights used as plain values, for the record.

        Returns
        -------
        dict
            As for every method, without the engine, and with ``weights_sha256``.
        """
        return super().describe() | {
            "parameters": self.parameters.model_dump(mode="json", exclude={"engine"}),
            "weights_sha256": self._network.describe()["weights_sha256"],
        }

    def check(self, image: Image) -> None:
        """Refuse also a stack of which it is not known how far its planes lie apart."""
        super().check(image)
        if self.parameters.anisotropy is not None:
            return
        if image.spacing is None:
            raise AxesError(
                f"{image.name}: how far apart its planes lie is not known, and objects depend on it; "
                "give the pixel size with --spacing z=2,y=0.5,x=0.5, or the distance of planes in pixels "
                "with -p anisotropy=4"
            )
        apart = steps_of(ArraySource(image))[0]
        if apart > _MOST_ANISOTROPY:
            raise AxesError(
                f"{image.name}: its planes lie {apart:.3g} pixels apart, so that views from the side show "
                "next to nothing; mend the pixel size with --spacing, or say that it is so with "
                f"-p anisotropy={apart:.3g}"
            )

    def whole_bytes(self, shape: tuple[int, ...]) -> float | None:
        """Say how much memory it takes at most; without `anisotropy`, planes may lie ten pixels apart."""
        even = math.prod(shape) * max(self.parameters.anisotropy or _MOST_ANISOTROPY, 1.0)
        planes = self._network.whole_bytes(shape[-2:])
        return None if planes is None else _BYTES * even + planes

    def make_ready(self) -> None:
        """Open the network with an engine that gives what it should on this machine."""
        self._network.make_ready()

    def limit_threads(self, threads: int) -> None:
        """Let the network use no more threads than that."""
        self._network.limit_threads(threads)

    def limit_memory(self, n_bytes: int) -> None:
        """Run the network on tiles of planes that fit the memory."""
        self._network.limit_memory(n_bytes)

    def _predict(self, image: Image) -> Prediction:
        options: StackNetworkParameters = self.parameters
        brightness = ContrastSurvey.measure(ArraySource(image))
        survey = NetworkSurvey(**brightness.model_dump())
        nothing = np.zeros(image.shape, np.int32)
        empty = Prediction(nothing, image.axes, probability_map=nothing.astype(np.float32))
        if not survey.contrast > 0:
            return empty
        anisotropy = options.anisotropy or steps_of(ArraySource(image))[0]
        diameter = options.diameter or self._diameter(image)
        if diameter is None:
            return empty
        scale = min(self.flat.package.settings.best_diameter / diameter, _LARGEST_SCALE)
        pixels = even_planes(image.pixels.astype(np.float32), anisotropy)
        view = see_in_space(self._network, pixels, survey.model_copy(update={"scale": scale}))
        ball = math.pi / 6 * diameter**3
        smallest = options.smallest_volume or max(round(_SMALLEST * ball), 1)
        labels = objects_in_space(view, diameter=diameter, threshold=options.threshold, smallest=smallest)
        stored = np.linspace(0, len(pixels) - 1, len(image.pixels)).round().astype(int)
        return Prediction(
            labels[stored],
            image.axes,
            probability_map=np.clip(view.foreground[stored], 0, 1),
            details={"diameter": round(float(diameter), 2), "anisotropy": round(float(anisotropy), 4)},
        )

    def _diameter(self, image: Image) -> float | None:
        """Measure objects on some planes, whose sections are smaller than they are; None: there are none."""
        depth = len(image.pixels)
        numbers = sorted({depth * (2 * i + 1) // (2 * _PLANES_LOOKED_AT) for i in range(_PLANES_LOOKED_AT)})
        areas = [np.zeros(0, np.int64)]
        for number in numbers:
            plane = Image(image.pixels[number], "yx", name=image.name)
            areas.append(np.bincount(self._network.predict(plane).labels.ravel())[1:])
        return median_diameter(np.concatenate(areas)) / SECTION or None
