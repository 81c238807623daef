"""Terms that the losses of heads are made of."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["binary_dice", "soft_cldice", "soft_skeleton"]


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
