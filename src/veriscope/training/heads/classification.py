"""The class of a whole image."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor
from torch.nn import functional

__all__ = ["ClassificationHead"]


class ClassificationHead:
    """How probable each class is for an image.

    Parameters
    ----------
    classes
        Names of the classes.
    zoom
        Pixels of the network per pixel of the images, at most 1.
    side
        Pixels of the network to which smaller images are continued, and to which larger ones are cut in
        training.
    temperature
        Divides the logits of what is exported: above 1 the network is less sure than it was.
    """

    name: ClassVar[str] = "classification"

    def __init__(
        self, classes: tuple[str, ...], *, zoom: float = 1.0, side: int = 128, temperature: float = 1.0
    ) -> None:
        self.classes, self.zoom, self.side, self.temperature = classes, zoom, side, temperature
        self.n_out, self.channels = len(classes), classes

    def softened(self, temperature: float) -> ClassificationHead:
        """Give the same with another temperature.

        Parameters
        ----------
        temperature
            Above 0.

        Returns
        -------
        ClassificationHead
            Of the same classes.
        """
        return ClassificationHead(self.classes, zoom=self.zoom, side=self.side, temperature=temperature)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Give the cross-entropy.

        Parameters
        ----------
        output
            Float (batch, class), logits.
        targets
            int64 (batch,), numbers of the classes.

        Returns
        -------
        torch.Tensor
            Scalar, the mean over the batch.
        """
        return functional.cross_entropy(output, targets)

    def exported(self, output: Tensor) -> Tensor:
        """Give probabilities, softened by the temperature.

        Parameters
        ----------
        output
            Float (batch, class), logits.

        Returns
        -------
        torch.Tensor
            Same shape, 0 to 1, rows summing to 1.
        """
        return functional.softmax(output / self.temperature, dim=1)
