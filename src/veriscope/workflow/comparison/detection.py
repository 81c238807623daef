"""Objects that are only to be found: boxes and points, also against label images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from veriscope.validate.candidates import Candidates, credited
from veriscope.validate.clusters import cluster_numbers
from veriscope.validate.detections import DetectionSettings, compare_detections
from veriscope.validate.localise.objects import Detections
from veriscope.validate.metrics.base import Counts
from veriscope.workflow.comparison.options import CompareOptions

__all__ = ["DetectionUnit", "Places"]


@dataclass(frozen=True, slots=True, eq=False)
class DetectionUnit:
    """One image.

    Parameters
    ----------
    name, cluster
        The image, and the replicate it belongs to.
    reference, prediction
        Its objects.
    """

    name: str
    cluster: str | None
    reference: Detections
    prediction: Detections


class Places:
    """Judge detections.

    Parameters
    ----------
    settings
        When a prediction counts as found.
    options
        Settings of the comparison.
    """

    usual = "f1"

    def __init__(self, settings: DetectionSettings, options: CompareOptions) -> None:
        self._settings = settings
        self._options = options
        self.notes: list[str] = []

    def summarise(self, units: Sequence[DetectionUnit], *, unit: str) -> dict[str, Any]:
        """Give the metrics of all images, of each class, the FROC curve and what counts as found."""
        clusters = [item.cluster for item in units if item.cluster is not None]
        found = compare_detections(
            [item.reference for item in units],
            [item.prediction for item in units],
            self._settings,
            names=[item.name for item in units],
            clusters=clusters or None,
            level=self._options.level,
            unit=unit,
        ).to_dict()
        n_reference = sum(row["n_reference"] for row in found["images"])
        return {key: value for key, value in found.items() if key != "level"} | {"n_reference": n_reference}

    def rankable(self, units: Sequence[DetectionUnit]) -> tuple[str, ...]:
        """Name the metrics that candidates can be ranked by: those that are made of counts."""
        return tuple(item.name for item in self._settings.count_metrics if item.best == item.high)

    def candidates(
        self, units: Mapping[str, Sequence[DetectionUnit]], *, metric: str, unit: str
    ) -> Candidates:
        """Give the counts of each image."""
        chosen = next(item for item in self._settings.count_metrics if item.name == metric)
        rows = [[_row(row) for row in self.summarise(items, unit=unit)["images"]] for items in units.values()]
        clusters = [item.cluster for item in next(iter(units.values()))]
        return Candidates(
            metric=metric,
            better="higher",
            names=tuple(units),
            rows=np.array(rows, dtype=np.float64),
            clusters=None if clusters[0] is None else cluster_numbers(clusters, n_units=len(clusters)),
            function=credited(chosen),
            sizes=lambda sums: chosen.sizes(Counts.from_columns(sums)),
            bounds=(chosen.low, chosen.high),
            aggregation="pooled",
            unit=unit,
        )


def _row(counts: Mapping[str, Any]) -> tuple[float, ...]:
    """Give the sums in the order of `Counts`; there is no IoU of boxes and points."""
    tp, fp, fn = counts["tp"], counts["fp"], counts["fn"]
    return (tp, fp, fn, 0.0, tp + fn, tp + fp)
