"""The contract of methods that tell to which class a whole image belongs.

They find no objects: `predict` refuses, and a study does not take them.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from veriscope.core.classes import ClassProbabilities
from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.errors import MethodError
from veriscope.methods.base import Method, Task

__all__ = ["ClassificationMethod"]


class ClassificationMethod(Method):
    """A method that states how probable each class is for an image.

    Attributes
    ----------
    classes
        Names of the classes.
    """

    task: ClassVar[Task] = "classification"
    classes: ClassVar[tuple[str, ...]]

    @abstractmethod
    def _classify(self, image: Image) -> ClassProbabilities:
        """Do the work on a checked image."""

    def classify(self, image: Image) -> ClassProbabilities:
        """Say how probable each class is.

        Parameters
        ----------
        image
            As the card says, any size.

        Returns
        -------
        ClassProbabilities
            One for each of `classes`.

        Raises
        ------
        AxesError, PixelValueError
            As `check`.
        """
        self.check(image)
        return self._classify(image)

    def _predict(self, image: Image) -> Prediction:
        raise MethodError(
            f"{self.name} gives the class of an image, not objects: veriscope predict writes a table of "
            "classes; studies take methods that find objects"
        )
