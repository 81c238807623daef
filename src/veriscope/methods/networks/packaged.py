"""What methods that are made of a package have in common, whatever their network says."""

from __future__ import annotations

import types
from typing import Any, ClassVar, Self

from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.core.settings import Settings
from veriscope.errors import AxesError
from veriscope.methods.base import Method
from veriscope.methods.networks.network_files import NetworkPackage

__all__ = ["PackagedNetwork"]


class PackagedNetwork(Method):
    """A method that is a package: a subclass names it, or `of` makes that subclass.

    ::

        class NucleiHistology(InstanceNetwork, package=shipped("nuclei-histology")):
            name = "nuclei-histology"

    Attributes
    ----------
    package
        Weights, and how they are used; of the class.
    dimensions
        Numbers of spatial dimensions of the images that it takes, whatever the network learned from.
    """

    package: ClassVar[NetworkPackage]
    dimensions: ClassVar[tuple[int, ...]] = (2,)

    def __init_subclass__(cls, package: NetworkPackage | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if package is not None:
            cls.package, cls.n_channels = package, package.settings.n_channels
            own = {
                "card": package.card.model_copy(update={"dimensions": cls.dimensions}),
                "version": package.version,
            }
            for key in own.keys() - cls.__dict__.keys():  # a subclass may say them itself
                setattr(cls, key, own[key])
            colour = package.settings.rgb if cls.n_channels == 1 else "refuse"
            cls.colour_channel = None if colour == "refuse" else colour

    def check(self, image: Image) -> None:
        """Refuse also other channels than red, green and blue, where the network sees colours."""
        super().check(image)
        if self.package.channels == RGB_CHANNELS and not image.is_rgb:
            raise AxesError(
                f"{image.name}: {self.name} takes colour photographs (red, green, blue) and the channels of "
                f"the image are {', '.join(image.channels)}; other stains need another network"
            )

    @classmethod
    def of(cls, package: NetworkPackage, *, name: str) -> type[Self]:
        """Make the method of a package that does not come with Veriscope.

        Parameters
        ----------
        package
            Of the network.
        name
            Of the method.

        Returns
        -------
        type
            A subclass, whose instances can be pickled.
        """

        def reduce(self: Method) -> tuple[Any, ...]:
            return _remake, (cls, package, name, self.parameters), self.__getstate__()

        own = {
            "name": name,
            "__doc__": package.card.summary,
            "__module__": cls.__module__,
            "__reduce__": reduce,
        }
        return types.new_class(
            f"Packaged{cls.__name__}", (cls,), {"package": package}, lambda body: body.update(own)
        )


def _remake(
    base: type[PackagedNetwork], package: NetworkPackage, name: str, parameters: Settings
) -> PackagedNetwork:
    return base.of(package, name=name)(parameters)
