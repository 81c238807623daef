"""What has to be known of a trained network to use it, as it stands in its package."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from veriscope.core.settings import Settings
from veriscope.methods.networks.engines import EngineName, Precision

__all__ = ["HeadName", "NetworkParameters", "NetworkSettings", "Sees"]

HeadName = Literal["flow", "semantic", "star", "distance", "boxes", "classification"]
Sees = Literal["light", "density"]
"""What the layers of a network see: the image, or the optical density that it shows."""


class NetworkSettings(Settings):
    """How a network is run and its outputs become objects: ``config: veriscope: network`` in a package."""

    architecture: Literal["unet", "vit", "boxes", "classifier"] = "unet"
    """Kind of network, for training it further."""
    head: HeadName = "flow"
    """What its outputs mean, and so how objects are made of them."""
    dimensions: Literal[2, 3] = 2
    """Of the images that it is used on: planes, or stacks, whose planes it sees along all three axes."""
    n_channels: int = Field(default=1, ge=1, le=16)
    """Channels that it sees."""
    sees: Sees = "light"
    """What its layers see of them; ``density`` is computed inside the network, from the normalised image."""
    rgb: Literal["luminance", "hematoxylin", "refuse"] = "luminance"
    """What a network of one channel sees of a colour image where no channel is chosen."""
    stride: int = Field(default=16, ge=1, le=256)
    """Pixels of which the sides of its input are multiples."""
    halo: int = Field(default=96, ge=0, le=4096)
    """Pixels of the network's grid beyond which nothing changes an output."""
    best_diameter: float = Field(default=28.0, gt=1, le=1000)
    """Object diameter, in pixels of the network's grid, to which an image is rescaled, where it is; of stacks
    that in space."""
    diameters: tuple[float, float] = (8.0, 60.0)
    """Smallest and largest median object diameter in pixels that it was trained with; of stacks in space."""
    threshold: float = Field(default=0.5, gt=0, lt=1)
    """Probability above which a pixel or voxel belongs to an object."""
    object_threshold: float = Field(default=0.5, ge=0, lt=1)
    """Objects with a smaller probability are dropped."""
    smallest_area: int = Field(default=20, ge=1)
    """Smaller objects are dropped; in pixels of the network's grid."""
    calibration: tuple[float, float] = (1.0, 0.0)
    """Slope and intercept of the log odds of an object, fitted on validation images."""
    merge: float = Field(default=1.25, ge=0.5, le=10)
    """Radius by which end points of the flow are joined, in steps; larger for objects without one middle."""
    classes: tuple[str, ...] = ()
    """Names of the kinds of objects, or of images, where the head tells them apart."""
    step: int = Field(default=1, ge=1)
    """Pixels of the network's grid per cell in which it looks for a centre."""
    zoom: float = Field(default=1.0, gt=0, le=16)
    """Pixels of the network's grid per pixel of the images it was trained with."""
    smallest_side: int = Field(default=1, ge=1, le=4096)
    """Pixels of the network's grid to which smaller images are continued before they are classified."""
    overlap: float = Field(default=0.4, gt=0, lt=1)
    """Greatest intersection over union of two boxes."""
    scale_search: bool = False
    """Whether small and large objects are looked for at other scales, where no diameter is given."""
    search_large: bool = True
    """Whether that search includes large ones; not where crowds of small objects look like large ones."""


class NetworkParameters(Settings):
    """Options of a network; the defaults need no knowledge of the images."""

    diameter: float | None = Field(default=None, gt=1, le=4000)
    """Typical diameter of the objects in pixels; images are rescaled by it. None: images are taken as they
    are, unless the objects found are very large or very small."""
    threshold: float | None = Field(default=None, gt=0, lt=1)
    """Probability above which a pixel belongs to an object; None: as chosen on the validation images."""
    object_threshold: float | None = Field(default=None, ge=0, lt=1)
    """Objects with a smaller probability are dropped; None: as chosen on the validation images."""
    smallest_area: int | None = Field(default=None, ge=1)
    """Smaller objects are dropped; in pixels of the image as the network sees it. None: as chosen on the
    validation images."""
    precision: Precision = "float32"
    """In which the network computes; int8 and bfloat16 are faster and change results a little."""
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
        NetworkParameters
            With numbers for all but the diameter.
        """
        names = ("threshold", "object_threshold", "smallest_area")
        given = {name: getattr(self, name) for name in names}
        return self.model_copy(
            update={
                name: getattr(settings, name) if value is None else value for name, value in given.items()
            }
        )
