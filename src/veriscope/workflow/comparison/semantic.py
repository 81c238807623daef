"""Masks and images of classes: pixels against pixels, one class at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.axes import check_spacing
from veriscope.core.labels import check_same_shape
from veriscope.errors import InputError
from veriscope.io.labels import LabelFile, open_classes
from veriscope.validate.candidates import Candidates, candidates_by_values
from veriscope.validate.clusters import sum_by_cluster
from veriscope.validate.means import mean_over_units
from veriscope.validate.metrics.base import FloatArray, ratio
from veriscope.validate.metrics.semantic.boundary import (
    assd,
    boundary_distances,
    boundary_iou,
    hausdorff,
    hausdorff_percentile,
    masd,
    nsd,
)
from veriscope.validate.metrics.semantic.catalogue import DESCRIPTIONS, SEMANTIC_METRICS
from veriscope.validate.metrics.semantic.centreline import centreline_dice
from veriscope.validate.metrics.topology.betti import betti_error
from veriscope.validate.metrics.topology.catalogue import DESCRIPTIONS as TOPOLOGY
from veriscope.validate.metrics.topology.lines import line_gaps
from veriscope.validate.metrics.topology.matching import betti_matching_error
from veriscope.validate.statistics import jackknife_interval, leave_one_out
from veriscope.workflow.comparison.cases import Case, require_one_unit
from veriscope.workflow.comparison.options import CompareOptions

__all__ = ["MaskUnit", "Masks"]

_MOST_CLASSES = 20
_NAMES = (
    *(metric.name for metric in SEMANTIC_METRICS if metric.name != "f_beta"),
    "betti_error",
    "betti_matching_error",
)
_DESCRIBED = {item.key: item for item in (*DESCRIPTIONS, *TOPOLOGY)}


@dataclass(frozen=True, slots=True)
class MaskUnit:
    """What is found in one image.

    Parameters
    ----------
    name, cluster
        The image, and the replicate it belongs to.
    sums
        TP, FP and FN of pixels, by class.
    values
        Metrics of the image by class and name.
    calibrated
        Whether distances are in µm.
    """

    name: str
    cluster: str | None
    sums: Mapping[int, tuple[int, int, int]]
    values: Mapping[int, Mapping[str, float]]
    calibrated: bool


class Masks:
    """Judge masks, class by class.

    Parameters
    ----------
    options
        Settings of the comparison.
    """

    usual = "dice"

    def __init__(self, options: CompareOptions) -> None:
        self._options = options
        self.notes: list[str] = []
        self.answers: dict[str, Any] = {"category": "semantic"}
        self._classes: set[int] = set()  # of all candidates, so that their figures have the same keys

    def read(self, path: Path) -> LabelFile:
        """Read a mask or an image of class numbers."""
        found = open_classes(path)
        self.notes += [f"{path}: {note}" for note in found.notes]
        if self._options.foreground:
            return LabelFile((found.labels > 0).astype(np.uint8), found.axes, found.spacing, found.notes)
        n_classes = len(np.unique(found.labels))
        if n_classes > _MOST_CLASSES + 1:
            raise InputError(
                f"{path}: has {n_classes - 1} different numbers, so it seems to be a label image of objects; "
                "compare objects with --task instance, or all of them as one class with --foreground"
            )
        return found

    def judge(self, case: Case, reference: LabelFile, prediction: LabelFile) -> MaskUnit:
        """Compare the classes of an image."""
        check_same_shape(reference.labels, prediction.labels, where=case.stem)
        spacing = check_spacing(self._options.spacing, reference.axes, where=case.stem) or reference.spacing
        self.answers |= self._options.size_answers(spacing)
        steps = None if spacing is None else tuple(spacing[axis] for axis in reference.axes)
        present = np.union1d(np.unique(reference.labels), np.unique(prediction.labels))
        self._classes |= {int(value) for value in present if value > 0}
        sums: dict[int, tuple[int, int, int]] = {}
        values: dict[int, dict[str, float]] = {}
        for number in (int(value) for value in present if value > 0):
            ours, theirs = reference.labels == number, prediction.labels == number
            both = int(np.count_nonzero(ours & theirs))
            sums[number] = (both, int(theirs.sum()) - both, int(ours.sum()) - both)
            values[number] = self._values(ours, theirs, sums[number], steps)
        return MaskUnit(case.stem, case.cluster, sums, values, steps is not None)

    def _values(
        self,
        reference: NDArray[np.bool_],
        prediction: NDArray[np.bool_],
        sums: tuple[int, int, int],
        steps: tuple[float, ...] | None,
    ) -> dict[str, float]:
        tolerance = self._options.outline_tolerance(steps)
        distances = boundary_distances(reference, prediction, spacing=steps)
        tp, fp, fn = sums
        lines = (
            {"line_gaps": line_gaps(reference, prediction, spacing=steps)}
            if self._options.asks_for_lines
            else {}
        )
        return lines | {
            "dice": 2 * tp / (2 * tp + fp + fn),
            "iou": tp / (tp + fp + fn),
            "centreline_dice": centreline_dice(reference, prediction),
            "nsd": nsd(distances, tolerance=tolerance),
            "boundary_iou": boundary_iou(reference, prediction, width=tolerance, spacing=steps),
            "masd": masd(distances),
            "assd": assd(distances),
            "hausdorff_percentile": hausdorff_percentile(distances),
            "hausdorff": hausdorff(distances),
            "betti_error": betti_error(reference, prediction),
            "betti_matching_error": betti_matching_error(reference, prediction),
        }

    def objects(self, file: LabelFile) -> NDArray[Any]:
        """Give the class numbers."""
        return file.labels

    def summarise(self, units: Sequence[MaskUnit], *, unit: str) -> dict[str, Any]:
        """Give the metrics of all images; pooled are those of overlap alone.

        Keys have the class in brackets if there are several; without brackets is their mean then.
        """
        require_one_unit({item.name: item.calibrated for item in units})
        classes = sorted(self._classes)
        several = len(classes) > 1
        level, clusters = self._options.level, [item.cluster for item in units]
        pooled: dict[str, Any] = {}
        mean: dict[str, Any] = {}
        for number in classes:
            suffix = f"[{number}]" if several else ""
            for name, formula in (("dice", _dice), ("iou", _iou)):
                rows = _rows(units, number)
                value, left_out = leave_one_out(rows, formula)
                pooled[name + suffix] = jackknife_interval(
                    value, left_out, rows.sum(axis=1), level=level, bounds=(0.0, 1.0), unit=unit
                ).to_dict()
        for key in self._keys(classes):
            values = self.values(units, key)
            mean[key] = mean_over_units(
                values, clusters, level=level, bounds=_bounds(key), unit=unit
            ).to_dict()
        return {
            "n_images": len(units),
            "classes": classes,
            "length_unit": "µm" if units and all(item.calibrated for item in units) else "px",
            "boundary_tolerance": self._options.boundary_tolerance or "two pixels",
            "n_infinite": _count_infinite(units),
            "metrics": pooled,
            "metrics_per_image": mean,
            "images": [{"name": item.name, "cluster": item.cluster} | _flat(item, several) for item in units],
        }

    def _names(self) -> tuple[str, ...]:
        return (*_NAMES, "line_gaps") if self._options.asks_for_lines else _NAMES

    def _keys(self, classes: Sequence[int]) -> list[str]:
        suffixes = [f"[{number}]" for number in classes] if len(classes) > 1 else []
        return [name + suffix for name in self._names() for suffix in ["", *suffixes]]

    def values(self, units: Sequence[MaskUnit], key: str) -> FloatArray:
        """Give a metric of each image; without a class, the mean over the classes that occur in it.

        Parameters
        ----------
        units
            As from `judge`.
        key
            Such as ``"dice"`` or ``"dice[2]"``.

        Returns
        -------
        numpy.ndarray
            One value per image; NaN where it is undefined.
        """
        name, _, number = key.rstrip("]").partition("[")
        rows = []
        for item in units:
            found = [item.values[int(number)]] if number and int(number) in item.values else []
            found = found if number else list(item.values.values())
            rows.append(float(np.mean([value[name] for value in found])) if found else float("nan"))
        return np.array(rows)

    def rankable(self, units: Sequence[MaskUnit]) -> tuple[str, ...]:
        """Name all metrics, of single classes too."""
        return tuple(self._keys(sorted(self._classes)))

    def candidates(self, units: Mapping[str, Sequence[MaskUnit]], *, metric: str, unit: str) -> Candidates:
        """Give what a ranking by the mean over images is made of.

        Where there is nothing and a candidate rightly found nothing, while another invented something, it
        has the best value. Images in which a distance is infinite are left aside for all, and those in
        which nobody has a value.
        """
        described = _DESCRIBED[metric.partition("[")[0]]
        clusters = [item.cluster for item in next(iter(units.values()))]
        values = {name: self.values(items, metric) for name, items in units.items()}
        someone = ~np.all([np.isnan(found) for found in values.values()], axis=0)
        return candidates_by_values(
            {
                name: np.where(np.isnan(found) & someone, described.best, found)
                for name, found in values.items()
            },
            better="lower" if described.best == described.low else "higher",
            metric=metric,
            clusters=None if clusters[0] is None else clusters,
            bounds=_bounds(metric),
            unit=unit,
        )


def _dice(sums: FloatArray) -> FloatArray:
    tp, fp, fn = np.moveaxis(sums, -1, 0)
    return ratio(2 * tp, 2 * tp + fp + fn)


def _iou(sums: FloatArray) -> FloatArray:
    tp, fp, fn = np.moveaxis(sums, -1, 0)
    return ratio(tp, tp + fp + fn)


def _rows(units: Sequence[MaskUnit], number: int) -> FloatArray:
    rows = np.array([item.sums.get(number, (0, 0, 0)) for item in units], dtype=np.float64)
    clusters = [item.cluster for item in units]
    return sum_by_cluster(rows, clusters) if clusters[0] is not None else rows


def _bounds(key: str) -> tuple[float, float]:
    described = _DESCRIBED[key.partition("[")[0]]
    return described.low, described.high


def _count_infinite(units: Sequence[MaskUnit]) -> int:
    """Count images in which a class is empty on one side, so that distances are infinite."""
    return sum(any(np.isinf(value["hausdorff"]) for value in item.values.values()) for item in units)


def _flat(item: MaskUnit, several: bool) -> dict[str, Any]:
    found: dict[str, float | None] = {}
    for number, values in item.values.items():
        suffix = f"[{number}]" if several else ""
        found |= {name + suffix: value if np.isfinite(value) else None for name, value in values.items()}
    return found
