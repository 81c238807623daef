"""What a network is trained to say: targets, loss and what is exported, for each kind of head."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from veriscope.errors import MethodError
from veriscope.training.losses import flow_loss, semantic_loss
from veriscope.training.targets import dense_targets

__all__ = ["FlowHead", "Head", "PixelHead", "SemanticHead"]


class Head(Protocol):
    """What the loop of training and a package have to know of a head."""

    name: ClassVar[str]

    @property
    def n_out(self) -> int:
        """Channels of the network's output."""

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Give the loss.

        Parameters
        ----------
        output
            Float (batch, n_out, y, x), of the network.
        targets
            Float (batch, channel, y, x), as the batches have them.

        Returns
        -------
        torch.Tensor
            Scalar.
        """

    def exported(self, output: Tensor) -> Tensor:
        """Give what the packaged network gives.

        Parameters
        ----------
        output
            Float (batch, n_out, y, x), of the network.

        Returns
        -------
        torch.Tensor
            Float (batch, channel, y, x), as `channels` names them.
        """

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the exported channels."""


class PixelHead(Head, Protocol):
    """A head that says something of every pixel.

    Targets come in two ways: `targets` are made once per image and moved along with it when it is turned and
    scaled; `crop_targets` are made of the labels of every crop. To those of a batch one channel is added, 1
    where the truth is known.
    """

    @property
    def vectors(self) -> tuple[int, int] | None:
        """Channels of the targets that hold y and x of a direction, which turns with the image."""

    def targets(self, labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """Give the targets of a whole label image.

        Parameters
        ----------
        labels
            int32 (y, x).

        Returns
        -------
        numpy.ndarray
            float32 (channel, y, x).
        """

    def crop_targets(self, moved: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """Give the targets of a crop.

        Parameters
        ----------
        moved
            float32 (channel, y, x): the targets of the image, moved along with it.
        labels
            int32 (y, x) of the crop.

        Returns
        -------
        numpy.ndarray
            float32 (channel, y, x).
        """


class FlowHead:
    """Foreground and the direction to the centre of the object, for instances of any roundish shape.

    After Stringer et al., Cellpose, Nature Methods 2021, doi:10.1038/s41592-020-01018-x. Distance and contact
    are trained beside it, since they help the shared layers, and are not exported.
    """

    name: ClassVar[str] = "flow"
    n_out = 5
    vectors = (3, 4)
    channels = ("foreground", "flow_y", "flow_x")

    def targets(self, labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """Give foreground, distance, contact and flow.

        Parameters
        ----------
        labels
            Label image (y, x).

        Returns
        -------
        numpy.ndarray
            float32 (5, y, x).
        """
        return dense_targets(labels)

    def crop_targets(self, moved: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """Give the targets as they were moved.

        Parameters
        ----------
        moved
            float32 (5, y, x).
        labels
            Not used.

        Returns
        -------
        numpy.ndarray
            `moved`.
        """
        return moved

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Give the sum of the losses of all five.

        Parameters
        ----------
        output
            Float (batch, 5, y, x).
        targets
            Float (batch, 6, y, x).

        Returns
        -------
        torch.Tensor
            Scalar.
        """
        return flow_loss(output, targets)

    def exported(self, output: Tensor) -> Tensor:
        """Give the probability of the foreground, and the flow.

        Parameters
        ----------
        output
            Float (batch, 5, y, x).

        Returns
        -------
        torch.Tensor
            Float (batch, 3, y, x).
        """
        return torch.cat([torch.sigmoid(output[:, :1]), output[:, 3:]], dim=1)


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
