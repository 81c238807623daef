"""All metrics of objects for one pair of label images, from one pass over their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.plain import plain
from veriscope.validate.contingency import contingency
from veriscope.validate.matching import Matching, match
from veriscope.validate.metrics.instance.boundary_table import BoundaryTable, boundary_table
from veriscope.validate.metrics.instance.catalogue import instance_metrics
from veriscope.validate.metrics.instance.objects import ObjectTable, object_tables
from veriscope.validate.metrics.instance.split_merge import SplitMerge, find_splits_and_merges
from veriscope.validate.scores import unit_values
from veriscope.validate.units import UnitCounts, count_table

__all__ = ["REPORT_THRESHOLDS", "InstanceReport", "instance_report"]

REPORT_THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""IoU thresholds of a report unless others are asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class InstanceReport:
    """How the objects of two label images compare.

    Parameters
    ----------
    counts
        Sums that all metrics are computed from; give those of several images to
        `veriscope.validate.instances.compare_units` for pooled metrics with intervals by image.
    references, predictions
        What became of each object of either image.
    groups
        Splits and merges, with the labels of their objects.
    matching
        Matches at IoU 0.5, which the status of the objects is about.
    boundaries
        How well the outlines of each match agree; None unless asked for.
    """

    counts: UnitCounts
    references: ObjectTable
    predictions: ObjectTable
    groups: SplitMerge
    matching: Matching
    boundaries: BoundaryTable | None = None

    @property
    def metrics(self) -> dict[str, float]:
        """Value of each metric by its key, such as ``"f1@0.5"`` or ``"aji"``; NaN where it is undefined."""
        keyed_metrics = instance_metrics(self.counts.thresholds)
        return {keyed.key: float(unit_values([self.counts], keyed)[0]) for keyed in keyed_metrics}

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            ``name``, ``thresholds``, ``metrics`` (None where undefined), ``counts``, ``splits_and_merges``,
            ``references`` and ``predictions`` (a row per object), ``boundaries`` (a row per match, or None).
        """
        return {
            "name": self.counts.name,
            "thresholds": list(self.counts.thresholds),
            "metrics": plain(self.metrics),
            "counts": self.counts.to_dict(),
            "splits_and_merges": self.groups.to_dict(),
            "references": self.references.rows(),
            "predictions": self.predictions.rows(),
            "boundaries": None if self.boundaries is None else self.boundaries.rows(),
        }


def instance_report(
    reference: NDArray[Any],
    prediction: NDArray[Any],
    *,
    thresholds: Sequence[float] = REPORT_THRESHOLDS,
    boundaries: bool = False,
    spacing: Sequence[float] | None = None,
    tolerance: float | None = None,
    rim_width: float | None = None,
    name: str = "image",
    cluster: str | None = None,
    weight: float = 1.0,
) -> InstanceReport:
    """Compare the objects of two label images in every way that overlaps tell, and by outline if asked for.

    Parameters
    ----------
    reference, prediction
        Label images of the same shape, 0 = background; of any number of axes, two or three with boundaries.
    thresholds
        IoU thresholds; 0.5 is always added.
    boundaries
        Whether to measure the outlines of matched objects too, which takes ten times as long.
    spacing
        Size of a pixel along each axis, in µm, for boundaries; None: distances are in pixels.
    tolerance
        Largest distance that counts as agreement, for the normalised surface distance; None: without it.
    rim_width
        Width of the rims, for the boundary IoU; None: without it.
    name
        Name of the image, for messages and results.
    cluster
        What the image belongs to, such as its well or animal; see `compare_units`.
    weight
        How many images of the study it stands for.

    Returns
    -------
    InstanceReport
        Metrics, counts, objects, splits and merges; empty tables if neither image has an object.

    Raises
    ------
    ShapeMismatchError
        If the shapes differ.
    PixelValueError
        If an image is a mask or has negative, fractional or non-finite values.
    AxesError
        If boundaries are asked for, and the images have neither two nor three axes or the spacing does not
        fit.
    InputError
        If a threshold, the weight, the tolerance or the width of the rims is not allowed.
    """
    reference, prediction = np.asarray(reference), np.asarray(prediction)
    table = contingency(reference, prediction, where=name)
    groups = find_splits_and_merges(table)
    matching = match(table, threshold=0.5)
    references, predictions = object_tables(table, matching, groups)
    outlines = None
    if boundaries or tolerance is not None or rim_width is not None:
        outlines = boundary_table(
            reference, prediction, matching, spacing=spacing, tolerance=tolerance, rim_width=rim_width
        )
    return InstanceReport(
        counts=count_table(
            table, groups=groups, thresholds=thresholds, name=name, cluster=cluster, weight=weight
        ),
        references=references,
        predictions=predictions,
        groups=groups,
        matching=matching,
        boundaries=outlines,
    )
