"""Metrics of tracking: by hand, empty cases, invariants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.errors import InputError, ShapeMismatchError
from veriscope.validate.metrics.tracking.catalogue import DESCRIPTIONS, TRACKING_METRICS
from veriscope.validate.metrics.tracking.chota import trajectories
from veriscope.validate.metrics.tracking.sums import TrackingSums
from veriscope.validate.trackings import SequenceComparison, compare_sequence
from veriscope.validate.tracks import Lineage, Tracks

Image = NDArray[np.int64]


def draw(places: dict[int, dict[int, int]], n_frames: int = 5) -> Image:
    """Draw each label as two pixels: its place in each frame, by frame."""
    frames = np.zeros((n_frames, 1, 24), dtype=np.int64)
    for label, place in places.items():
        for frame, x in place.items():
            frames[frame, 0, 2 * x : 2 * x + 2] = label
    return frames


def still(first: int, last: int, x: int) -> dict[int, int]:
    return dict.fromkeys(range(first, last + 1), x)


def compare(
    true: Image, rows: Any, predicted: Image, other: Any, *, tolerance: int = 1
) -> SequenceComparison:
    return compare_sequence(
        Tracks(true, Lineage.from_rows(rows), "reference"),
        Tracks(predicted, Lineage.from_rows(other), "prediction"),
        division_tolerance=tolerance,
    )


# A mother that divides after frame 1, and a bystander.
TRUE = draw({1: still(0, 1, 1), 2: still(2, 4, 0), 3: still(2, 4, 2), 4: still(0, 4, 6)})
ROWS = [[1, 0, 1, 0], [2, 2, 4, 1], [3, 2, 4, 1], [4, 0, 4, 0]]
N, E = 13, 11  # objects and links


def test_identical_tracks_are_perfect() -> None:
    found = compare(TRUE, ROWS, TRUE, ROWS)
    assert set(found.values.values()) == {1.0}
    assert found.objects == found.links == ()
    assert (found.sums.n_vertices, found.sums.n_edges) == (N, E)


def test_a_missed_object_costs_itself_and_its_links() -> None:
    damaged = TRUE.copy()
    damaged[2][damaged[2] == 4] = 0
    damaged[3:][damaged[3:] == 4] = 5
    found = compare(TRUE, ROWS, damaged, [*ROWS[:3], [4, 0, 1, 0], [5, 3, 4, 4]])
    assert [(e.kind, e.frame, e.track) for e in found.objects] == [("missed", 2, 4)]
    # The link over the gap is one that the reference has not.
    assert [(e.kind, e.from_frame, e.from_track, e.to_frame, e.to_track) for e in found.links] == [
        ("missing", 1, 4, 2, 4),
        ("missing", 2, 4, 3, 4),
        ("redundant", 1, 4, 3, 5),
    ]
    assert found.values["det"] == pytest.approx(1 - 1 / N)
    assert found.values["lnk"] == pytest.approx(1 - (2 * 1.5 + 1) / (1.5 * E))
    assert found.values["tra"] == pytest.approx(1 - (10 + 2 * 1.5 + 1) / (10 * N + 1.5 * E))
    assert found.values["seg"] == pytest.approx(12 / 13)
    # Kaiser: 8 matches of the family with A = 1, and 4 of the bystander with 4 of its 5 objects.
    assert found.values["chota"] == pytest.approx(math.sqrt((8 + 4 * 4 / 5) / 13))
    # HOTA: the link to an only child continues the track; so nothing else is lost.
    assert found.values["hota"] == pytest.approx(found.values["chota"])


def test_a_lost_link_of_a_lineage_shows_in_chota_and_divisions_only() -> None:
    found = compare(TRUE, ROWS, TRUE, [[1, 0, 1, 0], [2, 2, 4, 1], [3, 2, 4, 0], [4, 0, 4, 0]])
    assert found.values["det"] == found.values["seg"] == 1
    assert [(e.kind, e.to_frame, e.to_track) for e in found.links] == [("missing", 2, 3)]
    assert [(e.kind, e.frame, e.track) for e in found.objects] == [("missed division", 1, 1)]
    assert found.values["division_f1"] == 0
    # Mother: 5 of 8; daughter 2: 5 of 5; daughter 3: 3 of 5; bystander: all.
    assert found.values["chota"] == pytest.approx(math.sqrt((2 * 5 / 8 + 3 + 3 * 3 / 5 + 5) / 13))
    # The mother with its only child is one track of 5: 2 * 2/5 for itself, 3 * 3/5 for the child.
    assert found.values["hota"] == pytest.approx(math.sqrt((2 * 2 / 5 + 3 * 3 / 5 + 3 + 5) / 13))


def test_a_daughter_taken_for_the_mother_has_links_of_the_wrong_kind() -> None:
    damaged = np.where(TRUE == 2, 1, TRUE)
    found = compare(TRUE, ROWS, damaged, [[1, 0, 4, 0], [3, 2, 4, 0], [4, 0, 4, 0]])
    assert [(e.kind, e.to_frame, e.to_track) for e in found.links] == [("missing", 2, 3), ("wrong", 2, 1)]
    assert found.values["tra"] == pytest.approx(1 - 2.5 / (10 * N + 1.5 * E))


def test_an_object_over_two_is_split_once_and_loses_its_links() -> None:
    damaged = TRUE.copy()
    damaged[3, 0, :6] = 2
    rows = [*ROWS[:2], [3, 2, 2, 1], [4, 0, 4, 0], [5, 4, 4, 3]]
    damaged[4][damaged[4] == 3] = 5
    found = compare(TRUE, ROWS, damaged, rows)
    assert [(e.kind, e.frame, e.track) for e in found.objects] == [("merged", 3, 2)]
    assert found.values["det"] == pytest.approx(1 - 5 / (10 * N))
    assert (found.sums.missing, found.sums.redundant) == (4, 1)
    assert found.values["seg"] == pytest.approx((11 + 2 * 2 / 6) / 13)


def test_half_of_an_object_is_no_match() -> None:
    true = np.array([[[1, 1, 1, 1, 0, 0]]])
    rows = [[1, 0, 0, 0]]
    assert compare(true, rows, np.array([[[1, 1, 0, 0, 0, 0]]]), rows).values["det"] == 0
    found = compare(true, rows, np.array([[[1, 1, 1, 0, 0, 0]]]), rows)
    assert found.values["det"] == 1 and found.values["seg"] == 0.75


def test_inventions_cannot_cost_more_than_all() -> None:
    crowd = draw({k: still(0, 4, k - 1) for k in range(2, 9)})
    rows = [[k, 0, 4, 0] for k in range(2, 9)]
    true = draw({1: {0: 11}})
    found = compare(true, [[1, 0, 0, 0]], crowd, rows)
    assert found.values["det"] == found.values["tra"] == found.values["chota"] == 0
    assert math.isnan(found.values["lnk"])  # no link in the reference, and none between matches


@pytest.mark.parametrize(
    ("late", "tolerance", "value"), [(1, 0, 0.0), (1, 1, 1.0), (2, 1, 0.0), (2, 2, 1.0), (-1, 1, 1.0)]
)
def test_divisions_late_and_early(late: int, tolerance: int, value: float) -> None:
    last = 1 + late
    wide = {1: still(0, last, 1)}
    predicted = draw(wide | {2: still(last + 1, 4, 0), 3: still(last + 1, 4, 2), 4: still(0, 4, 6)})
    # Before it divides, the mother covers the place of daughter 2.
    predicted[2 : last + 1, 0, 0:2] = 1
    rows = [[1, 0, last, 0], [2, last + 1, 4, 1], [3, last + 1, 4, 1], [4, 0, 4, 0]]
    found = compare(TRUE, ROWS, predicted, rows, tolerance=tolerance)
    assert found.values["division_f1"] == value


def test_a_division_with_wrong_or_other_daughters_is_none() -> None:
    stranger = [[1, 0, 1, 0], [2, 2, 4, 1], [3, 2, 4, 0], [4, 0, 1, 0], [5, 2, 4, 1]]
    cut = TRUE.copy()
    cut[2:][cut[2:] == 4] = 5
    found = compare(TRUE, ROWS, cut, stranger)
    assert [(e.kind, e.track) for e in found.objects] == [("missed division", 1), ("invented division", 1)]
    three = [[1, 0, 1, 0], [2, 2, 4, 1], [3, 2, 4, 1], [4, 0, 1, 0], [5, 2, 4, 1]]
    assert compare(TRUE, ROWS, cut, three).values["division_f1"] == 0


def test_trajectories_are_ancestors_and_descendants() -> None:
    lineage = Lineage.from_rows([[1, 0, 0, 0], [2, 1, 1, 1], [3, 1, 1, 1], [4, 2, 2, 3], [5, 0, 2, 0]])
    assert trajectories(lineage, lineages=True).toarray().tolist() == [
        [1, 1, 1, 1, 0],
        [1, 1, 0, 0, 0],
        [1, 0, 1, 1, 0],
        [1, 0, 1, 1, 0],
        [0, 0, 0, 0, 1],
    ]
    assert trajectories(lineage, lineages=False).toarray().tolist() == [
        [1, 0, 0, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 0, 0, 1],
    ]


def test_empty_cases() -> None:
    nothing, none = np.zeros((5, 1, 24), dtype=np.int64), np.empty((0, 4))
    both = compare(nothing, none, nothing, none).values
    assert all(math.isnan(value) for value in both.values())
    missed = compare(TRUE, ROWS, nothing, none).values
    assert set(missed.values()) == {0.0}
    invented = compare(nothing, none, TRUE, ROWS).values
    zero = {key for key, value in invented.items() if value == 0}
    assert zero == {"det", "tra", "chota", "hota", "division_f1"}
    assert math.isnan(invented["seg"]) and math.isnan(invented["lnk"])


def test_links_between_single_objects_of_the_reference_are_worth_nothing() -> None:
    true, rows = draw({1: {0: 0}, 2: {1: 0}}), [[1, 0, 0, 0], [2, 1, 1, 0]]
    assert compare(true, rows, draw({1: still(0, 1, 0)}), [[1, 0, 1, 0]]).values["lnk"] == 0


@st.composite
def two_sequences(random: st.DrawFn) -> tuple[Image, Any, Image, Any]:
    """Two sequences of objects in places that partly agree, with parents at random."""

    def sequence() -> tuple[Image, Any]:
        places, rows = {}, []
        for label, x in enumerate(range(0, 10, random(st.integers(1, 3))), start=1):
            first = random(st.integers(0, 4))
            last = random(st.integers(first, 4))
            places[label] = still(first, last, x)
            parents = [row[0] for row in rows if row[2] < first]
            rows.append([label, first, last, random(st.sampled_from([0, *parents]))])
        return draw(places), rows

    return *sequence(), *sequence()


@settings(max_examples=60, deadline=None)
@given(two_sequences(), st.integers(1, 1000), st.sampled_from([0, 2**60]))
def test_numbers_of_tracks_do_not_matter(case: tuple[Image, Any, Image, Any], seed: int, above: int) -> None:
    true, rows, predicted, other = case
    names = np.concatenate([[0], above + np.random.default_rng(seed).permutation(5000)[:20] + 1])
    renamed = [[int(names[row[0]]), row[1], row[2], int(names[row[3]])] for row in other]
    plain = compare(true, rows, predicted, other)
    assert compare(true, rows, names[predicted], renamed).values == pytest.approx(plain.values, nan_ok=True)
    assert compare(true[:, :, ::-1], rows, predicted[:, :, ::-1], other).values == pytest.approx(
        plain.values, nan_ok=True
    )
    for value in plain.values.values():
        assert math.isnan(value) or 0 <= value <= 1
    assert all(math.isnan(value) or value == 1 for value in compare(true, rows, true, rows).values.values())


@settings(max_examples=60, deadline=None)
@given(two_sequences(), st.integers(0, 4))
def test_a_false_track_never_helps(case: tuple[Image, Any, Image, Any], first: int) -> None:
    true, rows, predicted, other = case
    worse = predicted.copy()
    worse[first:, 0, 22:] = 99
    before = compare(true, rows, predicted, other).values
    after = compare(true, rows, worse, [*other, [99, first, 4, 0]]).values
    for key, value in after.items():
        assert math.isnan(value) or value <= before[key] + 1e-12


@settings(max_examples=40, deadline=None)
@given(two_sequences())
def test_swapped_sides_swap_missed_and_invented(case: tuple[Image, Any, Image, Any]) -> None:
    """Objects of the same size match either way."""
    true, rows, predicted, other = case
    one, two = compare(true, rows, predicted, other), compare(predicted, other, true, rows)
    assert (one.sums.missed, one.sums.invented) == (two.sums.invented, two.sums.missed)
    assert one.sums.divisions_found == two.sums.divisions_found
    assert one.values["chota"] == pytest.approx(two.values["chota"], nan_ok=True)


def test_every_metric_is_described() -> None:
    assert [each.key for each in DESCRIPTIONS] == [metric.key for metric in TRACKING_METRICS]
    for each, metric in zip(DESCRIPTIONS, TRACKING_METRICS, strict=True):
        module, name = each.function.rsplit(".", 1)
        assert metric.function.__module__ == f"veriscope.validate.{module}"
        assert metric.function.__name__ == name


def test_sums_go_to_columns_and_back() -> None:
    columns = np.arange(30.0).reshape(2, 15)
    assert np.array_equal(TrackingSums.from_columns(columns).columns(), columns)


def test_what_does_not_fit() -> None:
    reference = Tracks(TRUE, Lineage.from_rows(ROWS), "reference")
    with pytest.raises(ShapeMismatchError) as caught:
        compare_sequence(reference, Tracks(TRUE[:4], Lineage.from_rows(ROWS), "mine"))
    assert str(caught.value) == "mine has 4 frames, and reference has more; give both for each frame"
    with pytest.raises(ShapeMismatchError, match=r"^mine, frame 0: the reference has shape \(1, 24\)"):
        compare_sequence(reference, Tracks(TRUE[:, :, :9], Lineage.from_rows(ROWS), "mine"))
    with pytest.raises(InputError) as refused:
        compare_sequence(reference, reference, division_tolerance=-1)
    assert str(refused.value) == "tolerance -1 is not allowed; use a whole number of frames, 0 or more"
