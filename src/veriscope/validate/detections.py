"""Compare detections with references over many images: counts per image, metrics with intervals.

Objects are boxes, points or the objects of label images. They are matched within their image and class.
Metrics of counts (precision, recall, F) take all predictions as they are; metrics of curves (average
precision, FROC) need a confidence per prediction and go over all its thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.plain import PlainRecord, plain
from veriscope.errors import InputError, VeriscopeError, raise_together
from veriscope.validate.assign import Assignment, AssignmentMethod, assign
from veriscope.validate.clusters import whole_clusters
from veriscope.validate.localise.objects import Criterion, Detections, localise
from veriscope.validate.localise.pairs import CandidatePairs
from veriscope.validate.metrics.base import Counts, Metric
from veriscope.validate.metrics.detection.counts import (
    DetectionCounts,
    mean_of_images,
    pooled,
)
from veriscope.validate.metrics.detection.curves import ImagesOfClass, curve_metrics
from veriscope.validate.metrics.detection.f_beta import f_beta_metric
from veriscope.validate.metrics.detection.froc import FROC_RATES, FrocCurve, froc_curve
from veriscope.validate.metrics.detection.ranked import rank_detections
from veriscope.validate.metrics.instance.counts import COUNT_BIAS
from veriscope.validate.metrics.instance.detection import F1, PRECISION, RECALL
from veriscope.validate.statistics import Interval, check_level

__all__ = ["DetectionComparison", "DetectionSettings", "compare_detections"]

FloatArray = NDArray[np.float64]

_ONE_CLASS = "all"


@dataclass(frozen=True, slots=True)
class DetectionSettings(PlainRecord):
    """How detections are judged.

    Parameters
    ----------
    criterion
        When a prediction counts as found (rule S8).
    assignment
        Which prediction goes with which reference (rule S9) for the metrics of counts; None: greedy by
        score where there are scores, else Hungarian.
    beta
        For ``f_beta``: how many times as much recall weighs as precision; None: it is left out.
    rates
        False positives per image at which sensitivity is given, and averaged for ``froc``.
    max_detections
        How many of each image and class count for ``coco_average_precision``; None: all. Nothing else is
        limited.
    """

    criterion: Criterion
    assignment: AssignmentMethod | None = None
    beta: float | None = None
    rates: tuple[float, ...] = FROC_RATES
    max_detections: int | None = 100

    @property
    def count_metrics(self) -> tuple[Metric, ...]:
        """Metrics of found, invented and missed objects."""
        extra = () if self.beta is None else (f_beta_metric(self.beta),)
        return (F1, PRECISION, RECALL, *extra, COUNT_BIAS)


@dataclass(frozen=True, slots=True, eq=False)
class DetectionComparison:
    """How well predicted objects agree with reference objects.

    Parameters
    ----------
    images
        Counts of each image over all classes, in the order given.
    metrics
        Over all images, by key. ``f1``, ``precision``, ``recall``, ``f_beta`` (if asked for) and
        ``count_bias`` from sums over images and classes. With scores also ``average_precision`` and, with
        an IoU as criterion, ``coco_average_precision``, the means over the classes that have a reference
        object; ``froc`` and ``sensitivity@R_fppi`` from all classes together.
    metrics_per_image
        The metrics of counts, computed for each image and averaged: each image counts the same. Images in
        which a metric is undefined are left aside. Weights are not used.
    per_class
        The metrics of each class that occurs, by class; one entry ``"all"`` where there are no classes.
    curve
        FROC curve of all classes together; None without scores.
    settings
        How they were judged, with the assignment that was used for the counts; curves are always matched
        greedily by score.
    level
        Level of all intervals.
    """

    images: tuple[DetectionCounts, ...]
    metrics: dict[str, Interval]
    metrics_per_image: dict[str, Interval]
    per_class: dict[str, dict[str, Interval]]
    curve: FrocCurve | None
    settings: DetectionSettings
    level: float

    @property
    def n_images(self) -> int:
        """Number of images compared, empty ones included."""
        return len(self.images)

    def table(self) -> list[dict[str, Any]]:
        """Give one row per image with its counts and their metrics.

        Returns
        -------
        list of dict
            Plain values; None where a metric is undefined.
        """
        rows = []
        for image in self.images:
            counts = Counts.from_columns(np.asarray(image.row()))
            values = {m.name: float(m.function(counts)) for m in self.settings.count_metrics}
            rows.append(image.to_dict() | plain(values))
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            ``n_images``, ``settings``, ``level``, ``metrics``, ``metrics_per_image``,
            ``per_class``, ``froc_curve`` and ``images`` (one row per image).
        """
        return {
            "n_images": self.n_images,
            "settings": self.settings.to_dict(),
            "level": self.level,
            "metrics": plain(self.metrics),
            "metrics_per_image": plain(self.metrics_per_image),
            "per_class": plain(self.per_class),
            "froc_curve": plain(self.curve),
            "images": self.table(),
        }


def compare_detections(
    references: Sequence[Detections],
    predictions: Sequence[Detections],
    settings: DetectionSettings,
    *,
    names: Sequence[str] | None = None,
    clusters: Sequence[str | None] | None = None,
    weights: Sequence[float] | None = None,
    level: float = 0.95,
    unit: str | None = None,
    seed: int = 0,
) -> DetectionComparison:
    """Match objects image by image and give metrics with intervals by image.

    Parameters
    ----------
    references, predictions
        Objects of each image, in the same order. Predictions have scores in all images or in none; classes
        are given on both sides of all images or nowhere.
    settings
        How they are judged.
    names
        Name of each image; numbers from 1 otherwise.
    clusters
        What each image belongs to, such as its well or animal; then clusters are the units of the
        intervals, because images of one cluster are no independent witnesses. None for all: no clusters.
    weights
        How many images of the study each stands for, above 0; 1 otherwise.
    level
        Level of the intervals, between 0 and 1.
    unit
        What a unit of the intervals is, for the results; None: ``"cluster"`` where there are clusters,
        else ``"image"``.
    seed
        Of the resampling for the intervals of ``froc`` and ``sensitivity@R_fppi``.

    Returns
    -------
    DetectionComparison
        Counts per image, metrics with intervals, per class as well. Without images all values are NaN.

    Raises
    ------
    InputError
        If numbers of images differ, scores or classes are missing in some, objects do not go with the
        criterion, or an option is not allowed. All images at fault are named together.
    """
    check_level(level)
    columns = {"predictions": predictions, "names": names, "clusters": clusters, "weights": weights}
    for what, column in columns.items():
        if column is not None and len(column) != len(references):
            raise InputError(
                f"{len(column)} {what} are given for {len(references)} references; give one of each per image"
            )
    called = list(names) if names is not None else [f"image {i + 1}" for i in range(len(references))]
    owners = None if clusters is None else whole_clusters(clusters, names=called)
    scored = any(side.scores is not None for side in predictions)
    settings = replace(
        settings, assignment=settings.assignment or ("greedy_by_score" if scored else "hungarian")
    )
    study = _Study(
        names=called,
        images=_located(called, references, predictions, settings),
        clusters=owners,
        weights=np.ones(len(called)) if weights is None else np.asarray(weights, dtype=np.float64),
        settings=settings,
        scored=scored,
        shown={"level": level, "unit": unit or ("image" if owners is None else "cluster")},
        seed=seed,
    )
    return DetectionComparison(
        images=study.counts(None),
        metrics=study.metrics(None),
        metrics_per_image=study.averages(),
        per_class={name: study.metrics(name) for name in study.class_names() or [_ONE_CLASS]},
        curve=study.curve(),
        settings=settings,
        level=level,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Image:
    """Candidate pairs within classes, who is matched, and the class of each object of either side."""

    pairs: CandidatePairs
    matched: Assignment
    reference_classes: NDArray[np.str_]
    prediction_classes: NDArray[np.str_]
    scores: FloatArray

    def counts(self, of_class: str | None) -> tuple[int, int, int]:
        """Count matches, invented and missed objects of one class, or of all."""
        invented = self.prediction_classes[self.matched.invented]
        missed = self.reference_classes[self.matched.missed]
        found = self.reference_classes[self.matched.pairs[:, 0]]
        if of_class is None:
            return len(found), len(invented), len(missed)
        tp, fp, fn = (int((side == of_class).sum()) for side in (found, invented, missed))
        return tp, fp, fn

    def of_class(self, name: str) -> tuple[CandidatePairs, FloatArray]:
        """Give the candidate pairs and scores of the objects of one class."""
        kept = self.prediction_classes == name
        return self.pairs.of_objects(self.reference_classes == name, kept), self.scores[kept]


@dataclass(frozen=True, slots=True, eq=False)
class _Study:
    """All images, and what their metrics need."""

    names: list[str]
    images: list[_Image]
    clusters: list[str] | None
    weights: FloatArray
    settings: DetectionSettings
    scored: bool
    shown: dict[str, Any]
    seed: int

    def class_names(self) -> list[str]:
        """Give the classes that occur on either side."""
        sides = [
            side for image in self.images for side in (image.reference_classes, image.prediction_classes)
        ]
        return sorted({str(name) for side in sides for name in np.unique(side)})

    def counts(self, of_class: str | None) -> tuple[DetectionCounts, ...]:
        """Count in each image."""
        owners: Sequence[str | None] = self.clusters or [None] * len(self.images)
        return tuple(
            DetectionCounts(name, *image.counts(of_class), owner, float(weight))
            for name, image, owner, weight in zip(self.names, self.images, owners, self.weights, strict=True)
        )

    def averages(self) -> dict[str, Interval]:
        """Average metrics of counts over images."""
        counts = self.counts(None)
        return {m.name: mean_of_images(counts, m, **self.shown) for m in self.settings.count_metrics}

    def metrics(self, of_class: str | None) -> dict[str, Interval]:
        """Give all metrics of one class, or of all."""
        counts = self.counts(of_class)
        values = {m.name: pooled(counts, m, **self.shown) for m in self.settings.count_metrics}
        if not self.scored:
            return values
        by_class = [self._of_class(name) for name in self.class_names()]
        curves = curve_metrics(
            self._together() if of_class is None else self._of_class(of_class),
            by_class if of_class is None else [self._of_class(of_class)],
            threshold=self.settings.criterion.least_fit,
            coco=self.settings.criterion.key in ("box_iou", "mask_iou"),
            rates=self.settings.rates,
            max_detections=self.settings.max_detections,
            clusters=self.clusters,
            weights=self.weights,
            seed=self.seed,
            **self.shown,
        )
        return values | curves

    def curve(self) -> FrocCurve | None:
        """Give the FROC curve of all classes together."""
        if not self.scored:
            return None
        together, least = self._together(), self.settings.criterion.least_fit
        ranked = rank_detections(together.pairs, together.scores, threshold=least)
        return froc_curve(ranked, weights=self.weights)

    def _together(self) -> ImagesOfClass:
        return ImagesOfClass([image.pairs for image in self.images], [image.scores for image in self.images])

    def _of_class(self, name: str) -> ImagesOfClass:
        parts = [image.of_class(name) for image in self.images]
        return ImagesOfClass([pairs for pairs, _ in parts], [scores for _, scores in parts])


def _located(
    names: Sequence[str],
    references: Sequence[Detections],
    predictions: Sequence[Detections],
    settings: DetectionSettings,
) -> list[_Image]:
    """Find and match the objects of each image; name all images at fault together."""
    faults: list[VeriscopeError] = []
    images = []
    n_scored = sum(side.scores is not None for side in predictions)
    n_classed = sum(side.classes is not None for side in (*references, *predictions))
    for name, reference, prediction in zip(names, references, predictions, strict=True):
        try:
            if n_scored and prediction.scores is None:
                raise InputError("its predictions have no scores, those of others do; give all or none")
            if n_classed and (reference.classes is None or prediction.classes is None):
                raise InputError("objects without classes, others have some; give all or none")
            images.append(_image(reference, prediction, settings))
        except InputError as fault:
            faults.append(type(fault)(f"{name}: {fault}"))
    raise_together(faults, what=f"{len(faults)} of {len(names)} images cannot be compared")
    return images


def _image(reference: Detections, prediction: Detections, settings: DetectionSettings) -> _Image:
    classes = [
        np.full(len(side), _ONE_CLASS) if side.classes is None else np.asarray(side.classes)
        for side in (reference, prediction)
    ]
    pairs = localise(reference, prediction, settings.criterion).same_class(*classes)
    matched = assign(
        pairs.at_least(settings.criterion.least_fit),
        method=settings.assignment or "hungarian",
        scores=prediction.scores,
    )
    scores = np.zeros(len(prediction)) if prediction.scores is None else np.asarray(prediction.scores)
    return _Image(pairs, matched, classes[0], classes[1], scores)
