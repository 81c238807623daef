"""Association of trajectories from its definition: one match after the other, as sets."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np
import pytest

from veriscope.validate.metrics.tracking.chota import association, trajectories
from veriscope.validate.metrics.tracking.matching import TrackMatching, match_tracks
from veriscope.validate.trackings import compare_sequence
from veriscope.validate.tracks import Lineage, Tracks

Draw = Callable[[int], tuple[Tracks, Tracks]]


def family(lineage: Lineage, track: int, *, lineages: bool) -> set[int]:
    """Tracks in the trajectory of a track: up and down the links, with HOTA only those to an only child."""
    parent = dict(zip(lineage.tracks.tolist(), lineage.parents.tolist(), strict=True))
    children = {each: [c for c, p in parent.items() if p == each] for each in parent}

    def followed(child: int) -> bool:
        return parent[child] > 0 and (lineages or len(children[parent[child]]) == 1)

    found, up, down = {track}, track, [track]
    while followed(up):
        up = parent[up]
        found.add(up)
    while down:
        down = [child for each in down for child in children[each] if followed(child)]
        found.update(down)
    return found


def slow_association(matching: TrackMatching, *, lineages: bool) -> float:
    reference, prediction = matching.reference, matching.prediction
    true = reference.tracks[reference.rows_of_vertices()].tolist()
    predicted = prediction.tracks[prediction.rows_of_vertices()].tolist()
    matches = [(true[i], predicted[j]) for i, j in enumerate(matching.partners.tolist()) if j >= 0]
    missed = [true[i] for i, j in enumerate(matching.partners.tolist()) if j < 0]
    invented = [predicted[j] for j, n in enumerate(matching.covered.tolist()) if n == 0]
    total = 0.0
    for one, other in matches:
        mine = family(reference, one, lineages=lineages)
        theirs = family(prediction, other, lineages=lineages)
        both = sum(a in mine and b in theirs for a, b in matches)
        either = sum(a in mine or b in theirs for a, b in matches)
        either += sum(a in mine for a in missed) + sum(b in theirs for b in invented)
        total += both / either
    return total


@pytest.mark.parametrize("lineages", [True, False])
@pytest.mark.parametrize("seed", range(30))
def test_association_is_that_of_the_definition(seed: int, lineages: bool, draw_sequences: Draw) -> None:
    matching = match_tracks(*draw_sequences(seed))
    expected = slow_association(matching, lineages=lineages)
    assert association(matching, lineages=lineages) == pytest.approx(expected)


@pytest.mark.parametrize("lineages", [True, False])
@pytest.mark.parametrize("seed", range(0, 30, 4))
def test_trajectories_are_families(seed: int, lineages: bool, draw_sequences: Draw) -> None:
    lineage = draw_sequences(seed)[0].lineage
    table = trajectories(lineage, lineages=lineages).toarray()
    assert set(np.unique(table)) <= {0, 1}
    for row, track in enumerate(lineage.tracks):
        assert set(lineage.tracks[table[row] > 0]) == family(lineage, int(track), lineages=lineages)


@pytest.mark.parametrize("seed", range(0, 30, 5))
def test_both_metrics_are_roots_of_the_share_of_associated_objects(seed: int, draw_sequences: Draw) -> None:
    reference, prediction = draw_sequences(seed)
    matching = match_tracks(reference, prediction)
    objects = len(matching.partners) + int((matching.covered == 0).sum())
    values = compare_sequence(reference, prediction).values
    assert values["chota"] == pytest.approx(sqrt(association(matching, lineages=True) / objects))
    assert values["hota"] == pytest.approx(sqrt(association(matching, lineages=False) / objects))


@pytest.mark.parametrize("seed", range(0, 30, 5))
def test_a_sequence_against_itself_is_perfect(seed: int, draw_sequences: Draw) -> None:
    reference = draw_sequences(seed)[0]
    values = compare_sequence(reference, reference).values
    assert (values["chota"], values["hota"]) == pytest.approx((1, 1))
