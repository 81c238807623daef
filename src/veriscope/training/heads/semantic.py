"""A class for every pixel."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from veriscope.errors import MethodError
from veriscope.training.heads.losses import semantic_loss

__all__ = ["SemanticHead"]


class SemanticHead:
    """A class for every pixel.

    Parameters
    ----------
    n_classes
        Number of classes with the background, at least 2.
    topology
        Weight of the loss of centre lines (clDice), for networks and membranes; 0 to 1.
    """

    name: ClassVar[str] = "semantic"
    vectors = None

    def __init__(self, n_classes: int = 2, *, topology: float = 0.0) -> None:
        if n_classes < 2:
            raise MethodError(
                f"a semantic head needs at least 2 classes with the background, not {n_classes}"
            )
        self.n_out = n_classes
        self.topology = topology
        self.channels = tuple(f"class_{number}" for number in range(n_classes))

    def targets(self, labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """Give no targets of their own: the labels of the crop are the classes.

        Parameters
        ----------
        labels
            Class image (y, x), 0 = background.

        Returns
        -------
        numpy.ndarray
            float32 (0, y, x).
        """
        return np.zeros((0, *labels.shape), np.float32)

    def crop_targets(self, moved: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """Give the classes.

        Parameters
        ----------
        moved
            Not used.
        labels
            Class image (y, x) of the crop.

        Returns
        -------
        numpy.ndarray
            float32 (1, y, x).
        """
        return labels[None].astype(np.float32)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Give cross-entropy, Dice and, if asked for, clDice.

        Parameters
        ----------
        output
            Float (batch, classes, y, x).
        targets
            Float (batch, 2, y, x).

        Returns
        -------
        torch.Tensor
            Scalar.
        """
        return semantic_loss(output, targets, topology=self.topology)

    def exported(self, output: Tensor) -> Tensor:
        """Give the probability of each class.

        Parameters
        ----------
        output
            Float (batch, classes, y, x).

        Returns
        -------
        torch.Tensor
            Same shape; sums to 1 over the classes.
        """
        return torch.softmax(output, 1)
