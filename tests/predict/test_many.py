"""Before the first of many images and after the last: what cannot be used is named, what failed is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from veriscope.core.image import Image
from veriscope.errors import InputError, UnreadableFileError, VeriscopeError
from veriscope.io.folders import ImageFile
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.io.plates import write_plate
from veriscope.predict.many import find_apart, summary_of, usable_files
from veriscope.registry import make_method


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "abc":
        tifffile.imwrite(tmp_path / f"{name}.tif", np.zeros((8, 8), np.uint8))
    (tmp_path / "scan.oib").write_text("no image")
    return tmp_path


def refusing(*stems: str) -> object:
    def check(file: ImageFile) -> None:
        if file.stem in stems:
            raise UnreadableFileError(f"{file.path.name}: is damaged")

    return check


def test_results_never_lie_among_the_images(folder: Path) -> None:
    for output in (folder, folder / "sub" / ".."):
        with pytest.raises(InputError, match="holds the images; choose another folder for the tables"):
            find_apart(folder, output, result="the tables")
    found = find_apart(folder, folder / "out", result="the tables")
    assert [file.stem for file in found] == ["a", "b", "c"]
    assert [path.name for path in found.ignored] == ["scan.oib"]


def test_results_never_lie_in_an_image_or_a_plate(tmp_path: Path) -> None:
    pixels = Image(np.zeros((8, 8), np.uint8), "yx")
    image, plate = tmp_path / "images" / "a.ome.zarr", tmp_path / "plate.ome.zarr"
    write_ome_zarr(image, pixels)
    write_plate(plate, [("A01", pixels), ("B01", pixels)])
    for images, output in ((image.parent, image / "labels"), (plate, plate / "out"), (plate, plate)):
        with pytest.raises(InputError, match=r"lies in .*\.ome\.zarr, and images are never changed"):
            find_apart(images, output, result="the tables")
    assert len(find_apart(plate, tmp_path / "out.ome.zarr", result="the tables")) == 2
    assert len(find_apart(image.parent, tmp_path / "images" / "out", result="the tables")) == 1


def test_all_files_that_cannot_be_used_are_named_or_left_out_if_one_can(folder: Path) -> None:
    found = find_apart(folder, folder / "out", result="them")
    with pytest.raises(VeriscopeError) as caught:
        usable_files(found, refusing("a", "c"), skip_bad=False)  # type: ignore[arg-type]
    text = str(caught.value)
    assert text.startswith("2 of 3 images cannot be used")
    assert "a.tif: is damaged" in text and "c.tif: is damaged" in text
    files, faults = usable_files(found, refusing("a", "c"), skip_bad=True)  # type: ignore[arg-type]
    assert [file.stem for file in files] == ["b"]
    assert [str(fault) for fault in faults] == ["a.tif: is damaged", "c.tif: is damaged"]
    with pytest.raises(VeriscopeError, match="3 of 3 images cannot be used"):
        usable_files(found, refusing("a", "b", "c"), skip_bad=True)  # type: ignore[arg-type]


def test_what_failed_is_no_image_that_was_done(folder: Path) -> None:
    rows = [
        {"image": "a", "done": True},
        {"image": "b", "failed": "MethodError: no"},
        {"image": "c", "done": False},
    ]
    fault = UnreadableFileError("d.tif: is damaged")
    method = make_method("otsu-watershed")
    said = summary_of("x/1", method, folder, iter(rows), faults=[fault], ignored=[folder / "scan.oib"])
    assert (said["n_images"], said["n_done"]) == (2, 1)
    assert said["images"] == [rows[0], rows[2]]
    assert said["failed"] == [rows[1]]
    assert said["skipped"] == ["d.tif: is damaged"]
    assert said["ignored_files"] == [str(folder / "scan.oib")]
    assert (said["method"], said["evidence"]) == (method.describe(), "untested")
