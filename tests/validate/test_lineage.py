"""The table of tracks as a graph: vertices, parents, and faults found whatever the table says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.errors import AxesError, PixelValueError, TableError
from veriscope.validate.tracks import (
    Lineage,
    Tracks,
    check_frame,
    check_tracks,
    label_faults,
    raise_faults,
)

Row = list[int]


@st.composite
def sound_tables(draw: st.DrawFn) -> list[Row]:
    """Tracks with gaps in their numbers; a parent ends before its children start."""
    rows: list[Row] = []
    for number in draw(st.lists(st.integers(1, 60), unique=True, max_size=7)):
        first = draw(st.integers(0, 6))
        earlier = [0, *(row[0] for row in rows if row[2] < first)]
        rows.append([number, first, first + draw(st.integers(0, 4)), draw(st.sampled_from(earlier))])
    return rows


def frames_of(rows: list[Row], n_frames: int) -> np.ndarray:
    """One pixel per track and frame."""
    frames = np.zeros((n_frames, 1, max(len(rows), 1)), dtype=np.int64)
    for place, (track, first, last, _) in enumerate(rows):
        frames[first : last + 1, 0, place] = track
    return frames


@given(sound_tables())
@settings(max_examples=100, deadline=None)
def test_vertices_are_the_frames_of_the_tracks_one_after_the_other(rows: list[Row]) -> None:
    lineage = Lineage.from_rows(rows)
    listed = [(row[0], frame) for row in sorted(rows) for frame in range(row[1], row[2] + 1)]
    assert lineage.n_tracks == len(rows)
    assert lineage.n_vertices == len(listed)
    tracks = lineage.tracks[lineage.rows_of_vertices()]
    assert list(zip(tracks.tolist(), lineage.frames_of_vertices().tolist(), strict=True)) == listed
    for track, first, _, parent in sorted(rows):
        row = lineage.tracks.tolist().index(track)
        assert listed[lineage.starts[row]] == (track, first)
        found = lineage.parent_rows[row]
        assert (found == -1) if parent == 0 else (lineage.tracks[found] == parent)


@given(sound_tables(), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_a_sound_table_with_its_images_has_no_fault(rows: list[Row], more: int) -> None:
    n_frames = max((row[2] + 1 for row in rows), default=0) + more
    lineage = Lineage.from_rows(rows)
    assert lineage.faults() == []
    check_tracks(Tracks(frames_of(rows, n_frames), lineage))


@given(sound_tables().filter(bool), st.data())
@settings(max_examples=60, deadline=None)
def test_a_label_taken_out_or_put_in_is_found(rows: list[Row], data: st.DataObject) -> None:
    n_frames = max(row[2] + 1 for row in rows) + 1
    frames = frames_of(rows, n_frames)
    place = data.draw(st.integers(0, len(rows) - 1))
    track, first, last, _ = rows[place]
    frame = data.draw(st.integers(0, n_frames - 1))
    frames[frame, 0, place] = 0 if first <= frame <= last else track
    with pytest.raises(TableError) as caught:
        check_tracks(Tracks(frames, Lineage.from_rows(rows), "movie"))
    if first <= frame <= last:
        wanted = f"movie: track {track} lasts from frame {first} to {last}, but frames {frame} have no such"
    else:
        wanted = (
            f"movie: label {track} is in frames {frame}, but its track lasts from frame {first} to {last}"
        )
    assert str(caught.value).startswith(wanted)


@given(st.lists(st.tuples(*[st.integers(-2, 4)] * 4), max_size=5))
@settings(max_examples=100, deadline=None)
def test_any_table_is_judged_without_failing(rows: list[tuple[int, ...]]) -> None:
    """Each fault names its table; a table without one fulfils what its rules say."""
    lineage = Lineage.from_rows(np.array(rows).reshape(-1, 4), where="t.csv")
    faults = lineage.faults(where="t.csv")
    assert all(str(fault).startswith("t.csv: ") for fault in faults)
    ends = {row[0]: row[2] for row in rows}
    sound = len(ends) == len(rows) and all(
        track >= 1 and 0 <= first <= last and (parent == 0 or ends.get(parent, 99) < first)
        for track, first, last, parent in rows
    )
    assert (not faults) == sound


def test_faults_are_told_one_by_one_in_the_order_of_the_tracks() -> None:
    lineage = Lineage.from_rows([[4, 2, 1, 0], [1, 0, 3, 0], [2, 3, 5, 1], [3, 1, 2, 9]])
    assert [str(fault) for fault in lineage.faults(where="t")] == [
        "t: track 2 starts in frame 3, but its parent 1 ends in frame 3; a parent ends before its children "
        "start",
        "t: parent 9 of track 3 is not in the table; 0 = none",
        "t: track 4 lasts from frame 2 to 1; frames count from 0, and the last is not before the first",
    ]


def test_several_sequences_are_at_fault_together() -> None:
    wrong = Tracks([], Lineage.from_rows([[1, 0, 0, 5]]), "one")
    lost = Tracks([], Lineage.from_rows([[1, 0, 0, 0]]), "two")
    label = np.array([1])
    with pytest.raises(TableError) as caught:
        raise_faults([(wrong, [label]), (lost, [np.array([], int)])])
    assert str(caught.value) == (
        "2 faults in tracks:\n"
        "  - one: parent 5 of track 1 is not in the table; 0 = none\n"
        "  - two: track 1 lasts from frame 0 to 0, but frames 0 have no such label; a track has no gaps: end "
        "it there, and begin another one with it as parent where the object comes back"
    )
    raise_faults([(lost, [label])])


def test_labels_are_compared_frame_by_frame() -> None:
    lineage = Lineage.from_rows([[1, 0, 1, 0], [2, 1, 2, 0]])
    told = label_faults(lineage, [np.array([1]), np.array([1, 2]), np.array([2])])
    assert told == []
    told = label_faults(lineage, [np.array([1, 7]), np.array([1, 2, 7]), np.array([2, 5])], where="m")
    assert [str(fault) for fault in told] == [
        "m: label 5 is in frames 2, but is no track of the table",
        "m: label 7 is in frames 0, 1, but is no track of the table",
    ]


@pytest.mark.parametrize(
    ("frame", "kind", "message"),
    [
        (np.zeros(3, int), AxesError, "f: has shape (3,); a frame has axes (y, x) or (z, y, x)"),
        (np.zeros((1, 1, 1, 1), int), AxesError,
         "f: has shape (1, 1, 1, 1); a frame has axes (y, x) or (z, y, x)"),
        (np.full((2, 2), 0.5), PixelValueError, None),
        (np.full((2, 2), -1), PixelValueError, None),
        (np.ones((2, 2), bool), PixelValueError, None),
    ],
    ids=["a row", "four axes", "fractions", "negative", "a mask"],
)  # fmt: skip
def test_what_is_no_frame_is_named(frame: Any, kind: type[Exception], message: str | None) -> None:
    with pytest.raises(kind) as caught:
        check_frame(frame, where="f")
    assert str(caught.value).startswith("f: ")
    assert message is None or str(caught.value) == message


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64, np.float32])
def test_label_images_of_any_type_are_frames(dtype: Any) -> None:
    image = np.array([[0, 1], [2, 2]], dtype)
    assert check_frame(image, where="f").tolist() == [[0, 1], [2, 2]]
    lineage = Lineage.from_rows([[1, 0, 1, 0], [2, 0, 1, 0]])
    check_tracks(Tracks([image, image], lineage))
    check_tracks(Tracks(np.stack([image[None], image[None]]), lineage))
