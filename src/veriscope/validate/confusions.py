"""Intervals of what is computed from confusions of classes: by unit, and wide where a class is rare.

Leaving out one image at a time tells how far a metric can be trusted as long as images differ. Two things go
wrong with classes. A metric of one class says nothing of the images that cannot change it: five images of a
class, all found, are five units, however many others there are. And in a mean over classes, a class whose few
images are all found adds no spread, although the next image of it may be missed: there the interval of the
mean is put together from those of the classes, as Zou and Donner do for sums of shares.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Literal

import numpy as np

from veriscope.errors import InputError
from veriscope.validate.clusters import sum_by_cluster
from veriscope.validate.metrics.base import FloatArray, ratio
from veriscope.validate.metrics.classification.confusion import check_confusion
from veriscope.validate.metrics.classification.per_class import Decisions, one_versus_rest
from veriscope.validate.statistics import Interval, jackknife_interval, leave_one_out

__all__ = ["class_interval", "class_mean_interval", "confusion_interval"]

Denominator = Callable[[Decisions], FloatArray]
"""Gives from the decisions of a unit how many of its cases a metric is about."""


def confusion_interval(
    tables: FloatArray,
    clusters: Sequence[Hashable] | None,
    function: Callable[[FloatArray], FloatArray],
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    level: float = 0.95,
    unit: str = "image",
) -> Interval:
    """Give a metric of all cases with its interval.

    Parameters
    ----------
    tables
        Counts of each image, shape (n, K, K), row = class of the reference.
    clusters
        Replicate of each image; None: each image is a unit.
    function
        Gives the metric from counts of shape (..., K, K).
    bounds
        Its smallest and largest possible value.
    level
        Level of the interval.
    unit
        What a unit is.

    Returns
    -------
    Interval
        Units without a case are left aside.

    Raises
    ------
    InputError
        If tables or clusters do not fit.
    """
    rows = _by_unit(tables, clusters)
    value, left_out = leave_one_out(_flat(rows), lambda sums: function(_square(sums)))
    return jackknife_interval(value, left_out, rows.sum(axis=(1, 2)), level=level, bounds=bounds, unit=unit)


def class_interval(
    tables: FloatArray,
    clusters: Sequence[Hashable] | None,
    function: Callable[[Decisions], FloatArray],
    about: Denominator,
    *,
    positive: int,
    level: float = 0.95,
    unit: str = "image",
) -> Interval:
    """Give a metric of one class against the rest with its interval.

    Parameters
    ----------
    tables, clusters
        As for `confusion_interval`.
    function
        Gives the metric, 0 to 1, from decisions.
    about
        Gives the number of cases that the metric is about, such as those of the class for its sensitivity.
    positive
        Number of the class.
    level
        Level of the interval.
    unit
        What a unit is.

    Returns
    -------
    Interval
        Only units that have such a case count.

    Raises
    ------
    InputError
        If tables or clusters do not fit, or there is no such class.
    """
    rows = _by_unit(tables, clusters)
    sizes = np.asarray(about(one_versus_rest(rows, positive=positive)), np.float64)
    value, left_out = leave_one_out(
        _flat(rows),
        lambda sums: function(one_versus_rest(_square(sums), positive=positive)),
    )
    return jackknife_interval(value, left_out, sizes, level=level, bounds=(0.0, 1.0), unit=unit)


def class_mean_interval(
    tables: FloatArray,
    clusters: Sequence[Hashable] | None,
    function: Callable[[Decisions], FloatArray],
    about: Denominator,
    *,
    over: Literal["reference", "either"] = "reference",
    level: float = 0.95,
    unit: str = "image",
) -> Interval:
    """Give the mean over classes of a metric of each against the rest, with its interval.

    Parameters
    ----------
    tables, clusters
        As for `confusion_interval`.
    function, about
        As for `class_interval`.
    over
        Classes that are averaged: those that occur in the reference, or on either side.
    level
        Level of the interval.
    unit
        What a unit is.

    Returns
    -------
    Interval
        Each end is the farther one of two: of leaving out one unit at a time, and of the intervals of the
        classes put together as if they were independent [1]_. A class of which a single unit says something
        may be anything from 0 to 1.

    Raises
    ------
    InputError
        If tables or clusters do not fit.

    References
    ----------
    .. [1] Zou GY, Donner A. Construction of confidence limits about effect measures: a general approach.
       Statistics in Medicine 27 (2008), 1693-1702. doi:10.1002/sim.3095
    """
    counts = _by_unit(tables, clusters)
    n_classes = counts.shape[-1]

    def mean(sums: FloatArray) -> FloatArray:
        found = [one_versus_rest(sums, positive=number) for number in range(n_classes)]
        there = np.stack([one.tp + one.fn + (one.fp if over == "either" else 0) > 0 for one in found])
        each = np.where(there, np.stack([function(one) for one in found]), 0.0)
        return ratio(each.sum(axis=0), there.sum(axis=0).astype(np.float64))

    whole = confusion_interval(tables, clusters, mean, level=level, unit=unit)
    total = counts.sum(axis=0)
    occurs = total.sum(axis=1) + (total.sum(axis=0) if over == "either" else 0) > 0
    parts = [
        class_interval(tables, clusters, function, about, positive=int(number), level=level, unit=unit)
        for number in np.flatnonzero(occurs)
    ]
    if whole.low is None or whole.high is None:
        return whole
    ends = [
        (part.value, 0.0 if part.low is None else part.low, 1.0 if part.high is None else part.high)
        for part in parts
    ]
    values, lows, highs = np.array(ends, np.float64).T
    down, up = (float(np.sqrt(((values - other) ** 2).sum()) / len(parts)) for other in (lows, highs))
    return Interval(
        whole.value,
        max(0.0, min(whole.low, whole.value - down)),
        min(1.0, max(whole.high, whole.value + up)),
        level,
        whole.n_units,
        unit,
        "pooled",
        "jackknife-t on the logit scale, widened by the intervals of the classes",
    )


def _by_unit(tables: FloatArray, clusters: Sequence[Hashable] | None) -> FloatArray:
    counts = check_confusion(tables)
    if counts.ndim != 3:
        raise InputError(f"confusions have shape (images, K, K), not {counts.shape}")
    if clusters is None:
        return counts
    sums = sum_by_cluster(_flat(counts), clusters)
    return sums.reshape(len(sums), *counts.shape[1:])


def _flat(tables: FloatArray) -> FloatArray:
    """Give one row per table, also where there is no table."""
    return tables.reshape(len(tables), tables.shape[-1] ** 2)


def _square(sums: FloatArray) -> FloatArray:
    k = round(sums.shape[-1] ** 0.5)
    return sums.reshape(*sums.shape[:-1], k, k)
