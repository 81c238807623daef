"""Tables of boxes: what is written is read back by the readers that judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from veriscope.core.boxes import Boxes
from veriscope.io.box_table import BOX_COLUMNS, join_box_tables, write_boxes
from veriscope.io.image_tables import read_place_table

NAMES = ("red cell", "white cell")


def _boxes() -> Boxes:
    return Boxes(np.array([[1, 2, 30.5, 40.25], [5, 6, 7, 8]], np.float32), np.array([1, 0]), NAMES)


def test_boxes_are_read_back_with_class_and_score(tmp_path: Path) -> None:
    write_boxes(tmp_path / "boxes.csv", "smear 1", _boxes(), np.array([0.9, 0.25], np.float32))
    table = read_place_table(tmp_path / "boxes.csv")
    assert (table.kind, table.has_classes, table.has_scores) == ("boxes", True, True)
    assert table.rows["stem"].tolist() == ["smear 1", "smear 1"]
    assert table.rows["class"].tolist() == ["white cell", "red cell"]
    assert table.rows[["y0", "x0", "y1", "x1"]].to_numpy().tolist() == [[1, 2, 30.5, 40.25], [5, 6, 7, 8]]
    assert table.rows["score"].tolist() == [0.9, 0.25]


def test_the_order_is_that_of_the_labels(tmp_path: Path) -> None:
    write_boxes(tmp_path / "b.csv", "a", _boxes())
    table = pd.read_csv(tmp_path / "b.csv")
    assert table["label"].tolist() == [1, 2]
    assert table["score"].isna().all()
    assert not read_place_table(tmp_path / "b.csv").has_scores


def test_the_text_is_rounded_and_quoted_where_needed(tmp_path: Path) -> None:
    boxes = Boxes(np.array([[0, 1 / 3, 2, 3]], np.float32), np.array([0]), ("red, round",))
    write_boxes(tmp_path / "b.csv", 'a "b"', boxes, np.array([2 / 3], np.float32))
    assert (tmp_path / "b.csv").read_bytes().decode() == (
        'image,label,class,score,xmin,ymin,xmax,ymax\n"a ""b""",1,"red, round",0.6667,0.33,0.0,3.0,2.0\n'
    )


def test_tables_are_joined_in_order_and_one_without_boxes_adds_nothing(tmp_path: Path) -> None:
    none = Boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), NAMES)
    write_boxes(tmp_path / "1.csv", "one", _boxes())
    write_boxes(tmp_path / "2.csv", "two", none)
    write_boxes(tmp_path / "3.csv", "three, with comma", _boxes())
    join_box_tables(tmp_path / "boxes.csv", [tmp_path / f"{n}.csv" for n in (1, 2, 3)])
    table = pd.read_csv(tmp_path / "boxes.csv")
    assert tuple(table.columns) == BOX_COLUMNS
    assert table["image"].tolist() == ["one"] * 2 + ["three, with comma"] * 2


def test_names_with_line_breaks_of_any_kind_stay_whole(tmp_path: Path) -> None:
    """Files may be named so, and classes."""
    for number, name in enumerate(("a\u2028b", "c\x0cd", "e\nf")):
        boxes = Boxes(np.array([[1, 2, 3, 4]], np.float32), np.array([0]), (f"red {name}",))
        write_boxes(tmp_path / f"{number}.csv", name, boxes)
    join_box_tables(tmp_path / "boxes.csv", [tmp_path / f"{number}.csv" for number in range(3)])
    rows = read_place_table(tmp_path / "boxes.csv").rows
    assert rows["stem"].tolist() == ["a\u2028b", "c\x0cd", "e\nf"]
    assert rows["class"].tolist() == ["red a\u2028b", "red c\x0cd", "red e\nf"]


def test_no_image_gives_a_table_with_columns_only(tmp_path: Path) -> None:
    join_box_tables(tmp_path / "boxes.csv", [])
    assert tuple(pd.read_csv(tmp_path / "boxes.csv").columns) == BOX_COLUMNS
