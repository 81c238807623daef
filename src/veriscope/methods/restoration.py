"""The contract of methods whose answer is an image: denoising, deconvolution, virtual staining.

They are given the whole image as a source and asked for regions of the answer, so that images of any size
can be restored. They find no objects: `predict` refuses, and a study does not take them.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.source import ArraySource, PixelSource, Region
from veriscope.errors import MethodError
from veriscope.methods.base import Method, Task
from veriscope.methods.local_method import Survey

__all__ = ["RestorationMethod", "Restored"]


@dataclass(frozen=True, slots=True, eq=False)
class Restored:
    """An image that a method made of another one.

    Parameters
    ----------
    pixels
        float32, of the spatial shape of the image given.
    axes
        ``yx`` or ``zyx``.
    details
        What a reader of the record should know, such as whether tiles were blended; plain values.
    """

    pixels: NDArray[np.float32]
    axes: str
    details: dict[str, Any] = field(default_factory=dict)


class RestorationMethod(Method):
    """A method that turns an image into an image.

    Attributes
    ----------
    SurveyType
        Class of the survey.
    """

    task: ClassVar[Task] = "restoration"
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
    def regions(self, shape: tuple[int, ...], survey: Any, *, side: int) -> list[Region]:
        """Cut an image into regions that can be restored with little work done twice.

        Parameters
        ----------
        shape
            Of the image.
        survey
            Of it.
        side
            Length that the regions should have, in pixels.

        Returns
        -------
        list of tuple of slice
            Every pixel lies in one of them.
        """

    @abstractmethod
    def restore_region(self, source: PixelSource, survey: Any, region: Region) -> NDArray[np.float32]:
        """Restore a part of an image.

        Parameters
        ----------
        source
            The whole image.
        survey
            Of it.
        region
            The part.

        Returns
        -------
        numpy.ndarray
            float32; the same as in the whole, bit for bit, whatever the regions.
        """

    @abstractmethod
    def bytes_at_once(self, shape: tuple[int, ...], survey: Any) -> int:
        """Say how much memory the work needs beside the region itself.

        Parameters
        ----------
        shape
            Of the image.
        survey
            Of it.

        Returns
        -------
        int
            In bytes.
        """

    @abstractmethod
    def details(self, survey: Any) -> dict[str, Any]:
        """Say what a reader of the record should know.

        Parameters
        ----------
        survey
            Of the image.

        Returns
        -------
        dict
            Plain values.
        """

    def restore(self, image: Image) -> Restored:
        """Restore an image in memory.

        Parameters
        ----------
        image
            As the card says, any size.

        Returns
        -------
        Restored
            Of the spatial shape of the image.

        Raises
        ------
        AxesError, PixelValueError
            As `predict` of other methods.
        """
        self.check(image)
        source = ArraySource(image)
        survey = self.survey(source)
        whole = tuple(slice(0, size) for size in source.shape)
        return Restored(self.restore_region(source, survey, whole), source.axes, self.details(survey))

    def _predict(self, image: Image) -> Prediction:
        raise MethodError(
            f"{self.name} gives images, not objects: veriscope predict writes them; studies take methods "
            "that find objects"
        )
