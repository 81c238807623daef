"""Objects against objects: values by hand, masks, and files that are no label images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pillow

from veriscope.io.labels import read_labels, write_labels
from veriscope.workflow.comparison.folders import compare_folders

Folder = Callable[..., Path]
Refusal = Callable[..., str]
AT_HALF = ("f1@0.5", "precision@0.5", "recall@0.5")


def dots(*numbers: int) -> NDArray[np.uint16]:
    """Squares of 2 x 2 pixels at places 1 to 8 of a grid, each labelled with its place."""
    labels = np.zeros((12, 24), np.uint16)
    for number in numbers:
        row, column = divmod(number - 1, 4)
        labels[6 * row + 2 : 6 * row + 4, 6 * column + 2 : 6 * column + 4] = number
    return labels


def spoiled(folder: Folder) -> tuple[Path, Path]:
    """Image a: 1 of 2 found. Image b: 4 of 4 found and 2 invented. Image c: nothing, and nothing found."""
    references = folder("labels", a=dots(1, 2), b=dots(1, 2, 3, 4), c=dots())
    return references, folder("found", a=dots(1), b=dots(1, 2, 3, 4, 5, 6), c=dots())


def test_pooled_and_mean_values_by_hand(folder: Folder) -> None:
    found = compare_folders(*spoiled(folder))
    assert (found["n_images"], found["n_reference"], found["n_prediction"]) == (3, 6, 7)
    assert found["thresholds"] == [0.5, 0.7, 0.9]
    pooled = {key: found["metrics"][key]["value"] for key in AT_HALF}
    assert pooled == pytest.approx({"f1@0.5": 10 / 13, "precision@0.5": 5 / 7, "recall@0.5": 5 / 6})
    assert found["metrics"]["count_bias"]["value"] == pytest.approx(7 / 6 - 1)
    mean = {key: found["metrics_per_image"][key] for key in AT_HALF}
    assert mean["f1@0.5"]["value"] == pytest.approx((2 / 3 + 8 / 10) / 2)
    assert mean["recall@0.5"]["value"] == pytest.approx((1 / 2 + 1) / 2)
    assert (mean["f1@0.5"]["n_units"], mean["f1@0.5"]["aggregation"]) == (2, "mean"), "image c says nothing"


def test_images_of_a_replicate_are_averaged_first(folder: Folder, tmp_path: Path) -> None:
    references = folder("labels", a=dots(1, 2), b=dots(1, 2, 3, 4), c=dots(1), d=dots(1, 2))
    predictions = folder("found", a=dots(1), b=dots(1, 2, 3, 4), c=dots(1), d=dots(1, 2, 3, 4))
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("image,group,replicate\na,x,1\nb,x,1\nc,x,2\nd,x,2\n")
    found = compare_folders(references, predictions, groups=sheet)
    assert found["unit"] == "replicate"
    recall, precision = (found["metrics_per_image"][key] for key in ("recall@0.5", "precision@0.5"))
    assert recall["value"] == pytest.approx(((0.5 + 1) / 2 + (1 + 1) / 2) / 2)
    assert precision["value"] == pytest.approx(((1 + 1) / 2 + (1 + 0.5) / 2) / 2)
    assert recall["n_units"] == 2
    assert found["metrics"]["recall@0.5"]["value"] == pytest.approx(8 / 9)
    advice = {row["item"]: row for row in found["advice"]["fingerprint"]}
    assert (advice["dependent_cases"]["answer"], advice["dependent_cases"]["figure"]) == (True, 2)


def test_thresholds_and_level_are_those_asked_for(folder: Folder) -> None:
    found = compare_folders(*spoiled(folder), thresholds=(0.6,), level=0.9)
    assert found["thresholds"] == [0.5, 0.6]
    assert found["level"] == found["metrics"]["f1@0.6"]["level"] == 0.9


def test_the_fingerprint_is_measured_on_the_files(folder: Folder) -> None:
    advice = compare_folders(*spoiled(folder), answers={"costlier_error": "misses"})["advice"]
    rows = {row["item"]: row for row in advice["fingerprint"]}
    assert rows["costlier_error"]["answer"] == "misses"
    assert rows["reference_may_be_empty"]["figure"] == pytest.approx(1 / 3)
    assert (rows["small_structures"]["answer"], rows["small_structures"]["source"]) == (True, "measured")
    assert rows["small_structures"]["figure"] == pytest.approx(2 * np.sqrt(4 / np.pi))
    assert advice["category"] == "instance"
    assert "touching" in rows and rows["touching"]["answer"] is False


def test_a_stated_size_of_objects_overrides_the_measured_one(folder: Folder, refusal: Refusal) -> None:
    pair = spoiled(folder)
    for options, small in (
        ({"object_size": 12}, False),
        ({"object_size": 12, "spacing": {"y": 2.0, "x": 2.0}}, True),
    ):
        advice = compare_folders(*pair, **options)["advice"]  # type: ignore[arg-type]
        (row,) = [row for row in advice["fingerprint"] if row["item"] == "small_structures"]
        assert (row["answer"], row["source"]) == (small, "said")
        assert row["figure"] == pytest.approx(2 * np.sqrt(4 / np.pi)), "what was measured is still shown"
    assert "spacing is given for axes 'x'" in refusal(*pair, spacing={"x": 1})


MASK = dots(1, 2, 3) > 0


@pytest.mark.parametrize(
    ("pixels", "what"),
    [
        (MASK, "is a mask (true/false), not a label image; give each object a number of its own"),
        (
            MASK.astype(np.uint8) * 255,
            "has only the values 0 and 255 in several separate regions, so it is a mask, not a label image; "
            "give each object a number of its own",
        ),
    ],
)
def test_masks_become_objects_where_that_is_asked_for(
    folder: Folder, refusal: Refusal, pixels: NDArray[Any], what: str
) -> None:
    references, masks = folder("labels", a=dots(1, 2, 3)), folder("masks")
    Pillow.fromarray(pixels).save(masks / "a.png")
    assert refusal(references, masks) == (
        f"masks/a.png: {what}, for example by connected components (touching objects merge then); "
        "--connected-components does that here"
    )
    found = compare_folders(references, masks, components=True)
    assert found["metrics"]["pq"]["value"] == 1
    assert (found["n_reference"], found["n_prediction"]) == (3, 3)


def test_a_mask_of_0_and_1_is_suspected(folder: Folder) -> None:
    references, masks = folder("labels", a=dots(1, 2, 3)), folder("masks", a=MASK.astype(np.uint8))
    found = compare_folders(references, masks)
    assert found["metrics"]["f1@0.5"]["value"] == 0
    assert found["notes"] == [
        f"{masks}/a.tif: has a single object, in 3 pieces; if it is a mask of several objects, compare with "
        "--connected-components"
    ]
    assert compare_folders(references, masks, components=True)["metrics"]["f1@0.5"]["value"] == 1


def test_components_leave_labels_as_they_are(folder: Folder) -> None:
    touching = np.array([[1, 1, 2, 2]], np.uint16).repeat(2, axis=0)
    references = folder("labels", a=touching)
    found = compare_folders(references, folder("masks", a=touching > 0), components=True)
    assert (found["n_reference"], found["n_prediction"]) == (2, 1), "touching objects of a mask merge"
    corner = np.eye(2, dtype=bool)
    found = compare_folders(folder("l2", a=corner), folder("m2", a=corner), components=True)
    assert found["n_reference"] == 1, "pieces that meet at a corner are one"


def test_what_is_no_label_image_is_told_of_all_files_and_candidates(folder: Folder, refusal: Refusal) -> None:
    references = folder("labels", a=dots(1), b=dots(1), c=dots(1) / np.float32(2), d=dots(1))
    one = folder("one", a=dots(1)[:, :-1], b=dots(1), c=-dots(1).astype(np.int16), d=dots(1))
    two = folder("two", a=dots(1), b=np.full((12, 24), np.nan, np.float32), c=dots(1), d=dots(1))
    Pillow.new("RGB", (24, 12)).save(two / "d.png")
    (two / "d.tif").unlink()
    assert refusal(references, one, two).splitlines() == [
        "5 of 8 pairs cannot be compared:",
        "  - one: a: the reference has shape (12, 24) and the prediction (12, 23); both must cover the same "
        "pixels (was one rescaled, cropped or transposed?)",
        "  - two: two/b.tif: has fractional, infinite or NaN values, so it is not a label image; save it "
        "with "
        "an integer type, 0 = background and one number per object",
        "  - labels/c.tif: has fractional, infinite or NaN values, so it is not a label image; save it with "
        "an "
        "integer type, 0 = background and one number per object",
        "  - one: one/c.tif: has negative values; labels are 0 (background) and positive numbers",
        "  - two: two/d.png: has colours (axes 'cyx') and so is no label image; labels are one integer per "
        "pixel: save them as a 16-bit TIFF from the program they were made with, not as a picture or overlay",
    ]


def test_whole_floats_are_labels(folder: Folder) -> None:
    references, found = folder("labels", a=dots(1, 2)), folder("found", a=dots(1, 2).astype(np.float32))
    assert compare_folders(references, found)["metrics"]["pq"]["value"] == 1


def test_a_full_8_bit_file_is_doubted(folder: Folder) -> None:
    full = np.arange(1024).reshape(32, 32)
    references, wrapped = folder("labels", a=full), folder("wrapped", a=full.astype(np.uint8))
    found = compare_folders(references, wrapped)
    assert found["notes"] == [
        f"{wrapped}/a.tif: all 255 values of 8-bit labels are used: numbers above 255 may be lost; save "
        "labels as 16-bit"
    ]
    rows = {row["item"]: row for row in found["advice"]["fingerprint"]}
    assert (rows["invalid_outputs"]["answer"], rows["invalid_outputs"]["figure"]) == (True, 1)


def test_stacks_are_compared_as_they_are(folder: Folder) -> None:
    stack = np.stack([dots(1, 2), dots(1, 2), dots(2)])
    references, found = folder("labels", a=stack), folder("found", a=np.where(stack == 1, 0, stack))
    values = compare_folders(references, found)["metrics"]
    assert values["recall@0.5"]["value"] == 0.5
    assert values["precision@0.5"]["value"] == 1


@pytest.mark.real_data
def test_real_nuclei_with_known_damage(data_dir: Path, tmp_path: Path) -> None:
    sources = sorted((data_dir / "dsb2018_fluorescence/labels").glob("*.tif"))[::40][:8]
    kept = total = 0
    for path in sources:
        labels = read_labels(path)
        ids = np.setdiff1d(labels, 0)
        kept, total = kept + len(ids[::2]), total + len(ids)
        write_labels(tmp_path / "references" / path.name, labels)
        write_labels(tmp_path / "halved" / path.name, np.where(np.isin(labels, ids[::2]), labels, 0))
        (tmp_path / "masks").mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / "masks" / path.name, labels > 0)
    found = compare_folders(tmp_path / "references", tmp_path / "halved")["metrics"]
    assert found["recall@0.9"]["value"] == pytest.approx(kept / total)
    assert found["precision@0.9"]["value"] == 1
    assert found["f1@0.5"]["value"] == pytest.approx(2 * kept / (total + kept))
    assert found["pq"]["value"] == pytest.approx(2 * kept / (total + kept)), "matches are identical"
    ranked = compare_folders(
        tmp_path / "references", tmp_path / "halved", tmp_path / "masks", components=True
    )
    assert ranked["candidates"]["halved"]["n_reference"] == total
    assert ranked["ranking"]["better"] == "higher"
    assert ranked["ranking"]["groups"][0][0] == "masks", "merging a few costs less than missing half"
