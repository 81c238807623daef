"""Training takes the sheets that a study takes: of any separator and encoding, with any way to write ü."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.errors import InputError, TableError
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.images.split import group_images
from veriscope.training.images.split_tables import read_sheet, read_split
from veriscope.training.supervised import train_files
from veriscope.workflow.sheet import read_sheet as read_groups

SHEET = "Filename;Group;Animal\nMäuse 1.tif;control;m1\nb.2.tif;drug, 1 µM;m2\n"
SPLIT = "stem;split;field_group\nMäuse 1;train;f1\nb.2;test;f2\n"
MAKES = {
    "semicolons": SHEET.encode(),
    "tabs": SHEET.replace(";", "\t").encode(),
    "a byte order mark": SHEET.encode("utf-8-sig"),
    "Excel's Unicode text": SHEET.replace(";", "\t").encode("utf-16"),
    "Excel's line with the separator": b"sep=;\r\n" + SHEET.replace("\n", "\r\n").encode(),
    "an umlaut in two characters": unicodedata.normalize("NFD", SHEET).encode(),
    "empty rows at the end": (SHEET + ";;\n\n").encode(),
    "spaces around cells": SHEET.replace(";", " ; ").encode(),
}


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("make", MAKES)
def test_a_sheet_that_a_study_takes_is_taken_for_training(tmp_path: Path, make: str) -> None:
    path = written(tmp_path, MAKES[make])
    sheet, groups = read_sheet(path), read_groups(path)
    assert {stem: (row["group"], row["animal"]) for stem, row in sheet.items()} == {
        unicodedata.normalize("NFC", stem): (one.group, one.replicate) for stem, one in groups.items()
    }
    for form in ("NFC", "NFD"):  # as Windows and Linux write names of files, and as macOS does
        stem = unicodedata.normalize(form, "Mäuse 1")  # type: ignore[arg-type]
        assert stem in sheet
        assert sheet[stem]["animal"] == "m1"
    assert "Mäuse 1.tif" not in sheet


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_split_is_read_from_every_make_of_table(tmp_path: Path, separator: str, encoding: str) -> None:
    table = read_split(written(tmp_path, SPLIT.replace(";", separator).encode(encoding)))
    assert {stem: (row["split"], row["field_group"]) for stem, row in table.items()} == {
        "Mäuse 1": ("train", "f1"),
        "b.2": ("test", "f2"),
    }
    assert table[unicodedata.normalize("NFD", "Mäuse 1")]["split"] == "train"


def test_the_same_name_written_in_two_ways_is_one_image(tmp_path: Path) -> None:
    apart = unicodedata.normalize("NFD", "ü")
    with pytest.raises(TableError, match="1 image stands in more than one row; keep one of each"):
        read_sheet(written(tmp_path, f"image,animal\nü,1\n{apart},2\n"))


def test_a_table_of_boxes_says_the_parts_of_its_images_too(tmp_path: Path) -> None:
    rows = ("a.jpg,train,m1,RBC,1", "a.jpg,train,m1,WBC,7", "b.jpg,test,m2,RBC,3", "a.jpg,train,m1,RBC,9")
    table = read_split(written(tmp_path, "\n".join(("image,split,animal,class,xmin", *rows))))
    assert {stem: dict(row) for stem, row in table.items()} == {
        "a": {"image": "a.jpg", "split": "train", "animal": "m1"},
        "b": {"image": "b.jpg", "split": "test", "animal": "m2"},
    }


def test_an_image_of_two_parts_is_refused(tmp_path: Path) -> None:
    message = "a is said to be in train and in test; an image is in one part: correct its rows"
    with pytest.raises(TableError, match=message):
        read_split(written(tmp_path, "stem,split\na,train\nb,val\na,test\n"))
    with pytest.raises(TableError, match="row 2 below the header names no image"):
        read_split(written(tmp_path, "stem,split\na,train\n,val\n,val\n"))


def test_cells_that_a_row_lacks_are_empty(tmp_path: Path) -> None:
    assert read_sheet(written(tmp_path, "image,animal,plate\na,m1\n"))["a"] == {
        "image": "a",
        "animal": "m1",
        "plate": "",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,animal\na,m1\n,m2\n", "row 2 below the header names no image; name it, or remove it"),
        ("image,animal\na,m,1\n", "row 1 below the header has 3 cells and the header 2; put a cell"),
        ("image;animal\n", r"has a header \(image, animal\) and no row; give a row per image"),
    ],
)
def test_rows_that_cannot_be_used_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read_sheet(written(tmp_path, text))


@pytest.mark.parametrize("by", ["animal", "Animal", None])
def test_groups_are_found_in_columns_however_these_are_written(tmp_path: Path, by: str | None) -> None:
    pairs = [
        LabelledImage(
            stem, Image(np.full((4, 4), number, np.uint8), "yx"), np.ones((4, 4), np.int32), "", stem
        )
        for number, stem in enumerate((unicodedata.normalize("NFD", "Mäuse 1"), "b.2"))
    ]
    sheet = read_sheet(written(tmp_path, MAKES["Excel's Unicode text"]))
    grouped, sentence = group_images(pairs, by, sheet, is_sheet=True)
    assert [pair.group for pair in grouped] == ["m1", "m2"]
    assert sentence.lower() == "groups by the column animal"


def test_the_command_reads_such_a_sheet_and_split(discs: Path, tmp_path: Path) -> None:
    rows = [f"field{number}.tif;m{number // 2};train" for number in range(8)]
    path = written(tmp_path, "\n".join(["Image;Animal;Split", *rows]).encode("utf-8-sig"))
    given = (discs / "images", discs / "labels", tmp_path / "network")
    with pytest.raises(TableError, match="sample sheet has no column 'Well'; it has image, animal, split"):
        train_files(*given, sheet=path, group_by="Well")
    with pytest.raises(InputError, match=r"no image to choose by \(val\)"):
        train_files(*given, split=path)
