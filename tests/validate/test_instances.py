"""Comparison of many images: pooling, intervals, laziness, wrong input, real images."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import find_boundaries

from veriscope.errors import InputError, PixelValueError
from veriscope.testing.label_images import disks
from veriscope.validate.instances import compare_instances, compare_units
from veriscope.validate.metrics.instance.catalogue import instance_metrics
from veriscope.validate.scores import mean_score, pooled_score
from veriscope.validate.units import UnitCounts, count_unit

Labels = NDArray[Any]


def without(labels: Labels, *objects: int) -> Labels:
    return np.where(np.isin(labels, objects), 0, labels)


@pytest.fixture
def images() -> tuple[list[Labels], list[Labels]]:
    """Three images of 4, 9 and 16 objects, of which 1, 0 and 4 are missed; the first has one invented."""
    references = [disks(2), disks(3), disks(4)]
    predictions = [without(references[0], 2), references[1], without(references[2], 1, 5, 6, 16)]
    predictions[0][:3, :3] = 77
    return references, predictions


def test_pooled_values_come_from_sums_over_images(images: tuple[list[Labels], list[Labels]]) -> None:
    result = compare_instances(*images)
    values = {key: interval.value for key, interval in result.metrics.items()}
    assert values["recall@0.5"] == pytest.approx(24 / 29)
    assert values["precision@0.5"] == pytest.approx(24 / 25)
    assert values["f1@0.5"] == values["rq"] == pytest.approx(48 / 54)
    assert values["ap@0.5"] == pytest.approx(24 / 30)
    assert values["sq"] == values["mean_matched_iou@0.5"] == 1
    assert values["pq"] == pytest.approx(48 / 54)
    assert values["count_bias"] == pytest.approx(-4 / 29)
    assert result.n_images == 3


def test_means_over_images_count_each_image_the_same(images: tuple[list[Labels], list[Labels]]) -> None:
    result = compare_instances(*images)
    assert result.metrics_per_image["recall@0.5"].value == pytest.approx((3 / 4 + 1 + 12 / 16) / 3)
    assert result.metrics_per_image["recall@0.5"].aggregation == "mean"


def test_keys_are_those_of_the_interface(images: tuple[list[Labels], list[Labels]]) -> None:
    result = compare_instances(*images, thresholds=(0.75,))
    assert list(result.metrics) == [
        "f1@0.5",
        "ap@0.5",
        "precision@0.5",
        "recall@0.5",
        "mean_matched_iou@0.5",
        "f1@0.75",
        "ap@0.75",
        "precision@0.75",
        "recall@0.75",
        "mean_matched_iou@0.75",
        "pq",
        "sq",
        "rq",
        "count_bias",
        "aji",
        "split_merge",
        "split_rate",
        "merge_rate",
        "vi",
        "vi_split",
        "vi_merge",
        "are",
        "are_precision",
        "are_recall",
    ]
    assert list(result.metrics_per_image) == list(result.metrics)


def test_metrics_of_overlaps_are_pooled_with_intervals(images: tuple[list[Labels], list[Labels]]) -> None:
    result = compare_instances(*images)
    aji = result.metrics["aji"]
    shared, union = (
        np.sum([getattr(unit.overlap, name) for unit in result.units])
        for name in ("aji_intersection", "aji_union")
    )
    assert aji.value == pytest.approx(shared / union)
    assert aji.low is not None
    assert aji.high is not None
    assert 0 < aji.low < aji.value < aji.high < 1
    assert result.table()[0]["aji"] == pytest.approx(3 / 4, abs=0.05)


def test_metrics_of_overlaps_are_left_out_where_a_unit_is_a_tile() -> None:
    tile = count_unit(disks(2), disks(2), owner_box=(0, 0, 16, 32))
    result = compare_units([tile, count_unit(disks(2), disks(2))])
    assert "aji" not in result.metrics
    assert "pq" in result.metrics
    assert "aji" not in result.table()[0]
    with pytest.raises(InputError) as error:
        pooled_score(result.units, "aji")
    assert str(error.value) == (
        "'aji' is known for whole images only, and 1 of 2 units are tiles, the first is 'image'; "
        "use a metric of objects, such as 'f1@0.5' or 'pq'"
    )


def test_result_is_json_with_null_for_undefined() -> None:
    empty = np.zeros((4, 4), int)
    result = json.loads(json.dumps(compare_instances([empty, empty], [empty, empty]).to_dict()))
    assert result["n_images"] == 2
    assert result["metrics"]["f1@0.5"] == {
        "value": None,
        "low": None,
        "high": None,
        "level": 0.95,
        "aggregation": "pooled",
        "unit": "image",
        "n_units": 0,
        "method": "cannot tell: 0 images",
    }
    assert result["images"][0]["f1@0.5"] is None
    assert result["images"][0]["tp@0.9"] == 0


def test_table_has_one_row_per_image(images: tuple[list[Labels], list[Labels]]) -> None:
    table = compare_instances(*images, names=["a", "b", "c"]).table()
    assert [row["name"] for row in table] == ["a", "b", "c"]
    assert [row["fn@0.5"] for row in table] == [1, 0, 4]
    assert [row["fp@0.5"] for row in table] == [1, 0, 0]
    assert [row["recall@0.5"] for row in table] == [0.75, 1, 0.75]
    assert [row["count_bias"] for row in table] == [0, 0, -0.25]


def test_images_are_taken_one_pair_at_a_time() -> None:
    alive: list[int] = []

    def load(side: int) -> Iterator[Labels]:
        for number in range(5):
            alive.append(side)
            assert abs(alive.count(0) - alive.count(1)) <= 1
            yield disks(2, shift=number)

    assert compare_instances(load(0), load(1)).metrics["f1@0.5"].value == 1


def test_order_of_images_changes_no_metric(images: tuple[list[Labels], list[Labels]]) -> None:
    forth = compare_instances(*images).metrics
    back = compare_instances(images[0][::-1], images[1][::-1]).metrics
    for key, interval in forth.items():
        assert back[key].value == pytest.approx(interval.value)
        assert back[key].low == pytest.approx(interval.low)


def test_swapping_the_sides_swaps_precision_and_recall(images: tuple[list[Labels], list[Labels]]) -> None:
    forth, back = compare_instances(*images).metrics, compare_instances(*images[::-1]).metrics
    assert forth["precision@0.5"] == back["recall@0.5"]
    assert forth["f1@0.7"] == back["f1@0.7"]
    assert forth["pq"] == back["pq"]


def test_identical_is_perfect_and_the_interval_admits_what_was_not_seen() -> None:
    labels = [disks(n) for n in (2, 3, 4, 5)]
    metrics = compare_instances(labels, labels).metrics
    best = {keyed.key: keyed.metric.best for keyed in instance_metrics((0.5, 0.7, 0.9))}
    assert {key: interval.value for key, interval in metrics.items()} == best
    assert metrics["f1@0.9"].low == pytest.approx(0.025 ** (1 / 4))
    assert metrics["count_bias"].low == pytest.approx(-(1 - 0.025 ** (1 / 4)))


def test_empty_images_are_listed_but_say_nothing(images: tuple[list[Labels], list[Labels]]) -> None:
    empty = np.zeros((5, 5), int)
    plain = compare_instances(*images)
    padded = compare_instances([*images[0], empty], [*images[1], empty])
    assert padded.n_images == 4
    assert padded.metrics == plain.metrics


def test_one_image_cannot_tell(images: tuple[list[Labels], list[Labels]]) -> None:
    interval = compare_instances(images[0][2:], images[1][2:]).metrics["recall@0.5"]
    assert (interval.value, interval.low, interval.high) == (0.75, None, None)


def test_clusters_are_the_units_of_the_intervals() -> None:
    units = [count_unit(disks(4), without(disks(4), *range(1, i + 2)), name=str(i)) for i in range(6)]
    clustered = [replace(unit, cluster=f"well {i // 2}") for i, unit in enumerate(units)]
    result = compare_units(clustered)
    assert result.metrics["f1@0.5"].n_units == 3
    assert result.metrics["f1@0.5"].unit == "cluster"
    assert result.metrics["f1@0.5"].value == compare_units(units).metrics["f1@0.5"].value
    assert result.metrics_per_image["recall@0.5"].n_units == 3
    with pytest.raises(InputError) as error:
        compare_units([*clustered, units[0]])
    assert str(error.value) == (
        "1 of 7 units have no cluster, the first is '0'; give every unit a cluster, or none"
    )


def test_a_weight_of_two_gives_the_value_of_the_unit_taken_twice() -> None:
    first = count_unit(disks(4), without(disks(4), 1, 2, 3), name="a")
    second = count_unit(disks(3), disks(3), name="b")
    weighted = compare_units([replace(first, weight=2.0), second])
    twice = compare_units([first, first, second])
    for key in weighted.metrics:
        assert weighted.metrics[key].value == pytest.approx(twice.metrics[key].value)
    assert weighted.metrics["f1@0.5"].n_units == 2


def test_tiles_drawn_with_unequal_probability_estimate_the_whole() -> None:
    """The weighted ratio over many draws approaches the metric of all tiles."""
    rng = np.random.default_rng(0)
    tiles = [count_unit(disks(n), without(disks(n), *range(1, n)), name=str(n)) for n in (2, 3, 5, 8)]
    probability = np.array([unit.n_reference + 1.0 for unit in tiles])
    probability /= probability.sum()
    draws = rng.choice(len(tiles), 4000, p=probability)
    sample = [replace(tiles[i], weight=1 / (len(draws) * probability[i])) for i in draws]
    truth = pooled_score(tiles, "recall@0.5").value
    interval = pooled_score(sample, "recall@0.5")
    assert interval.low is not None and interval.high is not None
    assert interval.low < truth < interval.high
    assert interval.high - interval.low < 0.02


def test_scores_by_key() -> None:
    units = [count_unit(disks(n), without(disks(n), 1), name=str(n)) for n in (2, 3)]
    assert pooled_score(units, "recall@0.5").value == pytest.approx(11 / 13)
    assert mean_score(units, "recall@0.5").value == pytest.approx((3 / 4 + 8 / 9) / 2)


def test_different_numbers_of_images_are_refused() -> None:
    with pytest.raises(InputError) as error:
        compare_instances([disks(2)] * 3, [disks(2)] * 2, names=["a", "b", "c"])
    assert str(error.value) == "only 2 predictions for more references and names; give one of each per image"


def test_the_image_at_fault_is_named() -> None:
    with pytest.raises(PixelValueError, match=r"^b\.tif: the prediction: has negative values"):
        compare_instances([disks(2)] * 2, [disks(2), -disks(2)], names=["a.tif", "b.tif"])


def test_units_counted_at_different_thresholds_are_refused() -> None:
    units = [count_unit(disks(2), disks(2), thresholds=(t,)) for t in (0.5, 0.7)]
    with pytest.raises(InputError) as error:
        compare_units(units)
    assert str(error.value) == (
        "units were counted at different thresholds: [0.5]; [0.5, 0.7]; count them all at the same"
    )


def test_no_image_at_all() -> None:
    result = compare_units([])
    assert result.n_images == 0
    assert all(math.isnan(interval.value) and interval.low is None for interval in result.metrics.values())


def real_labels(data_dir: Path, name: str, number: int) -> list[Labels]:
    return [tifffile.imread(path) for path in sorted((data_dir / name / "labels").glob("*.tif"))[:number]]


@pytest.mark.real_data
def test_real_nuclei_missed_and_invented(data_dir: Path) -> None:
    """Removing every fifth nucleus from the prediction, or from the reference, is found exactly."""
    labels = real_labels(data_dir, "dsb2018_fluorescence", 25)
    thinned = [without(image, *np.unique(image)[1:][::5].tolist()) for image in labels]
    kept = sum(len(np.unique(image)) - 1 for image in thinned)
    total = sum(len(np.unique(image)) - 1 for image in labels)
    missed, invented = compare_instances(labels, thinned).metrics, compare_instances(thinned, labels).metrics
    assert missed["recall@0.9"].value == invented["precision@0.9"].value == pytest.approx(kept / total)
    assert missed["precision@0.9"].value == 1
    assert missed["count_bias"].value == pytest.approx(kept / total - 1)
    assert missed["sq"].value == 1


@pytest.mark.real_data
def test_real_nuclei_eroded(data_dir: Path) -> None:
    """Thinner outlines lose IoU at once, and matches only at strict thresholds."""
    labels = real_labels(data_dir, "dsb2018_fluorescence", 25)
    eroded = [np.where(find_boundaries(image, mode="inner"), 0, image) for image in labels]
    metrics = compare_instances(labels, eroded).metrics
    assert metrics["f1@0.5"].value > 0.95
    assert metrics["f1@0.5"].value > metrics["f1@0.7"].value > metrics["f1@0.9"].value
    expected = np.concatenate(
        [
            np.bincount(thin.ravel(), minlength=int(full.max()) + 1)[1:] / np.bincount(full.ravel())[1:]
            for full, thin in zip(labels, eroded, strict=True)
        ]
    )
    assert metrics["sq"].value == pytest.approx(expected[expected >= 0.5].mean())


@pytest.mark.real_data
def test_real_nuclei_merged(data_dir: Path) -> None:
    """Connected components merge touching nuclei: fewer objects, and misses of both kinds."""
    labels = real_labels(data_dir, "dsb2018_histology", 10)
    merged = [ndimage.label(image > 0)[0] for image in labels]
    result = compare_instances(labels, merged)
    assert result.metrics["count_bias"].value < -0.1
    assert result.metrics["f1@0.5"].value < 0.95
    assert all(row["n_prediction"] <= row["n_reference"] for row in result.table())


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["img2d", "img3d"])
def test_real_images_in_2d_and_3d(data_dir: Path, name: str) -> None:
    (path,) = (data_dir / "stardist_demo" / "labels").glob(f"{name}*.tif")
    labels = tifffile.imread(path)
    unit = count_unit(labels, np.roll(labels, 1, axis=-1))
    assert unit.n_reference == {"img2d": 125, "img3d": 51}[name]
    assert unit.fn[0] == unit.fp[0] <= 3
    boxes = [(0, 0, labels.shape[-2], 50), (0, 50, *labels.shape[-2:])]
    parts = [count_unit(labels, np.roll(labels, 1, axis=-1), owner_box=box) for box in boxes]
    assert [sum(row) for row in zip(*(part.row(0.5) for part in parts), strict=True)] == pytest.approx(
        list(unit.row(0.5))
    )


def test_unit_counts_are_plain_values() -> None:
    unit = count_unit(disks(2), disks(2))
    assert isinstance(unit, UnitCounts)
    json.dumps(unit.to_dict())
