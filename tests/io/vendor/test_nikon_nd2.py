"""Nikon files: a real one, and copies of it in which something is damaged, missing or unknown."""

from __future__ import annotations

import struct
from pathlib import Path

import nd2
import numpy as np
import pytest
from tests.io.vendor.checks import check, refusal

from veriscope.io.images import read_header, read_image
from veriscope.io.regions import StoredImage

real_data = pytest.mark.real_data


@pytest.fixture
def copied(vendor: Path, tmp_path: Path) -> Path:
    """A copy of a real file: 3 times, 10 planes, 2 channels."""
    path = tmp_path / "a.nd2"
    path.write_bytes((vendor / "cluster.nd2").read_bytes())
    return path


def put(path: Path, at: int, value: bytes) -> None:
    content = bytearray(path.read_bytes())
    content[at : at + len(value)] = value
    path.write_bytes(content)


@real_data
def test_a_real_file(vendor: Path) -> None:
    path = vendor / "cluster.nd2"
    pixels = nd2.imread(path)
    assert pixels.shape == (3, 10, 2, 31, 38)
    header = check(path, pixels.swapaxes(1, 2), "tczyx")
    assert (header.format, header.dtype) == ("Nikon ND2", np.uint16)
    assert header.channels == ("5-FAM/pH 9.0", "FM 4-64/2% CHAPS")
    assert header.spacing == pytest.approx({"z": 0.5, "y": 0.167809, "x": 0.167809}, rel=1e-5)
    with nd2.ND2File(path) as file:
        taken = [one["Time [s]"] for one in file.events()]
    assert header.time_step == pytest.approx(np.median(np.diff(taken[::10])))


@real_data
def test_a_plane_is_decoded_with_all_its_channels(vendor: Path) -> None:
    stored = StoredImage(vendor / "cluster.nd2")
    assert stored.chunk_sides == (31, 38)
    assert stored.chunk_bytes == 2 * 31 * 38 * 2


@real_data
def test_a_pixel_size_that_the_microscope_did_not_know_is_not_made_up(copied: Path) -> None:
    key = "bCalibrated".encode("utf-16-le") + b"\0\0"
    put(copied, copied.read_bytes().index(key) + len(key), b"\0")
    header = read_header(copied)
    assert header.spacing is None
    assert header.notes[0] == (
        "uncalibrated: the pixel size is stated for z 0.5 µm but not for y, x; give it with --spacing"
    )


@real_data
@pytest.mark.parametrize("fault", ["not listed", "beyond the end"])
def test_a_plane_that_was_never_recorded_is_not_black(copied: Path, fault: str) -> None:
    entry = copied.read_bytes().rindex(b"ImageDataSeq|29!")
    if fault == "not listed":
        put(copied, entry, b"X")
    else:
        put(copied, entry + len("ImageDataSeq|29!"), struct.pack("<Q", 10**9))
    assert "frame 29 is not in the file: the recording was stopped, or the file cut off" in refusal(copied)
    first = tuple(
        slice(0, 1 if letter in "tz" else n) for letter, n in zip("tczyx", (3, 2, 10, 31, 38), strict=True)
    )
    assert StoredImage(copied).read(first).pixels.any(), "what was recorded is read"


@real_data
def test_a_plane_that_is_black_is_read(copied: Path) -> None:
    start = copied.read_bytes().index(b"ImageDataSeq|29!") - 16 + 24 + 4072
    pixels = nd2.imread(copied)
    assert copied.read_bytes()[start : start + 4] == pixels[2, 9, :, 0, 0].tobytes()
    put(copied, start, bytes(2 * 31 * 38 * 2))
    found = read_image(copied).pixels
    assert not found[2, :, 9].any()
    np.testing.assert_array_equal(found[:2], pixels[:2].swapaxes(1, 2))


@real_data
@pytest.mark.parametrize("length", [4, 16, 100, 1000, 278_528, -1])
def test_cut_off_at_any_length(copied: Path, length: int) -> None:
    copied.write_bytes(copied.read_bytes()[:length])
    assert "was a copy interrupted?" in refusal(copied)


@real_data
def test_damage_to_any_byte_is_refused_or_read(copied: Path) -> None:
    whole, dice = copied.read_bytes(), np.random.default_rng(0)
    for _ in range(20):
        content = bytearray(whole)
        for place in dice.choice([dice.integers(0, 600), len(whole) - dice.integers(1, 4000)], 3):
            content[place] = dice.integers(256)
        copied.write_bytes(content)
        try:
            found = read_image(copied).pixels
        except ValueError as error:
            assert str(error).startswith(f"{copied}: ")
        else:
            assert found.size


def test_files_of_the_old_kind_are_named(tmp_path: Path) -> None:
    path = tmp_path / "old.nd2"
    path.write_bytes(b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(1000))
    said = refusal(path)
    assert said.startswith("is a Nikon ND2 file of the old kind (JPEG 2000, before 2010)")
    assert said.endswith("is not read; open it in Fiji (Bio-Formats) and save it as OME-TIFF")
