"""Judging a network that finds boxes: an object is found where a box of its class overlaps its own enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from veriscope.core.prediction import Prediction
from veriscope.core.progress import Progress, silent
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.judging.judge import Predict, predict_each
from veriscope.validate.candidates import Candidates
from veriscope.validate.detections import DetectionSettings, compare_detections
from veriscope.validate.localise.objects import Criterion, Detections
from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.detection.counts import DetectionCounts
from veriscope.validate.metrics.instance.detection import F1
from veriscope.validate.statistics import Interval

__all__ = ["BoxJudge", "FoundBoxes", "count_boxes", "detections_found", "detections_of"]

_SETTINGS = DetectionSettings(Criterion("box_iou", 0.5), "hungarian")
_UNIT = "field group"


@dataclass(frozen=True, slots=True, eq=False)
class FoundBoxes:
    """What was to be found in an image, and what was.

    Parameters
    ----------
    name, group
        Of the image.
    reference, prediction
        Boxes with classes; predictions have scores too.
    """

    name: str
    group: str
    reference: Detections
    prediction: Detections


class BoxJudge:
    """Boxes are matched within their class at an IoU of 0.5; the main metric is F1, pooled over images."""

    metric = "f1"

    def count(
        self, predict: Predict, pairs: Sequence[LabelledImage], progress: Progress = silent
    ) -> list[FoundBoxes]:
        """Predict.

        Parameters
        ----------
        predict
            The network.
        pairs
            Images with boxes.
        progress
            Told how many are done.

        Returns
        -------
        list of FoundBoxes
            One per image.
        """
        return [
            FoundBoxes(pair.stem, pair.group, detections_of(pair), detections_found(found))
            for pair, found in predict_each(predict, pairs, progress)
        ]

    def figures(self, rows: Sequence[FoundBoxes]) -> dict[str, Interval]:
        """Give pooled metrics with intervals by group.

        Parameters
        ----------
        rows
            As `count` gives them.

        Returns
        -------
        dict
            F1, precision, recall, average precision, and F1 of each class where there are several.
        """
        found = compare_detections(
            [row.reference for row in rows],
            [row.prediction for row in rows],
            _SETTINGS,
            names=[row.name for row in rows],
            clusters=[row.group for row in rows],
            unit=_UNIT,
        )
        keys = (self.metric, "precision", "recall", "average_precision")
        figures = {key: found.metrics[key] for key in keys if key in found.metrics}
        if len(found.per_class) > 1:
            figures |= {f"f1 of {name}": metrics["f1"] for name, metrics in found.per_class.items()}
        return figures

    def candidates(self, rows: Mapping[str, Sequence[FoundBoxes]]) -> Candidates:
        """Give what two networks are compared by.

        Parameters
        ----------
        rows
            Of each network, on the same images.

        Returns
        -------
        Candidates
            By F1, pooled; groups are the units.
        """
        sums = [
            [_sums(one) for one in count_boxes([r.reference for r in of], [r.prediction for r in of])]
            for of in rows.values()
        ]
        groups = [row.group for row in next(iter(rows.values()))]
        return Candidates(
            metric=self.metric,
            better="higher",
            names=tuple(rows),
            rows=np.array(sums, np.float64),
            clusters=np.unique(np.array(groups, dtype=str), return_inverse=True)[1],
            function=lambda sums: F1.function(Counts.from_columns(sums)),
            sizes=lambda sums: F1.sizes(Counts.from_columns(sums)),
            bounds=(F1.low, F1.high),
            aggregation="pooled",
            unit=_UNIT,
        )


def detections_of(pair: LabelledImage) -> Detections:
    """Give the boxes of an image as what is to be found.

    Parameters
    ----------
    pair
        With boxes.

    Returns
    -------
    Detections
        With classes.
    """
    boxes = pair.boxes
    assert boxes is not None
    return Detections(boxes=boxes.edges, classes=[boxes.class_of(i) for i in range(len(boxes))])


def detections_found(found: Prediction) -> Detections:
    """Give the boxes of a prediction as what was found.

    Parameters
    ----------
    found
        Of a network that finds boxes.

    Returns
    -------
    Detections
        With scores and classes.
    """
    boxes = found.boxes
    assert boxes is not None
    return Detections(
        boxes=boxes.edges,
        scores=found.probabilities,
        classes=[boxes.class_of(i) for i in range(len(boxes))],
    )


def count_boxes(
    references: Sequence[Detections], predictions: Sequence[Detections]
) -> tuple[DetectionCounts, ...]:
    """Match boxes image by image, those of the highest scores first.

    Parameters
    ----------
    references, predictions
        Of each image, in the same order.

    Returns
    -------
    tuple of DetectionCounts
        Found, invented and missed objects of each image.
    """
    return compare_detections(references, predictions, _SETTINGS).images


def _sums(counts: DetectionCounts) -> tuple[float, ...]:
    """Give the sums in the order of `Counts`; there is no IoU of boxes."""
    return (counts.tp, counts.fp, counts.fn, 0.0, counts.tp + counts.fn, counts.tp + counts.fp)
