"""Foreground and the direction to the centre, for objects of any roundish shape."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from veriscope.training.heads.base import PixelHead
from veriscope.training.heads.flow_targets import dense_targets
from veriscope.training.heads.losses import binary_dice

__all__ = ["FlowHead"]


class FlowHead(PixelHead):
    """Foreground and the direction to the centre of the object, for instances of any roundish shape.

    After Stringer et al., Cellpose, Nature Methods 2021, doi:10.1038/s41592-020-01018-x. Distance and contact
    are trained beside it, since they help the shared layers, and are not exported.
    """

    name: ClassVar[str] = "flow"
    n_out = 5
    vectors = (3, 4)
    channels = ("foreground", "flow_y", "flow_x")

    def targets(self, labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """Give foreground, distance, contact and flow, which turn and scale with the image."""
        return dense_targets(labels)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Sum the losses of foreground, distance, contact and flow.

        Parameters
        ----------
        output
            Float (batch, 5, y, x): logit of foreground, distance, logit of contact, flow y, flow x.
        targets
            Float (batch, 6, y, x): as `dense_targets`, and 1 where they are known.

        Returns
        -------
        torch.Tensor
            Scalar.
        """
        known = targets[:, 5]
        foreground = targets[:, 0] * known
        n_known, n_inside = known.sum() + 1, foreground.sum() + 1
        bce = functional.binary_cross_entropy_with_logits(output[:, 0], targets[:, 0], reduction="none")
        dice = binary_dice(torch.sigmoid(output[:, 0]) * known, foreground)
        distance = (output[:, 1] - targets[:, 1]).abs() * known
        weight = known * (1 + 4 * targets[:, 2])
        contact = functional.binary_cross_entropy_with_logits(output[:, 2], targets[:, 2], reduction="none")
        flow = (output[:, 3:5] - targets[:, 3:5]).square().sum(1)
        return (
            (bce * known).sum() / n_known
            + 0.5 * dice
            + 0.5 * (distance.sum() / n_known + (distance * foreground).sum() / n_inside)
            + 0.5 * (contact * weight).sum() / n_known
            + 0.5 * ((flow * foreground).sum() / n_inside + 0.2 * (flow * known).sum() / n_known)
        )

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
