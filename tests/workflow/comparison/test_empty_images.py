"""A candidate that finds nothing where nothing is ranks above one that invents, in every kind of problem.

By itself it has no F1, Dice or PQ there: nothing can be said. Metrics Reloaded's program counts an empty
reference with an empty prediction as the best value, which is what a comparison needs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from veriscope.workflow.comparison.folders import compare_folders

Folder = Callable[..., Path]
N = 7


def objects(n: int) -> NDArray[np.uint16]:
    labels = np.zeros((6, 24), np.uint16)
    for number in range(n):
        labels[1:4, 6 * number + 1 : 6 * number + 5] = number + 1
    return labels


def holes(n: int) -> NDArray[np.uint8]:
    """A mask with so many holes; none at all for -1."""
    mask = np.zeros((8, 24), np.uint8)
    if n >= 0:
        mask[1:7, 1:23] = 1
        mask[3, 2 : 2 + 2 * n : 2] = 0
    return mask


def ranked(*folders: Path, **options: Any) -> tuple[list[str], dict[str, Any], dict[str, float | None]]:
    """Order, the one pair, and the values of two candidates."""
    ranking = compare_folders(*folders, **options)["ranking"]
    values = {name: item["value"] for name, item in ranking["values"].items()}
    (pair,) = ranking["pairs"]
    return list(values), pair, values


@pytest.fixture
def empty(folder: Folder) -> list[Path]:
    """References without an object; one candidate invents one in each image, the other does not."""
    nothing = {f"i{n}": objects(0) for n in range(N)}
    return [
        folder("labels", **nothing),
        folder("invents", **{f"i{n}": objects(1) for n in range(N)}),
        folder("silent", **nothing),
    ]


@pytest.mark.parametrize("metric", ["f1@0.5", "f1@0.9", "ap@0.5", "precision@0.5", "pq", "rq", "aji"])
def test_nothing_in_any_image(empty: list[Path], metric: str) -> None:
    order, pair, values = ranked(*empty, metric=metric)
    assert order == ["silent", "invents"]
    assert (pair["better"], pair["difference"]["value"]) == ("silent", 1)
    assert pair["p_value"] == 2 ** (1 - N), "seven of seven images: a sign test"
    assert values == {"silent": None, "invents": 0}, "alone, nothing can be said of the silent one"


@pytest.mark.parametrize("metric", ["recall@0.5", "mean_matched_iou@0.5", "sq", "are_recall"])
def test_metrics_that_see_no_invention_say_nothing(empty: list[Path], metric: str) -> None:
    _, pair, values = ranked(*empty, metric=metric)
    assert values == {"silent": None, "invents": None}
    assert (pair["better"], pair["p_value"], pair["difference"]["value"]) == (None, None, None)


def test_an_image_that_nobody_filled_changes_nothing(folder: Folder) -> None:
    some = {f"i{n}": objects(1 + n % 3) for n in range(5)}
    poor = {f"i{n}": objects(n % 2) for n in range(5)}
    without = [folder("labels", **some), folder("a", **poor), folder("b", **some)]
    more = {f"e{n}": objects(0) for n in range(3)}
    with_empty = [
        folder("more/labels", **some | more),
        folder("more/a", **poor | more),
        folder("more/b", **some | more),
    ]
    for metric in ("f1@0.5", "pq", "aji"):
        before, after = (compare_folders(*those, metric=metric)["ranking"] for those in (without, with_empty))
        assert before["values"] == after["values"]
        assert before["pairs"] == after["pairs"]
        assert before["groups"] == after["groups"]


def test_one_image_with_objects_among_empty_ones(folder: Folder) -> None:
    """Leaving that image out leaves a silent candidate without F1, which is no reason to say nothing."""
    truth = {f"i{n}": objects(2 if n == 0 else 0) for n in range(N)}
    invents = {name: labels if name == "i0" else objects(1) for name, labels in truth.items()}
    order, pair, values = ranked(
        folder("labels", **truth), folder("invents", **invents), folder("right", **truth), metric="f1@0.5"
    )
    assert order == ["right", "invents"]
    assert values == {"right": 1, "invents": pytest.approx(2 * 2 / (2 * 2 + N - 1))}
    assert pair["difference"]["value"] == pytest.approx(1 - 0.4)
    assert pair["p_value"] is not None and pair["difference"]["low"] is not None


def test_draws_of_empty_images_alone_are_won_by_the_silent(folder: Folder) -> None:
    """Two of three images are empty, so that 8 of 27 draws have none with objects."""
    truth = {"i0": objects(3), "i1": objects(0), "i2": objects(0)}
    found = compare_folders(
        folder("labels", **truth),
        folder("invents", **truth | {"i1": objects(1), "i2": objects(1)}),
        folder("silent", **truth | {"i0": objects(3)}),
        metric="f1@0.5",
    )["ranking"]["stability"]
    first = {item["name"]: item["probability_first"] for item in found["candidates"]}
    # They tie where the first image is drawn three times, once in 27 draws.
    assert first["silent"] == pytest.approx(1 - 0.5 / 27, abs=0.02)


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_boxes_where_nothing_is(folder: Folder, tmp_path: Path) -> None:
    references = folder("labels", **{f"i{n}": objects(0) for n in range(N)})
    boxes = "image,xmin,ymin,xmax,ymax"
    invents = write(tmp_path / "invents.csv", boxes, *(f"i{n},2,2,9,5" for n in range(N)))
    silent = write(tmp_path / "silent.csv", boxes)
    for metric in ("f1", "precision"):
        order, pair, values = ranked(references, invents, silent, task="detection", metric=metric)
        assert order == ["silent.csv", "invents.csv"]
        assert (pair["better"], values) == ("silent.csv", {"silent.csv": None, "invents.csv": 0})


@pytest.mark.parametrize("metric", ["dice", "iou", "nsd", "boundary_iou", "centreline_dice"])
def test_masks_where_nothing_is(folder: Folder, metric: str) -> None:
    nothing = {f"i{n}": holes(-1) for n in range(N)}
    order, pair, _ = ranked(
        folder("labels", **nothing),
        folder("invents", **{name: holes(0) for name in nothing}),
        folder("silent", **nothing),
        task="semantic",
        metric=metric,
    )
    assert (order, pair["better"]) == (["silent", "invents"], "silent")


@pytest.mark.parametrize("metric", ["betti_error", "betti_matching_error", "line_gaps"])
def test_errors_of_inventions_count_where_less_is_better(folder: Folder, metric: str) -> None:
    """Six of seven images are empty; one candidate is perfect, the other invents a mask with a hole there."""
    truth = {f"i{n}": holes(0 if n == 0 else -1) for n in range(N)}
    folders = [
        folder("labels", **truth),
        folder("invents", **{name: holes(0 if name == "i0" else 1) for name in truth}),
        folder("right", **truth),
    ]
    ranking = compare_folders(
        *folders, task="semantic", metric=metric, answers={"tubular": True, "connections_matter": True}
    )["ranking"]
    values = {name: item["value"] for name, item in ranking["values"].items()}
    assert list(values) == ["right", "invents"]
    wrong = 1 if metric == "line_gaps" else 2  # a line, or a piece and its hole
    assert values == {"right": 0, "invents": pytest.approx(wrong * 6 / 7)}
    assert ranking["n_left_aside"] == 0


def test_infinite_distances_stay_left_aside(folder: Folder) -> None:
    truth = {f"i{n}": holes(0 if n < 3 else -1) for n in range(N)}
    ranking = compare_folders(
        folder("labels", **truth),
        folder("invents", **{name: holes(0) for name in truth}),
        folder("right", **truth),
        task="semantic",
        metric="hausdorff",
    )["ranking"]
    assert (ranking["n_left_aside"], ranking["groups"]) == (4, [["invents", "right"]])


def test_divisions_that_are_not_there(tmp_path: Path) -> None:
    """Sequences without a division: to invent some is worse than to have none."""
    plain, split = (np.zeros((4, 6, 12), np.uint16) for _ in range(2))
    plain[:, 2:5, 1:4] = 1
    plain[:, 2:5, 7:10] = 2
    split[:2], split[2:, 2:5, 1:4], split[2:, 2:5, 7:10] = np.where(plain[:2] == 1, 1, 0), 2, 3
    rows = {"labels": ["1 0 3 0", "2 0 3 0"], "steady": ["1 0 3 0", "2 0 3 0"]}
    rows["splits"] = ["1 0 1 0", "2 2 3 1", "3 2 3 1"]
    for name, lines in rows.items():
        for number in range(3):
            place = tmp_path / name / f"s{number}"
            place.mkdir(parents=True)
            frames = split if name == "splits" else plain
            tifffile.imwrite(place / "frames.tif", frames, photometric="minisblack")
            write(place / "man_track.txt", *lines)
    folders = [tmp_path / name for name in ("labels", "splits", "steady")]
    order, pair, values = ranked(*folders, task="tracking", metric="division_f1")
    assert order == ["steady", "splits"]
    assert values == {"steady": None, "splits": 0}
    assert pair["difference"]["value"] == 1
    seen, _, _ = ranked(*folders, task="tracking", metric="seg")
    assert seen == ["steady", "splits"]
