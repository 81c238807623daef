"""Judging a network that tells classes of images: by its confusions, and by how sure it was of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from veriscope.core.progress import Progress, silent
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.judging.judge import Predict, predict_each
from veriscope.validate.candidates import Candidates
from veriscope.validate.confidence.reliability import mean_by_unit
from veriscope.validate.confusions import class_interval, class_mean_interval, confusion_interval
from veriscope.validate.metrics.base import FloatArray
from veriscope.validate.metrics.classification.calibration import brier_by_case
from veriscope.validate.metrics.classification.confusion import (
    accuracy,
    balanced_accuracy,
    matthews_correlation,
)
from veriscope.validate.metrics.classification.per_class import Decisions, f_beta, sensitivity
from veriscope.validate.statistics import Interval

__all__ = ["ImageClassJudge", "ToldClass"]

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
        options: dict[str, Any] = {"level": _LEVEL, "unit": _UNIT}
        truth = np.array([row.reference for row in rows])
        squares = brier_by_case(truth, np.array([row.stated for row in rows]))
        found = {
            self.metric: class_mean_interval(tables, groups, sensitivity, _of_class, **options),
            "macro_f1": class_mean_interval(
                tables, groups, f_beta, _of_class_or_taken, over="either", **options
            ),
            "matthews_correlation": confusion_interval(
                tables, groups, matthews_correlation, bounds=(-1.0, 1.0), **options
            ),
            "accuracy": confusion_interval(tables, groups, accuracy, **options),
            "brier_score": mean_by_unit(squares, groups, (0.0, 2.0), _LEVEL, _UNIT),
        }
        for number, name in enumerate(self.names):
            if (truth == number).any():
                found[f"sensitivity of {name}"] = class_interval(
                    tables, groups, sensitivity, _of_class, positive=number, **options
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


def _of_class(decisions: Decisions) -> FloatArray:
    return decisions.tp + decisions.fn


def _of_class_or_taken(decisions: Decisions) -> FloatArray:
    return decisions.tp + decisions.fn + decisions.fp
