"""Objects, each with an outline: label images against label images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label as connected_components

from veriscope.io.labels import LabelFile, open_classes, open_labels
from veriscope.validate.candidates import Candidates, candidates_by_counts
from veriscope.validate.instances import compare_units
from veriscope.validate.metrics.instance.catalogue import instance_metrics
from veriscope.validate.units import UnitCounts, count_unit
from veriscope.workflow.comparison.cases import Case
from veriscope.workflow.comparison.options import CompareOptions

__all__ = ["Instances"]


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
        self.notes: list[str] = []
        self.answers: dict[str, Any] = {"category": "instance", "costlier_error": options.costlier_error}

    def read(self, path: Path) -> LabelFile:
        """Read objects, from a mask only where components were asked for.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        LabelFile
            Labels.

        Raises
        ------
        VeriscopeError
            If it is no label image.
        """
        found = open_labels(path) if not self._options.components else open_classes(path)
        self.notes += [f"{path.name}: {note}" for note in found.notes]
        if not self._options.components or len(np.unique(found.labels)) > 2:
            return found
        pieces = connected_components(found.labels > 0, connectivity=found.labels.ndim)
        return LabelFile(pieces, found.axes, found.spacing, found.notes)

    def judge(self, case: Case, reference: LabelFile, prediction: LabelFile) -> UnitCounts:
        """Match and count the objects of an image.

        Parameters
        ----------
        case
            The image.
        reference, prediction
            Its labels.

        Returns
        -------
        UnitCounts
            What metrics are made of.
        """
        return count_unit(
            reference.labels,
            prediction.labels,
            thresholds=self._options.thresholds,
            name=case.stem,
            cluster=case.cluster,
        )

    def objects(self, file: LabelFile) -> NDArray[Any]:
        """Give what a fingerprint is measured from.

        Parameters
        ----------
        file
            As from `read`.

        Returns
        -------
        numpy.ndarray
            Labels.
        """
        return file.labels

    def summarise(self, units: Sequence[UnitCounts], *, unit: str) -> dict[str, Any]:
        """Give the metrics of all images.

        Parameters
        ----------
        units
            As from `judge`.
        unit
            What the unit of intervals is.

        Returns
        -------
        dict
            ``metrics`` (pooled), ``metrics_per_image``, ``images`` and numbers of objects.
        """
        found = compare_units(
            units, level=self._options.level, thresholds=self._options.thresholds, unit=unit
        ).to_dict()
        return {
            "n_images": found["n_images"],
            "n_reference": int(np.sum([item.n_reference for item in units])),
            "n_prediction": int(np.sum([item.n_prediction for item in units])),
            "thresholds": found["thresholds"],
            "metrics": found["metrics"],
            "metrics_per_image": found["metrics_per_image"],
            "images": found["images"],
        }

    def rankable(self, units: Sequence[UnitCounts]) -> tuple[str, ...]:
        """Name the metrics that candidates can be ranked by.

        Parameters
        ----------
        units
            As from `judge`.

        Returns
        -------
        tuple of str
            Keys.
        """
        keyed = instance_metrics(units[0].thresholds)
        return tuple(item.key for item in keyed if item.metric.best == item.metric.high)

    def candidates(self, units: Mapping[str, Sequence[UnitCounts]], *, metric: str, unit: str) -> Candidates:
        """Give what a ranking by a pooled metric is made of.

        Parameters
        ----------
        units
            As from `judge`, by candidate.
        metric
            One of `rankable`.
        unit
            What the unit of intervals is.

        Returns
        -------
        Candidates
            Sums of each image.
        """
        return candidates_by_counts(units, metric=metric, unit=unit)
