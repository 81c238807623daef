"""Leica files of every layout, whole and damaged."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import liffile
import numpy as np
import pytest
from tests.io.vendor.checks import check, refusal
from tests.io.vendor.writers import LifPicture, noise, write_lif

from veriscope.errors import AxesError, InputError
from veriscope.io.images import read_header, read_image
from veriscope.io.regions import StoredImage

PLANE = LifPicture("plane", noise((9, 14)), "YX")
RGB = LifPicture("rgb", noise((9, 5, 3), "u1"), "YXS", tags=(1, 2, 3))


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_channels_planes_and_times(tmp_path: Path, version: int, kind: str) -> None:
    lengths = {"T": 5.0, "Z": 3e-6, "Y": 4e-6, "X": 6.5e-6}
    pixels = noise((2, 3, 4, 9, 14), kind)
    picture = LifPicture("a", pixels, "TCZYX", lengths, luts=("Red", "Red", "Cyan"), dyes=("DAPI", "", "GFP"))
    header = check(write_lif(tmp_path / "a.lif", [picture], version), pixels, "tczyx")
    assert header.channels == ("DAPI", "Red", "GFP")
    assert header.spacing == pytest.approx({"z": 1.0, "y": 0.5, "x": 0.5})
    assert (header.time_step, header.format) == (5.0, "Leica LIF")


def test_channels_may_be_slower_than_times(tmp_path: Path) -> None:
    pixels = noise((3, 2, 9, 14))
    header = check(
        write_lif(tmp_path / "a.lif", [LifPicture("a", pixels, "CTYX")]), pixels.swapaxes(0, 1), "tcyx"
    )
    assert header.channels == ("channel-0", "channel-1", "channel-2")
    assert header.spacing is None and header.time_step is None


def test_scans_along_x_and_z_lie_across_the_plane(tmp_path: Path) -> None:
    pixels = noise((9, 4, 14))
    path = write_lif(tmp_path / "a.lif", [LifPicture("a", pixels, "YZX")])
    check(path, pixels.swapaxes(0, 1), "zyx")
    assert StoredImage(path).chunk_sides == (1, 14)


@pytest.mark.parametrize("tags", [(1, 2, 3), (3, 2, 1)], ids=["red first", "blue first"])
def test_colours_and_rows_that_are_filled_up(tmp_path: Path, tags: tuple[int, ...]) -> None:
    pixels = np.moveaxis(RGB.pixels if tags[0] == 1 else RGB.pixels[..., ::-1], -1, 0)
    header = check(write_lif(tmp_path / "a.lif", [replace(RGB, tags=tags)]), pixels, "cyx")
    assert header.channels == ("red", "green", "blue")
    filled = np.zeros((9, 6, 3), "u1")
    filled[:, :5] = RGB.pixels
    padded = replace(RGB, tags=tags, content=filled.tobytes(), strides={"Y": 18})
    check(write_lif(tmp_path / "a.lif", [padded]), pixels, "cyx")


def test_grey_channels_side_by_side_are_no_colours(tmp_path: Path) -> None:
    write_lif(tmp_path / "a.lif", [replace(RGB, tags=())])
    header = check(tmp_path / "a.lif", np.moveaxis(RGB.pixels, -1, 0), "cyx")
    assert header.channels == ("channel-0", "channel-1", "channel-2")


def test_grey_rows_that_are_filled_up(tmp_path: Path) -> None:
    filled = noise((9, 8))
    picture = LifPicture("a", filled[:, :5].copy(), "YX", content=filled.tobytes(), strides={"Y": 16})
    check(write_lif(tmp_path / "a.lif", [picture]), filled[:, :5], "yx")


def test_each_tile_of_a_mosaic_is_an_image(tmp_path: Path) -> None:
    pixels = noise((3, 2, 9, 14))
    path = write_lif(tmp_path / "a.lif", [LifPicture("scan", pixels, "MCYX", luts=("Green", "Red")), PLANE])
    with pytest.raises(InputError) as caught:
        read_image(path)
    assert str(caught.value).startswith(f"{path}: the file has 4 images; choose one with --series")
    assert str(caught.value).endswith(
        ": 0 (scan tile 0: cyx 2 × 9 × 14 uint16), 1 (scan tile 1: cyx 2 × 9 × 14 uint16), "
        "2 (scan tile 2: cyx 2 × 9 × 14 uint16), 3 (plane: yx 9 × 14 uint16)"
    )
    for tile in range(3):
        header = check(path, pixels[tile], "cyx", series=f"scan tile {tile}")
        assert header.channels == ("Green", "Red")
    check(path, PLANE.pixels, "yx", series=3)
    with pytest.raises(InputError, match="has no image 'plan'; there are: 0"):
        read_header(path, series="plan")


def test_wavelengths_are_channels_where_there_are_no_others(tmp_path: Path) -> None:
    pixels = noise((3, 9, 14))
    swept = LifPicture("a", pixels, "λYX", {"λ": 4e-8}, {"λ": 5e-7})
    assert check(write_lif(tmp_path / "a.lif", [swept]), pixels, "cyx").channels == (
        "500 nm",
        "520 nm",
        "540 nm",
    )
    pixels = noise((3, 2, 9, 14))
    path = write_lif(tmp_path / "a.lif", [replace(swept, pixels=pixels, axes="λCYX")])
    with pytest.raises(AxesError, match="does not say what the dimension of length 3 is"):
        read_image(path)
    np.testing.assert_array_equal(read_image(path, axes="zcyx").pixels, pixels.swapaxes(0, 1))


def test_what_is_no_plane_is_refused(tmp_path: Path) -> None:
    path = write_lif(tmp_path / "a.lif", [LifPicture("line", noise((9, 14)), "TX")])
    with pytest.raises(AxesError, match="axes 'tx' are not valid"):
        read_image(path)
    assert "it holds no image" in refusal(write_lif(path, []))
    assert "an image has the sides 9 × 0" in refusal(write_lif(path, [replace(PLANE, pixels=noise((0, 9)))]))
    two = LifPicture("a", noise((4, 3, 9, 14)), "CZYX", strides={"Z": 2 * 9 * 14 * 2})
    write_lif(path, [two])
    with pytest.raises(Exception, match="its channels have two dimensions, which is not read"):
        read_image(path, axes="tczyx")


@pytest.mark.parametrize("stored", [b"", bytes(100)], ids=["nothing", "a part"])
def test_pixels_that_were_never_stored_are_not_those_of_the_next_image(tmp_path: Path, stored: bytes) -> None:
    path = write_lif(tmp_path / "a.lif", [replace(PLANE, name="a", content=stored), PLANE])
    assert f"(a: {len(stored)} bytes of 252 are stored)" in refusal(path, series=0)
    check(path, PLANE.pixels, "yx", series=1)


def test_a_file_cut_off_within_its_pixels_keeps_the_images_before(tmp_path: Path) -> None:
    path = write_lif(tmp_path / "a.lif", [PLANE, replace(PLANE, name="b")])
    path.write_bytes(path.read_bytes()[:-10])
    check(path, PLANE.pixels, "yx", series="plane")
    # Bytes, or with newer versions of the reader pixels of two bytes.
    assert re.search(r"read 242 bytes, expected 252|expected 126 items, got 121", refusal(path, series="b"))
    path.write_bytes(path.read_bytes()[:-260])
    assert "'MemBlock_1'" in refusal(path, series="b")
    assert "was a copy interrupted?" in refusal(path, series="b")


def test_images_of_lifetimes_are_left_out_and_said(tmp_path: Path) -> None:
    path = write_lif(tmp_path / "a.lif", [PLANE, replace(PLANE, name="decay", is_flim=True)])
    notes = check(path, PLANE.pixels, "yx").notes
    assert "left out: 1 of the file's images, of fluorescence lifetimes" in notes


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("series", "axes", "shape", "waves"),
    [
        ("x_y_lambdaEmi", "cyx", (20, 64, 64), range(550, 750, 10)),
        ("x_y_lambdaExc", "cyx", (15, 64, 64), range(490, 565, 5)),
        ("x_y_z_t_lambdaEmi", "tczyx", (2, 10, 11, 64, 64), range(550, 600, 5)),
    ],
)
def test_a_real_file(vendor: Path, series: str, axes: str, shape: tuple[int, ...], waves: range) -> None:
    path = vendor / "LeicaLASX_wavelength-sweep_example.lif"
    pixels = liffile.imread(str(path), image=series)
    assert pixels.shape == shape
    header = check(path, pixels, axes, series=series)
    assert (pixels.dtype, len(header.series)) == (np.uint8, 3)
    assert header.channels == tuple(f"{wave} nm" for wave in waves)
    side = {"y": 0.104814, "x": 0.104814}
    assert header.spacing == pytest.approx(side | ({"z": 0.500203} if "z" in axes else {}), rel=1e-5)
    assert header.time_step == (80.91 if "t" in axes else None)
