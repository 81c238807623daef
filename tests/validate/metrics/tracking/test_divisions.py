"""Divisions against every way to pair daughters, and where identities are swapped just after a division."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest

from veriscope.errors import InputError
from veriscope.validate.metrics.tracking.divisions import match_divisions
from veriscope.validate.metrics.tracking.matching import TrackMatching, match_tracks
from veriscope.validate.tracks import Lineage, Tracks

Draw = Callable[[int], tuple[Tracks, Tracks]]
Span = tuple[int, int]


def divisions(lineage: Lineage) -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for track, parent in zip(lineage.tracks.tolist(), lineage.parents.tolist(), strict=True):
        if parent:
            children.setdefault(parent, []).append(track)
    return {mother: found for mother, found in sorted(children.items()) if len(found) > 1}


def slow_matches(matching: TrackMatching, tolerance: int) -> list[tuple[int, int]]:
    """By the words of the docstring: mothers in their order, daughters in every order."""
    partners = matching.one_to_one()

    def spans(lineage: Lineage) -> dict[int, Span]:
        columns = (getattr(lineage, name).tolist() for name in ("tracks", "first", "last"))
        return {track: (first, last) for track, first, last in zip(*columns, strict=True)}

    def places(lineage: Lineage) -> list[Span]:
        tracks = lineage.tracks[lineage.rows_of_vertices()].tolist()
        return list(zip(tracks, lineage.frames_of_vertices().tolist(), strict=True))

    true, predicted = places(matching.reference), places(matching.prediction)
    together = {(*true[i], predicted[j][0]) for i, j in enumerate(partners.tolist()) if j >= 0}
    mine, theirs = spans(matching.reference), spans(matching.prediction)

    def daughter_fits(a: int, b: int) -> bool:
        begins = mine[a][0], theirs[b][0]
        return abs(begins[0] - begins[1]) <= tolerance and (a, max(begins), b) in together

    found: list[tuple[int, int]] = []
    for mother, daughters in divisions(matching.reference).items():
        for other, others in divisions(matching.prediction).items():
            ends = mine[mother][1], theirs[other][1]
            if (
                other not in [b for _, b in found]
                and abs(ends[0] - ends[1]) <= tolerance
                and (mother, min(ends), other) in together
                and len(daughters) == len(others)
                and any(
                    all(daughter_fits(a, b) for a, b in zip(daughters, order, strict=True))
                    for order in permutations(others)
                )
            ):
                found.append((mother, other))
                break
    return found


@pytest.mark.parametrize("tolerance", [0, 1, 3])
@pytest.mark.parametrize("seed", range(40))
def test_divisions_are_matched_as_stated(seed: int, tolerance: int, draw_sequences: Draw) -> None:
    matching = match_tracks(*draw_sequences(seed))
    found = match_divisions(matching, tolerance=tolerance)
    expected = slow_matches(matching, tolerance)
    assert [tuple(pair) for pair in found.pairs.tolist()] == expected
    mothers, others = divisions(matching.reference), divisions(matching.prediction)
    assert found.missed.tolist() == [m for m in mothers if m not in [a for a, _ in expected]]
    assert found.invented.tolist() == [o for o in others if o not in [b for _, b in expected]]


def test_random_sequences_have_divisions_that_match_and_some_that_do_not(draw_sequences: Draw) -> None:
    found = [match_divisions(match_tracks(*draw_sequences(seed)), tolerance=1) for seed in range(40)]
    assert sum(len(each.pairs) for each in found) > 10
    assert sum(len(each.missed) for each in found) > 10


def test_daughters_that_swap_places_in_the_prediction_are_still_two_daughters() -> None:
    """The first daughter matches either of the others, the second the first of them alone."""
    frames = np.zeros((5, 1, 6), np.int64)
    frames[0:2, 0, 2:4] = 1
    true, predicted = frames.copy(), frames.copy()
    true[2:, 0, 0:2], true[3:, 0, 4:6] = 2, 3
    predicted[2, 0, 0:2], predicted[3:, 0, 4:6] = 2, 2
    predicted[3:, 0, 0:2] = 3
    rows = [[1, 0, 1, 0], [2, 2, 4, 1], [3, 3, 4, 1]]
    matching = match_tracks(Tracks(true, Lineage.from_rows(rows)), Tracks(predicted, Lineage.from_rows(rows)))
    found = match_divisions(matching, tolerance=1)
    assert found.pairs.tolist() == [[1, 1]]
    assert len(match_divisions(matching, tolerance=0).pairs) == 0


@pytest.mark.parametrize("tolerance", [-1, 0.5, float("nan"), float("inf")])
def test_a_tolerance_is_a_number_of_frames(tolerance: float, draw_sequences: Draw) -> None:
    matching = match_tracks(*draw_sequences(0))
    with pytest.raises(InputError) as caught:
        match_divisions(matching, tolerance=tolerance)  # type: ignore[arg-type]
    assert str(caught.value) == (
        f"tolerance {tolerance!r} is not allowed; use a whole number of frames, 0 or more"
    )
