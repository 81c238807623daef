"""What must be mended in a graph of tracks, against sets of vertices and edges written out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from veriscope.validate.metrics.tracking.graph import edges_into, graph_errors
from veriscope.validate.metrics.tracking.matching import match_tracks
from veriscope.validate.tracks import Lineage, Tracks

Vertex = tuple[int, int]
Draw = Callable[[int], tuple[Tracks, Tracks]]


def vertices(lineage: Lineage) -> list[Vertex]:
    """Frame and track of each vertex, in their order."""
    tracks = lineage.tracks[lineage.rows_of_vertices()]
    return list(zip(lineage.frames_of_vertices().tolist(), tracks.tolist(), strict=True))


def edges(lineage: Lineage) -> dict[tuple[Vertex, Vertex], bool]:
    """Edges of a table, and whether they lead from a parent to a child."""
    found: dict[tuple[Vertex, Vertex], bool] = {}
    rows = zip(*(getattr(lineage, n).tolist() for n in ("tracks", "first", "last", "parents")), strict=True)
    last = dict(zip(lineage.tracks.tolist(), lineage.last.tolist(), strict=True))
    for track, first, end, parent in rows:
        for frame in range(first, end):
            found[(frame, track), (frame + 1, track)] = False
        if parent:
            found[(last[parent], parent), (first, track)] = True
    return found


def covering(reference: Tracks, prediction: Tracks) -> dict[Vertex, Vertex]:
    """The predicted vertex that covers more than half of each vertex of the reference."""
    found = {}
    for frame, (true, predicted) in enumerate(zip(reference.frames, prediction.frames, strict=True)):
        for label in np.unique(true[true > 0]):
            over = predicted[true == label]
            for other in np.unique(over[over > 0]):
                if 2 * (over == other).sum() > over.size:
                    found[frame, int(label)] = (frame, int(other))
    return found


@pytest.mark.parametrize("seed", range(40))
def test_errors_are_those_of_sets_of_vertices_and_edges(seed: int, draw_sequences: Draw) -> None:
    reference, prediction = draw_sequences(seed)
    found = graph_errors(match_tracks(reference, prediction))
    true, predicted = vertices(reference.lineage), vertices(prediction.lineage)
    partner = covering(reference, prediction)
    covers = {each: [v for v, p in partner.items() if p == each] for each in predicted}
    assert [true[i] for i in found.missed] == [v for v in true if v not in partner]
    assert [predicted[i] for i in found.invented] == [p for p in predicted if not covers[p]]
    assert [predicted[i] for i in found.merged] == [p for p in predicted if len(covers[p]) > 1]
    assert found.n_splits == sum(len(held) - 1 for held in covers.values() if held)

    alone = {p: held[0] for p, held in covers.items() if len(held) == 1}
    links, other_links = edges(reference.lineage), edges(prediction.lineage)
    moved = {
        (alone[a], alone[b]): (b, kind) for (a, b), kind in other_links.items() if a in alone and b in alone
    }
    assert {true[i] for i in found.missing} == {b for (a, b) in links if (a, b) not in moved}
    assert {predicted[i] for i in found.redundant} == {
        p for link, (p, _) in moved.items() if link not in links
    }
    wrong = {p for link, (p, kind) in moved.items() if link in links and links[link] != kind}
    assert {predicted[i] for i in found.wrong} == wrong


@pytest.mark.parametrize("seed", range(0, 20, 3))
def test_the_edge_into_each_vertex_is_that_of_the_table(seed: int, draw_sequences: Draw) -> None:
    lineage = draw_sequences(seed)[0].lineage
    places = vertices(lineage)
    sources, from_parent = edges_into(lineage)
    found = {
        (places[source], places[target]): bool(from_parent[target])
        for target, source in enumerate(sources)
        if source >= 0
    }
    assert found == edges(lineage)


def test_a_table_without_tracks_has_no_edges() -> None:
    sources, from_parent = edges_into(Lineage.from_rows([]))
    assert len(sources) == len(from_parent) == 0
