"""The contract that every method keeps.

A method is configured once (its parameters are immutable), then called with images in memory. It
reads and writes no files, and never changes its input. `veriscope.testing.check_method`
proves the contract for any method, also one from a plugin.

A method that can also be called part by part is a `veriscope.methods.local_method.LocalMethod`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.errors import AxesError, MethodError

__all__ = ["UNTRIED", "Card", "Method", "Task"]

Task = Literal["instance", "restoration", "classification"]
UNTRIED = "Works on your data: unknown, until an audit of your own images says so."
"""First limit on the card of every method that others made."""


class Card(BaseModel):
    """What a method is for, what it was tested on, and where it should not be trusted."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    summary: str
    """One sentence."""
    objects: tuple[str, ...]
    """Objects it is meant for, such as ``nucleus`` or ``cell``."""
    modalities: tuple[str, ...]
    """Microscopy it was made for, such as ``fluorescence``; empty: not specific."""
    channels: str = "one channel"
    """Channels it takes."""
    dimensions: tuple[int, ...] = (2,)
    """Numbers of spatial dimensions it takes."""
    foreground: Literal["bright", "dark", "either"] = "either"
    """Brightness of the objects relative to the background that it expects."""
    diameter_px: tuple[float, float] | None = None
    """Smallest and largest object diameter, in pixels, it was tested with; None: set by a parameter."""
    training_data: str = "none"
    """Data and split it was trained on."""
    licence: str = "BSD-3-Clause"
    """Licence of the method and its weights."""
    citation: str = ""
    """Publication to cite."""
    figures: tuple[str, ...] = ()
    """What was measured, with data, n and the command that reproduces it."""
    limits: tuple[str, ...] = ()
    """Known limits, each one sentence."""


class Method(ABC):
    """A candidate that turns an image into instances.

    Parameters
    ----------
    parameters
        Settings of the class `Parameters`, or None for the defaults.

    Attributes
    ----------
    name, version, task, card
        Identity and description; constants of the class.
    n_channels
        Channels that it sees; where several, images come with all of them, on axis ``c``.
    colour_channel
        What it sees of a colour image where no channel is chosen, such as ``luminance``; None: the user has
        to choose.
    finds_boxes
        Whether its predictions have boxes and classes.
    parameters
        The settings given, unchanged.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    task: ClassVar[Task] = "instance"
    card: ClassVar[Card]
    needs_training: ClassVar[bool] = False
    finds_boxes: ClassVar[bool] = False
    n_channels: ClassVar[int] = 1
    colour_channel: ClassVar[str | None] = None
    Parameters: ClassVar[type[Settings]] = Settings

    def __init__(self, parameters: Settings | None = None) -> None:
        self.parameters: Any = parameters if parameters is not None else self.Parameters()
        if not isinstance(self.parameters, self.Parameters):
            raise MethodError(
                f"{self.name}: parameters must be {self.Parameters.__qualname__}, got {parameters!r}"
            )

    @abstractmethod
    def _predict(self, image: Image) -> Prediction:
        """Do the work on a checked image without axis ``c``."""

    def check(self, image: Image) -> None:
        """Refuse an image that the method cannot take, without predicting.

        Parameters
        ----------
        image
            Any image.

        Raises
        ------
        AxesError
            If the image has channels, time, or a number of spatial axes that the card does not list.
        PixelValueError
            If it has NaN or infinite pixels.
        """
        if self.n_channels > 1:
            self._check_channels(image)
        elif "c" in image.axes:
            raise AxesError(
                f"{image.name}: {self.name} takes one channel and the image has {len(image.channels)} "
                f"({', '.join(image.channels)}); choose one with --channel"
                + (", or --channel luminance for the brightness of a colour image" if image.is_rgb else "")
            )
        if "t" in image.axes:
            raise AxesError(f"{image.name}: {self.name} takes single time points and the image has axis t")
        dimensions = " or ".join(f"{d}D" for d in self.card.dimensions)
        if len(image.axes.replace("c", "")) not in self.card.dimensions:
            raise AxesError(
                f"{image.name}: {self.name} takes {dimensions} images, this one has axes {image.axes!r}"
            )
        image.require_finite()

    def _check_channels(self, image: Image) -> None:
        if max(len(image.channels), 1) != self.n_channels:
            raise AxesError(
                f"{image.name}: {self.name} takes {self.card.channels} and the image has "
                f"{', '.join(image.channels) or 'one channel'}; give images with {self.n_channels} channels, "
                "or use a method that takes one"
            )

    def predict(self, image: Image) -> Prediction:
        """Find the objects of one image.

        Parameters
        ----------
        image
            One channel, axes ``yx`` (or ``zyx`` where the card says so), any numeric dtype, any size; or,
            where the method sees several channels, all of them on axis ``c``.

        Returns
        -------
        Prediction
            Labels over the spatial axes of the image, numbered without gaps in the order of their
            first pixels; none for an empty or constant image.

        Raises
        ------
        AxesError
            If the image has channels, time, or a number of spatial axes that the card does not list.
        PixelValueError
            If it has NaN or infinite pixels.
        """
        self.check(image)
        return self._predict(image).in_order()

    def limit_threads(self, threads: int) -> None:  # noqa: B027 (most methods have none to limit)
        """Use no more threads than that; changes no result.

        Parameters
        ----------
        threads
            At least 1.
        """

    def limit_memory(self, n_bytes: int) -> None:  # noqa: B027 (most methods have nothing to choose)
        """Hold not much more than that at once, where it can be chosen, or fail; changes no result.

        Parameters
        ----------
        n_bytes
            For the work on one image or part, beside Python and the packages.
        """

    def whole_bytes(self, shape: tuple[int, ...]) -> float | None:
        """Say how much memory it takes at most to predict an image as a whole.

        Parameters
        ----------
        shape
            Of the image, spatial axes.

        Returns
        -------
        float or None
            Bytes, beside Python and the packages; None: not known, so that no amount can be promised.
        """
        return None

    def make_ready(self) -> None:  # noqa: B027 (most methods need nothing)
        """Load what predicting needs, so that what is missing is said before the first image.

        Raises
        ------
        MethodError, MissingPackageError
            If something is missing.
        """

    def describe(self) -> dict[str, Any]:
        """Give identity and parameters as plain values, for the record.

        Returns
        -------
        dict
            ``name``, ``version``, ``task`` and ``parameters``.
        """
        return {
            "name": self.name,
            "version": self.version,
            "task": self.task,
            "parameters": self.parameters.model_dump(mode="json"),
        }
