"""What a network is punished for, by kind of output; all are means over the pixels whose truth is known."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["binary_dice", "flow_loss", "semantic_loss", "soft_cldice", "soft_skeleton"]


def binary_dice(probability: Tensor, truth: Tensor) -> Tensor:
    """Give 1 − Dice of a soft mask, over the whole batch.

    Parameters
    ----------
    probability
        Float of any shape, 0 to 1; 0 where the truth is not known.
    truth
        Float of the same shape, 0 or 1; 0 where it is not known.

    Returns
    -------
    torch.Tensor
        Scalar, 0 to 1; Milletari et al., V-Net, 3DV 2016.
    """
    together = 2 * (probability * truth).sum() + 1
    return 1 - together / (probability.sum() + truth.sum() + 1)


def flow_loss(output: Tensor, targets: Tensor) -> Tensor:
    """Sum the losses of foreground, distance, contact and flow.

    Parameters
    ----------
    output
        Float (batch, 5, y, x): logit of foreground, distance, logit of contact, flow y, flow x.
    targets
        Float (batch, 6, y, x): as `veriscope.training.heads.flow_targets.dense_targets`, and 1 where they are
        known.

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


def semantic_loss(output: Tensor, targets: Tensor, *, topology: float = 0.0) -> Tensor:
    """Cross-entropy and Dice of classes, and the loss of centre lines where connections matter.

    Parameters
    ----------
    output
        Float (batch, classes, y, x), logits; class 0 is the background.
    targets
        Float (batch, 2, y, x): number of the class, and 1 where it is known.
    topology
        Weight of `soft_cldice`, averaged over the classes but the background; 0 leaves it out.

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
        if topology:
            lines = soft_cldice(probability[:, one : one + 1], truth[:, one : one + 1])
            total = total + topology * lines / (n_classes - 1)
    return total


def soft_skeleton(mask: Tensor, *, steps: int = 8) -> Tensor:
    """Thin a soft mask to its centre lines by repeated erosion and opening.

    Parameters
    ----------
    mask
        Float (batch, 1, y, x), 0 to 1.
    steps
        Erosions; at least half of the width of the widest structure, in pixels.

    Returns
    -------
    torch.Tensor
        Same shape; Shit et al., clDice, CVPR 2021, algorithm 1.
    """
    skeleton = torch.relu(mask - _open(mask))
    for _ in range(steps):
        mask = _erode(mask)
        rest = torch.relu(mask - _open(mask))
        skeleton = skeleton + torch.relu(rest - skeleton * rest)
    return skeleton


def soft_cldice(probability: Tensor, truth: Tensor) -> Tensor:
    """Give 1 − clDice, which counts centre lines found and invented instead of pixels.

    Parameters
    ----------
    probability, truth
        Float (batch, 1, y, x), 0 to 1.

    Returns
    -------
    torch.Tensor
        Scalar, 0 to 1.
    """
    found, asked = soft_skeleton(probability), soft_skeleton(truth)
    precision = ((found * truth).sum() + 1) / (found.sum() + 1)
    sensitivity = ((asked * probability).sum() + 1) / (asked.sum() + 1)
    return 1 - 2 * precision * sensitivity / (precision + sensitivity)


def _erode(mask: Tensor) -> Tensor:
    return torch.minimum(
        -functional.max_pool2d(-mask, (3, 1), 1, (1, 0)), -functional.max_pool2d(-mask, (1, 3), 1, (0, 1))
    )


def _open(mask: Tensor) -> Tensor:
    return functional.max_pool2d(_erode(mask), 3, 1, 1)
