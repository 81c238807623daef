"""Places on a plate, from the names of images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from veriscope.server.image_rows import image_list, images_etag
from veriscope.workflow.layout import StudyFolder, StudyImage

IMAGE = StudyImage(
    image_id="",
    group="all",
    replicate="1",
    source="/somewhere/a.tif",
    sha256="0" * 64,
    path="images/none.ome.zarr",
    axes="yx",
    shape="4x5",
    dtype="uint8",
    spacing="uncalibrated",
    channels="",
)


def listed(folder: Path, *names: str) -> tuple[list[object], list[object]]:
    images = [replace(IMAGE, image_id=name) for name in names]
    found = image_list(StudyFolder(folder), images, {})
    wells = [
        None if row.well is None else (row.well.plate, row.well.row, row.well.column, row.well.field)
        for row in found.images
    ]
    return wells, [(plate.plate, len(plate.rows), len(plate.columns)) for plate in found.plates]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("B03", ("plate", "B", "3", None)),
        ("A1", ("plate", "A", "1", None)),
        ("P24_f2", ("plate", "P", "24", "f2")),
        ("plate-1_B03", ("plate-1", "B", "3", None)),
        ("plate_A_2-H12-7", ("plate_A_2", "H", "12", "7")),
        ("2024 ü-C7", ("2024 ü", "C", "7", None)),
        ("Q30", ("plate", "Q", "30", None)),
        ("AF48", ("plate", "AF", "48", None)),
        ("x_AA01_3", ("x", "AA", "1", "3")),
    ],
)
def test_names_of_wells(tmp_path: Path, name: str, place: tuple[object, ...]) -> None:
    assert listed(tmp_path, name)[0] == [place]


@pytest.mark.parametrize(
    "name", ["A0", "A00", "A49", "AG1", "ZZ1", "BA1", "b3", "img", "A", "12", "A123", "A1\n", "cellA1", "A١"]
)
def test_names_that_are_no_wells(tmp_path: Path, name: str) -> None:
    assert listed(tmp_path, name) == ([None], [])


def test_a_plate_reaches_to_its_last_well(tmp_path: Path) -> None:
    assert listed(tmp_path, "B03", "D01")[1] == [("plate", 4, 3)]
    assert listed(tmp_path, "one_H12", "two_A1", "one_A1")[1] == [("one", 8, 12), ("two", 1, 1)]
    found = image_list(StudyFolder(tmp_path), [replace(IMAGE, image_id="AB2")], {}).plates[0]
    assert (found.rows[25:], found.columns) == (["Z", "AA", "AB"], ["1", "2"])


def test_one_image_without_a_well_and_there_is_no_plate(tmp_path: Path) -> None:
    assert listed(tmp_path, "B03", "overview", "D01") == ([None] * 3, [])


def test_an_image_whose_file_is_gone_is_listed_without_an_address(tmp_path: Path) -> None:
    row = image_list(StudyFolder(tmp_path), [replace(IMAGE, image_id="a b/ü")], {}).images[0]
    assert row.zarr is None
    assert row.thumbnail == f"/api/studies/{tmp_path.name}/images/a%20b%2F%C3%BC/thumbnail"
    assert row.source == "a.tif"


@pytest.mark.parametrize(
    "changes", [{"group": "b"}, {"replicate": "2"}, {"spacing": "y=1.0;x=1.0"}, {"image_id": "other"}]
)
def test_the_tag_follows_what_can_be_edited(changes: dict[str, str]) -> None:
    one = replace(IMAGE, image_id="one")
    assert images_etag([one]) == images_etag([replace(one)])
    assert images_etag([replace(one, **changes)]) != images_etag([one])
    assert images_etag([one, one]) != images_etag([one])


def test_tags_cannot_be_confused_by_what_stands_in_names() -> None:
    tricky = [("a", 'b", "c'), ('a", "b', "c"), ("a\0b", "c"), ("a", "b\0c"), ("", "ab"), ("ab", "")]
    tags = {images_etag([replace(IMAGE, image_id="x", group=g, replicate=r)]) for g, r in tricky}
    assert len(tags) == len(tricky)
