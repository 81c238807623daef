"""From dense star-convex outputs to objects: which polygons stay, and drawing them.

After Schmidt et al., Cell detection with star-convex polygons, MICCAI 2018,
doi:10.1007/978-3-030-00934-2_30. Each pixel proposes a polygon by distances along rays of equal angles; the
most probable one stays and suppresses those that share too much with it. The rules are those of StarDist
0.9, so that the same outputs give the same objects.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.methods.networks.polygon_suppression import Suppression
from veriscope.methods.networks.scanlines import draw_polygons

__all__ = [
    "Polygons",
    "find_polygons",
    "polygon_corners",
    "polygons_to_labels",
    "proposed",
    "suppress_polygons",
]


def find_polygons(
    probability: NDArray[np.floating[Any]],
    distances: NDArray[np.floating[Any]],
    *,
    threshold: float,
    overlap: float,
    stride: int | tuple[int, ...] = 1,
    border: int = 2,
    offset: tuple[int, int] = (0, 0),
    chained: bool = True,
) -> Polygons:
    """Choose the polygons of an image from its dense outputs.

    Parameters
    ----------
    probability
        (y, x), 0 to 1: how likely a polygon around this place is the best one of its object.
    distances
        (y, x, ray) in pixels of the image, positive; ray 0 points along x, the next ones turn towards y.
    threshold
        Smaller probabilities, and this one, propose nothing.
    overlap
        Share of the smaller of two polygons, 0 to 1, above which the less probable one goes.
    stride
        Pixels of the image per place of the outputs, one number or one per axis.
    border
        Places at the edge of the outputs that propose nothing.
    offset
        Place of the outputs' first pixel in a larger image, in pixels (y, x): with it a part gives the
        very corners that the whole gives, since they are rounded.
    chained
        As for `suppress_polygons`.

    Returns
    -------
    Polygons
        The most probable first; of equally probable ones the first in reading order.
    """
    found = proposed(probability, distances, threshold=threshold, stride=stride, border=border, offset=offset)
    return found[suppress_polygons(found.points, found.distances, overlap=overlap, chained=chained)]


def proposed(
    probability: NDArray[np.floating[Any]],
    distances: NDArray[np.floating[Any]],
    *,
    threshold: float,
    stride: int | tuple[int, ...],
    border: int,
    offset: int | tuple[int, ...] = 0,
) -> Polygons:
    """List what the dense outputs of an image or a stack propose, before any of it is suppressed.

    Parameters
    ----------
    probability
        (y, x) or (z, y, x), 0 to 1.
    distances
        The same axes and rays.
    threshold, stride, border, offset
        As for `find_polygons`.

    Returns
    -------
    Polygons
        The most probable first; of equally probable ones the first in reading order.
    """
    inner = np.zeros(probability.shape, bool)
    middle = tuple(slice(border, max(size - border, border)) for size in probability.shape)
    inner[middle] = probability[middle] > threshold
    scores = np.asarray(probability[inner], np.float32)
    order = np.argsort(-scores, kind="stable")
    points = np.argwhere(inner)[order] * np.asarray(stride) + np.asarray(offset)
    return Polygons(points, np.asarray(distances[inner][order], np.float32), scores[order])


class Polygons:
    """Star-convex polygons of an image.

    Parameters
    ----------
    points
        Centres (polygon, 2), y first, whole pixels.
    distances
        float32 (polygon, ray) in pixels.
    probabilities
        float32 (polygon,), 0 to 1.
    """

    def __init__(
        self,
        points: NDArray[np.integer[Any]],
        distances: NDArray[np.float32],
        probabilities: NDArray[np.float32],
    ) -> None:
        self.points, self.distances, self.probabilities = points, distances, probabilities

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, which: NDArray[Any]) -> Polygons:
        return Polygons(self.points[which], self.distances[which], self.probabilities[which])


def suppress_polygons(
    points: NDArray[np.integer[Any]],
    distances: NDArray[np.float32],
    *,
    overlap: float,
    chained: bool = True,
) -> NDArray[np.intp]:
    """Go through polygons from the best on, and drop those that share too much with one that stays.

    Parameters
    ----------
    points
        Centres (polygon, 2), y first, whole pixels, all different, the best polygon first.
    distances
        (polygon, ray), in pixels.
    overlap
        Share of the smaller polygon, 0 to 1; above it the later one is dropped.
    chained
        Whether a polygon that was dropped drops no others, as in StarDist: then each depends on chains of
        polygons of any length. Otherwise it does, and each depends on those that overlap it alone.

    Returns
    -------
    numpy.ndarray
        Those that stay, ascending.
    """
    if not len(points):
        return np.zeros(0, np.intp)
    state = Suppression(points, polygon_corners(points, distances), overlap)
    kept = state.run()
    return kept if chained else state.unbeaten(kept)


def polygon_corners(
    points: NDArray[np.integer[Any]], distances: NDArray[np.floating[Any]]
) -> NDArray[np.int32]:
    """Give corners as whole numbers, cut off towards zero, as StarDist's suppression sees them.

    Parameters
    ----------
    points
        Centres (polygon, 2), y first.
    distances
        (polygon, ray), in pixels.

    Returns
    -------
    numpy.ndarray
        int32 (polygon, ray, 2).
    """
    n_rays = distances.shape[1]
    angle = (np.float32(2 * np.pi / n_rays) * np.arange(n_rays, dtype=np.float32)).astype(np.float64)
    turns = np.stack([np.sin(angle), np.cos(angle)], axis=1).astype(np.float32)
    place = distances.astype(np.float32)[:, :, None] * turns
    place += points[:, None].astype(np.float32)
    return np.asarray(np.trunc(place, out=place), np.int32)


def polygons_to_labels(
    polygons: Polygons, shape: tuple[int, int], *, offset: tuple[int, int] = (0, 0)
) -> NDArray[np.int32]:
    """Draw polygons; where they overlap, the most probable one wins.

    Parameters
    ----------
    polygons
        With centres in the coordinates of the whole image.
    shape
        (y, x) of the label image.
    offset
        Place of its first pixel in the whole image.

    Returns
    -------
    numpy.ndarray
        int32, number 1 for the first polygon and so on; pixels on the border of a polygon belong to it.
    """
    n_rays = polygons.distances.shape[1] if len(polygons) else 1
    angle = np.linspace(0, 2 * np.pi, n_rays, endpoint=False)
    turns = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    corners = (polygons.distances[:, :, None] * turns).astype(np.float32)
    corners += polygons.points[:, None].astype(np.float32)
    order = np.argsort(polygons.probabilities, kind="stable")
    return draw_polygons(corners[order].astype(np.float64) - np.asarray(offset), order + 1, shape)
