"""Every error by frame and label: complete, in order, and named by the side whose label it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from veriscope.validate.metrics.tracking.divisions import match_divisions
from veriscope.validate.metrics.tracking.errors import LinkError, ObjectError, link_errors, object_errors
from veriscope.validate.metrics.tracking.graph import graph_errors
from veriscope.validate.metrics.tracking.matching import match_tracks
from veriscope.validate.tracks import Lineage, Tracks

Draw = Callable[[int], tuple[Tracks, Tracks]]
OBJECTS = ["missed", "invented", "merged", "missed division", "invented division"]
LINKS = ["missing", "redundant", "wrong"]


def errors_of(reference: Tracks, prediction: Tracks) -> tuple[list[ObjectError], list[LinkError]]:
    matching = match_tracks(reference, prediction)
    errors = graph_errors(matching)
    divisions = match_divisions(matching, tolerance=1)
    return list(object_errors(matching, errors, divisions)), list(link_errors(matching, errors))


def there(tracks: Tracks, frame: int, label: int) -> bool:
    return bool((np.asarray(tracks.frames)[frame] == label).any())


@pytest.mark.parametrize("seed", range(30))
def test_every_error_is_listed_once_where_its_label_is(seed: int, draw_sequences: Draw) -> None:
    reference, prediction = draw_sequences(seed)
    sides = {"reference": reference, "prediction": prediction}
    objects, links = errors_of(reference, prediction)
    assert len(set(objects)) == len(objects) and len(set(links)) == len(links)
    for error in objects:
        assert there(sides[error.side], error.frame, error.track)
        assert (error.side == "reference") == error.kind.startswith("missed")
    for link in links:
        tracks = sides[link.side]
        assert there(tracks, link.from_frame, link.from_track) and there(tracks, link.to_frame, link.to_track)
        assert link.from_frame < link.to_frame
        assert (link.side == "reference") == (link.kind == "missing")
        if link.from_track == link.to_track:
            assert link.to_frame == link.from_frame + 1
        else:
            parents = dict(zip(tracks.lineage.tracks.tolist(), tracks.lineage.parents.tolist(), strict=True))
            assert parents[link.to_track] == link.from_track


@pytest.mark.parametrize("seed", range(30))
def test_there_are_as_many_as_were_counted(seed: int, draw_sequences: Draw) -> None:
    matching = match_tracks(*draw_sequences(seed))
    errors, divisions = graph_errors(matching), match_divisions(matching, tolerance=1)
    objects, links = errors_of(*draw_sequences(seed))
    expected = Counter(
        {
            "missed": len(errors.missed),
            "invented": len(errors.invented),
            "merged": len(errors.merged),
            "missed division": len(divisions.missed),
            "invented division": len(divisions.invented),
            "missing": len(errors.missing),
            "redundant": len(errors.redundant),
            "wrong": len(errors.wrong),
        }
    )
    assert Counter(each.kind for each in (*objects, *links)) == +expected


@pytest.mark.parametrize("seed", range(0, 30, 3))
def test_kinds_follow_one_another_and_frames_ascend_within(seed: int, draw_sequences: Draw) -> None:
    objects, links = errors_of(*draw_sequences(seed))
    keys = [(OBJECTS.index(e.kind), e.frame, e.track) for e in objects]
    assert keys == sorted(keys)
    places = [(LINKS.index(e.kind), e.to_frame, e.to_track) for e in links]
    assert places == sorted(places)


def test_a_division_is_named_by_the_last_frame_of_the_mother() -> None:
    frames = np.zeros((4, 1, 6), np.int64)
    frames[0:2, 0, 2:4] = 5
    frames[2:, 0, 0:2], frames[2:, 0, 4:6] = 7, 9
    rows = [[5, 0, 1, 0], [7, 2, 3, 5], [9, 2, 3, 5]]
    tree = Tracks(frames, Lineage.from_rows(rows), "tree")
    loose = Tracks(frames, Lineage.from_rows([[5, 0, 1, 0], [7, 2, 3, 0], [9, 2, 3, 0]]), "loose")
    assert errors_of(tree, loose) == (
        [ObjectError("missed division", "reference", 1, 5)],
        [LinkError("missing", "reference", 1, 5, 2, 7), LinkError("missing", "reference", 1, 5, 2, 9)],
    )
    assert errors_of(loose, tree) == (
        [ObjectError("invented division", "prediction", 1, 5)],
        [LinkError("redundant", "prediction", 1, 5, 2, 7), LinkError("redundant", "prediction", 1, 5, 2, 9)],
    )
    assert errors_of(tree, tree) == ([], [])


def test_frames_and_labels_are_plain_numbers(draw_sequences: Draw) -> None:
    """They go into JSON."""
    objects, links = errors_of(*draw_sequences(1))
    assert objects and links
    assert all(type(each.frame) is type(each.track) is int for each in objects)
    assert all(type(each.from_frame) is type(each.to_track) is int for each in links)
