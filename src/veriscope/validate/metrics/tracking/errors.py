"""Every error of tracking by its frame and label, so that it can be shown and mended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from veriscope.validate.metrics.tracking.divisions import DivisionMatches
from veriscope.validate.metrics.tracking.graph import GraphErrors, edges_into
from veriscope.validate.metrics.tracking.matching import TrackMatching
from veriscope.validate.tracks import Lineage

__all__ = ["LinkError", "ObjectError", "link_errors", "object_errors"]

Side = Literal["reference", "prediction"]


@dataclass(frozen=True, slots=True)
class ObjectError:
    """An object in a frame that is wrong, or a division.

    Parameters
    ----------
    kind
        ``"missed"``, ``"invented"``, ``"merged"`` (covers several reference objects), ``"missed division"``
        or ``"invented division"``.
    side
        Whose label it is.
    frame
        Frame, from 0; of a division the last frame of the mother.
    track
        Label in that frame: the number of the track.
    """

    kind: str
    side: Side
    frame: int
    track: int


@dataclass(frozen=True, slots=True)
class LinkError:
    """A link between two objects that is wrong.

    Parameters
    ----------
    kind
        ``"missing"``, ``"redundant"``, or ``"wrong"`` (within a track here, from parent to child there).
    side
        Whose labels they are: the reference's for missing links, else the prediction's.
    from_frame, from_track
        Where it begins.
    to_frame, to_track
        Where it ends.
    """

    kind: str
    side: Side
    from_frame: int
    from_track: int
    to_frame: int
    to_track: int


def object_errors(
    matching: TrackMatching, errors: GraphErrors, divisions: DivisionMatches
) -> tuple[ObjectError, ...]:
    """List wrong objects, then wrong divisions, each kind by frame and track.

    Parameters
    ----------
    matching
        Matches of the two sequences.
    errors
        Errors of their graphs.
    divisions
        Matches of their divisions.

    Returns
    -------
    tuple of ObjectError
        Empty if there is none.
    """
    reference, prediction = matching.reference, matching.prediction
    return (
        *_objects(reference, errors.missed, "missed", "reference"),
        *_objects(prediction, errors.invented, "invented", "prediction"),
        *_objects(prediction, errors.merged, "merged", "prediction"),
        *_divisions(reference, divisions.missed, "missed division", "reference"),
        *_divisions(prediction, divisions.invented, "invented division", "prediction"),
    )


def link_errors(matching: TrackMatching, errors: GraphErrors) -> tuple[LinkError, ...]:
    """List wrong links, each kind by frame and track.

    Parameters
    ----------
    matching
        Matches of the two sequences.
    errors
        Errors of their graphs.

    Returns
    -------
    tuple of LinkError
        Empty if there is none.
    """
    return (
        *_links(matching.reference, errors.missing, "missing", "reference"),
        *_links(matching.prediction, errors.redundant, "redundant", "prediction"),
        *_links(matching.prediction, errors.wrong, "wrong", "prediction"),
    )


def _objects(lineage: Lineage, vertices: NDArray[np.int64], kind: str, side: Side) -> list[ObjectError]:
    frames = lineage.frames_of_vertices()[vertices]
    tracks = lineage.tracks[lineage.rows_of_vertices()[vertices]]
    order = np.lexsort((tracks, frames))
    return [ObjectError(kind, side, int(frames[i]), int(tracks[i])) for i in order]


def _divisions(lineage: Lineage, tracks: NDArray[np.int64], kind: str, side: Side) -> list[ObjectError]:
    ends = lineage.last[np.searchsorted(lineage.tracks, tracks)]
    order = np.lexsort((tracks, ends))
    return [ObjectError(kind, side, int(ends[i]), int(tracks[i])) for i in order]


def _links(lineage: Lineage, targets: NDArray[np.int64], kind: str, side: Side) -> list[LinkError]:
    sources, _ = edges_into(lineage)
    frames, tracks = lineage.frames_of_vertices(), lineage.tracks[lineage.rows_of_vertices()]
    found = [
        LinkError(kind, side, *(int(each) for each in (frames[a], tracks[a], frames[b], tracks[b])))
        for a, b in zip(sources[targets], targets, strict=True)
    ]
    return sorted(found, key=lambda link: (link.to_frame, link.to_track))
