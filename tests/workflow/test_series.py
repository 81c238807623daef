"""Studies of files that hold several images: one is chosen, or every one is an image of the study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from tests.ome_files import write_several as write
from tests.ome_files import write_slide

import veriscope.workflow.take_in
from veriscope.errors import InputError, TableError
from veriscope.io.hashing import sha256_of
from veriscope.io.images import read_image
from veriscope.workflow.describe import describe_images
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.plane_remarks import plane_remarks
from veriscope.workflow.study import Study

FIELDS = np.random.default_rng(0).integers(0, 900, (11, 40, 50)).astype(np.uint16)


def new(folder: Path, **options: Any) -> Study:
    return Study.new(
        folder / "study", images=folder / "in", methods=("otsu-watershed",), object="cell", **options
    )


def test_every_image_of_a_file_is_one_and_they_share_the_replicate(tmp_path: Path) -> None:
    write(tmp_path / "in/a.ome.tif", *FIELDS)
    write(tmp_path / "in/b.ome.tif", FIELDS[0])
    images = new(tmp_path, series="each").images
    assert [image.image_id for image in images] == [*(f"a_s{i:02d}" for i in range(11)), "b"]
    assert [image.replicate for image in images] == ["a"] * 11 + ["b"]
    assert {image.group for image in images} == {"all"}
    for image, pixels in zip(images[:11], FIELDS, strict=True):
        np.testing.assert_array_equal(StudyFolder(tmp_path / "study").read(image).pixels, pixels)
    assert images[3].notes == "image 3 (field 3: yx 40 × 50 uint16) of its file"
    assert images[11].notes == ""
    assert images[0].source == images[10].source == str(tmp_path / "in/a.ome.tif")


@pytest.mark.parametrize("in_place", [False, True])
def test_one_of_them_by_number_keeps_the_name_of_its_file(tmp_path: Path, in_place: bool) -> None:
    write(tmp_path / "in/a.ome.tif", *FIELDS[:3])
    (image,) = new(tmp_path, series=2, in_place=in_place).images
    assert (image.image_id, image.replicate) == ("a", "a")
    np.testing.assert_array_equal(StudyFolder(tmp_path / "study").read(image).pixels, FIELDS[2])


def test_in_place_each_is_read_where_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "in/a.ome.tif", *FIELDS[:3])
    images = new(tmp_path, series="each", in_place=True).images
    assert {image.path for image in images} == {str(path)}
    assert len({image.reading for image in images}) == 3
    for image, pixels in zip(images, FIELDS, strict=False):
        np.testing.assert_array_equal(StudyFolder(tmp_path / "study").read(image).pixels, pixels)


def test_without_a_choice_the_ways_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    write(tmp_path / "in/a.ome.tif", *FIELDS[:2])
    with pytest.raises(InputError, match=r"2 images.*--series each: 0 \(field 0.*1 \(field 1"):
        new(tmp_path)
    with pytest.raises(InputError, match=r"has no image 2; there are: 0 \(field 0"):
        new(tmp_path, series=2)
    for wrong in ("all", -1, 1.5):
        with pytest.raises(InputError, match="series"):
            new(tmp_path, series=wrong)
    assert not (tmp_path / "study").exists()


def test_a_sheet_names_files_or_single_images_of_them(tmp_path: Path) -> None:
    write(tmp_path / "in/a.ome.tif", *FIELDS[:2])
    write(tmp_path / "in/b.ome.tif", *FIELDS[2:4])
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("image,group,replicate\na.ome.tif,drug,m1\nb_s0,drug,m2\nb_s1,control,m3\n")
    images = new(tmp_path, series="each", groups=str(sheet)).images
    assert [(image.image_id, image.group, image.replicate) for image in images] == [
        ("a_s0", "drug", "m1"),
        ("a_s1", "drug", "m1"),
        ("b_s0", "drug", "m2"),
        ("b_s1", "control", "m3"),
    ]


def test_a_sheet_without_replicates_leaves_the_file_as_one(tmp_path: Path) -> None:
    write(tmp_path / "in/a.ome.tif", *FIELDS[:2])
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("image,group\na_s0,drug\na_s1,control\n")
    images = new(tmp_path, series="each", groups=str(sheet)).images
    assert [(image.group, image.replicate) for image in images] == [("drug", "a"), ("control", "a")]


def test_a_sheet_that_forgets_an_image_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "in/a.ome.tif", *FIELDS[:3])
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("image,group\na_s0,drug\na_s2,control\n")
    with pytest.raises(TableError, match=r"images without a row \(1\): a"):
        new(tmp_path, series="each", groups=str(sheet))


def test_what_cannot_be_used_of_a_file_is_named_by_its_number(tmp_path: Path) -> None:
    bad = np.full((40, 50), np.nan, np.float32)
    good = FIELDS[0].astype(np.float32)
    path = write(tmp_path / "in/a.ome.tif", good, bad, good)
    with pytest.raises(InputError) as caught:
        new(tmp_path, series="each")
    assert "1 of 3 images cannot be used" in str(caught.value)
    assert "  - image 1 of a.ome.tif" in str(caught.value)
    images = new(tmp_path, series="each", skip_bad=True).images
    assert [image.image_id for image in images] == ["a_s0", "a_s2"]
    assert "image 1 of" in (tmp_path / "study/skipped.txt").read_text(encoding="utf-8")
    assert path.exists()


def test_a_name_that_another_file_has_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "in/a.ome.tif", *FIELDS[:2])
    write(tmp_path / "in/a_s1.ome.tif", FIELDS[0])
    with pytest.raises(InputError, match=r"1 name is given twice.*a_s1"):
        new(tmp_path, series="each")


def test_channels_in_files_of_several_images_each_are_refused(tmp_path: Path) -> None:
    for channel in ("dapi", "gfp"):
        write(tmp_path / f"in/A01_{channel}.ome.tif", *FIELDS[:2])
    with pytest.raises(InputError, match="its channels are in 2 files, of which one holds 2 images; choose"):
        new(tmp_path, series="each", pattern="{well}_{channel}.ome.tif")


def test_of_a_slide_the_small_picture_of_it_is_no_image(tmp_path: Path) -> None:
    colours = np.repeat(FIELDS[0].astype(np.uint8)[..., None], 3, axis=2)
    (tmp_path / "in").mkdir()
    write_slide(tmp_path / "in/a.svs", colours, colours[:20])
    write(tmp_path / "in/b.ome.tif", *FIELDS[:2])
    images = new(tmp_path, series="each", channel="luminance").images
    assert [(image.image_id, image.replicate) for image in images] == [
        ("a", "a"),
        ("b_s0", "b"),
        ("b_s1", "b"),
    ]
    assert StudyFolder(tmp_path / "study").read(images[0]).pixels.shape == (3, 40, 50)


def test_time_lapses_of_one_file_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path / "in/a.ome.tif", FIELDS[:4], FIELDS[4:8], axes="TYX")
    images = new(tmp_path, series="each", plane="t=each").images
    assert [image.image_id for image in images] == [f"a_s{s}_t{t}" for s in range(2) for t in range(4)]
    assert {image.stack for image in images} == {"stacks/a_s0.ome.zarr", "stacks/a_s1.ome.zarr"}
    np.testing.assert_array_equal(read_image(tmp_path / "study" / images[6].path).pixels, FIELDS[6])
    (remark,) = plane_remarks(images)
    assert remark.startswith("8 images are time points of 2 time-lapses")


def test_a_large_file_is_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []

    def hashed(path: Path) -> str:
        seen.append(path)
        return sha256_of(path)

    monkeypatch.setattr(veriscope.workflow.take_in, "sha256_of", hashed)
    path = write(tmp_path / "in/a.ome.tif", *FIELDS[:4])
    images = new(tmp_path, series="each").images
    assert seen == [path]
    assert {image.sha256 for image in images} == {sha256_of(path)}


def test_planes_where_there_are_none_are_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hashed(path: Path) -> str:
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(veriscope.workflow.take_in, "sha256_of", hashed)
    write(tmp_path / "in/a.ome.tif", FIELDS[0])
    with pytest.raises(InputError, match=r"--plane t=each: no image is a time-lapse"):
        new(tmp_path, plane="t=each")


def test_all_images_of_a_file_are_described(tmp_path: Path) -> None:
    path = write(tmp_path / "in/a.ome.tif", FIELDS[0], FIELDS[0, :20])
    write(tmp_path / "in/b.ome.tif", FIELDS[0])
    for series in (None, "each"):
        rows = describe_images(tmp_path / "in", series=series)["images"]
        assert [(row["image"], row["series"], row["shape"]) for row in rows] == [
            ("a.ome.tif", 0, [40, 50]),
            ("a.ome.tif", 1, [20, 50]),
            ("b.ome.tif", None, [40, 50]),
        ]
        assert rows[1]["notes"][0] == "image 1 (field 1: yx 20 × 50 uint16) of the file"
    (row,) = describe_images(path, series=1)["images"]
    assert (row["series"], row["shape"]) == (None, [20, 50])


def test_an_image_that_cannot_be_read_hides_no_other_of_its_file(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as file:
        file.write(FIELDS[0], metadata={"axes": "YX"})
        file.write(np.stack([FIELDS[:2]] * 3), metadata={"axes": "QTYX"})
    found = describe_images(tmp_path / "a.ome.tif")
    assert [row["series"] for row in found["images"]] == [0]
    (fault,) = found["faults"]
    assert fault.startswith(f"image 1 of {tmp_path / 'a.ome.tif'}: ")
