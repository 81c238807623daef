"""Judging a network that tells classes of images: by its confusions, and by how sure it was of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from veriscope.core.progress import Progress, silent
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.judging.judge import Predict, predict_each
from veriscope.validate.candidates import Candidates
from veriscope.validate.confidence.brier import brier_by_case
from veriscope.validate.confidence.reliability import mean_by_unit
from veriscope.validate.metrics.base import FloatArray
from veriscope.validate.metrics.classification.confusion import (
    accuracy,
    balanced_accuracy,
    matthews_correlation,
)
from veriscope.validate.metrics.classification.per_class import f_beta, one_versus_rest, sensitivity
from veriscope.validate.statistics import Interval, jackknife_interval, leave_one_out, sum_by_cluster

__all__ = ["ImageClassJudge", "ToldClass", "macro_f1"]

_UNIT = "field group"
_LEVEL = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class ToldClass:
    """What an image is, and what was said of it.

    Parameters
    ----------
    name, group
        Of the image.
    reference
        Number of its class.
    stated
        Probability of each class, float64.
    """

    name: str
    group: str
    reference: int
    stated: FloatArray


class ImageClassJudge:
    """Classes are compared; the main metric is balanced accuracy, in which every class counts the same.

    Parameters
    ----------
    names
        The classes.
    """

    metric = "balanced_accuracy"

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def count(
        self, predict: Predict, pairs: Sequence[LabelledImage], progress: Progress = silent
    ) -> list[ToldClass]:
        """Predict.

        Parameters
        ----------
        predict
            The network.
        pairs
            Images with classes.
        progress
            Told how many are done.

        Returns
        -------
        list of ToldClass
            One per image.
        """
        rows = []
        for pair, found in predict_each(predict, pairs, progress):
            assert pair.kind is not None
            rows.append(ToldClass(pair.stem, pair.group, pair.kind.number, found.values))
        return rows

    def figures(self, rows: Sequence[ToldClass]) -> dict[str, Interval]:
        """Give metrics over all images with intervals by group.

        Parameters
        ----------
        rows
            As `count` gives them.

        Returns
        -------
        dict
            Balanced accuracy, macro F1, Matthews correlation, accuracy, Brier score of the probabilities (0
            to 2, lower is better), and the sensitivity of each class of which there is an image.
        """
        groups = [row.group for row in rows]
        tables = self._tables(rows)
        functions: dict[str, tuple[Callable[[FloatArray], FloatArray], float]] = {
            self.metric: (balanced_accuracy, 0.0),
            "macro_f1": (macro_f1, 0.0),
            "matthews_correlation": (matthews_correlation, -1.0),
            "accuracy": (accuracy, 0.0),
        }
        found = {key: _pooled(tables, groups, one, low) for key, (one, low) in functions.items()}
        truth = np.array([row.reference for row in rows])
        squares = brier_by_case(truth, np.array([row.stated for row in rows]))
        found["brier_score"] = mean_by_unit(squares, groups, (0.0, 2.0), _LEVEL, _UNIT)
        for number, name in enumerate(self.names):
            if (truth == number).any():
                found[f"sensitivity of {name}"] = _pooled(
                    tables, groups, partial(_sensitivity, number=number), 0.0
                )
        return found

    def candidates(self, rows: Mapping[str, Sequence[ToldClass]]) -> Candidates:
        """Give what two networks are compared by.

        Parameters
        ----------
        rows
            Of each network, on the same images.

        Returns
        -------
        Candidates
            By balanced accuracy over all images; groups are the units.
        """
        groups = [row.group for row in next(iter(rows.values()))]
        k = len(self.names)
        return Candidates(
            metric=self.metric,
            better="higher",
            names=tuple(rows),
            rows=np.stack([self._tables(of).reshape(len(of), k * k) for of in rows.values()]),
            clusters=np.unique(np.array(groups, dtype=str), return_inverse=True)[1],
            function=lambda sums: balanced_accuracy(sums.reshape(*sums.shape[:-1], k, k)),
            sizes=lambda sums: np.asarray(sums.sum(axis=-1)),
            bounds=(0.0, 1.0),
            aggregation="pooled",
            unit=_UNIT,
        )

    def _tables(self, rows: Sequence[ToldClass]) -> FloatArray:
        """Give a confusion matrix with a single 1 for each image."""
        found = np.zeros((len(rows), len(self.names), len(self.names)))
        for table, row in zip(found, rows, strict=True):
            table[row.reference, int(np.argmax(row.stated))] = 1
        return found


def macro_f1(confusion: FloatArray) -> FloatArray:
    """Mean F1 of the classes, each against the rest.

    Parameters
    ----------
    confusion
        Counts, shape (..., K, K): row = class of the reference.

    Returns
    -------
    numpy.ndarray
        Shape (...), 0 to 1, higher is better. The mean is over classes that occur on either side; NaN without
        a case.
    """
    each = np.stack(
        [f_beta(one_versus_rest(confusion, positive=number)) for number in range(confusion.shape[-1])]
    )
    occurs = np.isfinite(each)
    total = np.where(occurs, each, 0.0).sum(axis=0)
    count = occurs.sum(axis=0)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _sensitivity(confusion: FloatArray, *, number: int) -> FloatArray:
    return sensitivity(one_versus_rest(confusion, positive=number))


def _pooled(
    tables: FloatArray, groups: Sequence[str], function: Callable[[FloatArray], FloatArray], low: float
) -> Interval:
    k = tables.shape[-1]
    rows = sum_by_cluster(tables.reshape(len(tables), k * k), groups)
    value, left_out = leave_one_out(rows, lambda sums: function(sums.reshape(*sums.shape[:-1], k, k)))
    return jackknife_interval(value, left_out, rows.sum(axis=1), level=_LEVEL, bounds=(low, 1.0), unit=_UNIT)
