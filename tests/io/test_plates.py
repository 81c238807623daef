"""Plates of wells and fields in OME-Zarr: found, written, and what is wrong with them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from veriscope.core.image import Image
from veriscope.errors import InputError, UnreadableFileError
from veriscope.io.folders import find_images
from veriscope.io.images import read_image
from veriscope.io.ome_zarr import Version
from veriscope.io.plates import is_plate, read_plate, write_plate
from veriscope.io.wells import Place, well_parts


def picture(value: int, channels: tuple[str, ...] = ()) -> Image:
    shape = (len(channels), 6, 8) if channels else (6, 8)
    return Image(
        np.full(shape, value, np.uint16), "cyx" if channels else "yx", {"y": 0.5, "x": 0.5}, channels
    )


def make(path: Path, wells: str = "B02 B02 C11", **options: Any) -> Path:
    write_plate(path, ((well, picture(i + 1)) for i, well in enumerate(wells.split())), **options)
    return path


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_written_plate_is_read_field_by_field(tmp_path: Path, version: Version) -> None:
    path = make(tmp_path / "exp 7.ome.zarr", version=version)
    plate = read_plate(path)
    assert (plate.name, plate.version, plate.acquisitions, plate.faults) == ("exp 7", version, {}, ())
    assert [(item.place, item.path.relative_to(path).as_posix()) for item in plate.fields] == [
        (Place("exp 7", "B", "02", "0"), "B/2/0"),
        (Place("exp 7", "B", "02", "1"), "B/2/1"),
        (Place("exp 7", "C", "11", "0"), "C/11/0"),
    ]
    for value, item in enumerate(plate.fields, start=1):
        image = read_image(item.path)
        assert image.pixels.shape == (6, 8)
        assert (image.pixels == value).all()
        assert image.spacing == {"y": 0.5, "x": 0.5}


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_others_can_read_what_is_written(tmp_path: Path, version: Version) -> None:
    """The Zarr library sees groups all the way down, and the metadata that the specification asks for."""
    path = make(tmp_path / "p.ome.zarr", "AF24 B2 B2", acquisitions={0: 1, 1: 1, 2: 3}, version=version)
    group = zarr.open_group(str(path), mode="r", zarr_format=2 if version == "0.4" else 3)
    said: Any = dict(group.attrs) if version == "0.4" else group.attrs["ome"]
    plate = said["plate"]
    assert (plate if version == "0.4" else said)["version"] == version
    assert (plate["rows"], plate["columns"]) == (
        [{"name": "B"}, {"name": "AF"}],
        [{"name": "2"}, {"name": "24"}],
    )
    assert plate["wells"] == [
        {"path": "AF/24", "rowIndex": 1, "columnIndex": 1},
        {"path": "B/2", "rowIndex": 0, "columnIndex": 0},
    ]
    assert (plate["name"], plate["field_count"], plate["acquisitions"]) == ("p", 2, [{"id": 1}, {"id": 3}])
    well: Any = group["B/2"].attrs if version == "0.4" else group["B/2"].attrs["ome"]
    assert well["well"]["images"] == [{"path": "0", "acquisition": 1}, {"path": "1", "acquisition": 3}]
    assert isinstance(group["B"], zarr.Group)
    np.testing.assert_array_equal(np.asarray(group["B/2/1/0"]), np.full((6, 8), 3))


def test_the_same_plate_is_written_to_the_same_bytes(tmp_path: Path) -> None:
    first, second = make(tmp_path / "a" / "p.zarr"), make(tmp_path / "b" / "p.zarr")
    files = [path.relative_to(first) for path in sorted(first.rglob("*")) if path.is_file()]
    assert files == [path.relative_to(second) for path in sorted(second.rglob("*")) if path.is_file()]
    assert all((first / file).read_bytes() == (second / file).read_bytes() for file in files)


def test_a_plate_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a plate needs at least one field"):
        write_plate(tmp_path / "p.zarr", [])
    with pytest.raises(InputError, match="'B' is no well"):
        write_plate(tmp_path / "p.zarr", [("A01", picture(1)), ("B", picture(1))])
    assert list(tmp_path.iterdir()) == []


def test_a_plate_stands_for_its_fields_among_images(tmp_path: Path) -> None:
    path = make(tmp_path / "one.ome.zarr", "B10 B2")
    assert [(file.stem, file.path) for file in find_images(path)] == [
        ("B02-0", path / "B" / "2" / "0"),
        ("B10-0", path / "B" / "10" / "0"),
    ]
    make(tmp_path / "two.ome.zarr", "B2")
    found = find_images(tmp_path)
    assert [file.stem for file in found] == ["one_B02-0", "one_B10-0", "two_B02-0"]
    assert [file.place.plate for file in found if file.place] == ["one", "one", "two"]
    (tmp_path / "x.tif").write_bytes(b"x")
    assert [file.stem for file in find_images([path, tmp_path / "x.tif"])] == ["B02-0", "B10-0", "x"]


Change = Callable[[Path, dict[str, Any]], None]


def edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the OME attributes of a group."""
    path = folder / "zarr.json"
    content = json.loads(path.read_text())
    change(content["attributes"]["ome"])
    path.write_text(json.dumps(content))


def fault(path: Path) -> str:
    with pytest.raises(UnreadableFileError) as caught:
        read_plate(path)
    return str(caught.value).replace(str(path), "P")


def test_all_that_is_listed_and_not_there_is_named_together(tmp_path: Path) -> None:
    path = make(tmp_path / "p.zarr", "B2 B2 C3 D4 E5")
    shutil.rmtree(path / "B" / "2" / "1")
    shutil.rmtree(path / "C" / "3")
    edit(path / "D" / "4", lambda ome: ome["well"].update(images=[]))
    edit(path, lambda ome: ome["plate"]["wells"].append({"path": "E/05", "rowIndex": 9, "columnIndex": 9}))
    assert fault(path) == (
        "P: the plate is not what its metadata say:\n"
        "  - field B02-1: its folder P/B/2/1 is missing\n"
        "  - well C03: its folder P/C/3 is missing or has no metadata\n"
        "  - well D04 has no fields\n"
        "  - well E05 is listed twice\n"
        "Copy the whole plate again, or leave these out with --skip-bad where a verb has it."
    )
    partial = read_plate(path, partial=True)
    assert [item.path.relative_to(path).as_posix() for item in partial.fields] == ["B/2/0", "E/5/0"]
    assert len(partial.faults) == 4
    found = find_images(path, partial=True)
    assert len(found) == 2
    assert found.faults[2] == f"{path}: well D04 has no fields"


def test_contradicting_metadata_are_refused(tmp_path: Path) -> None:
    path = make(tmp_path / "p.zarr", "B2 C3")

    def wells(ome: dict[str, Any]) -> None:
        first, second = ome["plate"]["wells"]
        first["rowIndex"] = 1
        second["path"] = "../C/3"
        ome["plate"]["wells"].append({"path": "row1/2"})

    edit(path, wells)
    no_well = "is no well; wells are named by a row and a column from 1, such as B03 or b3"
    assert fault(path) == (
        "P: the plate is not what its metadata say:\n"
        "  - well 'B/2': its rowIndex 1 is 'C', not 'B'\n"
        "  - well '../C/3': its path must be row/column, such as B/3\n"
        f"  - well 'row1/2': 'row1/2' {no_well}\n"
        "Copy the whole plate again, or leave these out with --skip-bad where a verb has it."
    )


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([{"path": "0"}, {"path": "0"}], "field B02-0 is listed twice"),
        ([{"path": "../2/0"}], "well B02: '../2/0' is no name of a field"),
        ([{}], "well B02: '' is no name of a field"),
        ("0", "P/B/2: its metadata have no list of images; write it again"),
    ],
)
def test_wrong_fields_are_refused(tmp_path: Path, images: Any, message: str) -> None:
    path = make(tmp_path / "p.zarr", "B2 C3")
    edit(path / "B" / "2", lambda ome: ome["well"].update(images=images))
    assert f"  - {message}\n" in fault(path)


def test_what_is_no_plate_is_said(tmp_path: Path) -> None:
    path = make(tmp_path / "p.zarr", "B2")
    assert is_plate(path)
    assert not is_plate(path / "B" / "2")
    assert not is_plate(tmp_path / "none")
    assert fault(path / "B" / "2") == "P: is no OME-Zarr plate; its metadata lack 'plate'"
    edit(path / "B" / "2", lambda ome: ome.pop("well"))
    assert "well B02: P/B/2 lacks 'well' in its metadata" in fault(path)
    edit(path, lambda ome: ome["plate"].update(wells=[]))
    assert fault(path) == "P: the plate lists no wells; write it again with its converter"
    edit(path, lambda ome: ome.update(version="0.6"))
    assert fault(path) == "P: is a plate of OME-Zarr 0.6; those read are 0.4 and 0.5: convert it"
    edit(path, lambda ome: ome["plate"].pop("wells"))
    edit(path, lambda ome: ome.update(version="0.5"))
    assert fault(path) == "P: its metadata have no list of wells; write it again"
    (path / "zarr.json").write_text("{")
    assert not is_plate(path)


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        (("b3",), ("B", "03")),
        ((" B-12 ",), ("B", "12")),
        (("aF048",), ("AF", "48")),
        (("2", "003"), ("B", "03")),
        (("32", "1"), ("AF", "01")),
        (("26", "1"), ("Z", "01")),
        (("27", "1"), ("AA", "01")),
        (("h", "12"), ("H", "12")),
    ],
)
def test_names_of_wells_have_one_form(given: tuple[str, ...], parts: tuple[str, str]) -> None:
    assert well_parts(*given) == parts
    assert well_parts(*parts) == parts, "the form is its own form"


@pytest.mark.parametrize(
    "given", [("",), ("B",), ("3",), ("B0",), ("BCD1",), ("B3x",), ("0", "1"), ("B", "x")]
)
def test_what_is_no_well_is_refused(given: tuple[str, ...]) -> None:
    shown = "/".join(given)
    with pytest.raises(InputError) as caught:
        well_parts(*given)
    assert str(caught.value) == (
        f"{shown!r} is no well; wells are named by a row and a column from 1, such as B03 or b3"
    )
