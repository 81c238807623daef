"""Counts of one unit: an image, or a tile whose objects are decided by where their centre lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.labels import check_labels
from veriscope.errors import InputError
from veriscope.validate.contingency import Contingency, contingency
from veriscope.validate.matching import Matching, check_threshold, match, match_counts
from veriscope.validate.metrics.instance.split_merge import SplitMerge
from veriscope.validate.overlap_sums import OverlapSums, overlap_sums

__all__ = [
    "DEFAULT_THRESHOLDS",
    "UnitCounts",
    "check_thresholds",
    "count_table",
    "count_unit",
    "owned_labels",
]

DEFAULT_THRESHOLDS = (0.5, 0.7, 0.9)


@dataclass(frozen=True, slots=True)
class UnitCounts:
    """How reference and prediction compare in one unit.

    Parameters
    ----------
    name
        Name of the image or tile.
    n_reference, n_prediction
        Numbers of objects of each side that belong to the unit.
    thresholds
        IoU thresholds, ascending; 0.5 is always among them. The next four have one entry for each.
    tp, fp, fn
        Matches, predicted objects without a match, reference objects without a match.
    sum_iou
        Sum of the IoU of the matches.
    cluster
        What the unit belongs to, such as a well or an animal; None: it stands for itself.
    weight
        How many units of the study it stands for: for a tile drawn with probability p in each of n
        draws, 1 / (n p). Above 0.
    overlap
        Sums over the overlaps of a whole image; None for a tile, whose objects overlap with others beyond
        it, so that AJI, splits and merges, VI and ARE are not known for it.
    """

    name: str
    n_reference: int
    n_prediction: int
    thresholds: tuple[float, ...]
    tp: tuple[int, ...]
    fp: tuple[int, ...]
    fn: tuple[int, ...]
    sum_iou: tuple[float, ...]
    cluster: str | None = None
    weight: float = 1.0
    overlap: OverlapSums | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.weight) and self.weight > 0):
            raise InputError(f"{self.name}: weight {self.weight!r} is not allowed; use a number above 0")

    def row(self, threshold: float) -> tuple[float, ...]:
        """Give the counts of objects, in the order of the first fields of `metrics.base.Counts`.

        Parameters
        ----------
        threshold
            One of `thresholds`.

        Returns
        -------
        tuple
            TP, FP, FN, sum of IoU, objects of the reference, objects of the prediction.
        """
        i = self.thresholds.index(threshold)
        return (self.tp[i], self.fp[i], self.fn[i], self.sum_iou[i], self.n_reference, self.n_prediction)

    def all_sums(self, threshold: float) -> tuple[float, ...]:
        """Give all sums that metrics need, in the order of `metrics.base.Counts`.

        Parameters
        ----------
        threshold
            One of `thresholds`.

        Returns
        -------
        tuple
            The row of counts, then the fields of `overlap`; NaN if there is none.
        """
        unknown = (float("nan"),) * len(fields(OverlapSums))
        return (*self.row(threshold), *(unknown if self.overlap is None else astuple(self.overlap)))

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON or a table, with one column per count and threshold.

        Returns
        -------
        dict
            ``name``, ``n_reference``, ``n_prediction``, ``tp@0.5``, ``fp@0.5``, ``fn@0.5``,
            ``sum_iou@0.5``, the same at other thresholds, ``cluster``, ``weight``, and the fields of
            `overlap` if there is one.
        """
        counts: dict[str, Any] = {
            "name": self.name,
            "n_reference": self.n_reference,
            "n_prediction": self.n_prediction,
        }
        for i, threshold in enumerate(self.thresholds):
            counts[f"tp@{threshold:g}"] = self.tp[i]
            counts[f"fp@{threshold:g}"] = self.fp[i]
            counts[f"fn@{threshold:g}"] = self.fn[i]
            counts[f"sum_iou@{threshold:g}"] = self.sum_iou[i]
        of_overlap = {} if self.overlap is None else asdict(self.overlap)
        return {**counts, "cluster": self.cluster, "weight": self.weight, **of_overlap}


def check_thresholds(thresholds: Sequence[float]) -> tuple[float, ...]:
    """Give IoU thresholds in ascending order, each once, with 0.5 among them.

    Parameters
    ----------
    thresholds
        IoU thresholds, each above 0 and at most 1.

    Returns
    -------
    tuple
        The thresholds and 0.5, which panoptic quality needs.

    Raises
    ------
    InputError
        If a threshold is not above 0 and at most 1, or two have one key, such as ``f1@0.333333``.
    """
    for threshold in thresholds:
        check_threshold(threshold)
    levels = sorted({0.5, *map(float, thresholds)})
    for level, following in pairwise(levels):
        if f"{level:g}" == f"{following:g}":
            raise InputError(
                f"IoU thresholds {level!r} and {following!r} would both be called {level:g}; give one of them"
            )
    return tuple(levels)


def count_unit(
    reference: NDArray[Any],
    prediction: NDArray[Any],
    *,
    owner_box: Sequence[int] | None = None,
    thresholds: Sequence[float] = DEFAULT_THRESHOLDS,
    name: str = "image",
    cluster: str | None = None,
    weight: float = 1.0,
) -> UnitCounts:
    """Match the objects of an image, or those that belong to a tile, and count.

    Parameters
    ----------
    reference, prediction
        Label images of the same shape. For a tile: crops with so much context around the tile that no
        object with its centroid in the tile is cut.
    owner_box
        The tile within the crop, first and one past the last pixel: (y0, x0, y1, x1), for all z if
        there are any, or (z0, y0, x0, z1, y1, x1). An object belongs to the tile that its centroid
        lies in, so that of tiles without gaps and overlaps each object belongs to exactly one. Matches
        are counted where the centroid of the *reference* object lies in the box, missed and invented
        objects where their own does. None: everything is counted, overlaps too.
    thresholds
        IoU thresholds; 0.5 is always added.
    name, cluster, weight
        Passed on to the result.

    Returns
    -------
    UnitCounts
        All zero if neither side has an object.

    Raises
    ------
    ShapeMismatchError
        If the shapes differ.
    PixelValueError
        If an image is no label image.
    InputError
        If the box does not fit the image, or a threshold or weight is not allowed.

    Notes
    -----
    With a box, TP + FP may differ from `n_prediction` by objects whose match has its centroid across the
    border; over all tiles the sums agree.
    """
    levels = check_thresholds(thresholds)
    table = contingency(reference, prediction, where=name)
    if owner_box is None:
        return count_table(table, thresholds=levels, name=name, cluster=cluster, weight=weight)
    own = tuple(owned_labels(labels, owner_box, where=name) for labels in (reference, prediction))
    counts = [_count_owned(match(table, threshold=threshold), *own) for threshold in levels]
    tp, fp, fn, sum_iou = zip(*counts, strict=True)
    return UnitCounts(name, len(own[0]), len(own[1]), levels, tp, fp, fn, sum_iou, cluster, weight)


def count_table(
    table: Contingency,
    *,
    groups: SplitMerge | None = None,
    thresholds: Sequence[float] = DEFAULT_THRESHOLDS,
    name: str = "image",
    cluster: str | None = None,
    weight: float = 1.0,
) -> UnitCounts:
    """Count the objects of an image whose overlaps are known.

    Parameters
    ----------
    table
        Overlaps of the two images.
    groups
        Its splits and merges, if they have been found already.
    thresholds
        IoU thresholds; 0.5 is always added.
    name, cluster, weight
        Passed on to the result.

    Returns
    -------
    UnitCounts
        All zero if neither side has an object.

    Raises
    ------
    InputError
        If a threshold or weight is not allowed.
    """
    levels = check_thresholds(thresholds)
    tp, fp, fn, sum_iou = zip(*match_counts(table, thresholds=levels), strict=True)
    return UnitCounts(
        name=name,
        n_reference=table.n_reference,
        n_prediction=table.n_prediction,
        thresholds=levels,
        tp=tp,
        fp=fp,
        fn=fn,
        sum_iou=sum_iou,
        cluster=cluster,
        weight=weight,
        overlap=overlap_sums(table, groups=groups),
    )


def _count_owned(
    matching: Matching, own_reference: NDArray[np.int64], own_prediction: NDArray[np.int64]
) -> tuple[int, int, int, float]:
    owned = np.isin(matching.pairs[:, 0], own_reference)
    fp = int(np.isin(matching.invented, own_prediction).sum())
    fn = int(np.isin(matching.missed, own_reference).sum())
    return int(owned.sum()), fp, fn, float(matching.ious[owned].sum())


def owned_labels(labels: NDArray[Any], box: Sequence[int], *, where: str = "image") -> NDArray[np.int64]:
    """Give the labels of the objects whose centroid lies in a box.

    Parameters
    ----------
    labels
        Label image.
    box
        First pixel and one past the last, (y0, x0, y1, x1), for all z if there are any, or
        (z0, y0, x0, z1, y1, x1). Pixel i covers i - 0.5 to i + 0.5, so a centroid c lies in the box
        where y0 - 0.5 <= c < y1 - 0.5.
    where
        Names the image, for messages.

    Returns
    -------
    numpy.ndarray
        Labels, ascending.

    Raises
    ------
    InputError
        If the box is empty, has the wrong number of ends, or reaches beyond the image.
    """
    n_axes = len(box) // 2
    starts, stops = np.asarray(box[:n_axes]), np.asarray(box[n_axes:])
    fits = len(box) in (4, 2 * labels.ndim) and n_axes <= labels.ndim
    if not fits or (starts < 0).any() or (stops > labels.shape[-n_axes:]).any() or (starts >= stops).any():
        raise InputError(
            f"{where}: the box {tuple(box)} does not fit labels of shape {labels.shape}; "
            "give the first pixel of each axis, then one past the last of each axis"
        )
    positions = np.nonzero(check_labels(labels, where=where))
    ids, index, areas = np.unique(labels[positions], return_inverse=True, return_counts=True)
    owned = np.ones(len(ids), dtype=bool)
    for along, start, stop in zip(positions[-n_axes:], starts, stops, strict=True):
        # Compared in whole numbers, so that a centroid on a border falls to the same tile everywhere.
        doubled = 2 * np.bincount(index, weights=along, minlength=len(ids)).astype(np.int64)
        owned &= (doubled >= (2 * start - 1) * areas) & (doubled < (2 * stop - 1) * areas)
    return np.asarray(ids[owned], dtype=np.int64)
