"""Star-convex polygons, for roundish objects."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from veriscope.errors import MethodError
from veriscope.training.heads.base import PixelHead
from veriscope.training.heads.star_targets import plane_directions, star_distances, star_probability

__all__ = ["StarHead"]

_EVERY = 2
"""Distances along rays are asked for at every so many pixels along each axis; the others say the same."""
_SIZE = 10.0
"""Distances along rays are this times softplus of the output: above 0, and sensible from the start."""


class StarHead(PixelHead):
    """How central a pixel is, and how far the border lies along rays, for roundish objects.

    After Schmidt et al., MICCAI 2018, doi:10.1007/978-3-030-00934-2_30.

    Parameters
    ----------
    n_rays
        Rays of a polygon, at least 4.
    """

    name: ClassVar[str] = "star"

    def __init__(self, n_rays: int = 32) -> None:
        if n_rays < 4:
            raise MethodError(f"a star-convex head needs at least 4 rays, not {n_rays}")
        self.n_rays = n_rays
        self.n_out = 1 + n_rays
        self.channels = ("probability", *(f"distance_{ray}" for ray in range(n_rays)))

    def crop_targets(self, moved: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """Measure a crop: rays of the whole image would have to be turned and scaled.

        The probability is given at every pixel; the distances at a quarter of them, 0 elsewhere. Which
        quarter differs from crop to crop, since a network that halves the resolution computes each quarter in
        another way.
        """
        targets = np.zeros((self.n_out, *labels.shape), np.float32)
        targets[0] = star_probability(labels)
        # The crop itself decides, so that it needs no random number.
        first = divmod(int(np.count_nonzero(labels)) % _EVERY**2, _EVERY)
        distances = star_distances(labels, plane_directions(self.n_rays), stride=_EVERY, first=first)
        targets[1:, first[0] :: _EVERY, first[1] :: _EVERY] = np.moveaxis(distances, -1, 0)
        return targets

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Sum cross-entropy of the probability and, inside objects, the error of the distances.

        Parameters
        ----------
        output
            Float (batch, 1 + rays, y, x), without activation.
        targets
            Float (batch, 2 + rays, y, x); the last channel is 1 where the truth is known.

        Returns
        -------
        torch.Tensor
            Scalar. Distances count by how central the pixel is, and in proportion to the object's size.
        """
        known, central = targets[:, -1], targets[:, 0]
        entropy = functional.binary_cross_entropy_with_logits(output[:, 0], central, reduction="none")
        asked = (targets[:, 1] > 0) & (known > 0)
        truth = targets[:, 1:-1].movedim(1, -1)[asked]
        size = truth.mean(1, keepdim=True) + 1
        error = ((_lengths(output[:, 1:].movedim(1, -1)[asked]) - truth).abs() / size).mean(1)
        weight = central[asked]
        return (entropy * known).sum() / (known.sum() + 1) + (error * weight).sum() / (weight.sum() + 1)

    def exported(self, output: Tensor) -> Tensor:
        """Give the probability, and distances in pixels, of at least a thousandth.

        Parameters
        ----------
        output
            Float (batch, 1 + rays, y, x).

        Returns
        -------
        torch.Tensor
            Same shape.
        """
        return torch.cat([torch.sigmoid(output[:, :1]), _lengths(output[:, 1:]).clamp(min=1e-3)], dim=1)


def _lengths(output: Tensor) -> Tensor:
    return _SIZE * functional.softplus(output)
