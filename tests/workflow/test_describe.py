"""What is said of image files before anything is made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from veriscope.core.image import Image
from veriscope.errors import UnreadableFileError
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.io.tiff_writer import write_tiff
from veriscope.workflow.describe import describe_images

CALIBRATED = Image(np.zeros((2, 5, 7), np.uint16), "cyx", {"y": 0.5, "x": 0.25}, ("DNA", "actin"))


def test_each_image_with_what_its_file_says(tmp_path: Path) -> None:
    write_tiff(tmp_path / "b.tif", CALIBRATED)
    write_ome_zarr(tmp_path / "a.ome.zarr", CALIBRATED)
    (tmp_path / "notes.txt").write_text("goes with images")
    (tmp_path / "talk.pptx").write_text("does not")
    found = describe_images(tmp_path)
    assert found["schema"] == "veriscope/info/1" and found["faults"] == []
    assert [row["image"] for row in found["images"]] == ["a.ome.zarr", "b.tif"]
    for row in found["images"]:
        assert (row["axes"], row["shape"], row["dtype"]) == ("cyx", [2, 5, 7], "uint16")
        assert (row["spacing"], row["channels"]) == ("0.5 × 0.25 µm", ["DNA", "actin"])
    assert found["images"][0]["format"] != found["images"][1]["format"]
    assert [Path(name).name for name in found["ignored_files"]] == ["talk.pptx"]


def test_what_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    write_tiff(tmp_path / "good.tif", CALIBRATED)
    (tmp_path / "cut.tif").write_bytes((tmp_path / "good.tif").read_bytes()[:30])
    (tmp_path / "empty.png").touch()
    found = describe_images(tmp_path)
    assert [row["image"] for row in found["images"]] == ["good.tif"]
    assert len(found["faults"]) == 2
    assert any("cut.tif" in fault for fault in found["faults"])
    assert any("empty.png" in fault for fault in found["faults"])


def test_uncalibrated_is_said(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4), np.uint8))
    (row,) = describe_images(tmp_path / "a.tif")["images"]
    assert (row["spacing"], row["channels"]) == ("uncalibrated", [])


def test_what_the_user_says_goes_before(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, 4, 5), np.uint8), photometric="minisblack")
    unsaid = describe_images(tmp_path)
    assert unsaid["images"] == [] and "axes" in unsaid["faults"][0]
    said = describe_images(tmp_path, axes="zyx", spacing={"z": 2, "y": 0.1, "x": 0.1})
    (row,) = said["images"]
    assert (row["axes"], row["shape"], row["spacing"]) == ("zyx", [3, 4, 5], "2 × 0.1 × 0.1 µm")


def test_one_of_several_images_of_a_file(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as file:
        for side in (4, 9):
            file.write(np.zeros((side, side), np.uint8), metadata={"axes": "YX"})
    assert [row["series"] for row in describe_images(tmp_path)["images"]] == [0, 1]
    for series, side in ((0, 4), (1, 9)):
        (row,) = describe_images(tmp_path, series=series)["images"]
        assert row["shape"] == [side, side]
    (fault,) = describe_images(tmp_path, series=7)["faults"]
    assert "7" in fault


def test_several_places_at_once_and_none(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_tiff(tmp_path / name / f"{name}.tif", CALIBRATED)
    found = describe_images([tmp_path / "one", str(tmp_path / "two" / "*.tif")])
    assert [row["image"] for row in found["images"]] == ["one.tif", "two.tif"]
    with pytest.raises(UnreadableFileError, match="nowhere"):
        describe_images(tmp_path / "nowhere")
