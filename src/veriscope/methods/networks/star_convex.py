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
from scipy.spatial import ConvexHull, QhullError

from veriscope.methods.networks.polygons import shared_areas, straighten
from veriscope.methods.networks.scanlines import draw_polygons

__all__ = ["Polygons", "find_polygons", "polygon_corners", "polygons_to_labels", "suppress_polygons"]

_FEW_LARGE = 0.01
"""Share of the polygons that are looked through one by one, so that they do not widen the search for all."""
_SIMPLE = 8
"""Sides at least of the polygon that stands in for a hull."""
_ROUNDED = 0.3
"""How far rounding moves an area, in pixels per crossing and length of the edges; measured, with a margin."""


def find_polygons(
    probability: NDArray[np.floating[Any]],
    distances: NDArray[np.floating[Any]],
    *,
    threshold: float,
    overlap: float,
    stride: int = 1,
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
        Pixels of the image per place of the outputs.
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
    inner = np.zeros(probability.shape, bool)
    rows, columns = (slice(border, max(size - border, border)) for size in probability.shape)
    inner[rows, columns] = probability[rows, columns] > threshold
    places = np.argwhere(inner)
    scores = np.asarray(probability[inner], np.float32)
    order = np.argsort(-scores, kind="stable")
    points = places[order] * stride + np.asarray(offset)
    found = Polygons(points, np.asarray(distances[inner][order], np.float32), scores[order])
    return found[suppress_polygons(found.points, found.distances, overlap=overlap, chained=chained)]


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
    state = _Suppression(points, polygon_corners(points, distances), overlap)
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


class _Suppression:
    """The state of one run: which polygons are still in question, and where they are."""

    def __init__(self, points: NDArray[Any], corners: NDArray[np.int32], overlap: float) -> None:
        self.points, self.corners, self.overlap = points, corners, np.float32(overlap)
        self.arms_y, self.arms_x = (
            (corners[..., axis] - points[:, axis, None]).astype(np.float32) for axis in (0, 1)
        )
        self.triangles = self.arms_x * np.roll(self.arms_y, -1, axis=1)
        self.triangles -= self.arms_y * np.roll(self.arms_x, -1, axis=1)
        self.triangles /= 2
        self.areas = np.abs(self.triangles.sum(1))
        arms = (self.arms_y, self.arms_x)
        self.low = points + np.stack([arm.min(1) for arm in arms], axis=1).astype(np.int64)
        self.high = points + np.stack([arm.max(1) for arm in arms], axis=1).astype(np.int64)
        self.edge = (self.high - self.low).sum(1) * (4 / corners.shape[1])
        extent = np.maximum(self.high - points, points - self.low).max(1)
        usual = int(np.quantile(extent, 1 - _FEW_LARGE, method="lower"))
        self.reach = usual + 1
        self.large = np.flatnonzero(extent > usual)
        self.origin = points.min(0)
        self.place = points - self.origin
        self.waiting = np.full(self.place.max(0) + 1, -1, np.int32)
        small = np.flatnonzero(extent <= usual)
        self.waiting[tuple(self.place[small].T)] = small
        self.straight: dict[int, NDArray[np.int64]] = {}

    def run(self) -> NDArray[np.intp]:
        kept = []
        in_question = np.ones(len(self.corners), bool)
        for one in range(len(self.corners)):
            if not in_question[one]:
                continue
            kept.append(one)
            self.waiting[tuple(self.place[one])] = -1
            if len(self.large):
                self.large = self.large[in_question[self.large] & (self.large > one)]
            rivals = self._rivals(one)
            if len(rivals):
                beaten = rivals[self._too_much(one, rivals)]
                in_question[beaten] = False
                self.waiting[tuple(self.place[beaten].T)] = -1
        return np.asarray(kept, np.intp)

    def unbeaten(self, kept: NDArray[np.intp]) -> NDArray[np.intp]:
        """Drop also those that share too much with a better polygon that was dropped itself."""
        dropped = np.setdiff1d(np.arange(len(self.corners)), kept)
        self.waiting[tuple(self.place[dropped].T)] = dropped
        self.large = np.zeros(0, np.intp)  # the search below is as wide as the largest
        self.reach = int(np.maximum(self.high - self.points, self.points - self.low).max()) + 1
        left = []
        for one in kept:
            better = self._rivals(int(one))
            better = better[better < one]
            if not len(better) or not self._too_much(int(one), better).any():
                left.append(one)
        return np.asarray(left, np.intp)

    def _rivals(self, one: int) -> NDArray[np.intp]:
        """Find the polygons in question whose bounding boxes meet that of one."""
        low = np.maximum(self.low[one] - self.origin - self.reach, 0)
        high = np.maximum(self.high[one] - self.origin + self.reach + 1, 0)
        near = self.waiting[low[0] : high[0], low[1] : high[1]].ravel()
        near = near[near >= 0]
        if len(self.large):
            near = np.concatenate([near, self.large])
        meet = (self.low[near] <= self.high[one]) & (self.high[near] >= self.low[one])
        return np.asarray(near[meet[:, 0] & meet[:, 1]], np.intp)

    def _too_much(self, one: int, rivals: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Tell which rivals share more than allowed: most by bounds, the others by clipping."""
        limit = self.overlap * np.minimum(self.areas[one], self.areas[rivals])
        box = np.minimum(self.high[one], self.high[rivals]) - np.maximum(self.low[one], self.low[rivals])
        rounding = _ROUNDED * (1 + np.maximum(self.edge[one], self.edge[rivals]))
        meeting = np.flatnonzero(box[:, 0] * box[:, 1] > limit - 4 * rounding)
        least, most = self._bounds(one, rivals[meeting])
        beaten = np.zeros(len(rivals), bool)
        beaten[meeting] = least > limit[meeting] + 4 * rounding[meeting]
        unsure = meeting[~beaten[meeting] & (most > limit[meeting] - 4 * rounding[meeting])]
        if len(unsure):
            beaten[unsure] = self._clipped(one, rivals[unsure])
        return beaten

    def _bounds(
        self, one: int, rivals: NDArray[np.intp]
    ) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
        """Bound the area that each rival shares with one, by the convex hull of that.

        Of each triangle between the centre of a rival and two of its corners, arms cut off at the hull span a
        triangle inside both; the hull is larger than the polygon by a known area. A triangle with all corners
        beyond one side of the hull is not shared.
        """
        centre = self.points[one]
        hull = _Hull(self.corners[one] - centre, float(self.areas[one]))
        y, x = (self.points[rivals] - centre).astype(np.float32).T
        least, most = np.zeros(len(rivals), np.float32), np.full(len(rivals), np.inf, np.float32)
        depth = -hull.heights(hull.inner, y, x).max(0)
        inside = np.flatnonzero(depth > 1e-3)
        if len(inside):
            which = rivals[inside]
            arms = np.stack([self.arms_y[which].ravel(), self.arms_x[which].ravel()])
            depths = -hull.heights(hull.inner, y[inside], x[inside])
            stretch = (hull.inner[:, :2] @ arms).reshape(len(depths), len(which), -1)
            stretch /= depths[:, :, None]
            kept = 1 / np.maximum(stretch.max(0), 1)
            both = kept[:, :-1] * kept[:, 1:]
            triangles = self.triangles[which]
            least[inside] = (both * triangles[:, :-1]).sum(1) - np.float32(hull.spare)
            least[inside] += kept[:, -1] * kept[:, 0] * triangles[:, -1]
        outside = np.flatnonzero(depth <= 0)
        if len(outside):
            which = rivals[outside]
            heights = hull.heights(hull.sides, y[outside], x[outside])
            side = hull.sides[heights.argmax(0)]
            height = heights.max(0)[:, None]
            corner = self.arms_y[which] * side[:, :1] + self.arms_x[which] * side[:, 1:2] + height
            away = (corner > 0) & (np.roll(corner, -1, axis=1) > 0) & (height > 0)
            most[outside] = (np.abs(self.triangles[which]) * ~away).sum(1)
        return least, most

    def _clipped(self, one: int, rivals: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Compare exact areas, and where these leave a doubt those that are rounded as in the original."""
        smaller = np.minimum(self.areas[one] + 1e-10, self.areas[rivals] + 1e-10)
        shared, crossings = shared_areas(self.corners[one], self.corners[rivals])
        doubt = (1 + crossings) * _ROUNDED * (1 + np.maximum(self.edge[one], self.edge[rivals]))
        near = np.flatnonzero((np.abs(shared - self.overlap * smaller) <= doubt) & (crossings > 0))
        if len(near):
            others = np.stack([self._straightened(int(which)) for which in rivals[near]])
            shared[near] = shared_areas(self._straightened(one), others, rounded=True)[0]
        return np.asarray((shared.astype(np.float32) / smaller).astype(np.float32) > self.overlap)

    def _straightened(self, which: int) -> NDArray[np.int64]:
        found = self.straight.get(which)
        if found is None:
            found = self.straight[which] = straighten(self.corners[which])
        return found


class _Hull:
    """The convex hull of a polygon.

    Attributes
    ----------
    sides, inner
        Sides (a, b, c), a y + b x + c < 0 inside, of the hull, and of a simpler polygon inside it.
    spare
        By how much the hull is larger than the polygon.
    """

    def __init__(self, corners: NDArray[Any], area: float) -> None:
        try:
            hull = ConvexHull(corners)
        except QhullError:  # flat: nothing lies inside
            self.sides = self.inner = np.array([[0, 0, 1]], np.float32)
            self.spare = 0.0
            return
        self.sides = hull.equations.astype(np.float32)
        self.spare = float(hull.volume) - area
        start = corners[hull.vertices[:: max(len(hull.vertices) // _SIMPLE, 1)]].astype(np.float32)
        edge = np.roll(start, -1, axis=0) - start
        normal = np.stack([-edge[:, 1], edge[:, 0]], axis=1) / np.hypot(*edge.T)[:, None]
        normal *= -np.sign(normal[:1] @ (start.mean(0) - start[0]))[0]
        self.inner = np.column_stack([normal, -(normal * start).sum(1)])

    @staticmethod
    def heights(sides: NDArray[np.float32], y: NDArray[np.float32], x: NDArray[np.float32]) -> Any:
        """Give how far points lie beyond each side, (side, point)."""
        return sides[:, :1] * y + sides[:, 1:2] * x + sides[:, 2:]
