"""Boundary metrics of all matched objects, as one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.validate.matching import Matching
from veriscope.validate.metrics.instance.matched_boundary import boundary_of_matches
from veriscope.validate.metrics.instance.matched_rims import boundary_iou_of_matches
from veriscope.validate.metrics.semantic.masks import ROUNDING, check_distance

__all__ = ["BoundaryTable", "boundary_table"]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BoundaryTable:
    """How well the outlines of each match agree; one entry per match, distances in µm (or pixels).

    Parameters
    ----------
    pairs
        Shape (n, 2): label of the reference object and of the predicted object.
    hausdorff, hausdorff_95, masd, assd
        Largest distance, its 95th percentile, mean of the mean distances of both directions, mean of all
        distances; 0 up, lower is better.
    nsd
        Share of both boundaries within the tolerance; None if no tolerance was given.
    boundary_iou
        IoU of the rims; None if no width was given.
    """

    pairs: IntArray
    hausdorff: FloatArray
    hausdorff_95: FloatArray
    masd: FloatArray
    assd: FloatArray
    nsd: FloatArray | None
    boundary_iou: FloatArray | None

    def rows(self) -> list[dict[str, Any]]:
        """Give one row per match, for a table or JSON.

        Returns
        -------
        list of dict
            ``reference``, ``prediction``, and the metrics by name.
        """
        columns = {"reference": self.pairs[:, 0].tolist(), "prediction": self.pairs[:, 1].tolist()}
        for name in ("hausdorff", "hausdorff_95", "masd", "assd", "nsd", "boundary_iou"):
            values = getattr(self, name)
            if values is not None:
                columns[name] = values.tolist()
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def boundary_table(
    reference: NDArray[Any],
    prediction: NDArray[Any],
    matching: Matching,
    *,
    spacing: Sequence[float] | None = None,
    tolerance: float | None = None,
    rim_width: float | None = None,
) -> BoundaryTable:
    """Measure how well the outlines of matched objects agree, each pair by itself.

    Parameters
    ----------
    reference, prediction
        Label images of one shape, (y, x) or (z, y, x), 0 = background.
    matching
        Which predicted object stands for which reference object, on these images.
    spacing
        Size of a pixel along each axis, in µm; None: distances are in pixels.
    tolerance
        Largest distance that counts as agreement, for NSD, in the unit of the spacing.
    rim_width
        Width of the rims, for boundary IoU, in the unit of the spacing.

    Returns
    -------
    BoundaryTable
        The metrics of `semantic.boundary` for the masks of each match; empty without a match.

    Raises
    ------
    AxesError
        If the images have neither two nor three axes, or the spacing does not fit.
    InputError
        If the matching is of other images, or the tolerance or width is not allowed.
    PixelValueError, ShapeMismatchError
        If these are no two label images of one shape.
    """
    if tolerance is not None:
        check_distance(tolerance, name="tolerance", zero=True)
    distances = boundary_of_matches(reference, prediction, matching, spacing=spacing).distances
    outward = _Segments([one.from_reference for one in distances])
    inward = _Segments([one.from_prediction for one in distances])
    lengths = outward.lengths + inward.lengths
    nsd = None
    if tolerance is not None:
        nsd = (outward.count_within(tolerance) + inward.count_within(tolerance)) / lengths
    rims = None
    if rim_width is not None:
        rims = boundary_iou_of_matches(reference, prediction, matching, width=rim_width, spacing=spacing)
    return BoundaryTable(
        pairs=matching.pairs,
        hausdorff=np.maximum(outward.percentile(100), inward.percentile(100)),
        hausdorff_95=np.maximum(outward.percentile(95), inward.percentile(95)),
        masd=(outward.sums / outward.lengths + inward.sums / inward.lengths) / 2,
        assd=(outward.sums + inward.sums) / lengths,
        nsd=nsd,
        boundary_iou=rims,
    )


class _Segments:
    """Distances of one direction, one segment per match, none empty."""

    def __init__(self, parts: Sequence[FloatArray]) -> None:
        self.lengths = np.array([len(part) for part in parts], dtype=np.int64)
        values = np.concatenate(parts) if parts else np.empty(0)
        order = np.lexsort((values, np.repeat(np.arange(len(parts)), self.lengths)))
        self._sorted = values[order]
        self._starts = np.cumsum(self.lengths) - self.lengths
        self.sums = self._add(self._sorted)

    def _add(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sum each segment; reduceat refuses to sum no segment."""
        return np.add.reduceat(values, self._starts) if len(self._starts) else np.zeros(0)

    def count_within(self, limit: float) -> NDArray[Any]:
        """Count the distances of each segment up to a limit."""
        return self._add((self._sorted <= limit * ROUNDING).astype(np.int64))

    def percentile(self, percentile: float) -> FloatArray:
        """Give a percentile of each segment, interpolated linearly between order statistics."""
        place = (self.lengths - 1) * percentile / 100
        low = place.astype(np.int64)
        high = np.minimum(low + 1, self.lengths - 1)
        below, above = self._sorted[self._starts + low], self._sorted[self._starts + high]
        between: FloatArray = below + (place - low) * (above - below)
        return between
