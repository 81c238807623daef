"""What must be mended to turn a predicted graph of tracks into that of the reference (AOGM).

Vertices are objects in a frame. Edges join an object to itself in the next frame, or the end of a track to
the beginning of one that comes from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veriscope.validate.metrics.tracking.matching import TrackMatching
from veriscope.validate.tracks import Lineage

__all__ = ["GraphErrors", "edges_into", "graph_errors"]

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class GraphErrors:
    """Vertices and edges to be mended; an edge is named by the vertex that it leads to, which has only one.

    Parameters
    ----------
    missed
        Vertices of the reference without match (FN).
    invented
        Vertices of the prediction that cover no vertex of the reference (FP).
    merged
        Vertices of the prediction that cover several vertices of the reference.
    n_splits
        Splits that these need: vertices covered less one, summed (NS).
    missing
        Edges of the reference that the prediction lacks (EA), as vertices of the reference.
    redundant
        Edges of the prediction between vertices that match one to one, which the reference has not (ED),
        as vertices of the prediction.
    wrong
        Edges that both have, in one within a track, in the other from parent to child (EC), as vertices
        of the prediction.
    """

    missed: IntArray
    invented: IntArray
    merged: IntArray
    n_splits: int
    missing: IntArray
    redundant: IntArray
    wrong: IntArray


def edges_into(lineage: Lineage) -> tuple[IntArray, NDArray[np.bool_]]:
    """Give the edge that leads to each vertex.

    Parameters
    ----------
    lineage
        A table without faults.

    Returns
    -------
    tuple
        Vertex that the edge comes from, -1 where there is no edge, and whether it leads from a parent to a
        child; both of shape (n_vertices,).
    """
    sources = np.arange(lineage.n_vertices, dtype=np.int64) - 1
    from_parent = np.zeros(len(sources), dtype=bool)
    rows = lineage.parent_rows
    ends = lineage.starts + lineage.last - lineage.first
    sources[lineage.starts] = np.where(rows >= 0, ends[rows], -1)
    from_parent[lineage.starts] = rows >= 0
    return sources, from_parent


def graph_errors(matching: TrackMatching) -> GraphErrors:
    """Compare the graphs of two sequences.

    Parameters
    ----------
    matching
        Matches of the two.

    Returns
    -------
    GraphErrors
        What must be mended, as in [1]_: redundant and wrong edges are those between predicted vertices
        that each cover exactly one vertex of the reference.

    References
    ----------
    .. [1] Matula P and others. PLoS ONE 10 (2015) e0144959. doi:10.1371/journal.pone.0144959
    """
    sources, from_parent = edges_into(matching.reference)
    predicted_sources, predicted_from_parent = edges_into(matching.prediction)
    partners = matching.one_to_one()
    reference_of = np.full(matching.prediction.n_vertices, -1, dtype=np.int64)
    alone = np.flatnonzero(partners >= 0)
    reference_of[partners[alone]] = alone

    targets = np.flatnonzero(predicted_sources >= 0)
    into, out_of = reference_of[targets], reference_of[predicted_sources[targets]]
    targets, into, out_of = (each[(into >= 0) & (out_of >= 0)] for each in (targets, into, out_of))
    shared = sources[into] == out_of
    found = np.zeros(len(sources), dtype=bool)
    found[into[shared]] = True
    wrong = from_parent[into] != predicted_from_parent[targets]
    return GraphErrors(
        missed=np.flatnonzero(matching.partners < 0),
        invented=np.flatnonzero(matching.covered == 0),
        merged=np.flatnonzero(matching.covered > 1),
        n_splits=int(np.maximum(matching.covered - 1, 0).sum()),
        missing=np.flatnonzero((sources >= 0) & ~found),
        redundant=targets[~shared],
        wrong=targets[shared & wrong],
    )
