"""Judging a network on images that it did not learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.core.progress import Progress, silent
from veriscope.methods.base import Method
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.images.prepare import seen_by
from veriscope.validate.candidates import Candidates, candidates_by_counts, candidates_by_values
from veriscope.validate.instances import compare_units
from veriscope.validate.ranking import rank_values
from veriscope.validate.statistics import Interval
from veriscope.validate.units import UnitCounts, count_unit

__all__ = [
    "ClassJudge",
    "InstanceJudge",
    "Judge",
    "Predict",
    "predict_each",
    "predict_with",
]

THRESHOLDS = (0.5, 0.7, 0.9)

Predict = Callable[[Image], Any]
"""Gives what is judged: labels or classes (y, x) of an image, or a prediction with boxes."""


class Judge(Protocol):
    """Says how good predictions are, in the metric that suits the head."""

    metric: str

    def count(self, predict: Predict, pairs: Sequence[LabelledImage], progress: Progress) -> list[Any]:
        """Predict and compare.

        Parameters
        ----------
        predict
            The network.
        pairs
            Images with references.
        progress
            Told how many are done.

        Returns
        -------
        list
            One row per image.
        """

    def figures(self, rows: Sequence[Any]) -> dict[str, Interval]:
        """Give metrics with intervals.

        Parameters
        ----------
        rows
            As `count` gives them.

        Returns
        -------
        dict of str to Interval
            The main one first.
        """

    def candidates(self, rows: Mapping[str, Sequence[Any]]) -> Candidates:
        """Give what two networks are compared by.

        Parameters
        ----------
        rows
            As `count` gives them, by name of the network.

        Returns
        -------
        Candidates
            For a paired comparison.
        """


def predict_each(
    predict: Predict, pairs: Sequence[LabelledImage], progress: Progress
) -> Iterator[tuple[LabelledImage, Any]]:
    """Predict one image after the other.

    Parameters
    ----------
    predict
        The network.
    pairs
        Images with references.
    progress
        Told how many are done, before each image and at the end.

    Yields
    ------
    tuple
        A pair, and what the network says of its image.
    """
    for number, pair in enumerate(pairs):
        progress("judge", number, len(pairs))
        yield pair, predict(pair.image)
    progress("judge", len(pairs), len(pairs))


class InstanceJudge:
    """Objects are matched; the main metric is F1 at an IoU of 0.5, pooled over the images."""

    metric = "f1@0.5"

    def count(
        self, predict: Predict, pairs: Sequence[LabelledImage], progress: Progress = silent
    ) -> list[UnitCounts]:
        """Predict and match.

        Parameters
        ----------
        predict
            The network.
        pairs
            Images with reference labels; where these are not known, predictions do not count.
        progress
            Told how many are done.

        Returns
        -------
        list of UnitCounts
            One per image, with its group as cluster.
        """
        rows = []
        for pair, found in predict_each(predict, pairs, progress):
            rows.append(
                count_unit(
                    np.maximum(pair.labels, 0),
                    np.where(pair.labels < 0, 0, found),
                    thresholds=THRESHOLDS,
                    name=pair.stem,
                    cluster=pair.group,
                )
            )
        return rows

    def figures(self, rows: Sequence[UnitCounts]) -> dict[str, Interval]:
        """Give pooled metrics with intervals by group.

        Parameters
        ----------
        rows
            As `count` gives them.

        Returns
        -------
        dict
            F1 at three thresholds, AP at 0.5, and panoptic quality.
        """
        found = compare_units(rows, unit="field group").metrics
        keys = (self.metric, "f1@0.7", "f1@0.9", "ap@0.5", "precision@0.5", "recall@0.5", "pq")
        return {key: found[key] for key in keys if key in found}

    def candidates(self, rows: Mapping[str, Sequence[UnitCounts]]) -> Candidates:
        """Give what two networks are compared by.

        Parameters
        ----------
        rows
            Of each network, on the same images.

        Returns
        -------
        Candidates
            By F1 at 0.5, pooled; groups are the units.
        """
        return candidates_by_counts(rows, metric=self.metric, unit="field group")


@dataclass(frozen=True)
class _Dice:
    """Dice of each class of an image; NaN where neither side has it."""

    group: str
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        known = [value for value in self.values if np.isfinite(value)]
        return float(np.mean(known)) if known else float("nan")


class ClassJudge:
    """Pixels are compared; the main metric is the mean Dice over classes but the background, by image.

    Parameters
    ----------
    n_classes
        With the background.
    """

    metric = "dice"

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes

    def count(
        self, predict: Predict, pairs: Sequence[LabelledImage], progress: Progress = silent
    ) -> list[_Dice]:
        """Predict and compare pixels.

        Parameters
        ----------
        predict
            The network.
        pairs
            Images with classes; where these are not known, predictions do not count.
        progress
            Told how many are done.

        Returns
        -------
        list
            One row per image.
        """
        rows = []
        for pair, classes in predict_each(predict, pairs, progress):
            known = pair.labels >= 0
            found, truth = classes[known], pair.labels[known]
            values = []
            for one in range(1, self.n_classes):
                a, b = found == one, truth == one
                total = int(a.sum() + b.sum())
                values.append(2 * int((a & b).sum()) / total if total else float("nan"))
            rows.append(_Dice(pair.group, tuple(values)))
        return rows

    def figures(self, rows: Sequence[_Dice]) -> dict[str, Interval]:
        """Give the mean Dice with its interval by group, and that of each class.

        Parameters
        ----------
        rows
            As `count` gives them.

        Returns
        -------
        dict
            ``dice`` and ``dice of class N``.
        """
        groups = [row.group for row in rows]
        columns = {self.metric: [row.mean for row in rows]}
        if self.n_classes > 2:
            for one in range(1, self.n_classes):
                columns[f"dice of class {one}"] = [row.values[one - 1] for row in rows]
        return {
            key: _mean(key, values, groups) for key, values in columns.items() if np.isfinite(values).any()
        }

    def candidates(self, rows: Mapping[str, Sequence[_Dice]]) -> Candidates:
        """Give what two networks are compared by.

        Parameters
        ----------
        rows
            Of each network, on the same images.

        Returns
        -------
        Candidates
            By mean Dice; groups are the units. Where there is no class and only one of them invented some,
            the Dice of the other is 1.
        """
        groups = [row.group for row in next(iter(rows.values()))]
        values = {name: [row.mean for row in of] for name, of in rows.items()}
        return candidates_by_values(
            values, metric=self.metric, clusters=groups, bounds=(0.0, 1.0), missing=1.0, unit="field group"
        )


def _mean(key: str, values: Sequence[float], groups: Sequence[str]) -> Interval:
    ranking = rank_values(
        {"network": values}, metric=key, clusters=groups, bounds=(0.0, 1.0), unit="field group"
    )
    return ranking.values["network"]


def predict_with(method: Method) -> Predict:
    """Make a function of a method that gives labels.

    Parameters
    ----------
    method
        Ready to predict.

    Returns
    -------
    callable
        Takes an image; colour becomes grey for a method of one channel, and grey colour for one of three.
    """
    n_channels = getattr(method, "n_channels", 1)

    def predict(image: Image) -> NDArray[np.int32]:
        return np.asarray(method.predict(seen_by(image, n_channels)).labels, np.int32)

    return predict
