"""Changes of images.csv: all of them or none, and never to what cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from veriscope.errors import InputError, StudyError, VeriscopeError
from veriscope.workflow.image_table import RowChange, apply_sheet, change_images, why_fixed
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.sheet import read_sheet


def image(name: str, **changes: str) -> StudyImage:
    values = {
        "image_id": name,
        "group": "all",
        "replicate": name,
        "source": f"/data/{name}.tif",
        "sha256": "0" * 64,
        "path": f"images/{name}.ome.zarr",
        "axes": "yx",
        "shape": "10x12",
        "dtype": "uint8",
        "spacing": "uncalibrated",
        "channels": "",
    }
    return StudyImage(**(values | changes))


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    found = StudyFolder(tmp_path)
    found.write_images((image("a"), image("b"), image("c ü;,\"'")))
    return found


def content(folder: StudyFolder) -> bytes:
    return folder.images_table.read_bytes()


def test_a_table_comes_back_as_it_was_written(folder: StudyFolder) -> None:
    before = folder.images()
    assert [one.image_id for one in before] == ["a", "b", "c ü;,\"'"]
    first = content(folder)
    folder.write_images(before)
    assert (folder.images(), content(folder)) == (before, first)


def test_what_is_not_named_stays(folder: StudyFolder) -> None:
    found = change_images(folder, [RowChange("b", group="treated"), RowChange("a", replicate="mouse 1")])
    assert [(one.group, one.replicate) for one in found][:2] == [("all", "mouse 1"), ("treated", "b")]
    assert found == folder.images()
    assert found[2] == image("c ü;,\"'")


def test_later_changes_of_an_image_come_after_earlier_ones(folder: StudyFolder) -> None:
    found = change_images(
        folder, [RowChange("a", group="x"), RowChange("a", replicate="y"), RowChange("a", group="z")]
    )
    assert (found[0].group, found[0].replicate) == ("z", "y")


def test_no_change_changes_no_byte(folder: StudyFolder) -> None:
    before = content(folder)
    change_images(folder, [])
    change_images(folder, [RowChange("a"), RowChange("b", group="all")])
    assert content(folder) == before


@pytest.mark.parametrize(
    "word", ["a, b", "=1+1", 'say "hi"', "漢字", "x" * 500, "0", "01", "NA", "nan", "1e5", "'"]
)
def test_words_of_any_kind_come_back(folder: StudyFolder, word: str) -> None:
    change_images(folder, [RowChange("a", group=f" {word} ", replicate=word)])
    assert (folder.images()[0].group, folder.images()[0].replicate) == (word, word)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (RowChange("nope", group="x"), "the study has no image 'nope'"),
        (RowChange("a", group=""), "a: '' cannot be a group or replicate; give a word"),
        (RowChange("a", group=" \t"), "a: ' \\t' cannot be a group or replicate; give a word"),
        (RowChange("a", replicate="x\ny"), "a: 'x\\ny' cannot be a group or replicate; give a word"),
        (RowChange("a", replicate="x\0"), "a: 'x\\x00' cannot be a group or replicate; give a word"),
        (
            RowChange("a", spacing={"y": 1.0}),
            "a: has axes y, x and a pixel size was given for y; give it for each of them",
        ),
        (
            RowChange("a", spacing={"y": 1.0, "x": 1.0, "z": 1.0}),
            "a: has axes y, x and a pixel size was given for x, y, z; give it for each of them",
        ),
        (RowChange("a", spacing={"y": 0.0, "x": 1.0}), "a: spacing y=0.0 is not a positive number of µm"),
        (RowChange("a", spacing={"y": 1.0, "x": -1.0}), "a: spacing x=-1.0 is not a positive number of µm"),
        (
            RowChange("a", spacing={"y": float("nan"), "x": 1}),
            "a: spacing y=nan is not a positive number of µm",
        ),
        (
            RowChange("a", spacing={"y": float("inf"), "x": 1}),
            "a: spacing y=inf is not a positive number of µm",
        ),
    ],
)
def test_one_wrong_change_and_none_is_made(folder: StudyFolder, change: RowChange, message: str) -> None:
    before = content(folder)
    with pytest.raises(VeriscopeError) as caught:
        change_images(folder, [RowChange("b", group="new"), change])
    assert message in str(caught.value)
    assert content(folder) == before


def test_all_wrong_changes_are_named(folder: StudyFolder) -> None:
    with pytest.raises(InputError) as caught:
        change_images(
            folder, [RowChange("x", group="g"), RowChange("a", group=""), RowChange("y", group="g")]
        )
    assert str(caught.value) == (
        "some changes cannot be made:\n"
        "  - the study has no image 'x'\n"
        "  - a: '' cannot be a group or replicate; give a word\n"
        "  - the study has no image 'y'\n"
        "Nothing was changed."
    )


def test_pixel_sizes_are_given_for_all_or_none(folder: StudyFolder) -> None:
    size = {"x": 0.25, "y": 0.5}
    with pytest.raises(InputError) as caught:
        change_images(folder, [RowChange("a", spacing=size)])
    assert str(caught.value) == (
        "2 images would have no pixel size (b, c ü;,\"') and the others one; give it for all or for none, so "
        "that sizes can be compared"
    )
    found = change_images(folder, [RowChange(one.image_id, spacing=size) for one in folder.images()])
    assert {(one.spacing, one.pixel_area, one.spacing_text) for one in found} == {
        ("y=0.5;x=0.25", 0.125, "0.5 × 0.25 µm")
    }
    with pytest.raises(InputError) as caught:
        change_images(folder, [RowChange("a", spacing={})])
    assert (
        "a: its pixel size 0.5 × 0.25 µm comes from the file; give the right one instead of removing it"
        in str(caught.value)
    )


@pytest.mark.parametrize("size", [1 / 3, 0.1 + 0.2, 1e-7, 12345.678])
def test_a_pixel_size_is_kept_to_its_last_digit(folder: StudyFolder, size: float) -> None:
    change_images(
        folder, [RowChange(one.image_id, spacing={"y": size, "x": size}) for one in folder.images()]
    )
    assert {one.pixel_area for one in folder.images()} == {size * size}


def test_a_sheet_changes_all_or_nothing(folder: StudyFolder, tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text('image,group,animal\na.tif,x,1\nb,y,2\n"c ü;,""\'",x,3\n')
    found = apply_sheet(folder, read_sheet(path))
    assert [(one.group, one.replicate) for one in found] == [("x", "1"), ("y", "2"), ("x", "3")]
    before = content(folder)
    path.write_text("image,group\na,z\nother,z\n")
    with pytest.raises(VeriscopeError) as caught:
        apply_sheet(folder, read_sheet(path))
    assert "other" in str(caught.value)
    assert content(folder) == before


def test_after_the_draw_nothing_changes(run_study: Any) -> None:
    folder = StudyFolder(run_study.path)
    name = folder.images()[0].image_id
    assert why_fixed(folder) == ""
    change_images(folder, [RowChange(name, replicate="other")])
    run_study.audit(tiles=4)
    before = content(folder)
    with pytest.raises(StudyError) as caught:
        change_images(folder, [RowChange(name, group="new")])
    assert str(caught.value) == (
        "Tiles were drawn group by group, so groups and replicates are fixed from then on; make a new study "
        "to change them"
    )
    assert content(folder) == before
