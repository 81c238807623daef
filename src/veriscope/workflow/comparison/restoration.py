"""Images of intensities, such as denoised ones, against clean references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.core.axes import check_spacing
from veriscope.core.image import Image
from veriscope.core.labels import check_same_shape
from veriscope.errors import AxesError
from veriscope.io.images import read_image
from veriscope.validate.candidates import Candidates, candidates_by_values
from veriscope.validate.means import mean_over_units
from veriscope.validate.metrics.restoration.catalogue import DESCRIPTIONS
from veriscope.validate.restorations import DataRange, RestoredImage, measure_restoration
from veriscope.workflow.comparison.cases import Case
from veriscope.workflow.comparison.options import CompareOptions

__all__ = ["Restorations"]

_METRICS = {item.key: item for item in DESCRIPTIONS}


class Restorations:
    """Judge restored images.

    Parameters
    ----------
    options
        Settings of the comparison.
    """

    usual = "scale_invariant_psnr"

    def __init__(self, options: CompareOptions) -> None:
        self._options = options
        self._data_range: DataRange = options.data_range or "reference"
        self.notes: list[str] = []
        self.answers: dict[str, Any] = {"category": "restoration"}

    def read(self, path: Path) -> Image:
        """Read an image of one channel, (y, x) or (z, y, x) at each time point."""
        found = read_image(path)
        if set(found.axes) - set("tzyx"):
            raise AxesError(
                f"{path}: has axes {found.axes!r}; images are compared one channel at a time, with axes yx, "
                "zyx, tyx or tzyx"
            )
        return found

    def judge(self, case: Case, reference: Image, prediction: Image) -> RestoredImage:
        """Measure an image."""
        check_same_shape(reference.pixels, prediction.pixels, where=case.stem)
        spacing = check_spacing(self._options.spacing, reference.axes, where=case.stem) or reference.spacing
        values = measure_restoration(
            reference.pixels,
            prediction.pixels,
            data_range=self._data_range,
            spacing=None if spacing is None else [spacing[axis] for axis in reference.axes],
            where=case.stem,
        )
        return RestoredImage(case.stem, case.cluster, values)

    def objects(self, file: Image) -> None:
        """Give nothing: there are no objects to describe the problem by."""

    def summarise(self, units: Sequence[RestoredImage], *, unit: str) -> dict[str, Any]:
        """Give the metrics of all images, averaged; nothing is pooled."""
        clusters = [item.cluster for item in units]
        means = {
            key: mean_over_units(
                [item.values[key] for item in units],
                clusters,
                level=self._options.level,
                bounds=(metric.low, metric.high),
                unit=unit,
            ).to_dict()
            for key, metric in _METRICS.items()
        }
        rows = []
        for item in units:
            values = {key: value if np.isfinite(value) else None for key, value in item.values.items()}
            rows.append({"name": item.name, "cluster": item.cluster, **values})
        return {
            "n_images": len(units),
            "data_range": self._data_range,
            "metrics": {},
            "metrics_per_image": means,
            "images": rows,
        }

    def rankable(self, units: Sequence[RestoredImage]) -> tuple[str, ...]:
        """Name the metrics that have a better end."""
        return tuple(key for key, item in _METRICS.items() if item.best in (item.low, item.high))

    def candidates(
        self, units: Mapping[str, Sequence[RestoredImage]], *, metric: str, unit: str
    ) -> Candidates:
        """Give the value of each image; where it is infinite or undefined, it is left aside for all."""
        described = _METRICS[metric]
        clusters = [item.cluster for item in next(iter(units.values()))]
        return candidates_by_values(
            {name: [item.values[metric] for item in items] for name, items in units.items()},
            better="lower" if described.best == described.low else "higher",
            metric=metric,
            clusters=None if clusters[0] is None else clusters,
            bounds=(described.low, described.high),
            unit=unit,
        )
