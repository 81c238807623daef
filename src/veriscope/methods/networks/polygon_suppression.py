"""Which star-convex polygons stay: most pairs are decided by bounds, the others by clipping."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.methods.networks.polygons import shared_areas, straighten

__all__ = ["Suppression"]

_FEW_LARGE = 0.01
"""Share of the polygons that are looked through one by one, so that they do not widen the search for all."""
_SIMPLE = 8
"""Sides at least of the polygon that stands in for a hull."""
_ROUNDED = 0.3
"""How far rounding moves an area, in pixels per crossing and length of the edges; measured, with a margin."""


class Suppression:
    """The state of one run: which polygons are still in question, and where they are.

    Parameters
    ----------
    points
        Centres (polygon, 2), y first, whole pixels, all different, the best polygon first.
    corners
        int32 (polygon, ray, 2), whole pixels.
    overlap
        Share of the smaller polygon, 0 to 1; above it the later one is dropped.
    """

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
        """Drop what shares too much with a better polygon that stays.

        Returns
        -------
        numpy.ndarray
            Those that stay, ascending.
        """
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
        """Drop also those that share too much with a better polygon that was dropped itself.

        Parameters
        ----------
        kept
            What `run` gave.

        Returns
        -------
        numpy.ndarray
            Those that stay, ascending.
        """
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
        heights = hull.heights(hull.sides, y, x)
        outside = np.flatnonzero(heights.max(0) > 0)
        if len(outside):
            which, heights = rivals[outside], heights[:, outside]
            side, height = hull.sides[heights.argmax(0)], heights.max(0)[:, None]
            corners = self.arms_y[which] * side[:, :1] + self.arms_x[which] * side[:, 1:2] + height
            most[outside] = (np.abs(self.triangles[which]) * _share_before(height, corners)).sum(1)
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


def _share_before(centre: NDArray[np.float32], corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the share of each triangle that lies on the near side of a line.

    Centres (m, 1) lie beyond it by their height, above 0; corners (m, n) by theirs.
    """
    after = np.roll(corners, -1, axis=1)
    arm = centre / np.maximum(centre - corners, 1e-6)
    arm_after = np.roll(arm, -1, axis=1)
    edge = np.abs(corners) / np.maximum(np.abs(corners - after), 1e-6)
    beyond, beyond_after = corners > 0, after > 0
    both_near = 1 - arm * arm_after
    first_near, second_near = (1 - arm) * edge, (1 - arm_after) * (1 - edge)
    one_near = np.where(beyond, second_near, first_near)
    near = np.where(beyond | beyond_after, one_near, both_near)
    return np.where(beyond & beyond_after, np.float32(0), near)


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
        points = np.array(_hull_corners(sorted(set(map(tuple, corners.tolist())))), np.float32)
        if len(points) < 3:  # flat: nothing lies inside
            self.sides = self.inner = np.array([[0, 0, 1]], np.float32)
            self.spare = 0.0
            return
        after = np.roll(points, -1, axis=0)
        self.spare = float(abs((points[:, 1] * after[:, 0] - points[:, 0] * after[:, 1]).sum()) / 2) - area
        self.sides = _sides(points)
        self.inner = _sides(points[:: max(len(points) // _SIMPLE, 1)])

    @staticmethod
    def heights(sides: NDArray[np.float32], y: NDArray[np.float32], x: NDArray[np.float32]) -> Any:
        """Give how far points lie beyond each side, (side, point)."""
        return sides[:, :1] * y + sides[:, 1:2] * x + sides[:, 2:]


def _hull_corners(points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Give the corners of the hull of sorted points in one sense of rotation (Andrew's monotone chain)."""
    halves = []
    for run in (points, points[::-1]):
        half: list[tuple[int, int]] = []
        for y, x in run:
            while len(half) > 1:
                (ay, ax), (by, bx) = half[-2], half[-1]
                if (by - ay) * (x - ax) - (bx - ax) * (y - ay) > 0:
                    break
                half.pop()
            half.append((y, x))
        halves += half[:-1]
    return halves


def _sides(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the sides of a convex polygon, with normals of length 1 that point outwards."""
    edge = np.roll(points, -1, axis=0) - points
    normal = np.stack([edge[:, 1], -edge[:, 0]], axis=1) / np.hypot(edge[:, 0], edge[:, 1])[:, None]
    return np.column_stack([normal, -(normal * points).sum(1)]).astype(np.float32)
