"""DeltaVision files in every order of bytes and planes, whole and damaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mrc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.io.vendor.checks import check, refusal
from tests.io.vendor.writers import DV_ORDERS, DV_TYPES, Deltavision, noise, write_dv

from veriscope.errors import VeriscopeError
from veriscope.io.images import read_header, read_image

FILE = Deltavision(noise((2, 3, 4, 10, 13)))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("sequence", range(3))
def test_planes_in_every_order(tmp_path: Path, order: str, sequence: int) -> None:
    path = write_dv(tmp_path / "a.dv", replace(FILE, order=order, sequence=sequence))
    stored = DV_ORDERS[sequence] + "yx"
    header = check(path, FILE.pixels.transpose([stored.index(letter) for letter in "tczyx"]), "tczyx")
    assert header.spacing == pytest.approx({"z": 0.5, "y": 0.2, "x": 0.1})
    assert header.channels[:2] == ("457 nm", "528 nm")
    assert header.channels[2:] == tuple(
        f"channel-{i}" for i in range(2, FILE.pixels.shape[stored.index("c")])
    )
    assert header.format == "DeltaVision DV"


@pytest.mark.parametrize("kind", DV_TYPES)
def test_numbers_of_every_type_behind_a_long_header(tmp_path: Path, kind: str) -> None:
    pixels = noise((1, 1, 1, 10, 13), kind)
    check(write_dv(tmp_path / "A.R3D", Deltavision(pixels, order=">", extended=8192)), pixels[0, 0, 0], "yx")


def test_an_unknown_pixel_size_is_not_made_up(tmp_path: Path) -> None:
    path = write_dv(tmp_path / "a.dv", replace(FILE, spacing=(0.0, float("nan"), -1.0)))
    header = read_header(path)
    assert header.spacing is None and header.notes[0].startswith("uncalibrated")


def test_what_its_header_says_wrongly_is_refused(tmp_path: Path) -> None:
    def said(at: int, value: bytes) -> str:
        content = bytearray(write_dv(tmp_path / "a.dv", FILE).read_bytes())
        content[at : at + len(value)] = value
        (tmp_path / "a.dv").write_bytes(content)
        return refusal(tmp_path / "a.dv")

    assert "its 23 planes are not 3 times 2 channels" in said(8, b"\x17")
    assert "damaged or cut off (3); was a copy interrupted?" in said(12, b"\x03")
    assert "damaged or cut off (mmap length" in said(4, b"\x00\x10")
    assert "damaged or cut off" in said(0, b"\xff\xff\xff\xff")
    assert "its 24 planes are not 0 times 2 channels" in said(180, b"\0\0")
    path = write_dv(tmp_path / "a.dv", Deltavision(FILE.pixels, pixel_type=4))
    path.write_bytes(path.read_bytes() + bytes(3 * FILE.pixels.nbytes))
    assert "its pixels are complex numbers" in refusal(path)


@pytest.mark.parametrize("length", [98, 1023, 1024, 2000, -1])
def test_cut_off_at_any_length(tmp_path: Path, length: int) -> None:
    path = write_dv(tmp_path / "a.dv", FILE)
    path.write_bytes(path.read_bytes()[:length])
    assert "was a copy interrupted?" in refusal(path)


def test_a_name_alone_does_not_make_one(tmp_path: Path) -> None:
    (tmp_path / "a.dv").write_bytes(bytes(2000))
    assert "is of an unknown format" in refusal(tmp_path / "a.dv")
    write_dv(tmp_path / "a.xyz", FILE)
    assert "is of an unknown format" in refusal(tmp_path / "a.xyz")


@settings(max_examples=60)
@given(st.binary(min_size=1, max_size=230), st.integers(0, 1000))
def test_any_header_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, damage: bytes, at: int
) -> None:
    path = write_dv(tmp_path_factory.mktemp("dv") / "a.dv", FILE)
    content = path.read_bytes()
    path.write_bytes(content[:at] + damage + content[at + len(damage) :])
    try:
        assert read_image(path).pixels.ndim >= 2
    except VeriscopeError as error:
        assert str(error).startswith(f"{path}: ")


@pytest.mark.real_data
def test_a_real_file(vendor: Path) -> None:
    pixels = mrc.imread(str(vendor / "toxo.dv"))
    header = check(vendor / "toxo.dv", pixels, "czyx")
    assert pixels.shape == (2, 17, 128, 128)
    assert header.channels == ("525 nm", "632 nm")
    assert header.spacing == pytest.approx({"z": 0.3, "y": 0.13262, "x": 0.13262})
    assert header.time_step is None
