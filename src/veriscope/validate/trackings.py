"""Compare predicted with reference tracks: metrics with intervals by sequence, and all errors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.plain import PlainRecord, plain
from veriscope.errors import InputError
from veriscope.validate.metrics.tracking.catalogue import TRACKING_METRICS, TrackingMetric
from veriscope.validate.metrics.tracking.chota import association
from veriscope.validate.metrics.tracking.divisions import DivisionMatches, match_divisions
from veriscope.validate.metrics.tracking.errors import LinkError, ObjectError, link_errors, object_errors
from veriscope.validate.metrics.tracking.graph import GraphErrors, edges_into, graph_errors
from veriscope.validate.metrics.tracking.matching import TrackMatching, match_tracks
from veriscope.validate.metrics.tracking.sums import TrackingSums
from veriscope.validate.statistics import (
    Interval,
    check_level,
    jackknife_interval,
    leave_one_out,
    mean_interval,
)
from veriscope.validate.tracks import Tracks

__all__ = [
    "SequenceComparison",
    "TrackingComparison",
    "compare_sequence",
    "compare_trackings",
    "summarise_sequences",
]


@dataclass(frozen=True, slots=True, eq=False)
class SequenceComparison(PlainRecord):
    """How well one predicted sequence agrees with its reference.

    Parameters
    ----------
    name
        Name of the sequence.
    n_frames
        Number of frames.
    sums
        Sums that the metrics are computed from; arrays of shape ().
    objects
        Wrong objects, then wrong divisions, by frame.
    links
        Wrong links, by frame.
    """

    name: str
    n_frames: int
    sums: TrackingSums
    objects: tuple[ObjectError, ...]
    links: tuple[LinkError, ...]

    @property
    def values(self) -> dict[str, float]:
        """Each metric of this sequence alone, by key; NaN where it is undefined."""
        return {metric.key: float(metric.function(self.sums)) for metric in TRACKING_METRICS}

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            ``name``, ``n_frames``, ``values`` (None where undefined), ``sums``, ``objects`` and ``links``.
        """
        return {
            "name": self.name,
            "n_frames": self.n_frames,
            "values": plain(self.values),
            "sums": {field.name: float(getattr(self.sums, field.name)) for field in fields(self.sums)},
            "objects": plain(self.objects),
            "links": plain(self.links),
        }


@dataclass(frozen=True, slots=True, eq=False)
class TrackingComparison:
    """How well predicted tracks agree with reference tracks.

    Parameters
    ----------
    sequences
        One comparison per sequence, in the order given.
    metrics
        Pooled over all sequences, by key: ``det``, ``seg``, ``tra``, ``lnk``, ``division_f1``, ``chota``,
        ``hota``.
    metrics_per_sequence
        Mean over sequences, each counting the same; those in which a metric is undefined are left aside.
    division_tolerance
        Tolerance of divisions, in frames.
    level
        Level of all intervals.
    """

    sequences: tuple[SequenceComparison, ...]
    metrics: dict[str, Interval]
    metrics_per_sequence: dict[str, Interval]
    division_tolerance: int
    level: float

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            ``n_sequences``, ``division_tolerance``, ``level``, ``metrics``, ``metrics_per_sequence`` and
            ``sequences``.
        """
        return {
            "n_sequences": len(self.sequences),
            "division_tolerance": self.division_tolerance,
            "level": self.level,
            "metrics": plain(self.metrics),
            "metrics_per_sequence": plain(self.metrics_per_sequence),
            "sequences": plain(self.sequences),
        }


def compare_trackings(
    references: Iterable[Tracks],
    predictions: Iterable[Tracks],
    *,
    division_tolerance: int = 1,
    level: float = 0.95,
) -> TrackingComparison:
    """Compare tracks of one or more sequences, and give metrics with intervals by sequence.

    Parameters
    ----------
    references, predictions
        Sequences in the same order; a single one as ``[tracks]``. Frames are looked at one after the other.
    division_tolerance
        Largest difference in frames at which two divisions can be the same, 0 or more.
    level
        Level of the intervals, between 0 and 1.

    Returns
    -------
    TrackingComparison
        Values, intervals, and every error by frame and label. With fewer than two sequences no interval can
        be told: frames and tracks of one sequence are no independent witnesses.

    Raises
    ------
    InputError
        If the numbers of sequences differ, or an option is not allowed.
    TableError
        If a lineage has faults or does not fit its label images; all faults of a sequence come together.
    ShapeMismatchError, AxesError, PixelValueError
        If frames do not fit, or are no label images; the message names them.
    """
    check_level(level)
    pairs = _pairs(list(references), list(predictions))
    sequences = tuple(
        compare_sequence(reference, prediction, division_tolerance=division_tolerance)
        for reference, prediction in pairs
    )
    return summarise_sequences(sequences, division_tolerance=division_tolerance, level=level)


def summarise_sequences(
    sequences: Sequence[SequenceComparison], *, division_tolerance: int = 1, level: float = 0.95
) -> TrackingComparison:
    """Give metrics with intervals from sequences that were compared one by one.

    Parameters
    ----------
    sequences
        From `compare_sequence`.
    division_tolerance
        Tolerance that they were compared with, for the result.
    level
        Level of the intervals, between 0 and 1.

    Returns
    -------
    TrackingComparison
        Without sequences all values are NaN.

    Raises
    ------
    InputError
        If the level is not allowed.
    """
    check_level(level)
    n_columns = len(fields(TrackingSums))
    rows = np.array([sequence.sums.columns() for sequence in sequences]).reshape(-1, n_columns)
    return TrackingComparison(
        sequences=tuple(sequences),
        metrics={metric.key: _pooled(rows, metric, level) for metric in TRACKING_METRICS},
        metrics_per_sequence={
            metric.key: mean_interval(
                metric.function(TrackingSums.from_columns(rows)),
                level=level,
                bounds=(0.0, 1.0),
                unit="sequence",
            )
            for metric in TRACKING_METRICS
        },
        division_tolerance=division_tolerance,
        level=level,
    )


def compare_sequence(
    reference: Tracks, prediction: Tracks, *, division_tolerance: int = 1
) -> SequenceComparison:
    """Compare the tracks of one sequence.

    Parameters
    ----------
    reference, prediction
        Sequences of the same number of frames, each pair of frames of the same shape.
    division_tolerance
        Largest difference in frames at which two divisions can be the same, 0 or more.

    Returns
    -------
    SequenceComparison
        Sums and errors, named as the prediction.

    Raises
    ------
    InputError
        As `compare_trackings`.
    """
    matching = match_tracks(reference, prediction)
    errors = graph_errors(matching)
    divisions = match_divisions(matching, tolerance=division_tolerance)
    return SequenceComparison(
        name=prediction.name,
        n_frames=matching.n_frames,
        sums=_sums(matching, errors, divisions),
        objects=object_errors(matching, errors, divisions),
        links=link_errors(matching, errors),
    )


def _pairs(references: Sequence[Tracks], predictions: Sequence[Tracks]) -> list[tuple[Tracks, Tracks]]:
    if len(references) != len(predictions):
        raise InputError(
            f"{len(references)} references are given for {len(predictions)} predictions; "
            "give one of each per sequence"
        )
    return list(zip(references, predictions, strict=True))


def _pooled(rows: NDArray[np.float64], metric: TrackingMetric, level: float) -> Interval:
    value, left_out = leave_one_out(rows, lambda sums: metric.function(TrackingSums.from_columns(sums)))
    sizes = metric.sizes(TrackingSums.from_columns(rows))
    return jackknife_interval(value, left_out, sizes, level=level, bounds=(0.0, 1.0), unit="sequence")


def _sums(matching: TrackMatching, errors: GraphErrors, divisions: DivisionMatches) -> TrackingSums:
    sources, _ = edges_into(matching.reference)
    return TrackingSums.from_columns(
        np.array(
            [
                matching.reference.n_vertices,
                (sources >= 0).sum(),
                (matching.partners >= 0).sum(),
                len(errors.missed),
                len(errors.invented),
                errors.n_splits,
                len(errors.redundant),
                len(errors.missing),
                len(errors.wrong),
                matching.ious.sum(),
                association(matching, lineages=True),
                association(matching, lineages=False),
                len(divisions.pairs),
                len(divisions.invented),
                len(divisions.missed),
            ]
        )
    )
