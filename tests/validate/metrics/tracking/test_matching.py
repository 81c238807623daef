"""Which predicted object is which, frame by frame: more than half of the pixels, found by loops over them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from veriscope.errors import AxesError, ShapeMismatchError, TableError
from veriscope.validate.metrics.tracking.matching import match_tracks
from veriscope.validate.tracks import Lineage, Tracks

Draw = Callable[[int], tuple[Tracks, Tracks]]


@pytest.mark.parametrize("seed", range(20))
def test_matches_are_objects_that_cover_more_than_half(seed: int, draw_sequences: Draw) -> None:
    reference, prediction = draw_sequences(seed)
    random = np.random.default_rng(seed)
    frames = np.array(prediction.frames)
    frames[..., 0] = np.where(random.random(frames.shape[:-1]) < 0.5, frames[..., 0], frames[..., 1])
    prediction = Tracks(frames, prediction.lineage, "prediction")
    found = match_tracks(reference, prediction)
    tables = found.reference, found.prediction
    tracks, times = zip(
        *((t.tracks[t.rows_of_vertices()].tolist(), t.frames_of_vertices().tolist()) for t in tables),
        strict=True,
    )
    place = {each: i for i, each in enumerate(zip(tracks[1], times[1], strict=True))}
    covered = [0] * len(place)
    true = np.array(reference.frames)
    for vertex, (track, frame) in enumerate(zip(tracks[0], times[0], strict=True)):
        mask = true[frame] == track
        best = -1
        for other in np.unique(frames[frame][frames[frame] > 0]):
            over = frames[frame] == other
            if 2 * int((mask & over).sum()) > int(mask.sum()):
                best = place[int(other), frame]
                assert found.ious[vertex] == pytest.approx((mask & over).sum() / (mask | over).sum())
                covered[best] += 1
        assert found.partners[vertex] == best
        assert best >= 0 or found.ious[vertex] == 0
    assert found.covered.tolist() == covered
    assert found.n_frames == len(true)
    alone = [p if p >= 0 and covered[p] == 1 else -1 for p in found.partners.tolist()]
    assert found.one_to_one().tolist() == alone


def sequence(n_frames: int, *, name: str = "a", shape: tuple[int, int] = (1, 4)) -> Tracks:
    frames = np.ones((n_frames, *shape), np.uint16)
    return Tracks(frames, Lineage.from_rows([[1, 0, n_frames - 1, 0]]), name)


def test_sequences_of_different_length_or_shape_are_refused() -> None:
    with pytest.raises(ShapeMismatchError) as caught:
        match_tracks(sequence(3, name="reference"), sequence(2, name="prediction"))
    assert str(caught.value) == "prediction has 2 frames, and reference has more; give both for each frame"
    with pytest.raises(ShapeMismatchError, match=r"^prediction, frame 0: the reference has shape \(1, 4\)"):
        match_tracks(sequence(2, name="reference"), sequence(2, name="prediction", shape=(1, 5)))


def test_faults_of_both_sequences_come_together() -> None:
    wrong = Tracks(np.ones((2, 1, 4), int), Lineage.from_rows([[1, 0, 0, 0]]), "short")
    late = Tracks(np.ones((2, 1, 4), int), Lineage.from_rows([[1, 0, 5, 0]]), "late")
    with pytest.raises(TableError) as caught:
        match_tracks(wrong, late)
    assert str(caught.value).splitlines() == [
        "2 faults in tracks:",
        "  - short: label 1 is in frames 1, but its track lasts from frame 0 to 0",
        "  - late: track 1 ends in frame 5, but the frames are 0 to 1",
    ]


def test_a_frame_is_a_label_image() -> None:
    flat = Tracks([np.ones(4, int)], Lineage.from_rows([[1, 0, 0, 0]]), "flat")
    with pytest.raises(AxesError, match=r"^flat, frame 0: has shape \(4,\); a frame has axes \(y, x\)"):
        match_tracks(flat, flat)


def test_no_frame_and_no_track_match_nothing() -> None:
    empty = Tracks([], Lineage.from_rows([]))
    blank = Tracks(np.zeros((2, 3, 3), int), Lineage.from_rows([]))
    for one in (empty, blank):
        found = match_tracks(one, one)
        assert len(found.partners) == len(found.covered) == len(found.one_to_one()) == 0
