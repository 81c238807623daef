"""Plates and name patterns on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from veriscope.core.image import Image
from veriscope.io.plates import write_plate

from .conftest import Veriscope

SIZE = ("--method", "otsu-watershed", "--diameter", "9")


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    """Two wells of two fields."""
    rng = np.random.default_rng(4)
    pictures = (Image(rng.integers(0, 99, (40, 48), np.uint8), "yx", {"y": 1, "x": 1}) for _ in range(4))
    write_plate(tmp_path / "plate.ome.zarr", zip(("B02", "B02", "C03", "C03"), pictures, strict=True))
    return tmp_path / "plate.ome.zarr"


def test_new_takes_a_plate_and_a_sheet_of_wells(veriscope: Veriscope, plate: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("well,group\nB02,control\nC03,drug\n")
    made = veriscope("new", tmp_path / "study", "--images", plate, "--groups", sheet, *SIZE, "--json")
    assert (made.code, made.err) == (0, "")
    assert made.json["groups"] == {"control": 2, "drug": 2}
    rows = (tmp_path / "study" / "images.csv").read_text().splitlines()
    assert [row.split(",")[:3] for row in rows[1:]] == [
        ["B02-0", "control", "B02"],
        ["B02-1", "control", "B02"],
        ["C03-0", "drug", "C03"],
        ["C03-1", "drug", "C03"],
    ]
    by_row = veriscope("new", tmp_path / "rows", "--images", plate, "--group-by", "row", *SIZE)
    assert "4 images, groups: row B (2), row C (2)" in by_row.out
    refused = veriscope("new", tmp_path / "no", "--images", plate, "--acquisition", "3", *SIZE, "--json")
    assert refused.code == 1
    assert refused.message == "no field is of acquisition 3; there are: no acquisitions"


def test_info_and_predict_take_a_plate(veriscope: Veriscope, plate: Path, tmp_path: Path) -> None:
    told = veriscope("info", plate, "--json")
    assert [item["image"] for item in told.json["images"]] == ["B02-0", "B02-1", "C03-0", "C03-1"]
    assert {tuple(item["shape"]) for item in told.json["images"]} == {(40, 48)}
    done = veriscope("predict", "otsu-watershed", plate, "-o", tmp_path / "out", "--json")
    assert done.code == 0
    assert sorted(path.name for path in (tmp_path / "out").glob("*.tif")) == [
        "B02-0.tif",
        "B02-1.tif",
        "C03-0.tif",
        "C03-1.tif",
    ]


def test_new_takes_a_pattern_of_names(veriscope: Veriscope, tmp_path: Path) -> None:
    for name in ("p_A01_1.tif", "p_A01_2.tif", "p_B01_1.tif", "thumb.tif"):
        pixels = np.random.default_rng(1).integers(0, 99, (40, 48), np.uint8)
        (tmp_path / "in").mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / "in" / name, pixels)
    asked = ("--images", tmp_path / "in", "--pattern", "{plate}_{well}_{field}.tif", *SIZE)
    refused = veriscope("new", tmp_path / "study", *asked, "--json")
    assert refused.code == 1
    assert refused.message.replace(str(tmp_path), "D") == (
        "1 of 4 images in D/in do not fit the pattern '{plate}_{well}_{field}.tif':\n"
        "  - thumb.tif\n"
        "Change the pattern (* stands for text of no interest), or leave these out with --skip-bad."
    )
    made = veriscope("new", tmp_path / "study", *asked, "--skip-bad", "--group-by", "row", "--json")
    assert made.json["groups"] == {"row A": 2, "row B": 1}
    assert made.json["skipped"].startswith("1 was left out:\nthumb.tif: does not fit the pattern")
