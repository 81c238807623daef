"""From dense star-convex outputs of a stack to objects: which polyhedra stay, and drawing them.

After Weigert et al., Star-convex polyhedra for 3D object detection and segmentation in microscopy, WACV 2020,
doi:10.1109/WACV45572.2020.9093435. All polyhedra have the same rays, so for every whole-numbered offset from
a centre it is known once between which three rays it lies, and how far along each. A voxel is inside if these
three parts, each over the distance on its ray, sum to 1 at most. What is known of offsets near the centre is
kept in a table; farther ones are worked out each time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from veriscope.errors import MethodError
from veriscope.methods.networks.star_convex import Polygons, proposed

__all__ = ["Sphere", "find_polyhedra", "polyhedra_to_labels", "suppress_polyhedra"]

_SAMPLE, _SURE = 400, 5.0
"""Voxels on which an overlap is estimated first, and by how many standard errors it has to be clear."""
_AT_ONCE = 50_000
"""Offsets whose triangles are looked for at once."""
_MOST_KEPT = 8_000_000
"""Offsets whose triangles are kept, 18 bytes each: those up to 100 voxels from the centre."""
_MOST_VOXELS = 27_000_000
"""Voxels of the box around one polyhedron, such as 300 x 300 x 300; of larger ones none is drawn."""
_VOXELS_AT_ONCE = 1_000_000
"""Voxels of such a box that are looked at together, some 100 bytes each."""
_FEWEST_RAYS = 5
"""With fewer, the rays of the spiral do not go all round."""


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
            At least 5.
        spacing
            Size of a voxel (z, y, x), in any unit: with thick planes the rays lie denser in the plane.

        Returns
        -------
        Sphere
            From the first plane to the last.

        Raises
        ------
        MethodError
            If there are fewer rays.
        """
        if n_rays < _FEWEST_RAYS:
            raise MethodError(
                f"objects of a stack need at least {_FEWEST_RAYS} rays, and the network gives {n_rays}; its "
                "card is wrong, or it was made for flat images: choose a model of stacks"
            )
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
        rays, parts = self._between(offsets)
        if distances.ndim == 1:
            reached = (parts / distances[rays]).sum(-1)
        else:
            row = np.arange(len(distances)).reshape(-1, *[1] * (rays.ndim - 1))
            reached = (parts / distances[row, rays]).sum(-1)
        return np.asarray(reached <= 1)

    def _between(self, offsets: NDArray[np.integer[Any]]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
        """Give the three rays around each offset (…, 3), and how far along each it lies."""
        reach = np.maximum(np.abs(offsets).reshape(-1, 3).max(0, initial=0), self._reach)
        if np.prod(2 * reach + 1.0) > _MOST_KEPT:
            rays, parts = self._find(offsets.reshape(-1, 3))
            return rays.reshape(offsets.shape), parts.reshape(offsets.shape)
        if (reach > self._reach).any() or not len(self._rays):
            self._reach = reach
            self._rays, self._parts = self._find(np.indices(tuple(2 * reach + 1)).reshape(3, -1).T - reach)
        scale = np.array([(2 * self._reach[1] + 1) * (2 * self._reach[2] + 1), 2 * self._reach[2] + 1, 1])
        index = (offsets + self._reach) @ scale
        return self._rays[index], self._parts[index]

    def _find(self, offsets: NDArray[np.integer[Any]]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
        """Find the triangle of each offset (voxel, 3)."""
        rays = np.zeros((len(offsets), 3), np.int16)
        parts = np.zeros((len(offsets), 3), np.float32)
        for first in range(0, len(offsets), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            along = self._inverse @ offsets[some].T  # (face, 3, voxel)
            face = along.min(1).argmax(0)
            rays[some] = self.faces[face]
            parts[some] = np.maximum(along[face, :, np.arange(len(face))], 0)
        return rays, parts


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

    Raises
    ------
    MethodError
        If an object is larger than what is drawn.
    """
    found = proposed(probability, distances, threshold=threshold, stride=stride, border=border)
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
    sides = high - low + 1
    if np.prod(sides.astype(float)) > _MOST_VOXELS:
        raise MethodError(
            f"the network says that an object is {' x '.join(map(str, sides))} voxels large (z, y, x), which "
            f"is more than the {_MOST_VOXELS:,} that are drawn; give images scaled to the voxel size of its "
            "card, or choose another model"
        )
    planes = max(1, _VOXELS_AT_ONCE // int(sides[1] * sides[2]))
    found = []
    for first in range(0, int(sides[0]), planes):
        slab = np.indices((min(planes, sides[0] - first), *sides[1:])).reshape(3, -1).T
        slab += (low[0] + first, low[1], low[2])
        found.append(slab[sphere.inside(slab, distances)])
    return np.concatenate(found)


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
