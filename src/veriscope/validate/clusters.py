"""Units that belong together, such as the images of one animal: numbered, added up, all or none named."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import InputError

__all__ = ["cluster_numbers", "sum_by_cluster", "whole_clusters"]

FloatArray = NDArray[np.float64]
Cluster = TypeVar("Cluster", bound=Hashable)


def cluster_numbers(
    clusters: Sequence[Hashable], *, n_units: int, kept: NDArray[np.bool_] | None = None
) -> NDArray[np.intp]:
    """Give numbers to clusters, in the order in which they first appear.

    Parameters
    ----------
    clusters
        Name of the cluster of each unit.
    n_units
        Number of units that there are.
    kept
        Which units are used, shape (n_units,); None: all.

    Returns
    -------
    numpy.ndarray
        Number of the cluster of each unit used, from 0.

    Raises
    ------
    InputError
        If there is not one name per unit.
    """
    if len(clusters) != n_units:
        raise InputError(f"{len(clusters)} clusters are given for {n_units} units; give one for each")
    index: dict[Hashable, int] = {}
    used = range(n_units) if kept is None else np.flatnonzero(kept).tolist()
    return np.array([index.setdefault(clusters[unit], len(index)) for unit in used], dtype=np.intp)


def sum_by_cluster(rows: FloatArray, clusters: Sequence[Hashable]) -> FloatArray:
    """Add up the rows of units that belong together, such as the fields of one well.

    Parameters
    ----------
    rows
        Shape (n, c), one row per unit.
    clusters
        Name of the cluster of each unit.

    Returns
    -------
    numpy.ndarray
        Shape (k, c), one row per cluster, in the order in which they first appear.

    Raises
    ------
    InputError
        If there is not one name per unit.
    """
    numbers = cluster_numbers(clusters, n_units=len(rows))
    sums = np.zeros((int(numbers.max(initial=-1)) + 1, rows.shape[1]))
    np.add.at(sums, numbers, rows)
    return sums


def whole_clusters(
    clusters: Sequence[Cluster | None], *, names: Sequence[str], unit: str = "image"
) -> list[Cluster] | None:
    """Give the cluster of each unit, or None where none has one.

    Parameters
    ----------
    clusters
        Cluster of each unit, or None. Units of one cluster that were taken for independent would be counted
        as more witnesses than they are, so all have one or none has.
    names
        Name of each unit, for messages.
    unit
        What a unit is, for messages.

    Returns
    -------
    list or None
        One per unit.

    Raises
    ------
    InputError
        If some units have a cluster and others have none.
    """
    lonely = [name for name, cluster in zip(names, clusters, strict=True) if cluster is None]
    if len(lonely) == len(clusters):
        return None
    if lonely:
        raise InputError(
            f"{len(lonely)} of {len(clusters)} {unit}s have no cluster, the first is {lonely[0]!r}; "
            f"give every {unit} a cluster, or none"
        )
    return [cluster for cluster in clusters if cluster is not None]
