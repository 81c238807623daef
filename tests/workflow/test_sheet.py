"""A sample sheet is read as people and spreadsheets write it, or all that is wrong with it is said."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from veriscope.errors import TableError, UnreadableFileError
from veriscope.workflow.sheet import Assignment, assign_groups, read_sheet

EXPECTED = {"a01": Assignment("control", "m1"), "a02": Assignment("drug, 1 µM", "m2")}


def sheet(folder: Path, content: str | bytes) -> Path:
    path = folder / "sheet.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


COMMAS = 'image,group,animal\na01.tif,control,m1\na02.tif,"drug, 1 µM",m2\n'
SEMICOLONS = "image;group;animal\na01.tif;control;m1\na02.tif;drug, 1 µM;m2\n"


@pytest.mark.parametrize(
    "content",
    [
        COMMAS,
        SEMICOLONS,
        SEMICOLONS.replace(";", "\t"),
        COMMAS.replace("\n", "\r\n"),
        COMMAS.rstrip("\n"),
        COMMAS.encode("utf-8-sig"),
        SEMICOLONS.replace(";", "\t").encode("utf-16"),
        "sep=;\r\n" + SEMICOLONS,
        COMMAS + ",,\n,,\n\n",
        'image,group,animal,,\na01.tif,control,m1,,\na02.tif,"drug, 1 µM",m2,,\n',
        "\n" + COMMAS,
        "Image ; GROUP;Animal\n a01.tif ;control ; m1\na02.tif;drug, 1 µM;m2\n",
        'date,condition,file,donor\n1.2.,control,C:\\data\\a01.tif,m1\n1.2.,"drug, 1 µM",D:\\a02.TIF,m2\n',
        'stem,treatment,replicate\na01,control,m1\na02,"drug, 1 µM",m2\n',
    ],
    ids=[
        "commas",
        "semicolons",
        "tabs",
        "Windows line ends",
        "no last line end",
        "Excel's CSV UTF-8",
        "Excel's Unicode text",
        "Excel's line with the separator",
        "empty rows at the end",
        "empty columns at the end",
        "empty line at the top",
        "spaces and capitals",
        "Windows paths, other columns, other names",
        "names without suffix",
    ],
)
def test_sheets_of_many_makes_are_read(tmp_path: Path, content: str | bytes) -> None:
    assert read_sheet(sheet(tmp_path, content)) == EXPECTED


def test_numbers_as_names_stay_text(tmp_path: Path) -> None:
    found = read_sheet(sheet(tmp_path, "image,group,plate\n001,1,01\n1e5,NA,2.0\n"))
    assert found == {"001": Assignment("1", "01"), "1e5": Assignment("NA", "2.0")}


def test_without_a_replicate_column_each_image_is_its_own(tmp_path: Path) -> None:
    found = read_sheet(sheet(tmp_path, "image,group\na01,control\na02,control\n"))
    assert found == {"a01": Assignment("control", "a01"), "a02": Assignment("control", "a02")}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "picture,group\na01,control\n",
            "no column for the image; name one of its columns (picture, group) "
            "as one of image, image_id, stem, file, filename, name",
        ),
        (
            "image\na01\n",
            "no column for the group; name one of its columns (image) "
            "as one of group, condition, treatment, class",
        ),
    ],
)
def test_a_missing_column_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = sheet(tmp_path, content)
    with pytest.raises(TableError) as caught:
        read_sheet(path)
    assert str(caught.value) == f"{path}: {message}"


def test_all_faulty_rows_are_listed(tmp_path: Path) -> None:
    rows = ["a01,control,m1", "plate2/a01.tif,drug,m1", "a02,,m1", "a03,drug", ",drug,m2", "a,04,drug,m2"]
    path = sheet(tmp_path, "\n".join(["image,group,animal", *rows]))
    with pytest.raises(TableError) as caught:
        read_sheet(path)
    assert str(caught.value) == (
        f"{path}: some rows cannot be used:\n"
        "  - image 'a01' is named twice\n"
        "  - image 'a02' has no group\n"
        "  - image 'a03' has no animal\n"
        "  - row 5 below the header names no image\n"
        "  - image 'a' has 4 cells and the header 3\n"
        "Mend the sheet and try again."
    )


def test_an_empty_sheet_is_refused(tmp_path: Path) -> None:
    path = sheet(tmp_path, " \n,,\n")
    with pytest.raises(UnreadableFileError) as caught:
        read_sheet(path)
    assert str(caught.value) == f"{path}: is empty; give a CSV table with a header and a row per image"


@pytest.mark.parametrize(
    "content", ["image,group\na01,1 µM\n".encode("cp1252"), b"PK\x03\x04\x14\x00\x06\x00\xb5\xff"]
)
def test_what_is_no_utf_8_table_is_refused_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    path = sheet(tmp_path, content)
    with pytest.raises(UnreadableFileError) as caught:
        read_sheet(path)
    assert str(caught.value).startswith(f"{path}: cannot be read as a CSV table ('utf-8' codec can't decode")
    assert str(caught.value).endswith("); save it as CSV, UTF-8")


def test_a_sheet_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    with pytest.raises(UnreadableFileError) as caught:
        read_sheet(path)
    assert str(caught.value) == (
        f"{path}: cannot be read as a CSV table ([Errno 2] No such file or directory: '{path}'); "
        "save it as CSV, UTF-8"
    )


def test_images_get_their_rows_in_their_own_order() -> None:
    assert list(assign_groups(["a02", "a01"], EXPECTED).items()) == [
        ("a02", EXPECTED["a02"]),
        ("a01", EXPECTED["a01"]),
    ]


def test_without_a_sheet_there_is_one_group_of_independent_images() -> None:
    assert assign_groups(["b", "a"], None) == {"b": Assignment("all", "b"), "a": Assignment("all", "a")}


def test_an_umlaut_is_the_same_in_file_names_of_every_system() -> None:
    composed, apart = (unicodedata.normalize(form, "Mäuse") for form in ("NFC", "NFD"))
    assert composed != apart
    rows = {composed: Assignment("control", "m1")}
    assert assign_groups([apart], rows) == {apart: rows[composed]}


def test_missing_and_extra_rows_are_all_named() -> None:
    rows = {f"b{i}": Assignment("drug", "1") for i in range(12)}
    with pytest.raises(TableError) as caught:
        assign_groups(["a1", "b0"], rows, where="sheet.csv")
    assert str(caught.value) == (
        "sheet.csv and the images do not fit:\n"
        "  - images without a row (1): a1\n"
        "  - rows without an image (11): b1, b2, b3, b4, b5, b6, b7, b8, b9, b10 and 1 more\n"
        "Add or remove rows, or give the images that belong to the sheet."
    )
