"""Tables of people and of other programs, damaged at random: read or refused by name, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from veriscope.errors import VeriscopeError
from veriscope.io.image_tables import read_class_table, read_place_table
from veriscope.io.sheets import read_rows
from veriscope.io.track_tables import read_track_folder
from veriscope.workflow.plate_sheet import read_plate_sheet
from veriscope.workflow.sheet import read_sheet

Read = Callable[[Path], object]
TABLES: dict[str, tuple[Read, str]] = {
    "boxes.csv": (read_place_table, "image,y0,x0,y1,x1,score,class\na,1,2,3,4,0.5,x\nb,1,2,9,9,0.1,y\n"),
    "points.csv": (read_place_table, "image,y,x\na,1,2\nb,3,4.5\n"),
    "classes.csv": (read_class_table, "image,class,cat,dog\na,cat,0.9,0.1\nb,dog,0.2,0.8\n"),
    "sheet.csv": (read_sheet, "image,group,replicate\na,x,1\nb,y,2\n"),
    "sheet.tsv": (read_rows, "image\tgroup\n'a b'\tx\n\"c\"\ty\n"),
    "wells.csv": (read_plate_sheet, "well,group,plate\nA1,x,p\nB03,y,p\n"),
    "man_track.txt": (lambda path: read_track_folder(path.parent), "1 0 5 0\n2 1 3 1\n"),
    "tracks.csv": (lambda path: read_track_folder(path.parent), "track,first,last,parent\n1,0,5,0\n"),
}
CELLS = [
    "",
    "nan",
    "inf",
    "-1",
    "1e400",
    "9" * 25,
    '"',
    "\0",
    "[",
    "null",
    "1.5",
    "=1+1",
    "ü",
    "\ufeff",
    "a\nb",
    "1 2",
    ";",
]
BYTES = [b"\xff", b"\0", b"\n", b",", b'"', b"\t", b"\r", b"\xef\xbb\xbf", b"\xff\xfe", b""]


def damaged(text: str, dice: random.Random) -> bytes:
    lines = [line.split(",") for line in text.splitlines()]
    if dice.random() < 0.5:
        row = dice.choice(lines)
        row[dice.randrange(len(row))] = dice.choice(CELLS)
    if dice.random() < 0.3:
        lines.insert(dice.randrange(len(lines) + 1), list(dice.choice(lines)))
    if dice.random() < 0.3:
        dice.choice(lines).append(dice.choice(CELLS))
    content = "\n".join(",".join(line) for line in lines).encode()
    if dice.random() < 0.5:
        at = dice.randrange(len(content) + 1)
        content = content[:at] + dice.choice(BYTES) + content[at + dice.choice([0, 1, 4]) :]
    return content


@pytest.mark.parametrize("name", TABLES)
def test_damaged_tables_are_read_or_refused(tmp_path: Path, name: str) -> None:
    read, text = TABLES[name]
    path = tmp_path / name
    (tmp_path / "frame.tif").write_bytes(b"not looked at")
    dice = random.Random(name)
    refused = 0
    for _ in range(80):
        path.write_bytes(damaged(text, dice))
        try:
            read(path)
        except VeriscopeError as error:
            refused += 1
            assert str(tmp_path) in str(error)
    assert refused > 0 or name == "sheet.tsv"  # any text is a row
    path.write_text(text)
    read(path)


SHEETS = ("sheet.csv", "sheet.tsv", "wells.csv")
FORMS = [
    *((name, form) for name in TABLES for form in ("utf-8", "utf-8-sig", "crlf", "no end")),
    *((name, "utf-16") for name in SHEETS),
]


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_tables_of_every_spreadsheet_are_the_same(tmp_path: Path, name: str, form: str) -> None:
    read, text = TABLES[name]
    (tmp_path / "frame.tif").write_bytes(b"not looked at")
    (tmp_path / name).write_text(text)
    expected = repr(read(tmp_path / name))
    written = {"crlf": text.replace("\n", "\r\n"), "no end": text.rstrip("\n")}.get(form, text)
    (tmp_path / name).write_bytes(written.encode(form if form.startswith("utf") else "utf-8"))
    assert repr(read(tmp_path / name)) == expected
