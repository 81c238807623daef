"""Metrics of several sequences: what swaps, what repeats, and which sequences an interval counts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from veriscope.errors import InputError, ShapeMismatchError, TableError
from veriscope.validate.metrics.tracking.catalogue import TRACKING_METRICS
from veriscope.validate.statistics import mean_interval
from veriscope.validate.trackings import (
    compare_sequence,
    compare_trackings,
    summarise_sequences,
)
from veriscope.validate.tracks import Lineage, Tracks

KEYS = [metric.key for metric in TRACKING_METRICS]


def movie(kept: list[int], *, n: int = 6, n_frames: int = 3, name: str = "movie") -> Tracks:
    """Objects 1 to n that stand still side by side; only some of them are kept."""
    frames = np.zeros((n_frames, 2, 3 * n + 3), np.uint8)
    for label in kept:
        frames[:, :, 3 * label : 3 * label + 2] = label
    rows = [[label, 0, n_frames - 1, 0] for label in kept]
    return Tracks(frames, Lineage.from_rows(rows), name)


ALL = list(range(1, 7))
FOUND = ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4], [2, 3, 4, 5, 6], [1, 2, 3])


def test_the_reference_itself_is_perfect_wherever_a_metric_is_defined() -> None:
    found = compare_sequence(movie(ALL), movie(ALL))
    assert {key: value for key, value in found.values.items() if np.isfinite(value)} == {
        key: 1 for key in KEYS if key != "division_f1"
    }
    assert found.objects == () and found.links == ()


def test_missed_and_invented_objects_by_hand() -> None:
    """Two of six objects are missed in each of three frames: 6 of 18 vertices and 4 of 12 links."""
    missed = compare_sequence(movie(ALL), movie([1, 2, 3, 4]))
    assert missed.values["det"] == pytest.approx(12 / 18)
    assert missed.values["lnk"] == pytest.approx(8 / 12)
    assert missed.values["seg"] == pytest.approx(12 / 18)
    assert missed.values["tra"] == pytest.approx(1 - (60 + 6) / (180 + 18))
    assert len(missed.objects) == 6 and len(missed.links) == 4
    invented = compare_sequence(movie([1, 2, 3, 4]), movie(ALL))
    assert invented.values["det"] == pytest.approx(1 - 6 / 120)
    assert invented.values["seg"] == 1, "it does not see what was invented"
    assert len(invented.objects) == 6


@pytest.mark.parametrize("key", KEYS)
def test_the_mean_over_sequences_is_that_of_their_values(key: str) -> None:
    found = compare_trackings([movie(ALL)] * 4, [movie(kept) for kept in FOUND])
    values = np.array([sequence.values[key] for sequence in found.sequences])
    assert found.metrics_per_sequence[key].to_dict() == (
        mean_interval(values, bounds=(0.0, 1.0), unit="sequence").to_dict()
    )


def test_a_sequence_given_twice_changes_no_pooled_value() -> None:
    once = compare_trackings([movie(ALL)] * 4, [movie(kept) for kept in FOUND])
    twice = compare_trackings([movie(ALL)] * 8, [movie(kept) for kept in FOUND * 2])
    for key in KEYS:
        assert twice.metrics[key].value == pytest.approx(once.metrics[key].value, nan_ok=True)
        assert twice.metrics[key].n_units == 2 * once.metrics[key].n_units


def test_the_order_of_sequences_changes_no_metric() -> None:
    there = compare_trackings([movie(ALL)] * 4, [movie(kept) for kept in FOUND])
    back = compare_trackings([movie(ALL)] * 4, [movie(kept) for kept in FOUND[::-1]])
    for key in KEYS:
        for name in ("value", "low", "high"):
            one, other = (getattr(each.metrics[key], name) for each in (there, back))
            assert (one is None and other is None) or one == pytest.approx(other, nan_ok=True)


def test_sequences_without_an_object_say_nothing() -> None:
    found = compare_trackings([movie(ALL), movie([]), movie(ALL)], [movie(ALL), movie([]), movie([1])])
    assert len(found.sequences) == 3
    assert found.metrics["det"].n_units == found.metrics_per_sequence["det"].n_units == 2
    assert all(np.isnan(value) for value in found.sequences[1].values.values())
    assert set(found.sequences[1].to_dict()["values"].values()) == {None}


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_a_higher_level_is_wider(level: float) -> None:
    sequences = compare_trackings([movie(ALL)] * 4, [movie(kept) for kept in FOUND]).sequences
    one, wider = (summarise_sequences(sequences, level=each) for each in (level, level + 0.04))
    assert one.level == level
    for key in ("det", "tra", "seg", "hota"):
        narrow, wide = one.metrics[key], wider.metrics[key]
        assert narrow.value == wide.value
        assert narrow.low is not None and wide.low is not None and wide.low < narrow.low
        assert narrow.high is not None and wide.high is not None and wide.high > narrow.high


def test_all_that_is_told_is_json() -> None:
    found = compare_trackings([movie(ALL)] * 2, [movie([1, 2]), movie(ALL)], division_tolerance=2)
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (told["n_sequences"], told["division_tolerance"], told["level"]) == (2, 2, 0.95)
    assert set(told["metrics"]) == set(told["metrics_per_sequence"]) == set(KEYS)
    first = told["sequences"][0]
    assert (first["name"], first["n_frames"]) == ("movie", 3)
    assert first["sums"]["n_vertices"] == 18 and first["sums"]["missed"] == 12
    assert len(first["objects"]) == 12


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        compare_trackings([movie(ALL)], [])
    assert str(caught.value) == ("1 references are given for 0 predictions; give one of each per sequence")
    with pytest.raises(ShapeMismatchError):
        compare_sequence(movie(ALL), movie(ALL, n=7))
    with pytest.raises(InputError):
        compare_sequence(movie(ALL), movie(ALL, n_frames=4))
    with pytest.raises(InputError, match=r"level 1.5 is not allowed"):
        compare_trackings([], [], level=1.5)
    with pytest.raises(InputError, match="tolerance"):
        compare_sequence(movie(ALL), movie(ALL), division_tolerance=-1)
    with pytest.raises(TableError, match="is no track of the table"):
        compare_sequence(movie(ALL), Tracks(movie(ALL).frames, Lineage.from_rows([]), "bare"))
