"""A class for every pixel."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from veriscope.errors import MethodError
from veriscope.training.heads.base import PixelHead
from veriscope.training.heads.losses import binary_dice, soft_cldice

__all__ = ["SemanticHead"]


class SemanticHead(PixelHead):
    """A class for every pixel.

    Parameters
    ----------
    n_classes
        Number of classes with the background, at least 2.
    topology
        Weight of the loss of centre lines (clDice), for networks and membranes; 0 to 1.
    """

    name: ClassVar[str] = "semantic"

    def __init__(self, n_classes: int = 2, *, topology: float = 0.0) -> None:
        if n_classes < 2:
            raise MethodError(
                f"a semantic head needs at least 2 classes with the background, not {n_classes}"
            )
        self.n_out = n_classes
        self.topology = topology
        self.channels = tuple(f"class_{number}" for number in range(n_classes))

    def crop_targets(self, moved: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """Give the classes of a crop: its labels, as one channel."""
        return labels[None].astype(np.float32)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Sum cross-entropy and, averaged over all classes but the background, Dice and clDice if asked for.

        Parameters
        ----------
        output
            Float (batch, classes, y, x), logits; class 0 is the background.
        targets
            Float (batch, 2, y, x): number of the class, and 1 where it is known.

        Returns
        -------
        torch.Tensor
            Scalar.
        """
        known = targets[:, 1]
        classes = targets[:, 0].long()
        entropy = functional.cross_entropy(output, classes, reduction="none")
        total = (entropy * known).sum() / (known.sum() + 1)
        n_classes = output.shape[1]
        probability = torch.softmax(output, 1) * known[:, None]
        truth = functional.one_hot(classes, n_classes).movedim(-1, 1).float() * known[:, None]
        for one in range(1, n_classes):
            total = total + 0.5 * binary_dice(probability[:, one], truth[:, one]) / (n_classes - 1)
            if self.topology:
                lines = soft_cldice(probability[:, one : one + 1], truth[:, one : one + 1])
                total = total + self.topology * lines / (n_classes - 1)
        return total

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
