"""A network for planes, used on stacks: it sees every plane along all three axes, and what it says is joined.

As Cellpose does with stacks (Stringer et al., Nature Methods 18, 100-106, 2021,
doi:10.1038/s41592-020-01018-x): each view gives two of the three components of the way to the middle of an
object.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.methods.local_method import Part
from veriscope.methods.networks.flow import follow_flow
from veriscope.methods.networks.instance_network import InstanceNetwork, NetworkSurvey
from veriscope.methods.networks.objects import keep_objects

__all__ = ["SECTION", "SpaceView", "even_planes", "objects_in_space", "see_in_space"]

SECTION = 3**0.5 / 2
"""Median diameter of the sections of a ball by planes at random, in diameters of the ball."""
_MERGE, _STEP = 0.1, 2.0
"""Radius by which end points are joined, in diameters; and length of a step along the flow, in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class SpaceView:
    """What a network says of a stack with voxels of equal sides.

    Parameters
    ----------
    foreground
        float32 (z, y, x): mean probability over the three views, 0 to 1.
    flow
        float32 (3, z, y, x): sum of the vectors that the views give, z first.
    """

    foreground: NDArray[np.float32]
    flow: NDArray[np.float32]


def even_planes(pixels: NDArray[np.float32], anisotropy: float) -> NDArray[np.float32]:
    """Interpolate planes, so that they lie as far apart as pixels.

    Parameters
    ----------
    pixels
        float32 (z, y, x).
    anisotropy
        Distance of planes, in pixels.

    Returns
    -------
    numpy.ndarray
        float32 (z, y, x); the first and the last plane stay what they are.
    """
    depth = len(pixels)
    n_planes = max(round((depth - 1) * anisotropy) + 1, 1)
    if n_planes == depth:
        return pixels
    at = np.linspace(0, depth - 1, n_planes)
    below = np.minimum(at.astype(int), max(depth - 2, 0))
    above = np.minimum(below + 1, depth - 1)
    share = (at - below).astype(np.float32)[:, None, None]
    return np.asarray(pixels[below] * (1 - share) + pixels[above] * share, np.float32)


def see_in_space(network: InstanceNetwork, pixels: NDArray[np.float32], survey: NetworkSurvey) -> SpaceView:
    """Run a network on all planes along z, y and x.

    Parameters
    ----------
    network
        Of planes, with a flow.
    pixels
        float32 (z, y, x), voxels of equal sides.
    survey
        Brightness and scale of the stack.

    Returns
    -------
    SpaceView
        What it says.
    """
    foreground = np.zeros(pixels.shape, np.float32)
    flow = np.zeros((3, *pixels.shape), np.float32)
    for axis in range(3):
        first, second = (other for other in range(3) if other != axis)
        for number in range(pixels.shape[axis]):
            here = (slice(None),) * axis + (number,)
            dense = network.dense(Part.whole(Image(pixels[here], "yx", name="stack")), survey)
            if dense is None:
                continue
            maps = dense.on_image(3)
            foreground[here] += maps[0] / 3
            flow[first][here] += maps[1]
            flow[second][here] += maps[2]
    return SpaceView(foreground, flow)


def objects_in_space(
    view: SpaceView, *, diameter: float, threshold: float, smallest: int
) -> NDArray[np.int32]:
    """Make objects of what a network says of a stack.

    Parameters
    ----------
    view
        What it says.
    diameter
        Of the objects, in pixels.
    threshold
        Probability above which a voxel belongs to an object.
    smallest
        Objects of fewer voxels are dropped.

    Returns
    -------
    numpy.ndarray
        int32 (z, y, x), numbered 1 … n.
    """
    length = np.sqrt((view.flow**2).sum(axis=0))
    unit = view.flow / np.maximum(length, 1e-3)
    merge = max(_MERGE * diameter, _STEP)
    labels = follow_flow(view.foreground > threshold, unit, step=_STEP, merge=merge)
    return keep_objects(labels, smallest_area=smallest)
