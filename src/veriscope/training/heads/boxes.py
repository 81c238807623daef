"""Boxes: what a network should say of a crop with boxes, and the loss."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from veriscope.training.architectures.boxes import BoxNetwork

__all__ = ["BoxHead", "box_targets"]

_SHARPNESS = 0.15
"""Standard deviation of a peak of the heat map, in shorter sides of the box."""
_FLOOR = 0.6
"""Least standard deviation, in cells of the grid."""
_VISIBLE = 0.35
"""Boxes of which less lies in the crop are not asked for."""


class BoxHead:
    """Where objects are centred, how large the box around each is, and of which kind it is.

    Parameters
    ----------
    classes
        Names of the kinds of objects.
    zoom
        Pixels of the network per pixel of the images.
    """

    name: ClassVar[str] = "boxes"

    def __init__(self, classes: tuple[str, ...], *, zoom: float = 1.0) -> None:
        self.classes, self.zoom = classes, zoom
        self.n_out = len(classes) + 4
        self.channels = (*classes, "log_height", "log_width", "centre_y", "centre_x")

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Sum the focal loss of the heat maps and the absolute errors of sides and places.

        Parameters
        ----------
        output
            As `BoxNetwork.forward` gives it.
        targets
            As `box_targets` gives them, stacked.

        Returns
        -------
        torch.Tensor
            Scalar, per object.
        """
        n = output.shape[1] - 4
        logit, truth = output[:, :n], targets[:, :n]
        chance = torch.sigmoid(logit)
        peak = (truth == 1).float()
        sure, unsure = functional.logsigmoid(logit), functional.logsigmoid(-logit)
        found = peak * (1 - chance) ** 2 * sure
        invented = (1 - peak) * (1 - truth) ** 4 * chance**2 * unsure
        here = targets[:, n + 4 :]
        n_objects = here.sum().clamp(min=1)
        sides = ((output[:, n : n + 2] - targets[:, n : n + 2]).abs() * here).sum()
        places = ((output[:, n + 2 : n + 4] - targets[:, n + 2 : n + 4]).abs() * here).sum()
        return (-(found + invented).sum() + sides + 0.5 * places) / n_objects

    def exported(self, output: Tensor) -> Tensor:
        """Give heat maps as probabilities and the rest as it is, each cell of the grid repeated.

        Parameters
        ----------
        output
            As `BoxNetwork.forward` gives it.

        Returns
        -------
        torch.Tensor
            Float (batch, classes + 4, y, x), of the size of the image.
        """
        n = len(self.classes)
        dense = torch.cat([torch.sigmoid(output[:, :n]), output[:, n:]], dim=1)
        return functional.interpolate(dense, scale_factor=float(BoxNetwork.step), mode="nearest")


def box_targets(
    boxes: NDArray[np.float64], classes: NDArray[np.int64], n_classes: int, size: int
) -> NDArray[np.float32]:
    """Give what the network should say of a crop.

    Parameters
    ----------
    boxes
        (n, 4): y0, x0, y1, x1 in pixels of the crop; may lie outside.
    classes
        (n,), 0 and up.
    n_classes
        Kinds of objects.
    size
        Side of the crop in pixels.

    Returns
    -------
    numpy.ndarray
        float32 (n_classes + 5, size / 4, size / 4): heat maps with 1 at the centres; logarithm of the sides
        in pixels; place of the centre in its cell, 0 to 1; and 1 at the cells that hold a centre.
    """
    step = BoxNetwork.step
    cells = size // step
    out = np.zeros((n_classes + 5, cells, cells), np.float32)
    grid = np.arange(cells)
    for (y0, x0, y1, x1), kind in zip(boxes, classes, strict=True):
        shown = (min(y1, size) - max(y0, 0)) * (min(x1, size) - max(x0, 0))
        if min(y1, size) <= max(y0, 0) or shown < _VISIBLE * (y1 - y0) * (x1 - x0):
            continue
        # An object at the border is asked for as it is seen: what is outside nobody can know.
        y0, x0, y1, x1 = max(y0, 0), max(x0, 0), min(y1, size), min(x1, size)
        centre = np.array([y0 + y1, x0 + x1]) / 2 / step
        sigma = max(_SHARPNESS * min(y1 - y0, x1 - x0) / step, _FLOOR)
        bell_y, bell_x = (np.exp(-0.5 * ((grid - np.floor(c)) / sigma) ** 2) for c in centre)
        cell_y, cell_x = (min(int(c), cells - 1) for c in centre)
        # The bell stands on the cell that holds the centre, which is exactly 1.
        out[kind] = np.maximum(out[kind], np.outer(bell_y, bell_x))
        out[kind, cell_y, cell_x] = 1
        out[n_classes : n_classes + 2, cell_y, cell_x] = np.log([max(y1 - y0, 1), max(x1 - x0, 1)])
        out[n_classes + 2 : n_classes + 4, cell_y, cell_x] = centre - (cell_y, cell_x)
        out[n_classes + 4, cell_y, cell_x] = 1
    return out
