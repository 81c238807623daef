"""Sheets by well: what they say of each well, in any writing, and what fits the images."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import TableError
from veriscope.io.wells import Place
from veriscope.workflow.plate_sheet import PlateSheet, SheetColumns, read_plate_sheet, sheet_columns
from veriscope.workflow.sheet import Assignment


def sheet(folder: Path, *rows: str) -> Path:
    path = folder / "sheet.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("header", "by_well", "has_replicate"),
    [
        ("well,group", True, False),
        ("Well_ID;Condition;Donor", True, True),
        ("plate,well,group", True, False),  # by well, neither of them is a replicate
        ("image,group,well", False, True),  # by image, the well is one
        ("image,well,group,donor", False, True),
        ("image,group", False, False),
        ("group,donor", False, True),
    ],
)
def test_the_header_says_what_rows_are(
    tmp_path: Path, header: str, by_well: bool, has_replicate: bool
) -> None:
    assert sheet_columns(sheet(tmp_path, header)) == SheetColumns(by_well, has_replicate)


@given(st.sampled_from(["b3", "B03", "B-3", "b_03", " B 3 ", "B003"]), st.sampled_from(["x", "1 µM", "a/b"]))
def test_a_well_is_found_however_it_is_written(
    tmp_path_factory: pytest.TempPathFactory, well: str, group: str
) -> None:
    path = sheet(tmp_path_factory.mktemp("sheet"), "note,well,treatment", f"n,{well},{group}")
    found = read_plate_sheet(path)
    assert not found.by_plate
    assert found.find(Place(plate="any", row="B", column="03", field="7")) == Assignment(group, "")
    assert found.find(Place(row="B", column="04")) is None
    assert found.faults({"i": Place(row="B", column="03")}) == []


def test_rows_that_name_plates_hold_for_those_alone(tmp_path: Path) -> None:
    path = sheet(tmp_path, "barcode,well,group,animal", "p1,A1,x,m1", "p2,A1,y,m1")
    found = read_plate_sheet(path)
    assert found.by_plate
    assert found.find(Place(plate="p1", row="A", column="01")) == Assignment("x", "m1")
    assert found.find(Place(plate="p2", row="A", column="01")) == Assignment("y", "m1")
    assert found.find(Place(plate="p3", row="A", column="01")) is None


def test_the_name_of_a_plate_is_the_same_on_every_system(tmp_path: Path) -> None:
    for written, on_disk in (("NFC", "NFD"), ("NFD", "NFC")):
        one, other = (unicodedata.normalize(form, "Müller") for form in (written, on_disk))
        assert one != other
        found = read_plate_sheet(sheet(tmp_path, "plate,well,group", f"{one},A1,x"))
        place = Place(plate=other, row="A", column="01")
        assert found.find(place) == Assignment("x", "")
        assert found.faults({"i": place}) == []


def test_a_sheet_of_replicates_alone_is_one_group(tmp_path: Path) -> None:
    found = read_plate_sheet(sheet(tmp_path, "well,donor", "A1,d1", "A2,d2"))
    assert found.rows == {("", "A01"): Assignment("all", "d1"), ("", "A02"): Assignment("all", "d2")}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "group,donor",
            "no column for the well; name one of its columns (group, donor) as one of well, well_id, "
            "wellname, well_name",
        ),
        (
            "Well,dose",
            "no column for the group; name one of its columns (Well, dose) as one of group, condition, "
            "treatment, class",
        ),
        (
            "plate,well",  # neither is a replicate here
            "no column for the group; name one of its columns (plate, well) as one of group, condition, "
            "treatment, class",
        ),
    ],
)
def test_a_missing_column_is_named(tmp_path: Path, header: str, message: str) -> None:
    path = sheet(tmp_path, header, "A1,x")
    with pytest.raises(TableError) as caught:
        read_plate_sheet(path)
    assert str(caught.value) == f"{path}: {message}"


def test_all_faulty_rows_are_listed(tmp_path: Path) -> None:
    rows = ["p1,A1,x,m1", "p1,a01,x,m1", ",A2,x,m1", "p1,A3,,m1", "p1,A4,x", "p1,A5,x,m1,more", "p1,Ä1,x,m1"]
    path = sheet(tmp_path, "plate,well,group,animal", *rows)
    with pytest.raises(TableError) as caught:
        read_plate_sheet(path)
    assert str(caught.value).splitlines() == [
        f"{path}: some rows cannot be used:",
        "  - well p1/A01 is named twice",
        "  - well A02 has no plate",
        "  - well p1/A03 has no group",
        "  - well p1/A04 has no animal",
        "  - well p1/A05 has 5 cells and the header 4",
        "  - row 7 below the header: 'Ä1' is no well; wells are named by a row and a column from 1, such as "
        "B03 or b3",
        "Mend the sheet and try again.",
    ]


def test_what_does_not_fit_is_listed_and_counted_on_both_sides() -> None:
    rows = {("p", f"B{i:02d}"): Assignment("x", "") for i in range(1, 13)}
    places = {"one": Place(plate="p", row="B", column="01"), "two": Place(plate="q", row="B", column="02")}
    missing, extra = PlateSheet(Path("s.csv"), True, rows).faults(places)
    assert missing == "wells without a row in s.csv (1): q/B02"
    assert extra == (
        "rows of s.csv without a well (11): p/B02, p/B03, p/B04, p/B05, p/B06, p/B07, p/B08, p/B09, p/B10, "
        "p/B11 and 1 more"
    )
