"""Tables of boxes, points and classes, as tools write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from veriscope.errors import TableError, UnreadableFileError, VeriscopeError
from veriscope.io.image_tables import read_class_table, read_place_table

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Give a function that writes lines into a file."""

    def lines(*text: str, name: str = "t.csv", encoding: str = "utf-8") -> Path:
        (tmp_path / name).write_text("\n".join(text) + "\n", encoding=encoding)
        return tmp_path / name

    return lines


def refusal(read: Callable[[Path], Any], path: Path, kind: type[VeriscopeError] = TableError) -> str:
    with pytest.raises(kind) as caught:
        read(path)
    return str(caught.value).replace(str(path), "FILE")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("image,xmin,ymin,xmax,ymax", "a.png,1,2,11,22"),
        ("filename,X0,Y0,X1,Y1", "plate1/a.png, 1, 2.0, 11, 22"),
        ("image_id;bottom;right;top;left", "a;22;11;2;1"),
        ("stem\tymin\txmin\tymax\txmax", "a\t2\t1\t22\t11"),
    ],
)
def test_boxes_of_many_tools(write: Write, header: str, row: str) -> None:
    table = read_place_table(write(header, row, encoding="utf-8-sig"))
    assert (table.kind, table.has_classes, table.has_scores) == ("boxes", False, False)
    (found,) = table.rows.to_dict("records")
    assert {key: found[key] for key in ("stem", "class", "y0", "x0", "y1", "x1")} == {
        "stem": "a",
        "class": "",
        "y0": 2.0,
        "x0": 1.0,
        "y1": 22.0,
        "x1": 11.0,
    }
    assert np.isnan(found["score"])


def test_points_with_classes_and_scores(write: Write) -> None:
    table = read_place_table(
        write("image,centroid-y,centroid-x,Label,Confidence", "a,1.5,2,None,0.25", "b.1,3,4,NA,1e-1")
    )
    assert (table.kind, table.has_classes, table.has_scores) == ("points", True, True)
    assert table.rows.to_dict("list") == {
        "stem": ["a", "b.1"],
        "class": ["None", "NA"],
        "y": [1.5, 3.0],
        "x": [2.0, 4.0],
        "score": [0.25, 0.1],
    }


def test_boxes_win_over_points(write: Write) -> None:
    header = "image,x,y,xmin,ymin,xmax,ymax"
    assert read_place_table(write(header, "a,5,5,0,0,10,10")).kind == "boxes"


def test_a_header_alone_is_a_table_without_objects(write: Write) -> None:
    assert len(read_place_table(write("image,x,y")).rows) == 0


def test_a_folder_with_one_known_table_will_do(write: Write, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        read_place_table(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: name the table; of boxes.csv, points.csv, classes.csv the folder has none of them"
    )
    write("image,x,y", "a,1,2", name="points.csv")
    assert len(read_place_table(tmp_path).rows) == 1
    write("image,class", "a,b", name="classes.csv")
    assert "the folder has points.csv and classes.csv" in refusal(
        read_class_table, tmp_path, UnreadableFileError
    )


def test_columns_that_cannot_be_read_are_told_together(write: Write) -> None:
    path = write("image,x,y,score", "a,1,2,0.5", "a,left,,nan", "a,3,inf,0.1")
    assert refusal(read_place_table, path).splitlines() == [
        "FILE: 3 columns cannot be read:",
        "  - FILE: column 'y' has no number in 2 rows, first in row 3",
        "  - FILE: column 'x' has no number in 1 row, first in row 3",
        "  - FILE: column 'score' has no number in 1 row, first in row 3",
    ]


def test_boxes_without_area_are_refused(write: Write) -> None:
    path = write("image,left,top,right,bottom", "a,0,0,4,4", "a,4,0,4,4", "a,0,9,4,4")
    assert refusal(read_place_table, path) == (
        "FILE: 2 boxes have no area, first in row 3; the larger coordinate belongs to bottom and right"
    )


def test_tables_without_what_is_needed(write: Write, tmp_path: Path) -> None:
    assert refusal(read_place_table, write("image,width,height", "a,1,2")) == (
        "FILE: has neither boxes (columns xmin, ymin, xmax, ymax) nor points (columns x, y); it has image, "
        "width, height"
    )
    assert refusal(read_place_table, write("slice,x,y", "1,1,2")) == (
        "FILE: has no column that names the image (image, image_id, stem, file, filename, name); it has "
        "slice, "
        "x, y"
    )
    assert refusal(read_class_table, tmp_path / "none.csv", UnreadableFileError) == (
        "FILE: no such table; give a CSV file"
    )
    assert refusal(read_class_table, write(""), UnreadableFileError) == (
        "FILE: is empty; give a CSV table with a header and a row per image"
    )
    assert refusal(read_class_table, write("image,class,class", "a,b,c")) == (
        "FILE: column class comes twice; keep one of that name"
    )
    (tmp_path / "b.csv").write_bytes(b"image,class\n\xff\xfe\x00,\x81\n")
    assert "cannot be read as a CSV table" in refusal(
        read_class_table, tmp_path / "b.csv", UnreadableFileError
    )
    assert refusal(read_class_table, write("image,class", "a,b,c", "d,e,f")) == (
        "FILE: rows have more cells than the header; give every column a name"
    )
    assert refusal(read_class_table, write("image", "a")) == (
        "FILE: has no column class, and none of probabilities such as p_mitosis"
    )


@pytest.mark.parametrize(
    ("encoding", "before", "separator"),
    [("utf-8-sig", "", ";"), ("utf-16", "", "\t"), ("utf-8", "sep=;\n", ";")],
)
def test_tables_as_spreadsheets_save_them(tmp_path: Path, encoding: str, before: str, separator: str) -> None:
    path = tmp_path / "t.csv"
    lines = [("image", "class", "note"), ("ä.tif", "Zelle"), ("", "", ""), ("b.tif", "NA", "x")]
    text = before + "".join(separator.join(line) + "\r\n" for line in lines)
    path.write_bytes(text.encode(encoding))
    table = read_class_table(path)
    assert table.stems == ("ä", "b")
    assert table.classes == ("Zelle", "NA")


def test_classes_and_probabilities(write: Write) -> None:
    table = read_class_table(
        write("image,class_name,label,p_a,p_b b", "i1.tif,a,7,1,0", "i2.ome.zarr,b b,8,.25,.75")
    )
    assert table.stems == ("i1", "i2")
    assert table.classes == ("a", "b b"), "names win over numbers"
    assert {name: list(values) for name, values in table.probabilities.items()} == {
        "a": [1.0, 0.25],
        "b b": [0.0, 0.75],
    }
    assert read_class_table(write("image,p_a", "i,0.5")).classes is None


def test_names_of_macos_are_those_of_others(write: Write) -> None:
    """An u with two dots is one character on most computers and two on a Mac."""
    for name in ("M\u00fcller 1.tif", "Mu\u0308ller 1.tif"):
        assert read_class_table(write("image,class", f"{name},a")).stems == ("M\u00fcller 1",)
        assert read_place_table(write("image,x,y", f"{name},1,2")).rows["stem"].tolist() == ["M\u00fcller 1"]
    path = write("image,class", "M\u00fcller 1.tif,a", "Mu\u0308ller 1.png,b")
    assert refusal(read_class_table, path) == (
        "FILE: M\u00fcller 1 come more than once; keep one row for each image"
    )


def test_a_column_of_scores_without_any_is_none(write: Write) -> None:
    assert not read_place_table(write("image,x,y,score", "a,1,2,", "b,1,2,  ")).has_scores
    assert read_place_table(write("image,x,y,score")).has_scores
    path = write("image,x,y,score", "a,1,2,", "b,1,2,0.5")
    assert refusal(read_place_table, path) == "FILE: column 'score' has no number in 1 row, first in row 2"


def test_decimal_commas_are_told_of_and_not_taken_for_thousands(write: Write) -> None:
    path = write("image;x;y", "a;1,5;2", "b;1.234,5;1")
    assert refusal(read_place_table, path) == "FILE: column 'x' has no number in 2 rows, first in row 2"


def test_probabilities_are_from_0_to_1(write: Write) -> None:
    path = write("image,p_a,p_b", "i,0.5,0.5", "j,1.5,-0.1", "k,,x")
    assert refusal(read_class_table, path).splitlines() == [
        "FILE: 2 faults:",
        "  - FILE: column 'p_a' has 2 values not between 0 and 1, the first in row 3",
        "  - FILE: column 'p_b' has 2 values not between 0 and 1, the first in row 3",
    ]


def test_short_rows_have_no_class(write: Write) -> None:
    assert refusal(read_class_table, write("image,class", "i1,a", "i2", "i3,")) == (
        "FILE: 2 images have no class, the first in row 3; give it, or remove the row"
    )


@pytest.mark.real_data
def test_real_tables(data_dir: Path) -> None:
    cells = read_class_table(data_dir / "wbc_types_tecom")
    known = pd.read_csv(data_dir / "wbc_types_tecom/classes.csv")
    assert (len(cells.stems), set(cells.classes or ())) == (len(known), set(known["class_name"]))
    boxes = read_place_table(data_dir / "bccd_blood_detection")
    assert (boxes.kind, boxes.has_classes) == ("boxes", True)
    points = read_place_table(data_dir / "bone_marrow_points")
    assert points.kind == "points"
    assert len(points.rows) > 100
