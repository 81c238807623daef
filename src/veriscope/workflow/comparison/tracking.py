"""Objects followed over time: sequences of label images with tables of tracks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError, VeriscopeError, raise_together
from veriscope.io.track_tables import find_track_folders, read_track_folder
from veriscope.validate.candidates import Candidates
from veriscope.validate.fingerprint.items import Fingerprint
from veriscope.validate.metrics.base import FloatArray
from veriscope.validate.metrics.tracking.catalogue import TRACKING_METRICS, TrackingMetric
from veriscope.validate.metrics.tracking.sums import TrackingSums
from veriscope.validate.trackings import SequenceComparison, compare_sequence, summarise_sequences
from veriscope.validate.tracks import Lineage, Tracks
from veriscope.workflow.comparison.cases import candidate_names, open_all
from veriscope.workflow.comparison.options import CompareOptions
from veriscope.workflow.comparison.task import Judged

__all__ = ["Trackings", "judge_tracks"]

_METRICS = {metric.key: metric for metric in TRACKING_METRICS}
_INVENTED = TrackingSums.from_columns(
    np.array([item.name in ("invented", "redundant", "divisions_invented") for item in fields(TrackingSums)])
)
"""Sums of a sequence without an object, in which objects, a link and a division were predicted."""


class Trackings:
    """Judge tracks; the unit of intervals is the sequence.

    Parameters
    ----------
    options
        Settings of the comparison.
    """

    usual = "tra"

    def __init__(self, options: CompareOptions) -> None:
        self._options = options
        self.notes: list[str] = []

    def summarise(self, units: Sequence[SequenceComparison], *, unit: str) -> dict[str, Any]:
        """Give the metrics of all sequences, and of each sequence every error by frame and label."""
        found = summarise_sequences(units, level=self._options.level).to_dict()
        return {
            "n_images": found["n_sequences"],
            "metrics": found["metrics"],
            "metrics_per_image": found["metrics_per_sequence"],
            "images": found["sequences"],
        }

    def rankable(self, units: Sequence[SequenceComparison]) -> tuple[str, ...]:
        """Name all metrics."""
        return tuple(_METRICS)

    def candidates(
        self, units: Mapping[str, Sequence[SequenceComparison]], *, metric: str, unit: str
    ) -> Candidates:
        """Give the sums of each sequence."""
        chosen = _METRICS[metric]
        n_columns = len(fields(TrackingSums))
        return Candidates(
            metric=metric,
            better="higher",
            names=tuple(units),
            rows=np.array(
                [
                    np.reshape([item.sums.columns() for item in items], (-1, n_columns))
                    for items in units.values()
                ]
            ),
            clusters=None,
            function=_credited(chosen),
            sizes=lambda sums: chosen.sizes(TrackingSums.from_columns(sums)),
            bounds=(0.0, 1.0),
            aggregation="pooled",
            unit=unit,
        )


def _credited(metric: TrackingMetric) -> Callable[[FloatArray], FloatArray]:
    """Give a metric that is best where nothing is and nothing was found, as `candidates.credited` does."""
    # Whatever has a value where all is invented lacks one only where there is nothing on either side.
    sees_inventions = np.isfinite(metric.function(_INVENTED))

    def function(sums: FloatArray) -> FloatArray:
        values = metric.function(TrackingSums.from_columns(sums))
        return np.where(np.isnan(values) & sees_inventions, 1.0, values)

    return function


def judge_tracks(
    references: str | Path,
    predictions: Sequence[str | Path],
    options: CompareOptions,
    *,
    groups: str | Path | None = None,
    partial: bool = False,
    progress: Progress = silent,
) -> Judged:
    """Compare sequences of the same names.

    Parameters
    ----------
    references
        Folder of a sequence, or of several, see `io.track_tables`.
    predictions
        The same of each candidate.
    options
        Settings of the comparison.
    groups
        Refused: the units are sequences.
    partial
        Leave out sequences that a candidate has not.
    progress
        Told about every sequence.

    Returns
    -------
    Judged
        One entry per sequence.

    Raises
    ------
    VeriscopeError
        If sequences are missing or do not fit; all faults together.
    """
    if groups is not None:
        raise InputError(
            "a sample sheet has no use for tracking, whose units are sequences; leave out --groups"
        )
    names = candidate_names(predictions)
    known, *others = open_all([references, *predictions], find_track_folders)
    found = {name: _sequences(items, known) for name, items in zip(names, others, strict=True)}
    shared = [name for name in known if all(name in items for items in found.values())]
    faults: list[VeriscopeError] = [
        InputError(
            f"{name}: has no sequence {', '.join(missing)} (it has {', '.join(items)}); add it, or compare "
            "the others with --partial"
        )
        for name, items in found.items()
        if (missing := [stem for stem in known if stem not in items]) and not (partial and shared)
    ]
    raise_together(faults, what=f"{len(faults)} candidates do not fit the references")
    units: dict[str, list[SequenceComparison]] = {name: [] for name in found}
    progress("compare", 0, len(shared))
    for done, stem in enumerate(shared, start=1):
        for name, items in found.items():
            try:
                units[name].append(compare_sequence(_tracks(known[stem], stem), _tracks(items[stem], stem)))
            except VeriscopeError as error:
                faults.append(type(error)(f"{name}, {stem}: {error}"))
        progress("compare", done, len(shared))
    raise_together(faults, what=f"{len(faults)} of {len(shared) * len(found)} sequences cannot be compared")
    return Judged(
        judge=Trackings(options),
        units=units,
        fingerprint=Fingerprint.parse(
            {"category": "tracking", "identity_over_time": True}, where="the problem"
        ),
        references_without_prediction=[stem for stem in known if stem not in set(shared)],
        predictions_without_reference={
            name: [stem for stem in items if stem not in known] for name, items in found.items()
        },
    )


def _sequences(found: dict[str, Path], known: Mapping[str, Path]) -> dict[str, Path]:
    """Name sequences; a single one stands for the single one of the references, whatever its name."""
    return dict(zip(known, found.values(), strict=True)) if len(found) == len(known) == 1 else found


def _tracks(path: Path, name: str) -> Tracks:
    sequence = read_track_folder(path)
    lineage = Lineage.from_rows(sequence.rows, where=str(path))
    return Tracks(frames=sequence.read(), lineage=lineage, name=name)
