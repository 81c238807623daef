"""From dense star-convex outputs of a stack to objects: which polyhedra stay, and drawing them.

After Weigert et al., Star-convex polyhedra for 3D object detection and segmentation in microscopy, WACV 2020,
doi:10.1109/WACV45572.2020.9093435. All polyhedra have the same rays, so for every whole-numbered offset from
a centre it is known once between which three rays it lies, and how far along each. A voxel is inside if these
three parts, each over the distance on its ray, sum to 1 at most.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from veriscope.methods.networks.star_convex import Polygons

__all__ = ["Sphere", "find_polyhedra", "polyhedra_to_labels", "suppress_polyhedra"]

_SAMPLE, _SURE = 400, 5.0
"""Voxels on which an overlap is estimated first, and by how many standard errors it has to be clear."""
_FACES_AT_ONCE = 50_000


class Sphere:
    """Rays of polyhedra, and the triangles between them.

    Parameters
    ----------
    directions
        (ray, 3), z first, of length 1, all round.
    spacing
        Size of a voxel (z, y, x), with which neighbouring rays are found.
    """

    def __init__(
        self, directions: NDArray[np.floating[Any]], *, spacing: tuple[float, float, float] = (1, 1, 1)
    ) -> None:
        self.directions = np.asarray(directions, np.float64)
        even = self.directions * np.asarray(spacing)
        even /= np.linalg.norm(even, axis=1, keepdims=True)
        self.faces = ConvexHull(even).simplices
        self._inverse = np.linalg.inv(np.swapaxes(self.directions[self.faces], 1, 2))
        self._reach = np.zeros(3, np.int64)
        self._rays: NDArray[np.int16] = np.zeros((0, 3), np.int16)
        self._parts: NDArray[np.float32] = np.zeros((0, 3), np.float32)

    @classmethod
    def spiral(cls, n_rays: int, *, spacing: tuple[float, float, float] = (1, 1, 1)) -> Sphere:
        """Spread rays evenly over the sphere on a golden spiral, as StarDist does.

        Parameters
        ----------
        n_rays
            At least 4.
        spacing
            Size of a voxel (z, y, x), in any unit: with thick planes the rays lie denser in the plane.

        Returns
        -------
        Sphere
            From the first plane to the last.
        """
        turn = (3 - np.sqrt(5)) * np.pi * np.arange(n_rays)
        z = np.linspace(-1, 1, n_rays)
        radius = np.sqrt(1 - z**2)
        place = np.stack([z, radius * np.sin(turn), radius * np.cos(turn)], axis=1) / np.asarray(spacing)
        return cls(place / np.linalg.norm(place, axis=1, keepdims=True), spacing=spacing)

    def volumes(self, distances: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Give the volumes of polyhedra.

        Parameters
        ----------
        distances
            (polyhedron, ray), in voxels.

        Returns
        -------
        numpy.ndarray
            float64 (polyhedron,).
        """
        whole = np.abs(np.linalg.det(self.directions[self.faces])) / 6
        return np.asarray(distances[:, self.faces].astype(np.float64).prod(2) @ whole)

    def inside(self, offsets: NDArray[np.integer[Any]], distances: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Tell which voxels lie in a polyhedron, or on its surface.

        Parameters
        ----------
        offsets
            Whole numbers (…, 3) from the centre.
        distances
            (ray,), or one row per polyhedron for offsets (polyhedron, voxel, 3).

        Returns
        -------
        numpy.ndarray
            Boolean (…).
        """
        self._grow(np.abs(offsets).reshape(-1, 3).max(0, initial=0))
        scale = np.array([(2 * self._reach[1] + 1) * (2 * self._reach[2] + 1), 2 * self._reach[2] + 1, 1])
        index = (offsets + self._reach) @ scale
        rays, parts = self._rays[index], self._parts[index]
        if distances.ndim == 1:
            reached = (parts / distances[rays]).sum(-1)
        else:
            row = np.arange(len(distances)).reshape(-1, *[1] * (rays.ndim - 1))
            reached = (parts / distances[row, rays]).sum(-1)
        return np.asarray(reached <= 1)

    def _grow(self, reach: NDArray[np.int64]) -> None:
        """Find the triangle of each offset up to a distance, once."""
        if (reach <= self._reach).all() and len(self._rays):
            return
        self._reach = np.maximum(reach, self._reach)
        grid = np.indices(tuple(2 * self._reach + 1)).reshape(3, -1).T - self._reach
        self._rays = np.zeros((len(grid), 3), np.int16)
        self._parts = np.zeros((len(grid), 3), np.float32)
        for first in range(0, len(grid), _FACES_AT_ONCE):
            some = slice(first, first + _FACES_AT_ONCE)
            parts = self._inverse @ grid[some].T  # (face, 3, voxel)
            face = parts.min(1).argmax(0)
            self._rays[some] = self.faces[face]
            self._parts[some] = np.maximum(parts[face, :, np.arange(len(face))], 0)


def find_polyhedra(
    probability: NDArray[np.floating[Any]],
    distances: NDArray[np.floating[Any]],
    sphere: Sphere,
    *,
    threshold: float,
    overlap: float,
    stride: int | tuple[int, ...] = 1,
    border: int = 2,
) -> Polygons:
    """Choose the polyhedra of a stack from its dense outputs.

    Parameters
    ----------
    probability
        (z, y, x), 0 to 1.
    distances
        (z, y, x, ray) in voxels, positive.
    sphere
        The rays.
    threshold
        Smaller probabilities, and this one, propose nothing.
    overlap
        Share of the smaller of two polyhedra, 0 to 1, above which the less probable one goes.
    stride
        Voxels of the stack per place of the outputs, one number or one per axis.
    border
        Places at the edge of the outputs that propose nothing.

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
    points = np.argwhere(inner)[order] * np.asarray(stride)
    found = Polygons(points, np.asarray(distances[inner][order], np.float32), scores[order])
    return found[suppress_polyhedra(found.points, found.distances, sphere, overlap=overlap)]


def suppress_polyhedra(
    points: NDArray[np.integer[Any]], distances: NDArray[np.float32], sphere: Sphere, *, overlap: float
) -> NDArray[np.intp]:
    """Go through polyhedra from the best on, and drop those that share too much with one that stays.

    What two share is counted in voxels, over the smaller volume: on some hundred voxels first, and on all
    where that is not clear.

    Parameters
    ----------
    points
        Centres (polyhedron, 3), z first, the best polyhedron first.
    distances
        (polyhedron, ray), in voxels.
    sphere
        The rays.
    overlap
        Share of the smaller polyhedron, 0 to 1; above it the later one is dropped.

    Returns
    -------
    numpy.ndarray
        Those that stay, ascending.
    """
    volumes = sphere.volumes(distances)
    reach = distances.max(1, initial=0)
    left = np.arange(len(points))
    kept = []
    while len(left):
        one, left = left[0], left[1:]
        kept.append(one)
        apart = ((points[left] - points[one]) ** 2).sum(1)
        rivals = np.flatnonzero(apart < (reach[left] + reach[one]) ** 2)
        if len(rivals):
            limit = overlap * np.minimum(volumes[one], volumes[left[rivals]])
            voxels = _voxels(sphere, distances[one]) + points[one]
            beaten = _shares_more(sphere, voxels, points[left[rivals]], distances[left[rivals]], limit)
            left = np.delete(left, rivals[beaten])
    return np.asarray(kept, np.intp)


def polyhedra_to_labels(
    polyhedra: Polygons, sphere: Sphere, shape: tuple[int, int, int]
) -> NDArray[np.int32]:
    """Draw polyhedra; where they overlap, the most probable one wins.

    Parameters
    ----------
    polyhedra
        Centres, distances and probabilities.
    sphere
        The rays.
    shape
        (z, y, x) of the label image.

    Returns
    -------
    numpy.ndarray
        int32, number 1 for the first polyhedron and so on.
    """
    labels = np.zeros(shape, np.int32)
    for number in np.argsort(polyhedra.probabilities, kind="stable"):
        voxels = _voxels(sphere, polyhedra.distances[number]) + polyhedra.points[number]
        there = ((voxels >= 0) & (voxels < shape)).all(1)
        labels[tuple(voxels[there].T)] = number + 1
    return labels


def _voxels(sphere: Sphere, distances: NDArray[np.float32]) -> NDArray[np.int64]:
    """List the offsets inside a polyhedron."""
    tips = distances[:, None] * sphere.directions
    low, high = np.floor(tips.min(0)).astype(np.int64), np.ceil(tips.max(0)).astype(np.int64)
    low, high = np.minimum(low, 0), np.maximum(high, 0)
    box = np.indices(tuple(high - low + 1)).reshape(3, -1).T + low
    return np.asarray(box[sphere.inside(box, distances)])


def _shares_more(
    sphere: Sphere,
    voxels: NDArray[np.int64],
    points: NDArray[np.integer[Any]],
    distances: NDArray[np.float32],
    limit: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Tell which polyhedra hold more than a number of the voxels of another one."""
    # Spread over the polyhedron, the same ones each time.
    spread = np.random.default_rng(0).permutation(len(voxels))[:_SAMPLE]
    share = _inside_share(sphere, voxels[spread], points, distances)
    count = share * len(voxels)
    error = np.sqrt((share * (1 - share) + 1 / len(spread)) / len(spread)) * len(voxels)
    unclear = np.flatnonzero(np.abs(count - limit) < _SURE * error)
    if len(spread) < len(voxels) and len(unclear):
        for first in range(0, len(unclear), 64):
            some = unclear[first : first + 64]
            count[some] = _inside_share(sphere, voxels, points[some], distances[some]) * len(voxels)
    return np.asarray(count > limit)


def _inside_share(
    sphere: Sphere,
    voxels: NDArray[np.int64],
    points: NDArray[np.integer[Any]],
    distances: NDArray[np.float32],
) -> NDArray[np.float64]:
    offsets = voxels[None] - points[:, None]
    # Offsets farther than any ray are outside; they need no place in the table.
    reach = np.ceil(distances.max(initial=0)).astype(np.int64)
    near = (np.abs(offsets) <= reach).all(2)
    inside = sphere.inside(np.where(near[..., None], offsets, 0), distances) & near
    return np.asarray(inside.mean(1))
