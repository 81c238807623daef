"""PNG, JPEG and BMP of every kind of pixel, read whole and in part, or refused with a reason."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from veriscope.errors import UnreadableFileError
from veriscope.io.images import read_header, read_image
from veriscope.io.regions import StoredImage

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 255, (12, 17), dtype=np.uint8)
DEEP = RNG.integers(0, 65_535, (12, 17), dtype=np.uint16)
COLOURS = RNG.integers(0, 255, (12, 17, 3), dtype=np.uint8)
ALPHA_NOTE = "the alpha channel (transparency) is left out"


def check(path: Path, pixels: NDArray[Any]) -> StoredImage:
    image, header, stored = read_image(path), read_header(path), StoredImage(path)
    np.testing.assert_array_equal(image.pixels, pixels)
    assert image.pixels.dtype == header.dtype == pixels.dtype
    assert (header.shape, header.axes, header.notes) == (pixels.shape, image.axes, image.notes)
    part = (*(slice(0, size) for size in pixels.shape[:-2]), slice(3, 9), slice(5, 6))
    np.testing.assert_array_equal(stored.read(part).pixels, pixels[part])
    assert stored.chunk_sides == pixels.shape[-2:], "a picture is decoded whole"
    return stored


@pytest.mark.parametrize("suffix", ["png", "bmp"])
def test_grey_colour_and_one_bit(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Pillow.fromarray(GREY).save(path)
    assert check(path, GREY).chunk_bytes == GREY.nbytes
    Pillow.fromarray(GREY > 99).save(path)
    check(path, GREY > 99)
    Pillow.fromarray(COLOURS).save(path)
    stored = check(path, np.moveaxis(COLOURS, 2, 0))
    assert stored.header.channels == ("red", "green", "blue")
    assert stored.chunk_bytes == COLOURS.nbytes
    assert stored.header.format == suffix.upper()


@pytest.mark.parametrize("bits", [2, 4])
def test_few_bits_of_grey_fill_the_range_as_png_has_it(tmp_path: Path, bits: int) -> None:
    values = (GREY % (1 << bits)).astype(np.uint8)
    write_few_bits(tmp_path / "a.png", values, bits)
    check(tmp_path / "a.png", values * np.uint8(255 // ((1 << bits) - 1)))


def write_few_bits(path: Path, values: NDArray[np.uint8], bits: int) -> None:
    """Write a grey PNG of less than 8 bits by hand; packages write whole bytes."""
    rows = b""
    for row in values:
        packed = np.unpackbits(row[:, None], axis=1)[:, 8 - bits :].reshape(-1)
        rows += b"\0" + np.packbits(packed).tobytes()
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        content += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    path.write_bytes(content)


def test_sixteen_bits_of_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Pillow.fromarray(DEEP).save(path)
    check(path, DEEP)
    for channels, kept in ((3, 3), (4, 3), (2, 1)):
        deep = RNG.integers(0, 65_535, (12, 17, channels), dtype=np.uint16)
        path.write_bytes(imagecodecs.png_encode(deep))
        pixels = np.moveaxis(deep[..., :kept], 2, 0)
        stored = check(path, pixels if kept == 3 else pixels[0])
        assert (ALPHA_NOTE in stored.header.notes) == (channels != kept)


@pytest.mark.parametrize("kind", ["RGBA", "LA", "P"])
def test_transparency_is_left_out_and_said(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.png"
    if kind == "P":
        table = RNG.integers(0, 255, (256, 3), dtype=np.uint8)
        picture = Pillow.fromarray(GREY, "P")
        picture.putpalette(table.tobytes())
        picture.save(path, transparency=7)
        pixels = np.moveaxis(table[GREY], 2, 0)
    else:
        seen = COLOURS if kind == "RGBA" else GREY[..., None]
        Pillow.fromarray(np.concatenate([seen, GREY[..., None]], axis=2), kind).save(path)
        pixels = np.moveaxis(COLOURS, 2, 0) if kind == "RGBA" else GREY
    assert ALPHA_NOTE in check(path, pixels).header.notes


def test_a_photograph_turned_by_the_camera_is_read_as_stored(tmp_path: Path) -> None:
    marked = Pillow.Exif()
    marked[274] = 6
    Pillow.fromarray(COLOURS).save(tmp_path / "a.jpg", exif=marked, quality=95)
    image = read_image(tmp_path / "a.jpg")
    assert image.shape == (3, 12, 17)
    assert "the camera's rotation mark is ignored: pixels are read as stored" in image.notes
    Pillow.fromarray(COLOURS).save(tmp_path / "a.jpg", quality=95)
    assert not any("rotation" in note for note in read_image(tmp_path / "a.jpg").notes)


def test_an_animation_is_refused(tmp_path: Path) -> None:
    frames = [Pillow.fromarray(GREY), Pillow.fromarray(255 - GREY)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    with pytest.raises(UnreadableFileError) as caught:
        read_image(tmp_path / "a.png")
    assert str(caught.value) == (
        f"{tmp_path / 'a.png'}: is an animation of 2 pictures; save them as one TIFF or as single files"
    )


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Pillow.fromarray(GREY).save(tmp_path / "a.png")
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 50)
    with pytest.raises(UnreadableFileError, match="has more pixels than are read from a PNG file"):
        read_header(tmp_path / "a.png")
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", GREY.size - 1)  # which Pillow only warns of
    check(tmp_path / "a.png", GREY)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_pictures_cut_off_are_refused_by_the_header_already(
    tmp_path: Path, suffix: str, share: float
) -> None:
    path = tmp_path / f"a.{suffix}"
    Pillow.fromarray(RNG.integers(0, 255, (64, 64), dtype=np.uint8)).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    for read in (read_header, read_image, StoredImage):
        with pytest.raises(UnreadableFileError, match=r"truncated|damaged"):
            read(path)


def test_damage_within_is_told_when_the_pixels_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Pillow.fromarray(RNG.integers(0, 255, (64, 64), dtype=np.uint8)).save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 40] = bytes(40)
    path.write_bytes(content)
    assert read_header(path).shape == (64, 64)
    with pytest.raises(UnreadableFileError, match="the PNG file is truncated or damaged"):
        read_image(path)


def test_what_comes_after_the_end_does_not_matter(tmp_path: Path) -> None:
    """Some cameras and web pages append to a picture."""
    for suffix in ("png", "jpg", "bmp"):
        path = tmp_path / f"a.{suffix}"
        Pillow.fromarray(GREY).save(path)
        before = read_image(path).pixels
        path.write_bytes(path.read_bytes() + b"\0" * 50)
        np.testing.assert_array_equal(read_image(path).pixels, before)


def test_a_name_does_not_make_a_picture(tmp_path: Path) -> None:
    Pillow.fromarray(GREY).save(tmp_path / "a.bmp")
    (tmp_path / "a.bmp").rename(tmp_path / "a.jpg")
    assert read_header(tmp_path / "a.jpg").format == "BMP"
    check(tmp_path / "a.jpg", GREY)
    (tmp_path / "b.png").write_text("mean BMI of all patients\n1\n2\n")
    with pytest.raises(UnreadableFileError, match=r"looks like text, not like the image its name promises"):
        read_image(tmp_path / "b.png")
