"""From what a network says of every pixel to objects, for each kind of head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.core.source import Region, within
from veriscope.methods.local_method import Part
from veriscope.methods.networks.flow import follow_flow
from veriscope.methods.networks.network_settings import NetworkSettings
from veriscope.methods.networks.resample import nearest, resample, source_range
from veriscope.methods.networks.rims import GROWTH, objects_without_rims
from veriscope.methods.networks.star_convex import find_polygons, polygons_to_labels

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

    def on_image(self, channels: int | None = None) -> NDArray[np.float32]:
        """Interpolate the outputs on the pixels of the part.

        Parameters
        ----------
        channels
            Only so many; None: all.

        Returns
        -------
        numpy.ndarray
            float32 (channel, y, x); 0 where the outputs do not reach.
        """
        size = tuple(side.stop - side.start for side in self.part.region)
        wanted = self.values[:channels]
        maps = np.zeros((len(wanted), *size), np.float32)
        inner = within(self.covered, self.part.region)
        for channel, values in zip(maps, wanted, strict=True):
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


@dataclass(frozen=True, slots=True)
class StarSeparator:
    """The best star-convex polygons are the objects.

    A polygon goes if it shares too much with any better one, so that it depends on those that overlap it
    alone, and distances are bounded: parts of an image give the objects of the whole.

    Parameters
    ----------
    longest
        Bound on the distances, in pixels of the network's grid.
    overlap
        Share of the smaller of two polygons above which the less probable one goes.
    """

    longest: float
    overlap: float = 0.4

    def reach(self, scale: float) -> float:
        """Give the way to the centre of a polygon, and from there to that of one that overlaps it."""
        return (3 * self.longest + 4) / scale

    def __call__(self, dense: Dense, *, threshold: float) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Choose and draw polygons; pixels have the probability of the polygon that they belong to."""
        offset = (dense.grid[0].start, dense.grid[1].start)
        polygons = find_polygons(
            dense.values[0],
            np.moveaxis(dense.values[1:], 0, -1).clip(1e-3, self.longest),
            threshold=threshold,
            overlap=self.overlap,
            border=0,
            offset=offset,
            chained=False,
        )
        height, width = dense.values.shape[1:]
        labels = dense.labels_on_image(polygons_to_labels(polygons, (height, width), offset=offset))
        rated = np.concatenate([np.zeros(1, np.float32), polygons.probabilities])[labels]
        return labels, np.where(labels > 0, rated, dense.on_image(channels=1)[0])


@dataclass(frozen=True, slots=True)
class RimSeparator:
    """What is left of the foreground without rims is an object, grown back over its rim."""

    def reach(self, scale: float) -> float:
        """Give the reach of growing."""
        return (GROWTH + 2) / min(scale, 1.0)

    def __call__(self, dense: Dense, *, threshold: float) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Part and grow."""
        maps = dense.on_image(channels=2)
        seen = dense.values if dense.scale > 1 else maps
        labels = objects_without_rims(seen[0] > threshold, seen[1])
        return dense.labels_on_image(labels) if dense.scale > 1 else labels, maps[0]


def separator_for(settings: NetworkSettings) -> Separator:
    """Give the way from outputs to objects.

    Parameters
    ----------
    settings
        Of the network.

    Returns
    -------
    Separator
        For the head of the network.
    """
    if settings.head == "flow":
        return FlowSeparator(settings.merge)
    if settings.head == "semantic":
        return ClassSeparator()
    if settings.head == "star":
        return StarSeparator(settings.diameters[1])
    return RimSeparator()


def _step(scale: float) -> float:
    return max(2.0, 2.0 / scale)
