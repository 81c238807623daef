"""Foreground and the direction to the centre, for objects of any roundish shape."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from veriscope.training.heads.flow_targets import dense_targets
from veriscope.training.heads.losses import flow_loss

__all__ = ["FlowHead"]


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
