"""Learning boxes: crops of images with the boxes in them, what the network should say there, and the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from veriscope.training.architectures.boxes import BoxNetwork
from veriscope.training.light import Augmentation, change_light

__all__ = ["BoxHead", "BoxImage", "BoxSampler", "box_loss", "box_targets"]

_SHARPNESS = 0.15
"""Standard deviation of a peak of the heat map, in shorter sides of the box."""
_FLOOR = 0.6
"""Least standard deviation, in cells of the grid."""
_VISIBLE = 0.35
"""Boxes of which less lies in the crop are not asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class BoxImage:
    """An image with its boxes.

    Parameters
    ----------
    pixels
        float32 (c, y, x), normalised.
    boxes
        float64 (n, 4): y0, x0, y1, x1 in pixels, edges.
    classes
        int (n,), 0 and up.
    weight
        Relative chance to be drawn.
    """

    pixels: NDArray[np.float32]
    boxes: NDArray[np.float64]
    classes: NDArray[np.int64]
    weight: float = 1.0


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

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Give the loss.

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
        return box_loss(output, targets)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the exported channels."""
        return (*self.classes, "log_height", "log_width", "centre_y", "centre_x")

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


class BoxSampler:
    """Draw augmented crops with their targets; batch number i is the same in every run with the same seed.

    Parameters
    ----------
    images
        Training images.
    n_classes
        Kinds of objects.
    augmentation
        How far images are changed; scale, stain, optics and camera are used.
    size
        Side of a crop in pixels of the network.
    zoom
        Pixels of the network per pixel of the images, before augmentation.
    seed
        Seed of all random choices.
    """

    def __init__(
        self,
        images: list[BoxImage],
        n_classes: int,
        augmentation: Augmentation,
        *,
        size: int,
        zoom: float,
        seed: int,
    ) -> None:
        self.images, self.n_classes, self.options = images, n_classes, augmentation
        self.size, self.zoom, self.seed = size, zoom, seed
        weights = np.array([image.weight for image in images])
        self.weights = weights / weights.sum()

    def batch(self, number: int, n: int) -> tuple[Tensor, Tensor]:
        """Draw a batch.

        Parameters
        ----------
        number
            Which; each has random numbers of its own.
        n
            Number of crops.

        Returns
        -------
        pixels, targets
            Float (n, c, y, x) and float (n, n_classes + 5, y / 4, x / 4), as `box_targets` gives them.
        """
        rng = np.random.default_rng((self.seed, number))
        pairs = [self._crop(rng) for _ in range(n)]
        pixels, targets = (np.stack(part) for part in zip(*pairs, strict=True))
        return torch.from_numpy(pixels), torch.from_numpy(targets)

    def _crop(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        image = self.images[rng.choice(len(self.images), p=self.weights)]
        scale = self.zoom * np.exp(np.clip(rng.normal(0, self.options.scale), -0.9, 0.9))
        aspect = np.exp(rng.normal(0, 0.05, 2))
        pixels, boxes = image.pixels, image.boxes
        if rng.random() < 0.5:
            pixels, boxes = _transposed(pixels, boxes)
        per_pixel = scale * aspect
        here = np.array(pixels.shape[1:])
        reach = self.size / per_pixel
        corner = rng.uniform(np.minimum(0, here - reach), np.maximum(0, here - reach))
        edges = (corner[0], corner[1], corner[0] + reach[0], corner[1] + reach[1])
        crop = _cut(pixels, edges, self.size)
        moved = (boxes - np.tile(corner, 2)) * np.tile(per_pixel, 2)
        for axis in (0, 1):
            if rng.random() < 0.5:
                crop = np.flip(crop, 1 + axis)
                moved[:, [axis, axis + 2]] = self.size - moved[:, [axis + 2, axis]]
        crop = change_light(np.ascontiguousarray(crop), self.options, rng)
        return crop, box_targets(moved, image.classes, self.n_classes, self.size)


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


def box_loss(output: Tensor, targets: Tensor) -> Tensor:
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


def _transposed(
    pixels: NDArray[np.float32], boxes: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    return pixels.swapaxes(1, 2), boxes[:, [1, 0, 3, 2]]


def _cut(pixels: NDArray[np.float32], edges: tuple[float, ...], size: int) -> NDArray[np.float32]:
    """Resample the part between edges, in pixels, to a square; outside is the nearest pixel."""
    height, width = pixels.shape[1:]
    y0, x0, y1, x1 = edges
    # Averaging first, where the image shrinks, keeps fine detail from turning into noise.
    tensor = torch.from_numpy(np.ascontiguousarray(pixels))[None]
    shrink = max(int((y1 - y0) / size), 1)
    if shrink > 1:
        tensor = functional.avg_pool2d(tensor, shrink, ceil_mode=True)
        height, width = tensor.shape[2] * shrink, tensor.shape[3] * shrink
    steps = (np.arange(size) + 0.5) / size
    y = 2 * (y0 + steps * (y1 - y0)) / height - 1
    x = 2 * (x0 + steps * (x1 - x0)) / width - 1
    grid = np.stack(np.meshgrid(y, x, indexing="ij")[::-1], -1).astype(np.float32)[None]
    out = functional.grid_sample(
        tensor, torch.from_numpy(grid), mode="bilinear", padding_mode="border", align_corners=False
    )
    return np.asarray(out[0].numpy())
