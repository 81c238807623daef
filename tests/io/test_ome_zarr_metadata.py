"""Metadata of OME-Zarr that other programs, people and accidents write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.errors import AxesError, InputError, UnreadableFileError
from veriscope.io.images import read_header, read_image
from veriscope.io.ome_zarr import write_ome_zarr

PIXELS = np.arange(48, dtype=np.uint16).reshape(6, 8)
WRONG = "its OME-Zarr metadata are incomplete or wrong"
AGAIN = "write it again with the program it comes from"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "a b ü.ome.zarr"
    write_ome_zarr(path, Image(PIXELS, "yx", {"y": 0.5, "x": 0.25}))
    return path


def change(store: Path, what: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads((store / "zarr.json").read_text())
    what(content["attributes"]["ome"])
    (store / "zarr.json").write_text(json.dumps(content))


def axes_named(*names: str) -> Callable[[dict[str, Any]], object]:
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in names]
    return lambda ome: ome["multiscales"][0].update(axes=axes)


def refusal(store: Path, kind: type[Exception] = UnreadableFileError) -> str:
    with pytest.raises(kind) as caught:
        read_image(store)
    with pytest.raises(kind):
        read_header(store)
    return str(caught.value).replace(str(store), "STORE")


def test_axes_in_another_order_are_turned_with_their_pixel_sizes(store: Path) -> None:
    change(store, axes_named("x", "y"))
    image = read_image(store)
    np.testing.assert_array_equal(image.pixels, PIXELS.T)
    assert (image.axes, image.spacing) == ("yx", {"y": 0.25, "x": 0.5})


def test_capital_letters_are_axes_too(store: Path) -> None:
    change(store, axes_named("Y", "X"))
    assert read_image(store).spacing == {"y": 0.5, "x": 0.25}


@pytest.mark.parametrize("names", [("x", "x"), ("y", "y"), ("Y", "y")])
def test_an_axis_that_stands_twice_is_refused(store: Path, names: tuple[str, ...]) -> None:
    change(store, axes_named(*names))
    shown = ", ".join(name.lower() for name in names)
    assert refusal(store) == f"STORE: {WRONG} (ValueError: an axis stands twice in {shown}); {AGAIN}"


def test_axes_without_a_plane_are_refused(store: Path) -> None:
    change(store, axes_named("z", "x"))
    assert "axes 'zx' are not valid" in refusal(store, AxesError)


def test_axes_of_other_names_are_asked_for(store: Path) -> None:
    change(store, axes_named("row", "column"))
    assert "does not say what the dimension of length 6 and 8 is" in refusal(store, AxesError)
    np.testing.assert_array_equal(read_image(store, axes="yx").pixels, PIXELS)


@pytest.mark.parametrize(
    ("scale", "shown"),
    [([0, 1], "0"), ([-1, 1], "-1"), ([float("nan"), 1], "nan"), ([float("inf"), 1], "inf")],
)
def test_pixel_sizes_that_cannot_be_are_left_out_as_in_other_formats(
    store: Path, scale: list[float], shown: str
) -> None:
    def to(ome: dict[str, Any]) -> None:
        for dataset in ome["multiscales"][0]["datasets"]:
            dataset["coordinateTransformations"] = [{"type": "scale", "scale": scale}]

    change(store, to)
    image = read_image(store)
    assert image.spacing is None
    assert image.notes == (
        f"the pixel size of {shown} µm along y is none and is ignored",
        "uncalibrated: the pixel size is stated for x 1 µm but not for y; give it with --spacing",
    )
    assert read_image(store, spacing={"y": 2}).spacing == {"y": 2.0, "x": 1.0}


@pytest.mark.parametrize("omero", [None, [], "x", {"channels": None}, {"channels": ["a"]}])
def test_display_settings_that_are_none_do_not_matter(store: Path, omero: object) -> None:
    change(store, lambda ome: ome.update(omero=omero))
    np.testing.assert_array_equal(read_image(store).pixels, PIXELS)


@pytest.mark.parametrize("multiscales", [[], {}, None, "x", [1], [{}], [{"axes": []}]])
def test_what_is_no_multiscale_is_refused(store: Path, multiscales: object) -> None:
    change(store, lambda ome: ome.update(multiscales=multiscales))
    found = refusal(store)
    assert found.startswith(f"STORE: {WRONG} (")
    assert found.endswith(f"; {AGAIN}")


@pytest.mark.parametrize(
    ("plate", "well"),
    [
        ({"wells": [{"path": "B/3"}, {"path": "C/1"}]}, "B/3"),
        ({"wells": []}, "A/1"),
        ({"wells": None}, "A/1"),
        ({"wells": [1]}, "A/1"),
        ({}, "A/1"),
        ([], "A/1"),
        (None, "A/1"),
    ],
)
def test_a_plate_asks_for_a_field_of_a_well(store: Path, plate: object, well: str) -> None:
    def to(ome: dict[str, Any]) -> None:
        del ome["multiscales"]
        ome["plate"] = plate

    change(store, to)
    assert refusal(store) == (
        f"STORE: is a plate of wells; name one field of a well, for example {store.name}/{well}/0"
    )


@pytest.mark.parametrize("text", ["{", "\xff", "[]", "null", "1"])
def test_json_that_is_no_object_is_refused(store: Path, text: str) -> None:
    (store / "zarr.json").write_text(text)
    found = refusal(store)
    assert found.startswith("STORE/zarr.json: ")
    assert found.endswith("; copy the OME-Zarr folder again")


def test_images_of_a_collection_are_in_the_order_of_their_numbers(store: Path, tmp_path: Path) -> None:
    import shutil

    many = tmp_path / "many.zarr"
    many.mkdir()
    (many / ".zgroup").write_text('{"zarr_format": 2}')
    for number in ("0", "2", "10", "²", "OME"):
        shutil.copytree(store, many / number)
        change(many / number, lambda ome, number=number: ome["multiscales"][0].update(name=f"no {number}"))
    assert [line.split(":")[0] for line in read_header(many, series=0).series] == [
        "0 (no 0",
        "1 (no 2",
        "2 (no 10",
    ]
    np.testing.assert_array_equal(read_image(many, series="no 10").pixels, PIXELS)
    for wrong in ("3", "-1", "²", "no ten", 3):
        with pytest.raises(InputError, match=r"has no image .*; there are: 0 "):
            read_image(many, series=wrong)
