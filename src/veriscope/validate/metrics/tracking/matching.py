"""Which predicted object is which reference object, frame by frame, as in the Cell Tracking Challenge."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import ShapeMismatchError
from veriscope.validate.contingency import contingency
from veriscope.validate.tracks import Lineage, Tracks, check_frame, raise_faults

__all__ = ["TrackMatching", "match_tracks"]

IntArray = NDArray[np.int64]

_END = object()


@dataclass(frozen=True, slots=True, eq=False)
class TrackMatching:
    """Matches of two sequences. An object in a frame is a vertex, numbered as in `Lineage`.

    Parameters
    ----------
    reference, prediction
        Lineages of both.
    partners
        Vertex of the prediction that covers more than half of each vertex of the reference, -1 where there
        is none, shape (reference.n_vertices,). A predicted vertex may cover several.
    ious
        Intersection over union of each vertex of the reference with its partner, 0 without one, same shape.
    covered
        Number of reference vertices that each vertex of the prediction covers, shape
        (prediction.n_vertices,).
    n_frames
        Number of frames.
    """

    reference: Lineage
    prediction: Lineage
    partners: IntArray
    ious: NDArray[np.float64]
    covered: IntArray
    n_frames: int

    def one_to_one(self) -> IntArray:
        """Give the partner of each reference vertex where that partner covers no other.

        Returns
        -------
        numpy.ndarray
            As `partners`, -1 also where the partner covers several.
        """
        if not len(self.covered):
            return self.partners
        alone = (self.partners >= 0) & (self.covered[self.partners] == 1)
        return np.asarray(np.where(alone, self.partners, -1), dtype=np.int64)


def match_tracks(reference: Tracks, prediction: Tracks) -> TrackMatching:
    """Match the objects of two sequences in each frame; no frame is kept.

    Parameters
    ----------
    reference, prediction
        Sequences of the same number of frames, each pair of frames of the same shape.

    Returns
    -------
    TrackMatching
        A predicted object matches a reference object if it covers more than half of its pixels, so a
        reference object has one match at most.

    Raises
    ------
    TableError
        If a lineage has faults or does not fit its label images; all faults of both come together.
    ShapeMismatchError
        If the numbers of frames, or the shapes of two frames, differ.
    AxesError, PixelValueError
        If a frame is no label image.

    References
    ----------
    .. [1] Matula P and others. Cell tracking accuracy measurement based on comparison of acyclic oriented
       graphs. PLoS ONE 10 (2015) e0144959, eq. 1. doi:10.1371/journal.pone.0144959
    """
    labels: tuple[list[IntArray], list[IntArray]] = ([], [])
    matches: list[tuple[IntArray, IntArray, NDArray[np.float64]]] = []
    pairs = zip_longest(reference.frames, prediction.frames, fillvalue=_END)
    for frame, (true, predicted) in enumerate(pairs):
        if true is _END or predicted is _END:
            short, long = (reference, prediction) if true is _END else (prediction, reference)
            raise ShapeMismatchError(
                f"{short.name} has {frame} frames, and {long.name} has more; give both for each frame"
            )
        table = contingency(
            check_frame(true, where=f"{reference.name}, frame {frame}"),
            check_frame(predicted, where=f"{prediction.name}, frame {frame}"),
            where=f"{prediction.name}, frame {frame}",
        )
        labels[0].append(table.reference_ids)
        labels[1].append(table.prediction_ids)
        half = 2 * table.overlaps > table.reference_areas[table.pairs[:, 0]]
        rows, columns = table.pairs[half].T
        matches.append((table.reference_ids[rows], table.prediction_ids[columns], table.ious[half]))
    raise_faults([(reference, labels[0]), (prediction, labels[1])])
    return _join(reference.lineage, prediction.lineage, matches)


def _join(
    reference: Lineage,
    prediction: Lineage,
    matches: list[tuple[IntArray, IntArray, NDArray[np.float64]]],
) -> TrackMatching:
    """Turn the matches of all frames into matches of vertices."""
    partners = np.full(reference.n_vertices, -1, dtype=np.int64)
    ious = np.zeros(reference.n_vertices)
    offsets = reference.starts - reference.first, prediction.starts - prediction.first
    for frame, (true, predicted, iou) in enumerate(matches):
        vertices = frame + offsets[0][np.searchsorted(reference.tracks, true)]
        partners[vertices] = frame + offsets[1][np.searchsorted(prediction.tracks, predicted)]
        ious[vertices] = iou
    covered = np.bincount(partners[partners >= 0], minlength=prediction.n_vertices).astype(np.int64)
    return TrackMatching(reference, prediction, partners, ious, covered, len(matches))
