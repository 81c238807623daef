"""One value per image, averaged: over images, or first over the images of each replicate."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from veriscope.errors import InputError
from veriscope.validate.clusters import sum_by_cluster, whole_clusters
from veriscope.validate.metrics.base import FloatArray, ratio
from veriscope.validate.statistics import Interval, mean_interval

__all__ = ["mean_over_units", "unit_means"]


def unit_means(values: ArrayLike, clusters: Sequence[Hashable | None]) -> FloatArray:
    """Average the images of each replicate; without replicates nothing changes.

    Parameters
    ----------
    values
        One value per image; what is not finite is left aside.
    clusters
        Replicate of each image; all None without replicates.

    Returns
    -------
    numpy.ndarray
        One value per unit; NaN where none is known.

    Raises
    ------
    InputError
        If there is not one replicate per image, or only some images have one.
    """
    found = np.asarray(values, dtype=np.float64)
    if len(clusters) != len(found):
        raise InputError(f"{len(clusters)} clusters are given for {len(found)} images; give one for each")
    owners = whole_clusters(clusters, names=[f"image {i + 1}" for i in range(len(found))])
    if owners is None:
        return found
    known = np.isfinite(found)
    sums = sum_by_cluster(np.stack([np.where(known, found, 0), known], axis=1), owners)
    return ratio(sums[:, 0], sums[:, 1])


def mean_over_units(
    values: ArrayLike,
    clusters: Sequence[Hashable | None],
    *,
    level: float,
    bounds: tuple[float, float],
    unit: str,
) -> Interval:
    """Give the mean over images, or over replicates of the mean over their images, with its interval.

    Parameters
    ----------
    values, clusters
        As for `unit_means`.
    level
        Level of the interval.
    bounds
        Smallest and largest possible value.
    unit
        What the unit of the interval is.

    Returns
    -------
    Interval
        Aggregation ``"mean"``.

    Raises
    ------
    InputError
        As `unit_means`.
    """
    return mean_interval(unit_means(values, clusters), level=level, bounds=bounds, unit=unit)
