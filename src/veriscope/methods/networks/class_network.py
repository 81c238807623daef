"""A trained network that tells to which class an image belongs, as a method: brightness, scale, network."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.core.classes import ClassProbabilities
from veriscope.core.image import Image
from veriscope.core.settings import Settings
from veriscope.errors import PixelValueError
from veriscope.methods.classification import ClassificationMethod
from veriscope.methods.networks.engine_check import CheckedNetwork, Example, open_checked
from veriscope.methods.networks.engines import EngineName
from veriscope.methods.networks.network_files import NetworkPackage
from veriscope.methods.networks.normalise import normalise_channels
from veriscope.methods.networks.packaged import PackagedNetwork
from veriscope.methods.networks.resample import resample

__all__ = ["ClassNetwork", "ClassParameters", "continued", "shrunk"]

_BLUR_BELOW = 0.8
"""Scale below which an image is smoothed first, so that fine detail does not turn into noise."""


class ClassParameters(Settings):
    """Options of a network that tells classes; the defaults need no knowledge of the images."""

    engine: EngineName = "auto"
    """What runs the network; changes no result beyond rounding."""


class ClassNetwork(PackagedNetwork, ClassificationMethod):
    """Say how probable each class is for a 2D image, which is looked at as a whole.

    Parameters
    ----------
    parameters
        `ClassParameters`, or None for the defaults. The network opens with the first image.

    Attributes
    ----------
    package
        Weights, and how they are used; of the class.
    """

    Parameters: ClassVar[type[Settings]] = ClassParameters

    def __init_subclass__(cls, package: NetworkPackage | None = None, **options: Any) -> None:
        super().__init_subclass__(package, **options)
        if package is not None:
            cls.classes = package.settings.classes

    def __init__(self, parameters: Settings | None = None) -> None:
        super().__init__(parameters)
        self.settings = self.package.settings
        self._threads = 0
        self._opened: CheckedNetwork | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}  # a session stays in its process

    def describe(self) -> dict[str, Any]:
        """Give identity, parameters and the weights used as plain values, for the record.

        Returns
        -------
        dict
            As for every method, with ``classes`` and ``weights_sha256``.
        """
        # What runs the network changes no result, so it is none of its identity.
        found = super().describe() | {"parameters": {}}
        return found | {"classes": list(self.classes), "weights_sha256": self.package.sha256("float32")}

    def check(self, image: Image) -> None:
        """Refuse also an image whose pixels are all equal: any class of it would be made up."""
        super().check(image)
        if image.pixels.min() == image.pixels.max():
            raise PixelValueError(
                f"{image.name}: all pixels are {image.pixels.flat[0]:g}, so there is nothing to tell a class "
                "by; leave it out"
            )

    def make_ready(self) -> None:
        """Open the network with an engine that gives what it should on this machine."""
        self._network()

    def limit_threads(self, threads: int) -> None:
        """Let the network use no more threads than that."""
        self._threads = threads

    def _classify(self, image: Image) -> ClassProbabilities:
        where = image.axes.find("c")
        pixels = image.pixels[None] if where < 0 else np.moveaxis(image.pixels, where, 0)
        values = shrunk(normalise_channels(pixels), self.settings.zoom)
        used = self._network()
        stated = np.asarray(used.run(continued(values, self.settings.smallest_side)[None])[0][0], np.float64)
        details = {"engine": used.label, "engine_difference": used.check.largest}
        # In single precision the sum is off by some 1e-7.
        return ClassProbabilities(self.classes, stated / stated.sum(), details)

    def _network(self) -> CheckedNetwork:
        if self._opened is None:
            self._opened = open_checked(
                self.package.weights("float32").read_bytes(),
                self._examples,
                engine=self.parameters.engine,
                threads=self._threads,
            )
        return self._opened

    def _examples(self) -> list[Example]:
        # A part of the image would belong to another class.
        return self.package.examples("float32")[:1]


def shrunk(values: NDArray[np.float32], zoom: float) -> NDArray[np.float32]:
    """Bring an image to the scale at which a network looks at it.

    Parameters
    ----------
    values
        float32 (c, y, x).
    zoom
        Pixels of the network's grid per pixel of the image, above 0.

    Returns
    -------
    numpy.ndarray
        float32 (c, y, x), at least 1 × 1; the same at a zoom of 1.
    """
    shape = values.shape[1:]
    onto = tuple(max(round(side * zoom), 1) for side in shape)
    if onto == shape:
        return values
    here, there = (tuple(slice(0, side) for side in sides) for sides in (shape, onto))
    sigma = 0.4 / zoom if zoom < _BLUR_BELOW else 0.0
    smooth = ndimage.gaussian_filter(values, (0, sigma, sigma)) if sigma else values
    return np.stack([resample(one, here, shape, onto=onto, part=there) for one in smooth])


def continued(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Continue a small image at all its edges by their pixels.

    Parameters
    ----------
    values
        float32 (c, y, x).
    side
        Pixels that it should have at least.

    Returns
    -------
    numpy.ndarray
        float32 (c, y, x), the image in the middle.
    """
    more = [max(side - length, 0) for length in values.shape[1:]]
    if not any(more):
        return values
    return np.pad(values, ((0, 0), *((n // 2, n - n // 2) for n in more)), mode="edge")
