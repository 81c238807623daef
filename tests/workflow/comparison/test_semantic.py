"""Masks against masks: values by hand, several classes, empty images, infinite distances."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from veriscope.io.labels import read_labels
from veriscope.workflow.comparison.folders import compare_folders

Folder = Callable[..., Path]
Refusal = Callable[..., str]
SHAPE = (16, 24)


def box(top: int, left: int, height: int, width: int, *, value: int = 1) -> NDArray[np.uint8]:
    pixels = np.zeros(SHAPE, np.uint8)
    pixels[top : top + height, left : left + width] = value
    return pixels


NOTHING = np.zeros(SHAPE, np.uint8)


def compare(*folders: Path, **options: Any) -> dict[str, Any]:
    return compare_folders(*folders, task="semantic", **options)


def values(found: dict[str, Any], where: str = "metrics_per_image") -> dict[str, Any]:
    return {key: item["value"] for key, item in found[where].items()}


def test_pooled_and_mean_overlap_by_hand(folder: Folder) -> None:
    references = folder("labels", a=box(2, 2, 2, 4), b=box(4, 4, 8, 8), c=NOTHING)
    found = compare(references, folder("masks", a=box(2, 4, 2, 4), b=box(4, 4, 8, 8), c=NOTHING))
    # a: 4 shared, 4 on each side alone; b: 64 shared.
    assert values(found, "metrics") == pytest.approx(
        {"dice": 2 * 68 / (2 * 68 + 4 + 4), "iou": 68 / (68 + 4 + 4)}
    )
    mean = found["metrics_per_image"]
    assert mean["dice"]["value"] == pytest.approx((8 / 16 + 1) / 2)
    assert mean["iou"]["value"] == pytest.approx((4 / 12 + 1) / 2)
    assert mean["dice"]["n_units"] == 2, "image c has nothing on either side"
    assert mean["hausdorff"]["value"] == pytest.approx((2 + 0) / 2), "a is shifted by 2 pixels"
    assert [row["name"] for row in found["images"]] == ["a", "b", "c"]
    assert found["images"][2] == {"name": "c", "cluster": None}
    assert (found["length_unit"], found["boundary_tolerance"], found["n_infinite"]) == ("px", "two pixels", 0)
    assert found["advice"]["category"] == "semantic"


def test_replicates_are_averaged_first(folder: Folder, tmp_path: Path) -> None:
    full = box(2, 2, 4, 4)
    references = folder("labels", a=full, b=full, c=full)
    found = folder("masks", a=full, b=NOTHING, c=full)
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("image,group,replicate\na,x,1\nb,x,1\nc,x,2\n")
    result = compare(references, found, groups=sheet)
    assert result["metrics_per_image"]["dice"]["value"] == pytest.approx((1 / 2 + 1) / 2)
    assert result["metrics"]["dice"]["value"] == pytest.approx(2 * 32 / (2 * 32 + 16))
    assert (result["metrics"]["dice"]["n_units"], result["unit"]) == (2, "replicate")
    assert compare(references, found)["metrics_per_image"]["dice"]["value"] == pytest.approx(2 / 3)


def test_infinite_distances_are_counted_and_left_aside(folder: Folder) -> None:
    references = folder("labels", a=box(2, 2, 4, 4), b=box(2, 2, 4, 4), c=NOTHING)
    found = compare(references, folder("masks", a=box(2, 5, 4, 4), b=NOTHING, c=box(2, 2, 4, 4)))
    assert found["n_infinite"] == 2
    mean = found["metrics_per_image"]
    assert (mean["hausdorff"]["value"], mean["hausdorff"]["n_units"]) == (3, 1)
    assert mean["dice"]["value"] == pytest.approx((8 / 32 + 0 + 0) / 3)
    assert found["images"][1]["hausdorff"] is None
    assert found["images"][1]["nsd"] == 0


def test_distances_are_in_um_where_the_pixel_size_is_known(folder: Folder, refusal: Refusal) -> None:
    references, found = folder("labels", a=box(2, 2, 4, 4)), folder("masks", a=box(2, 5, 4, 4))
    result = compare(references, found, spacing={"y": 0.5, "x": 0.25})
    assert (result["length_unit"], result["metrics_per_image"]["hausdorff"]["value"]) == ("µm", 0.75)
    near, far = (
        values(compare(references, found, spacing={"y": 0.5, "x": 0.25}, boundary_tolerance=t))["nsd"]
        for t in (0.76, 0.1)
    )
    assert near == 1
    assert far < 0.5
    assert refusal(references, found, task="semantic", spacing={"z": 1, "y": 1, "x": 1}) == (
        "a: spacing is given for axes 'zyx' but the image has 'yx'; give one value in µm for each spatial "
        "axis"
    )


def test_several_classes_each_and_their_mean(folder: Folder) -> None:
    two = box(8, 8, 4, 4, value=2)
    references = folder("labels", a=box(2, 2, 4, 4) + two, b=box(2, 2, 4, 4))
    found = compare(references, folder("masks", a=box(2, 2, 4, 4), b=box(2, 2, 4, 4) + two))
    assert found["classes"] == [1, 2]
    assert values(found, "metrics") == pytest.approx({"dice[1]": 1, "iou[1]": 1, "dice[2]": 0, "iou[2]": 0})
    mean = values(found)
    assert (mean["dice[1]"], mean["dice[2]"], mean["dice"]) == (1, 0, 0.5)
    assert found["images"][0]["dice[2]"] == 0
    confused = compare(references, folder("swapped", a=box(2, 2, 4, 4, value=2), b=box(2, 2, 4, 4)))
    assert confused["images"][0]["dice[1]"] == 0, "the right place with the wrong class is no overlap"


@pytest.mark.parametrize("order", [("plain", "invents"), ("invents", "plain")])
def test_candidates_with_other_classes_have_figures_of_the_same_names(
    folder: Folder, order: tuple[str, str]
) -> None:
    """A class that only one candidate sees used to take the names away from its figures, and the ranking."""
    mask, second = box(2, 2, 4, 4), box(10, 10, 4, 4, value=2)
    references = folder("labels", a=mask, b=mask, c=mask)
    places = {
        "plain": folder("plain", a=mask, b=mask, c=mask),
        "invents": folder("invents", a=mask, b=mask + second, c=mask),
    }
    found = compare(references, *(places[name] for name in order), metric="dice[2]")
    plain, invents = (found["candidates"][name] for name in ("plain", "invents"))
    for where in ("metrics", "metrics_per_image"):
        assert plain[where].keys() == invents[where].keys()
    assert plain["classes"] == invents["classes"] == [1, 2]
    assert (values(plain, "metrics")["dice[2]"], values(invents, "metrics")["dice[2]"]) == (None, 0)
    assert list(found["ranking"]["values"]) == ["plain", "invents"]
    alone = compare(references, places["plain"])
    assert alone["classes"] == [1] and "dice" in alone["metrics"]


@pytest.mark.parametrize("make", [lambda mask: mask > 0, lambda mask: mask * 255])
def test_true_false_and_255_are_masks(folder: Folder, make: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
    references = folder("labels", a=box(2, 2, 4, 4))
    found = compare(references, folder("masks", a=make(box(2, 4, 4, 4))))
    assert found["classes"] == [1]
    assert found["metrics"]["dice"]["value"] == 0.5


def test_label_images_need_foreground(folder: Folder, refusal: Refusal) -> None:
    labels = np.arange(SHAPE[0] * SHAPE[1], dtype=np.uint16).reshape(SHAPE) % 23
    references, found = folder("labels", a=labels), folder("masks", a=(labels > 0))
    assert refusal(references, found, task="semantic") == (
        "labels/a.tif: has 22 different numbers, so it seems to be a label image of objects; compare objects "
        "with --task instance, or all of them as one class with --foreground"
    )
    assert values(compare(references, found, foreground=True), "metrics") == {"dice": 1, "iou": 1}


def test_faults_of_all_files_come_together(folder: Folder, refusal: Refusal) -> None:
    mask = box(2, 2, 4, 4)
    references = folder("labels", a=mask, b=mask, c=mask)
    maps = folder("maps", a=mask / np.float32(3), b=mask[:10], c=mask)
    tifffile.imwrite(maps / "c.tif", np.zeros((*SHAPE, 3), np.uint8), photometric="rgb")
    lines = refusal(references, maps, task="semantic").splitlines()
    assert lines[0] == "3 of 3 pairs cannot be compared:"
    assert lines[1].startswith("  - maps/a.tif: has fractional, infinite or NaN values")
    assert lines[2].startswith("  - b: the reference has shape (16, 24) and the prediction (10, 24)")
    assert lines[3].startswith("  - maps/c.tif: has colours")


def test_stacks_have_distances_along_z(folder: Folder) -> None:
    stack, moved = np.zeros((2, 6, *SHAPE), np.uint8)
    stack[1, 2:8, 2:8] = moved[3, 2:8, 2:8] = 1
    references, found = folder("labels", a=stack), folder("masks", a=moved)
    result = compare(references, found, spacing={"z": 2.0, "y": 0.5, "x": 0.5})
    assert result["metrics_per_image"]["hausdorff"]["value"] == 4
    assert result["metrics"]["dice"]["value"] == 0


def test_nothing_anywhere_gives_no_value(folder: Folder) -> None:
    found = compare(folder("labels", a=NOTHING), folder("masks", a=NOTHING))
    assert (found["metrics"], found["classes"], found["n_images"]) == ({}, [], 1)
    assert set(values(found).values()) == {None}


@pytest.mark.real_data
def test_real_masks_grown_by_one_pixel(data_dir: Path, tmp_path: Path) -> None:
    sources = sorted((data_dir / "dsb2018_fluorescence/labels").glob("*.tif"))[::60][:5]
    shared = grown = 0
    for name in ("labels", "grown"):
        (tmp_path / name).mkdir()
    for path in sources:
        mask = read_labels(path) > 0
        wide = binary_dilation(mask)
        shared, grown = shared + int(mask.sum()), grown + int(wide.sum())
        tifffile.imwrite(tmp_path / "labels" / path.name, mask)
        tifffile.imwrite(tmp_path / "grown" / path.name, wide)
    found = compare(tmp_path / "labels", tmp_path / "grown")
    assert found["metrics"]["dice"]["value"] == pytest.approx(2 * shared / (shared + grown))
    assert found["metrics"]["iou"]["value"] == pytest.approx(shared / grown)
    assert found["metrics_per_image"]["nsd"]["value"] > 0.99, "only closed gaps are more than two pixels off"
    assert 0.9 < found["metrics_per_image"]["assd"]["value"] < 1.1
