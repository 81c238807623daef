"""Which images are taken of files that hold several, and what they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from tests.ome_files import write_several, write_slide

from veriscope.core.image import Image
from veriscope.errors import InputError, PixelValueError
from veriscope.io.file_images import file_stem, images_of_file, of_its_file, with_series
from veriscope.io.folders import ImageFile, find_images
from veriscope.io.plates import write_plate

PLANE: NDArray[Any] = np.zeros((8, 9), np.uint8)


def named(path: Path) -> list[tuple[str, int | None]]:
    return [(image.stem, image.series) for image in images_of_file(ImageFile(path.name.split(".")[0], path))]


@pytest.mark.parametrize(
    ("number", "first", "last"), [(2, "a_s0", "a_s1"), (10, "a_s0", "a_s9"), (11, "a_s00", "a_s10")]
)
def test_images_are_numbered_with_as_many_digits_as_the_last(
    tmp_path: Path, number: int, first: str, last: str
) -> None:
    path = write_several(tmp_path / "a.ome.tif", *[PLANE] * number)
    found = named(path)
    assert [series for _, series in found] == list(range(number))
    assert (found[0][0], found[-1][0]) == (first, last)
    assert sorted(found) == found, "names sort as the images do"


def test_a_single_image_keeps_the_name_of_its_file(tmp_path: Path) -> None:
    assert named(write_several(tmp_path / "a.ome.tif", PLANE)) == [("a", None)]
    pyramid = tmp_path / "b.ome.tif"
    with tifffile.TiffWriter(pyramid, ome=True) as file:
        file.write(np.zeros((256, 256), np.uint8), subifds=1, metadata={"axes": "YX"}, tile=(64, 64))
        file.write(np.zeros((128, 128), np.uint8), subfiletype=1, metadata=None, tile=(64, 64))
    assert named(pyramid) == [("b", None)], "a lower resolution is no image of its own"


def test_what_cannot_be_read_is_left_to_whoever_reads_it(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    assert named(tmp_path / "a.tif") == [("a", None)]
    with tifffile.TiffWriter(tmp_path / "b.ome.tif", ome=True) as file:
        file.write(PLANE, metadata={"axes": "YX"})
        file.write(np.stack([np.stack([PLANE] * 2)] * 3), metadata={"axes": "QTYX"})
    assert named(tmp_path / "b.ome.tif") == [("b_s0", 0), ("b_s1", 1)], "the second has axes of no meaning"


def test_a_slide_is_one_image(tmp_path: Path) -> None:
    colours = np.zeros((100, 90, 3), np.uint8)
    assert named(write_slide(tmp_path / "a.svs", colours, colours[:20])) == [("a", 0)]


def test_real_files_of_microscopes(data_dir: Path) -> None:
    formats = data_dir / "formats"
    for path, number in (
        (formats / "vendor/LeicaLASX_wavelength-sweep_example.lif", 3),
        (formats / "odd/multi_series.ome.tif", 3),
        (formats / "vendor/CMU-1-Small-Region.svs", 1),
        (formats / "vendor/cluster.nd2", 1),
    ):
        assert len(named(path)) == number


def test_of_many_files_all_one_by_number_or_the_only_one(tmp_path: Path) -> None:
    write_several(tmp_path / "a2.ome.tif", PLANE, PLANE)
    write_several(tmp_path / "a10.ome.tif", PLANE)
    (tmp_path / "scan.oib").write_text("no image")
    found = find_images(tmp_path)
    each = with_series(found, "each")
    assert [(image.stem, image.series) for image in each] == [("a2_s0", 0), ("a2_s1", 1), ("a10", None)]
    assert [image.path.name for image in each] == ["a2.ome.tif", "a2.ome.tif", "a10.ome.tif"]
    assert each.ignored == found.ignored == (tmp_path / "scan.oib",)
    assert with_series(found, None) == found
    for number in (0, 7):
        taken = [(image.stem, image.series) for image in with_series(found, number)]
        assert taken == [("a2", number), ("a10", number)], "whether it is there is told by whoever reads it"


def test_fields_of_a_plate_stay_what_they_are(tmp_path: Path) -> None:
    write_plate(tmp_path / "p.ome.zarr", [(well, Image(PLANE, "yx")) for well in ("A01", "B01")])
    found = find_images(tmp_path / "p.ome.zarr")
    assert with_series(found, "each") == found


def test_names_that_meet_are_refused_all_at_once(tmp_path: Path) -> None:
    for name in "ab":
        write_several(tmp_path / f"{name}.ome.tif", PLANE, PLANE)
        write_several(tmp_path / f"{name}_s1.ome.tif", PLANE)
    with pytest.raises(InputError, match="2 names stand for more than one image") as caught:
        with_series(find_images(tmp_path), "each")
    assert "  - a_s1: " in str(caught.value) and "  - b_s1: " in str(caught.value)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("dish_s0", "dish"),
        ("dish_s10", "dish"),
        ("dish_s1_s2", "dish_s1"),
        ("dish", "dish"),
        ("dish_s", "dish_s"),
        ("dish_s1b", "dish_s1b"),
        ("dish-s1", "dish-s1"),
    ],
)
def test_the_name_of_its_file_is_in_that_of_an_image(name: str, file: str) -> None:
    assert file_stem(name) == file


def test_a_fault_says_of_which_image_it_is() -> None:
    fault = PixelValueError("a.lif: pixels are NaN")
    assert of_its_file(fault, None) is fault
    assert str(of_its_file(fault, 0)) == "image 0 of a.lif: pixels are NaN"
