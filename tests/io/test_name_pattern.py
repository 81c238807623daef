"""Patterns of file names: what they read, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.image import Image
from veriscope.errors import InputError, UnreadableFileError
from veriscope.io.name_pattern import NamePattern, find_by_pattern
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.io.wells import Place

IMAGEXPRESS = "TimePoint_1/{plate}_{well}_s{field}_w{channel}.tif"
OPERETTA = "Images/r{row}c{column}f{field}p01-ch{channel}sk*.tiff"


@pytest.mark.parametrize(
    ("pattern", "name", "place"),
    [
        (IMAGEXPRESS, "TimePoint_1/my_exp_B03_s2_w1.tif", Place("my_exp", "B", "03", "2", channel="1")),
        (OPERETTA, "Images/r02c11f001p01-ch1sk1fk1fl1.tiff", Place("", "B", "11", "001", channel="1")),
        (OPERETTA, "Images/r02c11f001p02-ch1sk1fk1fl1.tiff", None),
        (
            "{row} - {column}(fld {field} wv {channel} - *).tif",
            "A - 01(fld 3 wv DAPI - DAPI).tif",
            Place("", "A", "01", "3", channel="DAPI"),
        ),
        (
            "*_{well}_T0001F{field}L*C{channel}.tif",
            "Assay_7_C07_T0001F012L01A01Z01C02.tif",
            Place("", "C", "07", "012", channel="02"),
        ),
        ("{group}/{replicate}/*.tif", "high dose/m 1/a.tif", Place(group="high dose", replicate="m 1")),
        ("{group}/{replicate}/*.tif", "high dose/m 1/deep/a.tif", None),
        ("{well}.tif", "b3.tif", Place(row="B", column="03")),
        ("{well}.tif", "B0.tif", None),
        ("{well}.tif", "B3.tiff", None),
        ("a+b_{field}.tif", "a+b_1.tif", Place(field="1")),
        ("a+b_{field}.tif", "aab_1.tif", None),
    ],
)
def test_what_a_name_says(pattern: str, name: str, place: Place | None) -> None:
    assert NamePattern(pattern).match(name) == place


@given(
    row=st.sampled_from("ABCDEFGHIJKLMNOP"),
    column=st.integers(1, 48),
    field=st.integers(0, 9999),
    plate=st.text("abc_XYZ019-", min_size=1, max_size=12),
)
def test_a_name_made_of_parts_is_read_back(row: str, column: int, field: int, plate: str) -> None:
    name = f"{plate}.{row}{column:02d}.{field}.tif"
    expected = Place(plate, row, f"{column:02d}", str(field))
    assert NamePattern("{plate}.{well}.{field}.tif").match(name) == expected


ALLOWED = "placeholders are {well}, {row}, {column}, {field}, {plate}, {group}, {replicate}, {channel}"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{site}.tif", f"pattern '{{site}}.tif': {{site}} is unknown; {ALLOWED}"),
        ("{well.tif", f"pattern '{{well.tif': braces must hold a placeholder; {ALLOWED}"),
        ("{}.tif", f"pattern '{{}}.tif': braces must hold a placeholder; {ALLOWED}"),
        ("*.tif", f"pattern '*.tif' has no placeholder; {ALLOWED}"),
        ("{well}{well}", "pattern '{well}{well}': {well} stands twice; give each placeholder once"),
        ("{well}{row}", "pattern '{well}{row}': give {well}, or {row} and {column}, not both"),
        ("{row}.tif", "pattern '{row}.tif': {row} and {column} name a well together; give both"),
    ],
)
def test_wrong_patterns_are_refused(pattern: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        NamePattern(pattern)
    assert str(caught.value) == message


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def found(folder: Path, pattern: str, **options: bool) -> list[str]:
    return [file.stem for file in find_by_pattern([folder], pattern, **options).files]


def message(folder: Path, pattern: str) -> str:
    with pytest.raises(InputError) as caught:
        find_by_pattern([folder], pattern)
    return str(caught.value).replace(str(folder), "D")


def test_names_of_images_are_wells_and_fields_or_the_path(tmp_path: Path) -> None:
    touch(
        tmp_path / "a",
        "p1_B3_2.tif",
        "p1_b03_10.tif",
        "p1_A1_1.tif",
        "notes.csv",
        ".x.tif",
        ".old/p1_A1_1.tif",
    )
    assert found(tmp_path / "a", "{plate}_{well}_{field}.tif") == ["A01-1", "B03-2", "B03-10"]
    touch(tmp_path / "a", "p2_A1_1.tif")
    assert found(tmp_path / "a", "{plate}_{well}_{field}.tif")[0] == "p1_A01-1"
    touch(tmp_path / "b", "x/1/a.tif", "x/2/a.tif")
    assert found(tmp_path / "b", "{group}/{replicate}/*.tif") == ["x_1_a", "x_2_a"]
    write_ome_zarr(tmp_path / "c" / "B04.ome.zarr", Image(np.zeros((4, 4), np.uint8), "yx"))
    assert found(tmp_path / "c", "{well}.ome.zarr") == ["B04"]


def test_images_that_do_not_fit_are_listed_together(tmp_path: Path) -> None:
    touch(tmp_path, "A01_1.tif", "A1.tif", "thumbs/A01_1.tif", "readme.txt", "overview.png")
    assert message(tmp_path, "{well}_{field}.tif") == (
        "3 of 4 images in D do not fit the pattern '{well}_{field}.tif':\n"
        "  - A1.tif\n"
        "  - overview.png\n"
        "  - thumbs/A01_1.tif\n"
        "Change the pattern (* stands for text of no interest), or leave these out with --skip-bad."
    )
    fitting = find_by_pattern([tmp_path], "{well}_{field}.tif", partial=True)
    assert (len(fitting.files), fitting.unfit) == (1, ("A1.tif", "overview.png", "thumbs/A01_1.tif"))


def test_a_pattern_that_fits_nothing_shows_what_is_there(tmp_path: Path) -> None:
    touch(tmp_path, *(f"img{i:02d}.tif" for i in range(23)))
    said = message(tmp_path, "{well}.tif").split("\n")
    assert said[:2] == ["D: no image fits the pattern '{well}.tif'; there are:", "  - img00.tif"]
    assert said[-2:] == ["  … and 3 more", "Change the pattern (* stands for text of no interest)."]
    (tmp_path / "empty").mkdir()
    assert message(tmp_path / "empty", "{well}.tif").startswith(
        "D: no image in it or in its folders; endings"
    )
    with pytest.raises(
        UnreadableFileError, match="no such folder; with a pattern, give the folder it starts"
    ):
        find_by_pattern([tmp_path / "none"], "{well}.tif")


def test_images_that_the_pattern_does_not_tell_apart_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "A01_z1_c1.tif", "A01_z2_c1.tif", "A1_z3_c1.tif", "B01_z1_c1.tif")
    assert message(tmp_path, "{well}_*_c{channel}.tif") == (
        "the pattern '{well}_*_c{channel}.tif' gives several images the same name:\n"
        "  - A01 channel 1: D/A01_z1_c1.tif and D/A01_z2_c1.tif and D/A1_z3_c1.tif\n"
        "Write {plate}, {field} or {channel} where these names differ, or the text itself to choose one, "
        "such as p01 in the place of *."
    )
