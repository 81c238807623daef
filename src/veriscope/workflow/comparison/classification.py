"""One class per image: tables of classes against tables of classes or probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import InputError
from veriscope.validate.candidates import Candidates, candidates_by_values
from veriscope.validate.clusters import cluster_numbers
from veriscope.validate.confusions import class_interval, class_mean_interval, confusion_interval
from veriscope.validate.metrics.base import FloatArray
from veriscope.validate.metrics.classification import calibration, confusion, multi_threshold, per_class
from veriscope.validate.statistics import jackknife_interval
from veriscope.workflow.comparison.options import CompareOptions

__all__ = ["ClassUnit", "Classes"]

_OfTable = Callable[[FloatArray], FloatArray]
_OVERALL: dict[str, tuple[Callable[..., FloatArray], tuple[float, float]]] = {
    "accuracy": (confusion.accuracy, (0.0, 1.0)),
    "balanced_accuracy": (confusion.balanced_accuracy, (0.0, 1.0)),
    "matthews_correlation": (confusion.matthews_correlation, (-1.0, 1.0)),
    "weighted_kappa": (confusion.weighted_kappa, (-1.0, 1.0)),
}
_EACH: dict[str, Callable[..., FloatArray]] = {
    "f_beta": per_class.f_beta,
    "sensitivity": per_class.sensitivity,
    "specificity": per_class.specificity,
    "positive_predictive_value": per_class.positive_predictive_value,
    "negative_predictive_value": per_class.negative_predictive_value,
}
_ABOUT: dict[str, Callable[[per_class.Decisions], FloatArray]] = {
    "f_beta": lambda found: found.tp + found.fn + found.fp,
    "sensitivity": lambda found: found.tp + found.fn,
    "specificity": lambda found: found.tn + found.fp,
    "positive_predictive_value": lambda found: found.tp + found.fp,
    "negative_predictive_value": lambda found: found.tn + found.fn,
}
"""Cases that a metric of one class is about: others say nothing of it, however many there are."""
_CALIBRATION: dict[str, tuple[Callable[..., float], float]] = {
    "brier_score": (calibration.brier_score, 2.0),
    "negative_log_likelihood": (calibration.negative_log_likelihood, np.inf),
    "class_wise_calibration_error": (calibration.class_wise_calibration_error, 1.0),
}


@dataclass(frozen=True, slots=True)
class ClassUnit:
    """One image.

    Parameters
    ----------
    name, cluster
        The image, and the replicate it belongs to.
    reference, prediction
        Numbers of its classes.
    probabilities
        One per class; None: not stated.
    """

    name: str
    cluster: str | None
    reference: int
    prediction: int
    probabilities: tuple[float, ...] | None


class Classes:
    """Judge classes of images.

    Parameters
    ----------
    names
        The classes, in their order.
    ordered
        Whether the order means something.
    options
        Settings of the comparison.
    """

    usual = "accuracy"

    def __init__(self, names: Sequence[str], *, ordered: bool, options: CompareOptions) -> None:
        self._names = tuple(names)
        self._ordered = ordered
        self._options = options
        self.notes: list[str] = []

    def summarise(self, units: Sequence[ClassUnit], *, unit: str) -> dict[str, Any]:
        """Give the metrics of all images, of single classes with the class in brackets, and the confusion."""
        k = len(self._names)
        metrics = self._of_confusions(units, unit)
        if units and units[0].probabilities is not None:
            metrics |= self._of_probabilities(units, unit)
        return {
            "n_images": len(units),
            "classes": list(self._names),
            "confusion": _tables(units, k).sum(axis=0).astype(int).tolist(),
            "metrics": metrics,
            "metrics_per_image": {},
            "images": [
                {
                    "name": item.name,
                    "cluster": item.cluster,
                    "reference": self._names[item.reference],
                    "prediction": self._names[item.prediction],
                }
                for item in units
            ],
        }

    def _of_confusions(self, units: Sequence[ClassUnit], unit: str) -> dict[str, Any]:
        tables = _tables(units, len(self._names))
        clusters = None if units[0].cluster is None else [item.cluster for item in units]
        options: dict[str, Any] = {"level": self._options.level, "unit": unit}
        found = {
            key: confusion_interval(tables, clusters, function, bounds=bounds, **options)
            for key, (function, bounds) in _OVERALL.items()
            if key != "weighted_kappa" or self._ordered
        }
        about = _ABOUT["sensitivity"]
        found["balanced_accuracy"] = class_mean_interval(
            tables, clusters, per_class.sensitivity, about, **options
        )
        for key, each in _EACH.items():
            for number, name in enumerate(self._names):
                found[f"{key}[{name}]"] = class_interval(
                    tables, clusters, each, _ABOUT[key], positive=number, **options
                )
        return {key: interval.to_dict() for key, interval in found.items()}

    def _of_probabilities(self, units: Sequence[ClassUnit], unit: str) -> dict[str, Any]:
        """Metrics of scores have no sums, so they are computed again without each image or replicate."""
        stated = np.array([item.probabilities for item in units])
        truth = np.array([item.reference for item in units])
        clusters = [item.cluster or item.name for item in units]
        index = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
        cluster = np.array([index[name] for name in clusters])
        functions: dict[str, tuple[Callable[..., float], float]] = {}
        for number, name in enumerate(self._names):
            for key in ("auroc", "average_precision"):
                curve = partial(_of_scores, function=getattr(multi_threshold, key), number=number)
                functions[f"{key}[{name}]"] = (curve, 1.0)
        functions |= _CALIBRATION
        found = {}
        for key, (function, high) in functions.items():
            left_out = np.array(
                [function(truth[cluster != c], stated[cluster != c]) for c in range(len(index))]
            )
            found[key] = jackknife_interval(
                function(truth, stated),
                left_out,
                np.bincount(cluster).astype(np.float64),
                level=self._options.level,
                bounds=(0.0, high),
                unit=unit,
            ).to_dict()
        return found

    def rankable(self, units: Sequence[ClassUnit]) -> tuple[str, ...]:
        """Name all metrics that are made of the confusion matrix, and the Brier score."""
        stated = bool(units) and units[0].probabilities is not None
        return (*self._confusion_metrics(), *(("brier_score",) if stated else ()))

    def candidates(self, units: Mapping[str, Sequence[ClassUnit]], *, metric: str, unit: str) -> Candidates:
        """Give the confusion matrix, or for the Brier score the value, of each image.

        Raises
        ------
        InputError
            If candidates are to be ranked by probabilities that one of them does not state.
        """
        first = next(iter(units.values()))
        clusters = None if first[0].cluster is None else [item.cluster for item in first]
        if metric == "brier_score":
            values = {name: [self._brier(item) for item in items] for name, items in units.items()}
            return candidates_by_values(
                values, better="lower", metric=metric, clusters=clusters, bounds=(0.0, 2.0), unit=unit
            )
        k = len(self._names)
        function, sizes, bounds = self._confusion_metrics()[metric]
        return Candidates(
            metric=metric,
            better="higher",
            names=tuple(units),
            rows=np.stack([_tables(items, k).reshape(len(items), k * k) for items in units.values()]),
            clusters=None if clusters is None else cluster_numbers(clusters, n_units=len(clusters)),
            function=lambda sums: function(sums.reshape(*sums.shape[:-1], k, k)),
            sizes=lambda sums: sizes(sums.reshape(*sums.shape[:-1], k, k)),
            bounds=bounds,
            aggregation="pooled",
            unit=unit,
        )

    def _brier(self, item: ClassUnit) -> float:
        if item.probabilities is None:
            raise InputError("a candidate states no probabilities; rank by accuracy instead")
        truth = np.arange(len(self._names)) == item.reference
        return float(((np.array(item.probabilities) - truth) ** 2).sum())

    def _confusion_metrics(self) -> dict[str, tuple[_OfTable, _OfTable, tuple[float, float]]]:
        """Give each metric as a function of the matrix, how much a matrix brings into it, and its bounds."""
        found: dict[str, tuple[_OfTable, _OfTable, tuple[float, float]]] = {
            key: (function, _n_cases, bounds)
            for key, (function, bounds) in _OVERALL.items()
            if key != "weighted_kappa" or self._ordered
        }
        for key, each in _EACH.items():
            for number, name in enumerate(self._names):
                function, about = (partial(_of_class, function=f, number=number) for f in (each, _ABOUT[key]))
                found[f"{key}[{name}]"] = (function, about, (0.0, 1.0))
        return found


def _n_cases(table: FloatArray) -> FloatArray:
    return np.asarray(table.sum(axis=(-2, -1)))


def _of_class(table: FloatArray, *, function: Callable[..., FloatArray], number: int) -> FloatArray:
    return function(per_class.one_versus_rest(table, positive=number))


def _of_scores(
    truth: NDArray[Any], stated: FloatArray, *, function: Callable[..., float], number: int
) -> float:
    return float(function(truth == number, stated[:, number]))


def _tables(units: Sequence[ClassUnit], k: int) -> FloatArray:
    """Give a confusion matrix with a single 1 for each image."""
    found = np.zeros((len(units), k, k))
    for row, item in enumerate(units):
        found[row, item.reference, item.prediction] = 1
    return found
