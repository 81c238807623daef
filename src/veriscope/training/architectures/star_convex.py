"""A network that gives every pixel a star-convex polygon, or every voxel a polyhedron.

After Schmidt et al., Cell detection with star-convex polygons, MICCAI 2018, doi:10.1007/978-3-030-00934-2_30,
and Weigert et al., Star-convex polyhedra for 3D object detection and segmentation in microscopy, WACV 2020,
doi:10.1109/WACV45572.2020.9093435. What it has to learn is in `veriscope.training.heads.star_targets`.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from veriscope.methods.networks.network_settings import Sees
from veriscope.training.architectures.unet import WIDTHS, UNet

__all__ = ["StarConvex"]


class StarConvex(nn.Module):
    """A U-Net with two heads: how likely a place is the centre of an object, and how far its border is.

    Parameters
    ----------
    n_in
        Channels of the image.
    n_out
        One and the number of rays.
    widths
        Channels of the U-Net at each resolution, finest first.
    norm
        Whether to normalise batches; False for a network whose normalisation was folded.
    spacing
        Size of a pixel along each axis, in any unit: two numbers for images, three for stacks.
    sees
        ``light``: the image as it is; ``density``: its optical density.
    """

    last: ClassVar[tuple[str, ...]] = ("centre", "rays")
    """Parts that learn alone with ``tune=head``."""
    n_last: ClassVar[int] = 3
    """Convolutions at the end that belong to the head: the last of the U-Net, and the two."""
    fast: ClassVar[tuple[str, ...]] = ("rays",)
    """Parts that learn faster than the rest: distances span a wide range, and until they do, polygons are too
    small to suppress each other."""

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        widths: tuple[int, ...] = WIDTHS,
        norm: bool = True,
        spacing: tuple[float, ...] = (1.0, 1.0),
        sees: Sees = "light",
    ) -> None:
        super().__init__()
        self.n_in, self.n_out, self.widths, self.sees = n_in, n_out, widths, sees
        self.unet = UNet(n_in, widths[0], widths=widths, norm=norm, spacing=spacing, sees=sees)
        one = nn.Conv2d if len(spacing) == 2 else nn.Conv3d
        self.centre, self.rays = one(widths[0], 1, 1), one(widths[0], n_out - 1, 1)

    @property
    def stride(self) -> int:
        """Pixels by which height and width must be divisible."""
        return self.unet.stride

    @property
    def strides(self) -> tuple[int, ...]:
        """Pixels by which each axis must be divisible."""
        return self.unet.strides

    def forward(self, image: Tensor) -> Tensor:
        """Run the network.

        Parameters
        ----------
        image
            Float (batch, n_in, y, x) or (batch, n_in, z, y, x); the axes are multiples of `strides`.

        Returns
        -------
        torch.Tensor
            Float (batch, n_out, …): the logit of the probability, and what `StarHead` turns into distances.
        """
        shared = torch.relu(self.unet(image))
        return torch.cat([self.centre(shared), self.rays(shared)], dim=1)
