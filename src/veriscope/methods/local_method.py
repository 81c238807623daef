"""The contract of methods that can be called part by part.

A `LocalMethod` surveys the whole image once, says how far it looks around a pixel, and then gives for
every part what it gives for the whole. `veriscope.predict` cuts and joins.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.core.source import ArraySource, PixelSource, Region
from veriscope.methods.base import Method

__all__ = ["Footprint", "LocalMethod", "Part", "Survey"]


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
    threaded
        Share of the time that goes into work which a library does in several threads, measured.
    SurveyType
        Class of the survey.
    """

    bytes_per_pixel: ClassVar[float] = 400.0
    threaded: ClassVar[float] = 0.0
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

    def remembers(self) -> bool:
        """Tell whether this process kept from its last survey what takes most of the time of the parts.

        Returns
        -------
        bool
            Whether parts of the image surveyed last are sooner predicted here than in another process.
        """
        return False

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
