"""Objects, each with an outline: label images against label images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label as connected_components

from veriscope.core.axes import check_spacing
from veriscope.errors import PixelValueError, VeriscopeError
from veriscope.io.labels import LabelFile, open_classes, open_labels
from veriscope.validate.candidates import Candidates, candidates_by_counts
from veriscope.validate.instance_report import InstanceReport, instance_report
from veriscope.validate.instances import compare_units
from veriscope.validate.means import mean_over_units
from veriscope.validate.metrics.instance.catalogue import instance_metrics
from veriscope.validate.metrics.semantic.catalogue import DESCRIPTIONS
from veriscope.validate.units import UnitCounts
from veriscope.workflow.comparison.biology import biology_of, check_question, measured_value
from veriscope.workflow.comparison.cases import Case, require_one_unit
from veriscope.workflow.comparison.options import CompareOptions
from veriscope.workflow.question import Question

__all__ = ["OBJECT_COLUMNS", "InstanceUnit", "Instances"]

OBJECT_COLUMNS = (
    *("image", "side", "label", "size", "status"),
    *("match", "partner", "iou", "dice", "overlap"),
)
"""Columns of the table of objects."""

_OUTLINES = {
    "nsd": "nsd",
    "boundary_iou": "boundary_iou",
    "masd": "masd",
    "assd": "assd",
    "hausdorff_percentile": "hausdorff_95",
    "hausdorff": "hausdorff",
}
_DESCRIBED = {item.key: item for item in DESCRIPTIONS}


@dataclass(frozen=True, slots=True)
class InstanceUnit:
    """What is found in one image.

    Parameters
    ----------
    report
        Counts, and what became of each object.
    values
        What is measured of the reference and of the prediction; None: nothing was asked for.
    group
        Group of the image; None: all are one.
    is_calibrated
        Whether distances are in µm.
    """

    report: InstanceReport
    values: tuple[float, float] | None
    group: str | None = None
    is_calibrated: bool = False

    @property
    def counts(self) -> UnitCounts:
        """What metrics are made of."""
        return self.report.counts

    def outline(self, name: str) -> float:
        """Give the mean over the matches of a metric of outlines.

        Parameters
        ----------
        name
            Column of the table of boundaries.

        Returns
        -------
        float
            NaN without a match.
        """
        values = getattr(self.report.boundaries, name)
        return float(np.mean(values)) if len(values) else float("nan")


class Instances:
    """Judge label images, object by object.

    Parameters
    ----------
    options
        Settings of the comparison.
    """

    usual = "f1@0.5"

    def __init__(self, options: CompareOptions) -> None:
        self._options = options
        self._question = None
        if options.measure is not None:
            self._question = Question.from_text(options.measure, tolerance=options.tolerance)
            check_question(self._question)
        self.notes: list[str] = []
        self.answers: dict[str, Any] = {"category": "instance"}
        if options.boundaries:
            self.answers["boundaries_matter"] = True

    def read(self, path: Path) -> LabelFile:
        """Read objects, from a mask only where components were asked for."""
        found = open_classes(path) if self._options.components else _open_objects(path)
        self.notes += [f"{path}: {note}" for note in found.notes]
        if np.count_nonzero(np.unique(found.labels)) != 1:
            return found
        pieces = connected_components(found.labels > 0, connectivity=found.labels.ndim)
        if self._options.components:
            return LabelFile(pieces, found.axes, found.spacing, found.notes)
        if (n_pieces := int(pieces.max())) > 1:
            self.notes.append(
                f"{path}: has a single object, in {n_pieces} pieces; if it is a mask of several objects, "
                "compare with --connected-components"
            )
        return found

    def judge(self, case: Case, reference: LabelFile, prediction: LabelFile) -> InstanceUnit:
        """Match, count, and if asked for measure the objects of an image."""
        spacing = check_spacing(self._options.spacing, reference.axes, where=case.stem) or reference.spacing
        self.answers |= self._options.size_answers(spacing)
        steps = None if spacing is None else [spacing[axis] for axis in reference.axes]
        tolerance = self._options.outline_tolerance(steps) if self._options.boundaries else None
        report = instance_report(
            reference.labels,
            prediction.labels,
            thresholds=self._options.thresholds,
            boundaries=self._options.boundaries,
            spacing=steps,
            tolerance=tolerance,
            rim_width=tolerance,
            name=case.stem,
            cluster=case.cluster,
        )
        measured: tuple[float, float] | None = None
        if self._question is not None:
            ours, theirs = (measured_value(file, self._question, spacing) for file in (reference, prediction))
            measured = ours, theirs
        return InstanceUnit(report, measured, case.group, steps is not None)

    def objects(self, file: LabelFile) -> NDArray[Any]:
        """Give the labels."""
        return file.labels

    def summarise(self, units: Sequence[InstanceUnit], *, unit: str) -> dict[str, Any]:
        """Give the metrics of all images: pooled ones, those averaged over images, and numbers of objects."""
        counts = [item.counts for item in units]
        found = compare_units(
            counts, level=self._options.level, thresholds=self._options.thresholds, unit=unit
        ).to_dict()
        return {
            "n_images": found["n_images"],
            "n_reference": int(np.sum([item.n_reference for item in counts])),
            "n_prediction": int(np.sum([item.n_prediction for item in counts])),
            "thresholds": found["thresholds"],
            "metrics": found["metrics"],
            "metrics_per_image": found["metrics_per_image"] | self._outlines(units, unit),
            "images": found["images"],
            **self._biology(units),
        }

    def _outlines(self, units: Sequence[InstanceUnit], unit: str) -> dict[str, Any]:
        """Average outlines over the matches of an image, then over images; missed objects are not in it."""
        if not self._options.boundaries:
            return {}
        require_one_unit({item.counts.name: item.is_calibrated for item in units})
        clusters = [item.counts.cluster for item in units]
        found = {}
        for key, name in _OUTLINES.items():
            described = _DESCRIBED[key]
            found[key] = mean_over_units(
                [item.outline(name) for item in units],
                clusters,
                level=self._options.level,
                bounds=(described.low, described.high),
                unit=unit,
            ).to_dict()
        return found

    def object_rows(self, units: Sequence[InstanceUnit]) -> list[dict[str, Any]]:
        """Tell what became of each object.

        Parameters
        ----------
        units
            As from `judge`.

        Returns
        -------
        list of dict
            ``image``, ``side`` (reference or prediction), ``label``, ``size`` in pixels, ``status``,
            ``match``, ``partner``, ``iou``, ``dice``, ``overlap``.
        """
        return [
            {"image": item.counts.name, "side": table.side, **row}
            for item in units
            for table in (item.report.references, item.report.predictions)
            for row in table.rows()
        ]

    def _biology(self, units: Sequence[InstanceUnit]) -> dict[str, Any]:
        if self._question is None:
            return {}
        if not any(item.values is not None and np.isfinite(item.values).all() for item in units):
            self.notes.append(
                f"no image has a {self._question.key} of both reference and prediction, so whether it "
                "survives cannot be told"
            )
            return {}
        return {
            "biology": biology_of(
                [item.values or (np.nan, np.nan) for item in units],
                names=[item.counts.name for item in units],
                groups=[item.group for item in units],
                clusters=[item.counts.cluster for item in units],
                question=self._question,
            )
        }

    def rankable(self, units: Sequence[InstanceUnit]) -> tuple[str, ...]:
        """Name the metrics that have a better end."""
        keyed = instance_metrics(units[0].counts.thresholds)
        return tuple(item.key for item in keyed if item.metric.best == item.metric.high)

    def candidates(
        self, units: Mapping[str, Sequence[InstanceUnit]], *, metric: str, unit: str
    ) -> Candidates:
        """Give the sums of each image."""
        counts = {name: [item.counts for item in items] for name, items in units.items()}
        return candidates_by_counts(counts, metric=metric, unit=unit)


def _open_objects(path: Path) -> LabelFile:
    """Read labels; of a mask say how it can be compared nevertheless."""
    try:
        return open_labels(path)
    except PixelValueError as error:
        try:
            open_classes(path)
        except VeriscopeError:
            raise error from None
        raise PixelValueError(f"{error}; --connected-components does that here") from None
