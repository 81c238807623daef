"""A network that was trained on planes, of images or of stacks, as a method for stacks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.core.source import ArraySource
from veriscope.errors import AxesError
from veriscope.methods.networks.engines import EngineName
from veriscope.methods.networks.instance_network import InstanceNetwork, NetworkSurvey
from veriscope.methods.networks.network_settings import NetworkParameters, NetworkSettings
from veriscope.methods.networks.normalise import ContrastSurvey
from veriscope.methods.networks.packaged import PackagedNetwork
from veriscope.methods.networks.size_search import median_diameter
from veriscope.methods.networks.three_views import (
    SECTION,
    SpaceView,
    even_planes,
    objects_in_space,
    see_in_space,
)
from veriscope.methods.rules.voxels import steps_of

__all__ = ["SeenStack", "StackNetwork", "StackNetworkParameters"]

_PLANES_LOOKED_AT = 5
_LARGEST_SCALE = 3.0
"""Bound on memory where the diameter is tiny."""
_MOST_ANISOTROPY = 10.0
"""Beyond which a file is not believed, or views from the side would show next to nothing."""
_BYTES = 200.0
"""Memory per voxel once planes lie as far apart as pixels; 74 to 108 were measured."""
_SMALLEST = 0.1
"""Share of the volume of a ball of the usual diameter below which an object is dropped."""
_THRESHOLD = 0.5
"""Of a network that was not trained on stacks."""


class StackNetworkParameters(Settings):
    """Options of a network that sees stacks."""

    diameter: float | None = Field(default=None, gt=1, le=4000)
    """Typical diameter of the objects in pixels along x; None: measured on five planes."""
    anisotropy: float | None = Field(default=None, gt=0, le=100)
    """Distance of planes, in pixels; None: from the pixel size, without which it has to be given, as where it
    is more than 10."""
    threshold: float | None = Field(default=None, gt=0, lt=1)
    """Probability above which a voxel belongs to an object: the mean of what is seen along three axes. None:
    as chosen on the validation stacks; 0.5 where the network learned from images alone."""
    smallest_volume: int | None = Field(default=None, ge=1)
    """Objects of fewer voxels, once planes lie as far apart as pixels, are dropped; None: a tenth of a ball
    of the diameter."""
    engine: EngineName = "auto"
    """What runs the network; changes no result beyond rounding."""

    def filled(self, settings: NetworkSettings) -> Self:
        """Put in what the package says, where nothing is given.

        Parameters
        ----------
        settings
            Of the package.

        Returns
        -------
        StackNetworkParameters
            With a number for the threshold.
        """
        own = settings.threshold if settings.dimensions == 3 else _THRESHOLD
        return self.model_copy(update={"threshold": self.threshold or own})


@dataclass(frozen=True, slots=True, eq=False)
class SeenStack:
    """What a network says of a stack, before objects are made of it.

    Parameters
    ----------
    view
        With planes as far apart as pixels.
    stored
        Index in it of every plane of the stack.
    diameter
        Of the objects, in pixels along x.
    anisotropy
        Distance of planes, in pixels.
    """

    view: SpaceView
    stored: NDArray[np.int64]
    diameter: float
    anisotropy: float


class StackNetwork(PackagedNetwork):
    """Find objects in stacks with a network that sees planes; a subclass names its package, or `of` makes it.

    Parameters
    ----------
    parameters
        `StackNetworkParameters`, or None for the defaults.

    Attributes
    ----------
    package
        Weights, and how they are used; of the class.
    """

    dimensions: ClassVar[tuple[int, ...]] = (3,)
    Parameters: ClassVar[type[Settings]] = StackNetworkParameters

    def __init__(self, parameters: Settings | None = None) -> None:
        super().__init__(parameters)
        given: StackNetworkParameters = self.parameters
        self.options = given.filled(self.package.settings)
        planes = InstanceNetwork.of(self.package, name=self.name)
        self._network = planes(NetworkParameters(engine=given.engine))

    def describe(self) -> dict[str, Any]:
        """Give identity, parameters and the weights used as plain values, for the record.

        Returns
        -------
        dict
            As for every method, with the threshold that the package chose, without the engine, and with
            ``weights_sha256``.
        """
        return super().describe() | {
            "parameters": self.options.model_dump(mode="json", exclude={"engine"}),
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

    def see(self, image: Image) -> SeenStack | None:
        """Run the network along all three axes of a stack.

        Parameters
        ----------
        image
            As `check` allows it.

        Returns
        -------
        SeenStack or None
            What the network says; None: the stack is constant, or nothing tells the size of its objects.
        """
        given = self.options
        brightness = ContrastSurvey.measure(ArraySource(image))
        if not brightness.contrast > 0:
            return None
        anisotropy = given.anisotropy or steps_of(ArraySource(image))[0]
        # Whoever learned from stacks knows their objects; else their size has to be seen.
        learnt = self.package.settings.best_diameter if self.package.settings.dimensions == 3 else None
        diameter = given.diameter or self._diameter(image) or learnt
        if diameter is None:
            return None
        pixels = even_planes(image.pixels.astype(np.float32), anisotropy)
        survey = NetworkSurvey(**brightness.model_dump(), scale=self._scale(diameter))
        view = see_in_space(self._network, pixels, survey)
        stored = np.linspace(0, len(pixels) - 1, len(image.pixels)).round().astype(int)
        return SeenStack(view, stored, float(diameter), float(anisotropy))

    def objects(self, seen: SeenStack, *, threshold: float) -> NDArray[np.int32]:
        """Make objects of what the network says.

        Parameters
        ----------
        seen
            As from `see`.
        threshold
            Probability above which a voxel belongs to an object, 0 to 1.

        Returns
        -------
        numpy.ndarray
            int32 (z, y, x), of the planes of the stack.
        """
        ball = math.pi / 6 * seen.diameter**3
        smallest = self.options.smallest_volume or max(round(_SMALLEST * ball), 1)
        labels = objects_in_space(seen.view, diameter=seen.diameter, threshold=threshold, smallest=smallest)
        return labels[seen.stored]

    def _predict(self, image: Image) -> Prediction:
        seen = self.see(image)
        if seen is None:
            nothing = np.zeros(image.shape, np.int32)
            return Prediction(nothing, image.axes, probability_map=nothing.astype(np.float32))
        assert self.options.threshold is not None
        return Prediction(
            self.objects(seen, threshold=self.options.threshold),
            image.axes,
            probability_map=np.clip(seen.view.foreground[seen.stored], 0, 1),
            details={"diameter": round(seen.diameter, 2), "anisotropy": round(seen.anisotropy, 4)},
        )

    def _scale(self, diameter: float) -> float:
        """Bring objects to the size that is best; not where the network learned from stacks with such."""
        settings = self.package.settings
        small, large = settings.diameters
        as_it_is = settings.dimensions == 3 and small <= diameter <= large
        return 1.0 if as_it_is else min(settings.best_diameter / diameter, _LARGEST_SCALE)

    def _diameter(self, image: Image) -> float | None:
        """Measure objects on some planes, whose sections are smaller than they are; None: there are none."""
        depth = len(image.pixels)
        numbers = sorted({depth * (2 * i + 1) // (2 * _PLANES_LOOKED_AT) for i in range(_PLANES_LOOKED_AT)})
        areas = [np.zeros(0, np.int64)]
        for number in numbers:
            plane = Image(image.pixels[number], "yx", name=image.name)
            areas.append(np.bincount(self._network.predict(plane).labels.ravel())[1:])
        return median_diameter(np.concatenate(areas)) / SECTION or None
