"""Every kind of TIFF gives the same pixels, read whole or part by part, and says how it is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow

from veriscope.errors import UnreadableFileError
from veriscope.io.images import read_header, read_image
from veriscope.io.labels import read_labels
from veriscope.io.regions import StoredImage

RNG = np.random.default_rng(0)
PLANE = RNG.integers(0, 250, (37, 53), dtype=np.uint8)
STACK = RNG.integers(0, 60_000, (3, 37, 53), dtype=np.uint16)
MASK = RNG.random((37, 53)) > 0.5
COLOURS = RNG.integers(0, 255, (37, 53, 3), dtype=np.uint8)


def check(path: Path, pixels: NDArray[Any], **options: Any) -> StoredImage:
    """Read an image whole, its header, and some parts of it; all must be what was stored."""
    image, header, stored = (
        read_image(path, **options),
        read_header(path, **options),
        StoredImage(path, **options),
    )
    np.testing.assert_array_equal(image.pixels, pixels)
    assert (image.pixels.dtype, image.pixels.dtype.isnative) == (pixels.dtype.newbyteorder("="), True)
    assert (header.shape, header.axes, header.dtype) == (image.pixels.shape, image.axes, image.pixels.dtype)
    assert (header.spacing, header.channels, header.notes) == (image.spacing, image.channels, image.notes)
    for start, end in ((0, 1), (0.3, 0.8), (0.9, 1)):
        part = tuple(slice(int(n * start), max(int(n * start) + 1, int(n * end))) for n in pixels.shape)
        found = stored.read(part)
        np.testing.assert_array_equal(found.pixels, pixels[part])
        assert found.pixels.dtype == image.pixels.dtype
        assert (found.axes, found.spacing) == (image.axes, image.spacing)
        if "c" in image.axes:
            assert found.channels == image.channels[part[image.axes.index("c")]]
    return stored


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tile", [None, (16, 32)], ids=["strips", "tiles"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_numbers_of_every_type_order_and_layout(
    tmp_path: Path, dtype: str, order: str, tile: tuple[int, int] | None, compression: str | None
) -> None:
    kind = np.dtype(dtype)
    lowest = -100.0 if kind.kind in "fi" else 0.0
    pixels = RNG.uniform(lowest, 100, (2, 21, 35)).astype(kind)
    tifffile.imwrite(
        tmp_path / "a.tif",
        pixels,
        byteorder=order,
        tile=tile,
        rowsperstrip=None if tile else 8,
        compression=compression,
        predictor=compression is not None and dtype not in ("f2", "u8", "i8"),
        photometric="minisblack",
        metadata={"axes": "ZYX"},
    )
    stored = check(tmp_path / "a.tif", pixels)
    if compression is None and tile is None:
        assert (stored.chunk_sides, stored.chunk_bytes) == ((1, 1), 0), "single pixels can be read"
    else:
        assert stored.chunk_sides == (tile or (8, 35))
        assert stored.chunk_bytes == np.prod(tile or (8, 35)) * kind.itemsize


@pytest.mark.parametrize("name", ["plain", "packbits", "fax", "white is 0"])
def test_one_bit_a_pixel_is_true_and_false(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.tif"
    if name == "fax":
        Pillow.fromarray(MASK).save(path, compression="group4")
    else:
        photometric = "miniswhite" if name == "white is 0" else "minisblack"
        packed = "packbits" if name == "packbits" else None
        tifffile.imwrite(path, MASK, photometric=photometric, compression=packed, metadata=None)
    check(path, MASK)
    said = "stored with 0 as white; the values are read as stored, so larger is darker"
    assert (said in read_header(path).notes) == (name == "white is 0")


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("options", [{}, {"tile": (16, 16), "compression": "lzw"}, {"bigtiff": True}])
def test_colours_are_channels_however_they_lie(tmp_path: Path, planar: str, options: dict[str, Any]) -> None:
    pixels = np.moveaxis(COLOURS, 2, 0)
    data = COLOURS if planar == "contig" else pixels
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb", planarconfig=planar, **options)
    stored = check(tmp_path / "a.tif", pixels)
    assert stored.header.channels == ("red", "green", "blue")
    assert stored.header.format == ("BigTIFF" if "bigtiff" in options else "TIFF")


def test_colours_of_16_bits_and_of_a_stack(tmp_path: Path) -> None:
    deep = RNG.integers(0, 65_535, (9, 11, 3), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "deep.tif", deep, photometric="rgb", byteorder=">")
    check(tmp_path / "deep.tif", np.moveaxis(deep, 2, 0))
    stack = RNG.integers(0, 255, (4, 9, 11, 3), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "stack.tif", stack, imagej=True, metadata={"axes": "ZYXS"})
    assert check(tmp_path / "stack.tif", np.moveaxis(stack, 3, 0)).header.axes == "czyx"


def test_colours_stored_as_jpeg_are_nearly_what_they_were(tmp_path: Path) -> None:
    smooth = np.repeat(np.repeat(RNG.integers(0, 255, (4, 4, 3), dtype=np.uint8), 16, 0), 16, 1)
    Pillow.fromarray(smooth).save(tmp_path / "a.tif", compression="jpeg", quality=100)
    found = read_image(tmp_path / "a.tif")
    assert found.is_rgb
    assert np.abs(found.pixels.astype(int) - np.moveaxis(smooth, 2, 0)).mean() < 5
    check(tmp_path / "a.tif", found.pixels)


@pytest.mark.parametrize("suffix", ["tif", "png"])
@pytest.mark.parametrize("bits", [1, 8])
def test_a_palette_is_colours_also_of_a_part_and_of_one_channel(
    tmp_path: Path, suffix: str, bits: int
) -> None:
    places = MASK.astype(np.uint8) if bits == 1 else PLANE % 5
    table = RNG.integers(0, 255, (5, 3), dtype=np.uint8)
    picture = Pillow.fromarray(places, "P")
    picture.putpalette(table.tobytes())
    path = tmp_path / f"a.{suffix}"
    picture.save(path, bits=bits) if suffix == "png" else picture.save(path)
    stored = check(path, np.moveaxis(table[places], 2, 0))
    (green,) = stored.read((slice(1, 2), slice(3, 9), slice(5, 6))).pixels
    np.testing.assert_array_equal(green, table[places[3:9, 5:6], 1])
    np.testing.assert_array_equal(read_labels(path), places)


@settings(max_examples=25)
@given(
    sizes=st.tuples(*[st.integers(1, 3)] * 3, *[st.integers(1, 6)] * 2),
    dtype=st.sampled_from(["u1", "u2", "f4"]),
    step=st.none() | st.floats(0.1, 10),
)
def test_hyperstacks_of_imagej_of_any_size(
    tmp_path_factory: pytest.TempPathFactory, sizes: tuple[int, ...], dtype: str, step: float | None
) -> None:
    """ImageJ stores t, z, c, y, x; we give t, c, z, y, x."""
    path = tmp_path_factory.mktemp("imagej") / "a.tif"
    pixels = np.arange(np.prod(sizes)).reshape(sizes).astype(dtype)
    metadata: dict[str, Any] = {"axes": "TZCYXS"} | ({"unit": "um", "spacing": step} if step else {})
    options: dict[str, Any] = {"resolution": (1 / step, 0.5 / step)} if step else {}
    tifffile.imwrite(
        path, pixels[..., None], imagej=True, photometric="minisblack", metadata=metadata, **options
    )
    image = read_image(path)
    kept = [letter for letter, size in zip("tzcyx", sizes, strict=True) if size > 1 or letter in "yx"]
    assert image.axes == "".join(sorted(kept, key="tczyx".index))
    np.testing.assert_array_equal(image.pixels, np.moveaxis(pixels, 1, 2).reshape(image.pixels.shape))
    if step is None:
        assert image.spacing is None
    elif "z" in kept:
        assert image.spacing == pytest.approx({"z": step, "y": 2 * step, "x": step}, rel=1e-4)
    else:
        assert image.spacing == pytest.approx({"y": 2 * step, "x": step}, rel=1e-4)


@pytest.mark.parametrize(
    ("metadata", "seconds"),
    [
        ({"finterval": 5}, 5.0),
        ({"finterval": 2.5, "tunit": "min"}, 150.0),
        ({"finterval": 250, "tunit": "ms"}, 0.25),
        ({"finterval": 2, "tunit": "h"}, 7200.0),
        ({"finterval": 2, "tunit": "fortnight"}, None),
        ({"finterval": 0}, None),
        ({"finterval": -1}, None),
        ({}, None),
    ],
)
def test_the_time_between_frames_is_in_the_unit_that_imagej_names(
    tmp_path: Path, metadata: dict[str, Any], seconds: float | None
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, metadata={"axes": "TYX", **metadata})
    assert read_header(tmp_path / "a.tif").time_step == seconds


def test_labels_of_slices_are_names_of_channels_only_where_each_channel_has_one(tmp_path: Path) -> None:
    labels = {"Labels": ["DAPI ", "GFP", "RFP"]}
    tifffile.imwrite(tmp_path / "c.tif", STACK, imagej=True, metadata={"axes": "CYX", **labels})
    assert read_header(tmp_path / "c.tif").channels == ("DAPI", "GFP", "RFP")
    both = np.stack([STACK, STACK])  # six planes and six labels, which are not those of channels
    tifffile.imwrite(tmp_path / "zc.tif", both, imagej=True, metadata={"axes": "ZCYX", "Labels": ["x"] * 6})
    assert read_header(tmp_path / "zc.tif").channels == ("channel-0", "channel-1", "channel-2")


@pytest.mark.parametrize(
    ("size", "unit", "micrometres"),
    [
        (250.0, "nm", 0.25),
        (2.5, "Å", 2.5e-4),
        (0.0005, "mm", 0.5),
        (0.00002, "in", 0.508),
        (500.0, "pm", 5e-4),
        (1.5e-6, "m", 1.5),
        (0.5, "µm", 0.5),
        (3.0, "ly", None),
        (3.0, "reference frame", None),
    ],
)
def test_units_of_ome_xml(tmp_path: Path, size: float, unit: str, micrometres: float | None) -> None:
    sizes = {f"PhysicalSize{letter}": size for letter in "XY"}
    units = {f"PhysicalSize{letter}Unit": unit for letter in "XY"}
    tifffile.imwrite(tmp_path / "a.ome.tif", PLANE, metadata={"axes": "YX", **sizes, **units})
    image = read_image(tmp_path / "a.ome.tif")
    if micrometres is None:
        assert image.spacing is None
        assert f"PhysicalSizeX {size} {unit} is no pixel size and is ignored" in image.notes
    else:
        assert image.spacing == pytest.approx({"y": micrometres, "x": micrometres})


def test_ome_xml_of_another_number_of_images_gives_no_pixel_size(tmp_path: Path) -> None:
    pixels = (
        '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="53" SizeY="37" SizeZ="1" SizeC="1" '
        'SizeT="1" PhysicalSizeX="1" PhysicalSizeY="1"><TiffData/></Pixels>'
    )
    images = f'<Image ID="Image:0">{pixels}</Image><Image ID="Image:1"/>'
    xml = f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">{images}</OME>'
    tifffile.imwrite(tmp_path / "a.ome.tif", PLANE, description=xml, metadata=None)
    found = read_header(tmp_path / "a.ome.tif")
    assert found.spacing is None
    assert found.notes[0] == "the OME-XML does not fit the images in the file; its pixel size is ignored"


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_resolution_that_is_cut_off_is_refused_and_the_full_one_read(
    tmp_path: Path, compression: str | None
) -> None:
    path = tmp_path / "a.ome.tif"
    options: dict[str, Any] = {"tile": (16, 16), "compression": compression}
    with tifffile.TiffWriter(path) as writer:
        writer.write(PLANE, subifds=1, metadata={"axes": "YX"}, **options)
        writer.write(PLANE[::2, ::2], subfiletype=1, **options)
    size = path.stat().st_size
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        offsets = tiff.series[0].levels[1].keyframe.tags[324]
        offsets.overwrite([*offsets.value[:-1], size + 1000])
    check(path, PLANE)
    with pytest.raises(UnreadableFileError, match=r"the pixels .* cannot be decoded"):
        read_image(path, level=1)
