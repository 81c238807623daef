"""From what a network says of every pixel to objects, for each kind of head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.core.source import Region, within
from veriscope.errors import MethodError
from veriscope.methods.base import Part
from veriscope.methods.networks.flow import follow_flow
from veriscope.methods.networks.network_settings import NetworkSettings
from veriscope.methods.networks.resample import nearest, resample, source_range

__all__ = ["Dense", "Separator", "separator_for"]


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """Outputs of a network on a part of its grid.

    Parameters
    ----------
    values
        float32 (channel, y, x).
    grid, onto
        Part of the network's grid, and the shape of the whole grid.
    part
        Part of the image from which they were computed.
    scale
        Size of the network's grid relative to that of the image.
    """

    values: NDArray[np.float32]
    grid: Region
    onto: tuple[int, ...]
    part: Part
    scale: float

    @property
    def covered(self) -> Region:
        """Part of the image that the outputs cover."""
        return source_range(self.grid, self.onto, onto=self.part.shape)

    def on_image(self) -> NDArray[np.float32]:
        """Interpolate the outputs on the pixels of the part.

        Returns
        -------
        numpy.ndarray
            float32 (channel, y, x); 0 where the outputs do not reach.
        """
        size = tuple(side.stop - side.start for side in self.part.region)
        maps = np.zeros((len(self.values), *size), np.float32)
        inner = within(self.covered, self.part.region)
        for channel, values in zip(maps, self.values, strict=True):
            channel[inner] = resample(values, self.grid, self.onto, onto=self.part.shape, part=self.covered)
        return maps

    def labels_on_image(self, labels: NDArray[np.int32]) -> NDArray[np.int32]:
        """Bring labels from the network's grid to the pixels of the part.

        Parameters
        ----------
        labels
            Label image on the part of the network's grid.

        Returns
        -------
        numpy.ndarray
            int32 (y, x); 0 where the outputs do not reach.
        """
        out = np.zeros(tuple(side.stop - side.start for side in self.part.region), np.int32)
        inner = within(self.covered, self.part.region)
        out[inner] = nearest(labels, self.grid, self.onto, onto=self.part.shape, part=self.covered)
        return out


class Separator(Protocol):
    """Makes objects of dense outputs; the same in a part as in the whole, save near a cut."""

    def reach(self, scale: float) -> float:
        """Distance that it looks around a pixel, in pixels of the image.

        Parameters
        ----------
        scale
            Size of the network's grid relative to that of the image.
        """

    def __call__(self, dense: Dense, *, threshold: float) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Give labels and the probability of foreground, on the pixels of the part.

        Parameters
        ----------
        dense
            Outputs of the network.
        threshold
            Probability above which a pixel belongs to an object.
        """


@dataclass(frozen=True, slots=True)
class FlowSeparator:
    """Pixels whose flow leads to one place are an object.

    Parameters
    ----------
    merge
        Radius by which end points are joined, in steps.
    """

    merge: float

    def reach(self, scale: float) -> float:
        """Give the reach of a step along the flow, and of joining its end points."""
        step = _step(scale)
        return (step + 2 * self.merge * step + 2) / max(scale, 1.0)

    def __call__(self, dense: Dense, *, threshold: float) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Follow the flow."""
        maps = dense.on_image()
        # Small objects are taken apart on the finer grid of the network, large ones on that of the image.
        if dense.scale > 1:
            labels = dense.labels_on_image(self._follow(dense.values, dense.scale, threshold))
        else:
            labels = self._follow(maps, dense.scale, threshold)
        return labels, maps[0]

    def _follow(self, maps: NDArray[np.float32], scale: float, threshold: float) -> NDArray[np.int32]:
        flow = maps[1:3] / np.maximum(np.hypot(maps[1], maps[2]), 1e-3)
        step = _step(scale)
        return follow_flow(maps[0] > threshold, flow, step=step, merge=self.merge * step)


@dataclass(frozen=True, slots=True)
class ClassSeparator:
    """Connected pixels of any class but the background are an object."""

    def reach(self, scale: float) -> float:
        """Give the reach of a neighbour."""
        return 1.0

    def __call__(self, dense: Dense, *, threshold: float) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Label what is connected."""
        maps = dense.on_image()
        foreground = maps[1:].sum(axis=0)
        labels, _ = ndimage.label(foreground > threshold)
        return np.asarray(labels, np.int32), foreground


def separator_for(settings: NetworkSettings, *, where: str) -> Separator:
    """Give the way from outputs to objects.

    Parameters
    ----------
    settings
        Of the network.
    where
        Its name, for the message.

    Returns
    -------
    Separator
        For the head of the network.

    Raises
    ------
    MethodError
        If this version has none for the head.
    """
    if settings.head == "flow":
        return FlowSeparator(settings.merge)
    if settings.head == "semantic":
        return ClassSeparator()
    raise MethodError(
        f"{where}: this version of Veriscope makes no objects from a {settings.head!r} head, only from flow "
        "and semantic; install a newer one"
    )


def _step(scale: float) -> float:
    return max(2.0, 2.0 / scale)
