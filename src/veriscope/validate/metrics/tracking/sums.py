"""Sums over a sequence from which every metric of tracking is computed, so that sequences can be pooled."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.validate.metrics.base import FloatArray

__all__ = ["TrackingSums"]


@dataclass(frozen=True, slots=True, eq=False)
class TrackingSums:
    """Sums over one or more sequences; every array has the same shape, and any shape will do.

    Parameters
    ----------
    n_vertices, n_edges
        Objects in all frames, and links between them, of the reference.
    matches
        Vertices of the reference with a match.
    missed, invented, splits
        Errors of vertices: FN, FP, NS.
    redundant, missing, wrong
        Errors of edges: ED, EA, EC.
    sum_iou
        Sum over the vertices of the reference of the IoU with their match, 0 without one.
    lineage_association, track_association
        Sum over matches of the association of their trajectories, which is the whole lineage line for the
        first (CHOTA) and the track alone for the second (HOTA).
    divisions_found, divisions_invented, divisions_missed
        Divisions that match, and those without match of the prediction and of the reference.
    """

    n_vertices: FloatArray
    n_edges: FloatArray
    matches: FloatArray
    missed: FloatArray
    invented: FloatArray
    splits: FloatArray
    redundant: FloatArray
    missing: FloatArray
    wrong: FloatArray
    sum_iou: FloatArray
    lineage_association: FloatArray
    track_association: FloatArray
    divisions_found: FloatArray
    divisions_invented: FloatArray
    divisions_missed: FloatArray

    @classmethod
    def from_columns(cls, columns: NDArray[Any]) -> TrackingSums:
        """Take the sums from an array whose last axis has the fields in their order.

        Parameters
        ----------
        columns
            Shape (..., 15).

        Returns
        -------
        TrackingSums
            Arrays of shape (...).
        """
        return cls(*np.moveaxis(np.asarray(columns, dtype=np.float64), -1, 0))

    def columns(self) -> FloatArray:
        """Give the sums as one array, the fields in their order along the last axis.

        Returns
        -------
        numpy.ndarray
            Shape (..., 15).
        """
        return np.stack([np.asarray(getattr(self, field.name)) for field in fields(self)], axis=-1)
