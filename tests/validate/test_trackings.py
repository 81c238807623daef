"""Several sequences: pooled and averaged, intervals by sequence, errors as JSON, real tracks."""

from __future__ import annotations

import csv
import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.io import imread

from veriscope.errors import InputError, TableError
from veriscope.validate.metrics.tracking.catalogue import TRACKING_METRICS
from veriscope.validate.metrics.tracking.sums import TrackingSums
from veriscope.validate.trackings import compare_sequence, compare_trackings
from veriscope.validate.tracks import Lineage, Tracks

AGREEMENT = Path(__file__).parents[2] / "benchmarks" / "science" / "metric_agreement" / "tracking.py"


def movie(n: int, *, lost: int = 0, name: str = "movie") -> Tracks:
    """Give n objects that stand still for four frames; the first `lost` are missed."""
    frames = np.zeros((4, 2, 40), dtype=np.uint8)
    for label in range(lost + 1, n + 1):
        frames[:, :, 3 * label : 3 * label + 2] = label
    return Tracks(frames, Lineage.from_rows([[k, 0, 3, 0] for k in range(lost + 1, n + 1)]), name)


def test_sums_are_pooled_and_values_averaged() -> None:
    found = compare_trackings(
        [movie(10), movie(2), movie(4)], [movie(10, lost=1), movie(2, lost=1), movie(4)]
    )
    assert found.metrics["det"].value == pytest.approx(1 - 2 / 16)
    assert found.metrics_per_sequence["det"].value == pytest.approx((0.9 + 0.5 + 1) / 3)
    assert found.metrics["chota"].value == pytest.approx(np.sqrt(14 / 16))
    interval = found.metrics["tra"]
    assert (interval.unit, interval.n_units, interval.aggregation) == ("sequence", 3, "pooled")
    assert interval.low is not None and interval.high is not None
    assert 0 <= interval.low < interval.value < interval.high <= 1
    assert np.isnan(found.metrics["division_f1"].value) and found.metrics["division_f1"].n_units == 0


def test_one_sequence_tells_no_interval() -> None:
    found = compare_trackings([movie(5)], [movie(5, lost=2)])
    for interval in (*found.metrics.values(), *found.metrics_per_sequence.values()):
        assert interval.low is None and interval.high is None
    assert found.metrics["det"].method == "cannot tell: 1 sequence"
    assert found.metrics["det"].value == found.metrics_per_sequence["det"].value == 0.6


def test_no_sequence() -> None:
    found = compare_trackings([], [])
    assert all(np.isnan(interval.value) for interval in found.metrics.values())
    assert found.to_dict()["sequences"] == []


def test_plain_values_for_json() -> None:
    found = json.loads(json.dumps(compare_trackings([movie(2)], [movie(2, lost=1, name="mine")]).to_dict()))
    assert found["division_tolerance"] == 1 and found["n_sequences"] == 1
    (sequence,) = found["sequences"]
    assert sequence["name"] == "mine" and sequence["n_frames"] == 4
    assert sequence["values"]["division_f1"] is None and sequence["sums"]["missed"] == 4
    assert sequence["objects"][0] == {"kind": "missed", "side": "reference", "frame": 0, "track": 1}
    assert sequence["links"][0] == {
        "kind": "missing",
        "side": "reference",
        "from_frame": 0,
        "from_track": 1,
        "to_frame": 1,
        "to_track": 1,
    }


def test_pooling_is_as_if_the_sequences_were_one() -> None:
    """Sequences side by side in one image have the metrics of both pooled."""
    script = runpy.run_path(str(AGREEMENT))
    random = np.random.default_rng(3)
    one, two = script["make_case"](random), script["make_case"](random)

    def side(k: int) -> tuple[Tracks, Tracks, Tracks]:
        shift = int(one[k + 1][:, 0].max())
        right = np.where(two[k] > 0, two[k].astype(np.int64) + shift, 0)
        rows = two[k + 1] + np.array([shift, 0, 0, 0])
        rows[rows[:, 3] > 0, 3] += shift
        both = np.concatenate([one[k], right], axis=2), np.concatenate([one[k + 1], rows])
        return tuple(  # type: ignore[return-value]
            Tracks(frames, Lineage.from_rows(table))
            for frames, table in (one[k : k + 2], two[k : k + 2], both)
        )

    references, predictions = side(0), side(2)
    pooled = compare_trackings(references[:2], predictions[:2]).metrics
    for key, value in compare_sequence(references[2], predictions[2]).values.items():
        assert pooled[key].value == pytest.approx(value, nan_ok=True)


def test_values_by_brute_force_over_objects() -> None:
    """CHOTA and AOGM once more, from sets of objects, on sequences with all kinds of errors."""
    script = runpy.run_path(str(AGREEMENT))
    random = np.random.default_rng(5)
    for _ in range(4):
        true, rows, predicted, other = script["make_case"](random)
        found = compare_sequence(
            Tracks(true, Lineage.from_rows(rows)), Tracks(predicted, Lineage.from_rows(other))
        )
        assert found.values["chota"] == pytest.approx(slow_chota(true, rows, predicted, other))


def slow_chota(
    true: NDArray[np.uint16], rows: NDArray[np.int64], predicted: NDArray[np.uint16], other: NDArray[np.int64]
) -> float:
    matches, seen = [], (set(), set())  # type: ignore[var-annotated]
    for frame, (a, b) in enumerate(zip(true, predicted, strict=True)):
        for labels, image in zip(seen, (a, b), strict=True):
            labels |= {(frame, int(label)) for label in np.unique(image[image > 0])}
        for label in np.unique(a[a > 0]):
            over, counts = np.unique(b[a == label], return_counts=True)
            k = int(over[counts.argmax()])
            if k and 2 * counts.max() > (a == label).sum():
                matches.append((frame, int(label), k))

    def family(table: NDArray[np.int64], track: int) -> set[int]:
        parents = {int(row[0]): int(row[3]) for row in table}

        def line(start: int) -> set[int]:
            return {start} | line(parents[start]) if start else set()

        return {each for each in parents if each in line(track) or track in line(each)}

    missed = [(t, a) for t, a in seen[0] if (t, a) not in {(t, a) for t, a, _ in matches}]
    invented = [(t, b) for t, b in seen[1] if (t, b) not in {(t, b) for t, _, b in matches}]
    total = 0.0
    for _, i, j in matches:
        mine, theirs = family(rows, i), family(other, j)
        left = [a in mine for _, a, _ in matches]
        right = [b in theirs for _, _, b in matches]
        tpa = sum(x and y for x, y in zip(left, right, strict=True))
        fna = sum(left) - tpa + sum(a in mine for _, a in missed)
        fpa = sum(right) - tpa + sum(b in theirs for _, b in invented)
        total += tpa / (tpa + fna + fpa)
    return float(np.sqrt(total / (len(matches) + len(missed) + len(invented))))


def test_quick_agreement_has_every_metric() -> None:
    script = runpy.run_path(str(AGREEMENT))
    script["rows"].__globals__["ask_peers"] = lambda cases: None
    found = script["rows"](quick=True)
    assert {row["metric"] for row in found} == {metric.key for metric in TRACKING_METRICS}
    assert all(row["n_cases"] == 0 and row["explained"] == "peer not installed" for row in found)


def test_what_does_not_fit() -> None:
    with pytest.raises(InputError) as caught:
        compare_trackings([movie(1)], [])
    assert str(caught.value) == ("1 references are given for 0 predictions; give one of each per sequence")
    with pytest.raises(InputError, match=r"^level 95 is not allowed"):
        compare_trackings([movie(1)], [movie(1)], level=95)
    wrong = Tracks(movie(1).frames, Lineage.from_rows([[1, 0, 3, 2]]), "prediction")
    other = Tracks(movie(1).frames, Lineage.from_rows([[2, 0, 3, 0]]), "reference")
    with pytest.raises(TableError) as both:
        compare_trackings([other], [wrong])
    assert str(both.value).splitlines()[0] == "3 faults in tracks:"


def test_frames_are_not_kept() -> None:
    """A long sequence made on the way."""
    lineage = Lineage.from_rows([[1, 0, 499, 0]])
    frame = np.ones((8, 8), dtype=np.uint8)
    one, two = (Tracks((frame.copy() for _ in range(500)), lineage) for _ in range(2))
    found = compare_sequence(one, two)
    assert found.n_frames == 500 and found.values["chota"] == 1
    assert isinstance(found.sums, TrackingSums) and found.sums.n_edges == 499


@pytest.mark.real_data
def test_real_tracks(data_dir: Path) -> None:
    folder = data_dir / "c2c12_timelapse"
    with (folder / "tracks.csv").open() as file:
        table = list(csv.DictReader(file))
    rows = np.array([[int(row[key]) for key in ("track", "first", "last", "parent")] for row in table])
    frames = np.stack([imread(path) for path in sorted((folder / "labels").glob("*.tif"))])
    reference = Tracks(frames, Lineage.from_rows(rows), "c2c12")
    found = compare_trackings([reference], [reference])
    assert {interval.value for interval in found.metrics.values()} == {1.0}
    assert found.sequences[0].sums.divisions_found == 4
    orphans = rows.copy()
    orphans[:, 3] = 0
    worse = compare_trackings([reference], [Tracks(frames, Lineage.from_rows(orphans))])
    # Without parents TRA hardly changes; this is why divisions are asked for.
    assert worse.metrics["tra"].value > 0.98 and worse.metrics["division_f1"].value == 0
