"""The report of one image: its values, the traps of other packages, and what must not matter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.errors import AxesError, InputError, PixelValueError, ShapeMismatchError
from veriscope.testing.label_images import disks, label_pairs
from veriscope.validate.contingency import contingency
from veriscope.validate.instance_report import REPORT_THRESHOLDS, InstanceReport, instance_report
from veriscope.validate.instances import compare_instances, compare_units
from veriscope.validate.matching import match
from veriscope.validate.metrics.instance.catalogue import instance_metrics

Labels = NDArray[Any]

# Higher is better, lower is better; both must get no better by a false object.
HIGHER = ("f1@0.5", "f1@0.75", "ap@0.5", "precision@0.5", "pq", "rq", "aji")
LOWER = ("split_merge", "vi", "vi_split", "are")


def same(first: dict[str, float], second: dict[str, float]) -> bool:
    return np.allclose(list(first.values()), list(second.values()), equal_nan=True)


@pytest.fixture
def example() -> InstanceReport:
    """Object 1 found, 2 cut into halves, 3 and 4 merged, 5 missed; 9 invented."""
    reference = np.array([1, 1, 1, 1, 0, 2, 2, 2, 2, 0, 3, 3, 4, 4, 0, 5, 5, 0, 0])
    prediction = np.array([6, 6, 6, 0, 0, 7, 7, 8, 8, 0, 3, 3, 3, 3, 3, 0, 0, 0, 9])
    return instance_report(reference, prediction, name="example")


def test_what_became_of_each_object(example: InstanceReport) -> None:
    assert example.references.rows() == [
        {"label": 1, "size": 4, "status": "matched", "match": 6, "partner": 6}
        | {"iou": 0.75, "dice": pytest.approx(6 / 7), "overlap": 0.75},
        {"label": 2, "size": 4, "status": "split", "match": example.references.matches[1], "partner": 7}
        | {"iou": 0.5, "dice": pytest.approx(4 / 6), "overlap": 0.5},
        {"label": 3, "size": 2, "status": "merged", "match": None, "partner": 3}
        | {"iou": 0.4, "dice": pytest.approx(4 / 7), "overlap": 1.0},
        {"label": 4, "size": 2, "status": "merged", "match": None, "partner": 3}
        | {"iou": 0.4, "dice": pytest.approx(4 / 7), "overlap": 1.0},
        {"label": 5, "size": 2, "status": "missed", "match": None, "partner": None}
        | {"iou": 0.0, "dice": 0.0, "overlap": 0.0},
    ]
    predicted = {row["label"]: row for row in example.predictions.rows()}
    assert {label: row["status"] for label, row in predicted.items()} == {
        3: "merged",
        6: "matched",
        7: "split",
        8: "split",
        9: "invented",
    }
    assert predicted[3]["partner"] == 3
    assert predicted[3]["overlap"] == 0.4
    assert predicted[9]["partner"] is None


def test_metrics_by_hand(example: InstanceReport) -> None:
    metrics = example.metrics
    assert metrics["f1@0.5"] == pytest.approx(2 * 2 / (5 + 5))
    assert metrics["f1@0.55"] == pytest.approx(2 * 1 / (5 + 5))
    assert metrics["pq"] == pytest.approx((0.75 + 0.5) / 5)
    assert metrics["count_bias"] == 0
    # Shared 3 + 2 + 2 + 2; either 4 + 4 + 5 + 5; 5 missed (2), 9 (1) and a half of object 2 (2) not used.
    assert metrics["aji"] == pytest.approx(9 / (18 + 2 + 1 + 2))
    assert (metrics["split_merge"], metrics["split_rate"], metrics["merge_rate"]) == (0.6, 0.2, 0.4)
    assert set(metrics) == {keyed.key for keyed in instance_metrics(REPORT_THRESHOLDS)}


def test_result_is_json(example: InstanceReport) -> None:
    result = json.loads(json.dumps(example.to_dict()))
    assert result["name"] == "example"
    assert result["thresholds"] == list(REPORT_THRESHOLDS)
    assert result["splits_and_merges"]["merged"] == [{"references": [3, 4], "predictions": [3]}]
    assert result["boundaries"] is None
    assert len(result["references"]) == 5
    empty = json.loads(json.dumps(instance_report(np.zeros((3, 3), int), np.zeros((3, 3), int)).to_dict()))
    assert set(empty["metrics"].values()) == {None}


def test_counts_of_reports_give_the_comparison_of_all_images() -> None:
    references, predictions = [disks(3), disks(4)], [disks(3, shift=1), disks(4, shift=2)]
    reports = [
        instance_report(*pair, name=f"image {number}")
        for number, pair in enumerate(zip(references, predictions, strict=True), start=1)
    ]
    pooled = compare_units([report.counts for report in reports])
    expected = compare_instances(references, predictions, thresholds=REPORT_THRESHOLDS)
    assert pooled.units == expected.units
    assert pooled.metrics["aji"] == expected.metrics["aji"]


def test_counts_at_each_threshold_are_those_of_the_matching() -> None:
    rng = np.random.default_rng(3)
    reference = rng.integers(0, 5, (40, 40)) * (rng.random((40, 40)) < 0.9)
    prediction = np.where(rng.random((40, 40)) < 0.7, reference, 0)
    thresholds = (0.2, 0.5, 0.6, 0.75)
    counts = instance_report(reference, prediction, thresholds=thresholds).counts
    for i, threshold in enumerate(thresholds):
        expected = match(contingency(reference, prediction), threshold=threshold)
        assert (counts.tp[i], counts.fp[i], counts.fn[i]) == (expected.tp, expected.fp, expected.fn)
        assert counts.sum_iou[i] == expected.sum_iou


def test_boundaries_are_measured_if_asked_for() -> None:
    report = instance_report(disks(2), disks(2, shift=1), spacing=(0.5, 0.5), tolerance=0.5, rim_width=1.0)
    assert report.boundaries is not None
    (row, *_) = report.to_dict()["boundaries"]
    assert list(row)[2:] == ["hausdorff", "hausdorff_95", "masd", "assd", "nsd", "boundary_iou"]
    assert 0.25 < row["masd"] < 0.5
    with pytest.raises(AxesError, match="spacing"):
        instance_report(disks(2), disks(2), boundaries=True, spacing=(1.0,))


# --- Known defects of other packages


def test_images_without_background() -> None:
    reference, prediction = np.repeat([1, 2, 3], 6).reshape(3, 6), np.repeat([4, 5, 6], 6).reshape(3, 6)
    metrics = instance_report(reference, prediction).metrics
    assert (metrics["pq"], metrics["aji"], metrics["vi"], metrics["are"]) == (1, 1, 0, 0)


@pytest.mark.parametrize(("sides", "f1"), [((0, 0), np.nan), ((0, 1), 0.0), ((1, 0), 0.0)])
def test_empty_sides(sides: tuple[int, int], f1: float) -> None:
    report = instance_report(*(np.full((4, 4), side) for side in sides))
    assert report.metrics["f1@0.5"] == pytest.approx(f1, nan_ok=True)
    assert report.metrics["aji"] == pytest.approx(f1, nan_ok=True)
    assert (len(report.references), len(report.predictions)) == sides


def test_no_pixel_at_all() -> None:
    report = instance_report(np.zeros((0, 5), int), np.zeros((0, 5), int))
    assert np.isnan(list(report.metrics.values())).all()


def test_iou_of_exactly_half_and_ties_give_one_match() -> None:
    report = instance_report(np.array([1, 1, 0]), np.array([4, 9, 0]))
    assert (report.counts.tp[0], report.counts.fp[0], report.counts.fn[0]) == (1, 1, 0)
    assert report.groups.count("split") == 1
    matched = [row["match"] for row in report.predictions.rows()]
    assert sorted(matched, key=str) == [1, None]


def test_gaps_between_labels_and_huge_labels_do_not_matter() -> None:
    reference, prediction = disks(3), disks(3, shift=2)
    huge = np.where(prediction > 0, prediction.astype(np.int64) * 10**15 + 7, 0)
    assert same(
        instance_report(reference, prediction).metrics, instance_report(reference * 1000, huge).metrics
    )


def test_more_than_two_hundred_objects_in_eight_bits() -> None:
    labels = np.arange(1, 256, dtype=np.uint8).repeat(9).reshape(15, -1)
    report = instance_report(labels, labels.astype(np.int64))
    assert report.counts.n_reference == 255
    assert report.metrics["pq"] == 1
    assert set(report.references.sizes.tolist()) == {9}


def test_objects_cut_into_pieces_are_one_object_each() -> None:
    labels = np.array([[1, 0, 1], [0, 2, 0], [1, 0, 2]])
    report = instance_report(labels, labels)
    assert report.counts.n_reference == 2
    assert report.metrics["pq"] == 1


@pytest.mark.parametrize(
    ("prediction", "message"),
    [
        (np.ones((4, 4), bool), "is a mask (true/false), not a label image"),
        (np.full((4, 4), np.nan), "has fractional, infinite or NaN values"),
        (np.full((4, 4), 0.5), "has fractional, infinite or NaN values"),
        (np.full((4, 4), -1), "has negative values"),
        (np.full((4, 4), "a"), "type <U1 is not an integer type"),
    ],
)
def test_what_is_no_label_image_is_refused(prediction: Labels, message: str) -> None:
    with pytest.raises(PixelValueError) as error:
        instance_report(np.ones((4, 4), int), prediction, name="a.tif")
    assert str(error.value).startswith(f"a.tif: the prediction: {message}")


def test_other_wrong_input_is_refused() -> None:
    with pytest.raises(ShapeMismatchError, match=r"^a\.tif: the reference has shape \(4, 4\)"):
        instance_report(np.ones((4, 4), int), np.ones((4, 5), int), name="a.tif")
    with pytest.raises(InputError) as error:
        instance_report(disks(2), disks(2), thresholds=(0.5, 1.5))
    assert str(error.value) == "IoU threshold 1.5 is not allowed; use a number above 0 and at most 1"


# --- What must not matter


@given(label_pairs(), st.permutations(range(1, 5)))
@settings(max_examples=60, deadline=None)
def test_relabelling_flips_and_axis_swaps_change_nothing(
    pair: tuple[Labels, Labels], order: list[int]
) -> None:
    new_labels = np.array([0, *(1_000_003 * label for label in order)])
    plain = instance_report(*pair).metrics
    assert same(plain, instance_report(new_labels[pair[0]], new_labels[pair[1]]).metrics)
    assert same(plain, instance_report(pair[0][::-1], pair[1][::-1]).metrics)
    assert same(plain, instance_report(pair[0].T, pair[1].T).metrics)


@given(label_pairs())
@settings(max_examples=60, deadline=None)
def test_swapping_swaps_missed_and_invented_and_the_two_tables(pair: tuple[Labels, Labels]) -> None:
    forth, back = instance_report(*pair), instance_report(*pair[::-1])
    assert (forth.counts.tp, forth.counts.fp) == (back.counts.tp, back.counts.fn)
    assert forth.references.labels.tolist() == back.predictions.labels.tolist()
    swapped = {"split": "merged", "merged": "split", "missed": "invented"}
    names = [swapped.get(name, name) for name in forth.references.status_names()]
    tie = 0.5 in forth.matching.ious  # which of two equal halves is matched is arbitrary
    assert tie or names == back.predictions.status_names()
    assert forth.groups.count("split") == back.groups.count("merged")


@given(label_pairs())
@settings(max_examples=60, deadline=None)
def test_identical_is_perfect(pair: tuple[Labels, Labels]) -> None:
    report = instance_report(pair[0], pair[0].copy())
    metrics = report.metrics
    for keyed in instance_metrics(REPORT_THRESHOLDS):
        value = metrics[keyed.key]
        assert np.isnan(value) or value == keyed.metric.best
    assert set(report.references.status_names()) <= {"matched"}
    assert (report.references.ious == 1).all()


@given(label_pairs(n_labels=3), st.integers(0, 1000))
@settings(max_examples=80, deadline=None)
def test_an_object_invented_in_the_background_never_helps(pair: tuple[Labels, Labels], seed: int) -> None:
    reference, prediction = pair
    free = (prediction == 0) & (reference == 0)
    free &= np.random.default_rng(seed).random(free.shape) < 0.5
    before = instance_report(reference, prediction).metrics
    after = instance_report(reference, np.where(free, 100, prediction)).metrics
    for key in (*HIGHER, *LOWER):
        if not (np.isnan(before[key]) or np.isnan(after[key])):
            change = after[key] - before[key]
            assert (change if key in HIGHER else -change) <= 1e-12


@given(label_pairs(max_dims=2), label_pairs(max_dims=2))
@settings(max_examples=40, deadline=None)
def test_images_cut_where_no_object_is_cut_add_up(
    first: tuple[Labels, Labels], second: tuple[Labels, Labels]
) -> None:
    whole = [
        np.concatenate([a.ravel().astype(int), np.where(b > 0, b.astype(int) + 100, 0).ravel()])
        for a, b in zip(first, second, strict=True)
    ]
    keys = ("aji_intersection", "aji_union", "split", "merged", "tangled", "foreground", "split_entropy")
    parts = [instance_report(*pair).counts for pair in (first, second)]
    total = instance_report(whole[0], whole[1]).counts
    for key in keys:
        assert getattr(total.overlap, key) == pytest.approx(sum(getattr(part.overlap, key) for part in parts))
    assert total.row(0.5) == pytest.approx(np.sum([part.row(0.5) for part in parts], axis=0))


@pytest.mark.real_data
def test_two_nuclei_made_one(data_dir: Path) -> None:
    path = sorted((data_dir / "stardist_demo" / "labels").glob("img2d*.tif"))[0]
    reference = tifffile.imread(path)
    prediction = np.where(reference == 7, 3, reference)
    report = instance_report(reference, prediction)
    assert [group.references for group in report.groups.groups("merged")] == [(3, 7)]
    assert report.metrics["merge_rate"] == 2 / report.counts.n_reference
    assert report.groups.count("one-to-one") == report.counts.n_reference - 2
