"""The figures of a comparison follow from its own rows, and change with nothing that should not matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from numpy.typing import NDArray

from veriscope.workflow.comparison.folders import compare_folders

IMAGES = ("i1", "i2", "i3", "i4")
THRESHOLDS = (0.3, 0.5)
Found = dict[str, Any]


def cells(seed: int) -> NDArray[np.uint16]:
    """Boxes of random size in some fields of a grid."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((32, 40), np.uint16)
    for number, (y, x) in enumerate(np.ndindex(4, 5), start=1):
        height, width = rng.integers(3, 8, 2)
        if rng.random() < 0.7:
            labels[8 * y + 1 : 8 * y + 1 + height, 8 * x + 1 : 8 * x + 1 + width] = number
    return labels


def write(folder: Path, images: Mapping[str, NDArray[Any]]) -> Path:
    folder.mkdir()
    for name, pixels in images.items():
        tifffile.imwrite(folder / f"{name}.tif", pixels)
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """References ``r`` and predictions ``p`` and ``q`` of four images."""
    place = tmp_path_factory.mktemp("figures")
    for name, start in (("r", 0), ("p", 10), ("q", 20)):
        write(place / name, {image: cells(start + i) for i, image in enumerate(IMAGES)})
    return place


@pytest.fixture(scope="module")
def instances(place: Path) -> Found:
    table = place / "objects.csv"
    return compare_folders(place / "r", place / "p", thresholds=THRESHOLDS, objects=table)


@pytest.fixture(scope="module")
def masks(place: Path) -> Found:
    return compare_folders(place / "r", place / "p", task="semantic", foreground=True)


def values(found: Found, where: str = "metrics") -> dict[str, float | None]:
    return {key: item["value"] for key, item in found[where].items()}


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_pooled_figures_are_those_of_the_summed_rows(instances: Found, threshold: float) -> None:
    rows = pd.DataFrame(instances["images"])
    tp, fp, fn, iou = (rows[f"{key}@{threshold}"].sum() for key in ("tp", "fp", "fn", "sum_iou"))
    assert tp + fn == rows["n_reference"].sum() == instances["n_reference"]
    assert tp + fp == rows["n_prediction"].sum() == instances["n_prediction"]
    found = values(instances)
    assert found[f"f1@{threshold}"] == pytest.approx(2 * tp / (2 * tp + fp + fn))
    assert found[f"precision@{threshold}"] == pytest.approx(tp / (tp + fp))
    assert found[f"recall@{threshold}"] == pytest.approx(tp / (tp + fn))
    assert found[f"mean_matched_iou@{threshold}"] == pytest.approx(iou / tp)


@pytest.mark.parametrize("kind", ["instances", "masks"])
def test_means_are_those_of_the_rows(kind: str, request: pytest.FixtureRequest) -> None:
    found: Found = request.getfixturevalue(kind)
    rows = pd.DataFrame(found["images"])
    assert list(rows["name"]) == list(IMAGES)
    for key, item in found["metrics_per_image"].items():
        stated = pd.to_numeric(rows[key])
        assert item["n_units"] == stated.notna().sum()
        assert item["value"] == pytest.approx(stated.mean()), key


@pytest.mark.parametrize("kind", ["instances", "masks"])
def test_every_value_lies_in_its_interval(kind: str, request: pytest.FixtureRequest) -> None:
    found: Found = request.getfixturevalue(kind)
    for where in ("metrics", "metrics_per_image"):
        for key, item in found[where].items():
            if item["low"] is not None:
                assert item["low"] <= item["value"] <= item["high"], key


def test_the_table_of_objects_has_the_same_counts(place: Path, instances: Found) -> None:
    table = pd.read_csv(place / "objects.csv")
    for row in instances["images"]:
        mine = table[table["image"] == row["name"]]
        sides = mine["side"].value_counts()
        assert sides["reference"] == row["n_reference"]
        assert sides["prediction"] == row["n_prediction"]


def test_pq_is_its_two_factors(instances: Found) -> None:
    found = values(instances)
    assert found["pq"] == pytest.approx(found["sq"] * found["rq"])  # type: ignore[operator]
    assert found["rq"] == found["f1@0.5"]
    assert found["sq"] == found["mean_matched_iou@0.5"]


def test_exchanged_sides_exchange_false_alarms_and_misses(place: Path, instances: Found) -> None:
    turned = compare_folders(place / "p", place / "r", thresholds=THRESHOLDS)
    one, other = values(instances), values(turned)
    for threshold in THRESHOLDS:
        assert other[f"f1@{threshold}"] == pytest.approx(one[f"f1@{threshold}"])
        assert other[f"precision@{threshold}"] == pytest.approx(one[f"recall@{threshold}"])
    for row, back in zip(instances["images"], turned["images"], strict=True):
        assert (row["fp@0.5"], row["fn@0.5"]) == (back["fn@0.5"], back["fp@0.5"])
        assert (row["split"], row["merged"]) == (back["merged"], back["split"])


def exchange(change: Callable[[NDArray[Any]], NDArray[Any]], place: Path, to: Path) -> Path:
    return write(to, {name: change(tifffile.imread(place / f"{name}.tif")) for name in IMAGES})


@pytest.mark.parametrize(
    "change",
    [
        lambda labels: np.where(labels > 0, labels * 37 % 101, 0).astype(np.uint16),
        lambda labels: labels.astype(np.int64),
        lambda labels: labels.astype(np.float32),
    ],
    ids=["other numbers", "64 bits", "whole floats"],
)
def test_names_of_objects_and_types_of_files_do_not_matter(
    place: Path, tmp_path: Path, instances: Found, change: Callable[[NDArray[Any]], NDArray[Any]]
) -> None:
    found = compare_folders(
        exchange(change, place / "r", tmp_path / "r"),
        exchange(change, place / "p", tmp_path / "p"),
        thresholds=THRESHOLDS,
    )
    assert values(found) == pytest.approx(values(instances), nan_ok=True)


def test_turned_and_mirrored_images_have_the_same_figures(
    place: Path, tmp_path: Path, instances: Found, masks: Found
) -> None:
    def turn(labels: NDArray[Any]) -> NDArray[Any]:
        return np.ascontiguousarray(labels[::-1].T)

    both = [exchange(turn, place / side, tmp_path / side) for side in "rp"]
    assert values(compare_folders(*both, thresholds=THRESHOLDS)) == pytest.approx(values(instances))
    turned = compare_folders(*both, task="semantic", foreground=True)
    assert values(turned) == pytest.approx(values(masks))
    # Betti errors and centrelines follow the pixels' own thinning, which knows directions.
    for key in ("dice", "nsd", "hausdorff", "masd", "assd"):
        assert values(turned, "metrics_per_image")[key] == pytest.approx(
            values(masks, "metrics_per_image")[key]
        )


def test_beside_others_a_candidate_keeps_its_figures(place: Path, instances: Found) -> None:
    together = compare_folders(place / "r", place / "p", place / "q", thresholds=THRESHOLDS)
    mine = together["candidates"]["p"]
    for key in ("metrics", "metrics_per_image", "images", "n_reference", "n_prediction"):
        assert mine[key] == instances[key]
    ranked = together["ranking"]["values"]
    assert ranked["p"]["value"] == mine["metrics"][together["ranking"]["metric"]]["value"]
    (pair,) = together["ranking"]["pairs"]
    assert pair["difference"]["value"] == pytest.approx(
        ranked[pair["first"]]["value"] - ranked[pair["second"]]["value"]
    )


def test_perfect_predictions_are_best_in_every_metric(place: Path) -> None:
    found = compare_folders(place / "r", place / "r" / ".." / "r", thresholds=THRESHOLDS)
    for key, value in values(found).items():
        best = 0 if key.startswith(("vi", "are", "split", "merge", "count_bias")) else 1
        if key in ("are_precision", "are_recall"):
            best = 1
        assert value == pytest.approx(best), key


def test_replicates_whose_names_hold_strokes_are_units_of_their_own(place: Path, tmp_path: Path) -> None:
    """``a/b`` of the group c and ``b`` of the group c/a were one unit, and the intervals those of three."""
    odd, plain = tmp_path / "odd.csv", tmp_path / "plain.csv"
    header = "image,group,replicate\n"
    odd.write_text(header + "i1,c,a/b\ni2,c/a,b\ni3,c,x\ni4,c/a,x\n")
    plain.write_text(header + "i1,c,r1\ni2,d,r1\ni3,c,x\ni4,d,x\n")
    one, other = (compare_folders(place / "r", place / "p", groups=sheet) for sheet in (odd, plain))
    assert one["metrics"]["f1@0.5"]["n_units"] == 4
    assert one["metrics"] == other["metrics"]
    assert one["metrics_per_image"] == other["metrics_per_image"]
