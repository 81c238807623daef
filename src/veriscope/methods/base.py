"""The contract that every method keeps.

A method is configured once (its parameters are immutable), then called with images in memory. It
reads and writes no files, and never changes its input. `veriscope.testing.check_method`
proves the contract for any method, also one from a plugin.

A `LocalMethod` can also be called part by part: it surveys the whole image once, says how far it
looks around a pixel, and then gives for every part what it gives for the whole. `predict` cuts and joins.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.core.source import ArraySource, PixelSource, Region
from veriscope.errors import AxesError, MethodError

__all__ = ["Card", "Footprint", "LocalMethod", "Method", "Part", "Survey", "Task"]

Task = Literal["instance", "restoration", "classification"]


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


class Survey(Settings):
    """What a method measures on the whole image before it looks at the parts; plain values."""

    model_config = ConfigDict(allow_inf_nan=True)


@dataclass(frozen=True, slots=True)
class Footprint:
    """How much of the surroundings a part needs.

    Parameters
    ----------
    reach
        Distance in pixels beyond which an input pixel cannot change what a method sees in a pixel,
        nor the object to which it joins it directly.
    largest
        Length in pixels of the longest object expected. Longer ones cost time, never exactness.
    """

    reach: int
    largest: int


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Pixels of an image, and where in it they lie.

    Parameters
    ----------
    image
        The pixels.
    region
        Their place in the whole image.
    shape
        Of the whole image.
    """

    image: Image
    region: Region
    shape: tuple[int, ...]

    @classmethod
    def whole(cls, image: Image) -> Part:
        """Take an image as a part of which nothing is cut off.

        Parameters
        ----------
        image
            Without time.

        Returns
        -------
        Part
            Of the shape of the image.
        """
        shape = image.spatial_shape
        return cls(image, tuple(slice(0, size) for size in shape), shape)

    def near_cut(self, labels: NDArray[Any], reach: int) -> NDArray[np.bool_]:
        """Tell which objects may be incomplete or wrong, because the part was cut near them.

        Parameters
        ----------
        labels
            Label image of the part, numbered 1 … n.
        reach
            Of the method, in pixels.

        Returns
        -------
        numpy.ndarray
            Boolean (n + 1,), for labels 0 … n: has a pixel within reach of an edge of the
            part that is not one of the image. Methods must not drop such objects for what they look like.
        """
        near = np.zeros(int(labels.max(initial=0)) + 1, bool)
        for axis, (part, size) in enumerate(zip(self.region, self.shape, strict=True)):
            across = np.moveaxis(labels, axis, 0)
            if part.start > 0:
                near[across[:reach]] = True
            if part.stop < size:
                near[across[max(len(across) - reach, 0) :]] = True
        near[0] = False
        return near


class LocalMethod(Method):
    """A method that gives for a part of an image what it gives for the whole.

    What depends on the whole image (thresholds, brightness, sizes) is measured once, by `survey`, in a
    way that does not depend on how the image is cut: by counting, not by adding fractions. Everything
    else looks around a pixel no further than `Footprint.reach`, and joins pixels to objects
    so that an object is wrong in a part only if it comes within that reach of where the part was cut.

    Attributes
    ----------
    bytes_per_pixel
        Memory needed to predict a part, per pixel, measured (`benchmarks/speed/predict.py --memory`).
    SurveyType
        Class of the survey.
    """

    bytes_per_pixel: ClassVar[float] = 400.0
    SurveyType: ClassVar[type[Survey]] = Survey

    @abstractmethod
    def survey(self, source: PixelSource) -> Any:
        """Measure what depends on the whole image.

        Parameters
        ----------
        source
            The image; only parts of it are read at a time.

        Returns
        -------
        Survey
            The same however the source cuts its blocks.
        """

    @abstractmethod
    def footprint(self, survey: Any) -> Footprint:
        """Say how much of the surroundings a part needs.

        Parameters
        ----------
        survey
            Of the image.

        Returns
        -------
        Footprint
            In pixels of the image.
        """

    def whole_bytes(self, shape: tuple[int, ...]) -> float | None:
        """Say how much memory it takes at most to predict an image as a whole."""
        return math.prod(shape) * self.bytes_per_pixel

    def part_bytes(self, survey: Any) -> float:
        """Say how much memory a part takes per pixel, once the image is known.

        Parameters
        ----------
        survey
            Of the image.

        Returns
        -------
        float
            Bytes per pixel of the image, beside Python and the packages.
        """
        return self.bytes_per_pixel

    def survey_bytes(self, shape: tuple[int, ...]) -> float:
        """Say how much memory the survey of an image needs, whatever the size of its parts.

        Parameters
        ----------
        shape
            Of the image, spatial axes.

        Returns
        -------
        float
            Bytes, beside Python and the packages; 0: next to nothing, because it goes through in blocks.
        """
        return 0.0

    def details(self, survey: Any) -> dict[str, Any]:
        """Give what a reader of the record should know of an image, as `Prediction.details` has it.

        Parameters
        ----------
        survey
            Of the image.

        Returns
        -------
        dict
            Plain values; the same for the whole image and for each of its parts.
        """
        return {}

    @abstractmethod
    def _predict_part(self, part: Part, survey: Any) -> Prediction:
        """Do the work on a checked part."""

    def predict_part(self, part: Part, survey: Any) -> Prediction:
        """Find the objects of a part of an image.

        Parameters
        ----------
        part
            Pixels, and where they lie.
        survey
            Of the whole image.

        Returns
        -------
        Prediction
            As for the whole image, save what lies within reach of where the part was cut.

        Raises
        ------
        AxesError, PixelValueError
            As `predict`.
        """
        self.check(part.image)
        return self._predict_part(part, survey)

    def _predict(self, image: Image) -> Prediction:
        return self._predict_part(Part.whole(image), self.survey(ArraySource(image)))
