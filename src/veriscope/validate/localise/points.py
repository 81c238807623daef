"""Places of objects as points: within reach of one another, or within an object of the other side.

A point is given as the index of a pixel on each axis, fractions allowed: a whole number is the centre of a
pixel, and pixel i reaches from i - 0.5 up to i + 0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from veriscope.core.labels import check_labels
from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.localise.boxes import check_boxes, overlapping
from veriscope.validate.localise.pairs import CandidatePairs
from veriscope.validate.metrics.semantic.masks import ROUNDING, check_distance, check_steps

__all__ = ["Side", "centre_distance", "check_points", "point_in_box", "point_in_mask"]

FloatArray = NDArray[np.float64]
Side = Literal["reference", "prediction"]


def check_points(points: ArrayLike, *, name: str = "points") -> FloatArray:
    """Refuse what is no list of points.

    Parameters
    ----------
    points
        Shape (n, 2) or (n, 3): (y, x) or (z, y, x). An empty list will do.
    name
        Names them, for messages.

    Returns
    -------
    numpy.ndarray
        The same, float64; shape (0, 2) for an empty list.

    Raises
    ------
    InputError
        If the shape is another.
    PixelValueError
        If a number is not finite.
    """
    found = np.asarray(points, dtype=np.float64)
    if found.ndim == 1 and not found.size:
        return np.empty((0, 2))
    if found.ndim != 2 or found.shape[1] not in (2, 3):
        raise InputError(f"{name} have shape {found.shape}; give one row per point, (y, x) or (z, y, x)")
    bad = ~np.isfinite(found).all(axis=1)
    if bad.any():
        raise PixelValueError(
            f"{name}: {int(bad.sum())} of {len(found)} have NaN or infinite numbers, the first is row "
            f"{int(np.flatnonzero(bad)[0])}; leave these out"
        )
    return found


def centre_distance(
    reference: ArrayLike,
    prediction: ArrayLike,
    *,
    tolerance: float,
    spacing: Sequence[float] | None = None,
) -> CandidatePairs:
    """Distance of the centres that lie within reach of one another.

    Parameters
    ----------
    reference, prediction
        Centres of the objects, shape (n, 2) or (n, 3): (y, x) or (z, y, x), in pixels.
    tolerance
        Largest distance of a pair, at least 0, in µm (in pixels without a spacing). A distance equal to it
        is enough; rounding errors of one part in 10⁹ are forgiven.
    spacing
        Size of a pixel along each axis, in µm; None: the tolerance is in pixels.

    Returns
    -------
    CandidatePairs
        Fits are minus the Euclidean distance, so 0 is best; symmetric.

    Raises
    ------
    AxesError
        If the spacing does not fit.
    InputError
        If these are no points, or the tolerance is not a finite number of at least 0.
    ShapeMismatchError
        If one side is 2D and the other 3D.

    References
    ----------
    .. [1] Maier-Hein L, Reinke A et al. Metrics reloaded. Nature Methods (2024), supplement.
    """
    check_distance(tolerance, name="tolerance", zero=True)
    sides = [
        check_points(points, name=name)
        for points, name in ((reference, "reference points"), (prediction, "predicted points"))
    ]
    sizes = len(sides[0]), len(sides[1])
    if not all(sizes):
        none = np.empty(0, dtype=np.intp)
        return CandidatePairs.sort("centre_distance", sizes, none, none, np.empty(0))
    if sides[0].shape[1] != sides[1].shape[1]:
        raise ShapeMismatchError(
            f"reference points have {sides[0].shape[1]} axes and predicted points {sides[1].shape[1]}; "
            "give both in 2D or both in 3D"
        )
    steps = check_steps(spacing, sides[0].shape[1])
    trees = [cKDTree(points * steps) for points in sides]
    near = trees[0].sparse_distance_matrix(trees[1], tolerance * ROUNDING, output_type="ndarray")
    return CandidatePairs.sort("centre_distance", sizes, near["i"], near["j"], -near["v"])


def point_in_mask(labels: NDArray[Any], points: ArrayLike, *, masks: Side = "reference") -> CandidatePairs:
    """Say which points of one side lie in an object of the other.

    Parameters
    ----------
    labels
        Label image, (y, x) or (z, y, x), 0 = background.
    points
        Shape (n, d), in the order of the axes, in pixels. Points outside the image lie in no object.
    masks
        Which side the label image is of; the points are the other side.

    Returns
    -------
    CandidatePairs
        All fits are 1. Objects of the label image are in the order of their labels. Not symmetric.

    Raises
    ------
    InputError
        If these are no points.
    PixelValueError
        If this is no label image.
    ShapeMismatchError
        If the points have another number of axes than the image.

    References
    ----------
    .. [1] Maier-Hein L, Reinke A et al. Metrics reloaded. Nature Methods (2024), supplement.
    """
    image, places = check_labels(labels, where=f"the {masks}"), check_points(points)
    if len(places) and places.shape[1] != image.ndim:
        raise ShapeMismatchError(
            f"points have {places.shape[1]} axes and the label image {image.ndim}; give one number per axis"
        )
    ids = np.unique(image[image > 0])
    pixels = np.floor(places + 0.5) if len(places) else np.empty((0, image.ndim))
    hit = np.flatnonzero(((pixels >= 0) & (pixels < image.shape)).all(axis=1))
    values = image[tuple(pixels[hit].astype(np.int64).T)]
    hit, values = hit[values > 0], values[values > 0]
    return _within("point_in_mask", np.searchsorted(ids, values), hit, (len(ids), len(places)), masks)


def point_in_box(boxes: ArrayLike, points: ArrayLike, *, masks: Side = "reference") -> CandidatePairs:
    """Say which points of one side lie in a box of the other.

    Parameters
    ----------
    boxes
        Shape (n, 4) or (n, 6): first pixel on each axis, then one past the last. Pixel i reaches from
        i - 0.5 to i + 0.5 in the coordinates of points, so a point c lies in the box from a to b where
        a - 0.5 <= c < b - 0.5.
    points
        Shape (n, d), in the order of the axes, in pixels.
    masks
        Which side the boxes are of; the points are the other side.

    Returns
    -------
    CandidatePairs
        All fits are 1, and the criterion is ``"point_in_mask"``, the mask being the box.

    Raises
    ------
    InputError
        If these are no boxes or points.
    ShapeMismatchError
        If one side is 2D and the other 3D.
    """
    found, places = check_boxes(boxes), check_points(points)
    sizes = len(found), len(places)
    if all(sizes) and found.shape[1] != 2 * places.shape[1]:
        raise ShapeMismatchError(
            f"boxes have {found.shape[1] // 2} axes and points {places.shape[1]}; "
            "give both in 2D or both in 3D"
        )
    # A point is the smallest box that can be written down.
    tiny = np.concatenate([places + 0.5, np.nextafter(places + 0.5, np.inf)], axis=1)
    parts = [(np.empty(0, dtype=np.intp),) * 2, *overlapping(found, tiny)]
    rows, columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _within("point_in_mask", rows, columns, sizes, masks)


def _within(
    criterion: str,
    objects: NDArray[np.intp],
    points: NDArray[np.intp],
    sizes: tuple[int, int],
    masks: Side,
) -> CandidatePairs:
    fits = np.ones(len(objects))
    if masks == "reference":
        return CandidatePairs.sort(criterion, sizes, objects, points, fits)
    if masks == "prediction":
        return CandidatePairs.sort(criterion, sizes[::-1], points, objects, fits)
    raise InputError(f"masks {masks!r} is not allowed; use 'reference' or 'prediction'")
