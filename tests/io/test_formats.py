"""Every file of the format collection is read right or refused with its remedy."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from veriscope.errors import AxesError, InputError, UnreadableFileError
from veriscope.io.images import read_header, read_image

pytestmark = pytest.mark.real_data

Z2 = {"z": 2.0, "y": 0.8, "x": 0.8}
MPP = {"y": 0.499, "x": 0.499}
RGB = ("red", "green", "blue")
# path: (axes, shape, dtype, spacing, channels)
READ = {
    "odd/bigtiff_16bit.tif": ("zyx", (10, 120, 122), "uint16", None, ()),
    "odd/imagej_tzcyx_16bit.tif": ("tczyx", (3, 2, 4, 120, 122), "uint16", Z2, ("channel-0", "channel-1")),
    "odd/ome_czyx_16bit.ome.tif": ("czyx", (2, 4, 120, 122), "uint16", Z2, ("H2B", "half")),
    "odd/pyramid.ome.tif": ("yx", (512, 512), "uint8", None, ()),
    "odd/float32_nan_inf.tif": ("yx", (200, 180), "float32", None, ()),
    "odd/float64.tif": ("yx", (200, 180), "float64", None, ()),
    "odd/bilevel_1bit.tif": ("yx", (200, 180), "bool", None, ()),
    "odd/uint32_large_values.tif": ("yx", (200, 180), "uint32", None, ()),
    "odd/int16_negative.tif": ("yx", (200, 180), "int16", None, ()),
    "odd/big_endian_16bit.tif": ("yx", (120, 122), "uint16", None, ()),
    "odd/rgb_planar.tif": ("cyx", (3, 256, 320), "uint8", None, RGB),
    "odd/rgb_lzw_tiled.tif": ("cyx", (3, 256, 320), "uint8", None, RGB),
    "odd/rgb_jpeg_in_tiff.tif": ("cyx", (3, 256, 320), "uint8", None, RGB),
    "odd/zstd_16bit.tif": ("yx", (120, 122), "uint16", None, ()),
    "odd/12bit_packed_as_uint16.tif": ("yx", (120, 122), "uint16", None, ()),
    "odd/single_pixel.tif": ("yx", (1, 1), "uint8", None, ()),
    "odd/constant.tif": ("yx", (64, 64), "uint8", None, ()),
    "odd/palette.png": ("yx", (200, 180), "uint8", None, ()),
    "odd/rgba.png": ("cyx", (3, 256, 320), "uint8", None, RGB),
    "odd/gray16.png": ("yx", (120, 122), "uint16", None, ()),
    "odd/name with spaces and ümlaut.png": ("yx", (200, 180), "uint8", None, ()),
    "odd/embryo_v04.ome.zarr": ("czyx", (2, 4, 120, 122), "uint16", Z2, ("H2B", "half")),
    "odd/embryo_v05.ome.zarr": ("czyx", (2, 4, 120, 122), "uint16", Z2, ("H2B", "half")),
    "vendor/1bit.tif": ("yx", (4, 256), "bool", None, ()),
    "vendor/multi-channel.ome.tif": (
        "cyx",
        (3, 167, 439),
        "int8",
        None,
        ("channel-0", "channel-1", "channel-2"),
    ),
    "vendor/CD_s_1_t_3_c_2_z_5.czi": (
        "tczyx",
        (3, 2, 5, 170, 240),
        "uint16",
        {"z": 0.32, "y": 0.0905766741, "x": 0.0905766741},
        ("LED555", "LED470"),
    ),
    "vendor/cluster.nd2": (
        "tczyx",
        (3, 2, 10, 31, 38),
        "uint16",
        {"z": 0.5, "y": 0.1678089832, "x": 0.1678089832},
        ("5-FAM/pH 9.0", "FM 4-64/2% CHAPS"),
    ),
    "vendor/toxo.dv": (
        "czyx",
        (2, 17, 128, 128),
        "uint16",
        {"z": 0.3, "y": 0.13262, "x": 0.13262},
        ("525 nm", "632 nm"),
    ),
}
SERIES = {
    ("odd/multi_series.ome.tif", 0): ("yx", (200, 180), "uint8", None, ()),
    ("odd/multi_series.ome.tif", 1): ("cyx", (3, 256, 320), "uint8", None, RGB),
    ("odd/multi_series.ome.tif", 2): ("zyx", (10, 120, 122), "uint16", None, ()),
    ("vendor/CMU-1-Small-Region.svs", 0): ("cyx", (3, 2967, 2220), "uint8", MPP, RGB),
    ("vendor/CMU-1-Small-Region.svs", 2): ("cyx", (3, 463, 387), "uint8", None, RGB),
    ("vendor/LeicaLASX_wavelength-sweep_example.lif", 0): (
        "cyx",
        (20, 64, 64),
        "uint8",
        {"y": 0.1048144286, "x": 0.1048144286},
        tuple(f"{wave} nm" for wave in range(550, 750, 10)),
    ),
}
SET = (
    "is one part of an OME-TIFF set of several files, whose metadata are in 'multifile.companion.ome'; such "
    "sets are not read yet: open the set in Fiji (Bio-Formats) and save it as one OME-TIFF"
)
REFUSED = {
    "odd/broken_truncated.tif": (
        "the file is truncated: pixels reach to byte 246102 but the file ends at byte 123051; copy it again "
        "from its source"
    ),
    "odd/broken_empty.tif": (
        "the file is empty (0 bytes), as after an interrupted copy; copy it again from its source"
    ),
    "odd/broken_not_an_image.tif": (
        "looks like text, not like the image its name promises (first bytes 'this is '); formats read are "
        "TIFF, OME-TIFF, PNG, JPEG, BMP, OME-Zarr, CZI, LIF, ND2 and DV: check what the file is, or export "
        "the image again"
    ),
    "vendor/ojpeg-tile.tif": (
        "uses old-style JPEG compression (TIFF compression 6), which is not read; open it in Fiji or QuPath "
        "and save it as OME-TIFF"
    ),
    "vendor/subsampled.tif": (
        "stores colours as YCbCr with subsampling 2×2 and LZW compression, which is not read; open it in "
        "Fiji or QuPath and save it as OME-TIFF"
    ),
    **{f"vendor/multifile-Z{i}.ome.tiff": SET for i in range(1, 6)},
}

COLOUR_CHANNELS = "vendor/RGB-multichannel.czi"


@pytest.fixture(scope="session")
def formats(data_dir: Path) -> Path:
    return data_dir / "formats"


def check(path: Path, expected: tuple[object, ...], **options: object) -> np.ndarray:
    header = read_header(path, **options)
    image = read_image(path, **options)
    axes, shape, dtype, spacing, channels = expected
    assert (image.axes, image.shape, image.pixels.dtype.name, image.channels) == (
        axes,
        shape,
        dtype,
        channels,
    )
    assert image.spacing == (spacing if spacing is None else pytest.approx(spacing))
    assert image.pixels.dtype.isnative
    assert (header.axes, header.shape, header.dtype) == (image.axes, image.shape, image.pixels.dtype)
    assert (header.spacing, header.channels, header.notes) == (image.spacing, image.channels, image.notes)
    assert (image.spacing is None) == any(note.startswith("uncalibrated") for note in image.notes)
    return image.pixels


@pytest.mark.parametrize("name", READ)
def test_reads_with_the_stated_axes_spacing_and_channels(formats: Path, name: str) -> None:
    check(formats / name, READ[name])


@pytest.mark.parametrize(("name", "series"), SERIES)
def test_reads_each_series_of_a_file_with_several(formats: Path, name: str, series: int) -> None:
    check(formats / name, SERIES[name, series], series=series)


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("read", [read_header, read_image])
def test_refuses_with_reason_and_remedy(formats: Path, name: str, read: object) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        read(formats / name)  # type: ignore[operator]
    assert str(caught.value) == f"{formats / name}: {REFUSED[name]}"


@pytest.mark.parametrize("read", [read_header, read_image])
def test_colours_in_each_of_several_channels_are_refused(formats: Path, read: object) -> None:
    with pytest.raises(AxesError) as caught:
        read(formats / COLOUR_CHANNELS)  # type: ignore[operator]
    assert str(caught.value) == (
        f"{formats / COLOUR_CHANNELS}: has 7 channels and 3 colours in each; save one of the two, for "
        "example with Fiji (Image > Color > Split Channels)"
    )


def test_no_file_of_the_collection_is_left_out(formats: Path) -> None:
    listed = set()
    for table in ("odd_files.csv", "vendor_files.csv"):
        with (formats / table).open(encoding="utf-8") as stream:
            listed |= {row["file"] for row in csv.DictReader(stream)}
    assert listed == {*READ, *REFUSED, COLOUR_CHANNELS, *(name for name, _ in SERIES)}


def test_a_file_with_several_images_asks_which(formats: Path) -> None:
    path = formats / "odd/multi_series.ome.tif"
    with pytest.raises(InputError) as caught:
        read_image(path)
    assert str(caught.value) == (
        f"{path}: the file has 3 images; choose one with --series, or all with --series each: 0 (small: "
        "yx 200 × 180 uint8), 1 (rgb: yxs 256 × 320 × 3 uint8), 2 (stack: zyx 10 × 120 × 122 uint16)"
    )
    assert read_image(path, series="stack").shape == (10, 120, 122)


@pytest.mark.parametrize("version", ["04", "05"])
def test_both_zarr_versions_and_the_ome_tiff_hold_the_same_pixels(formats: Path, version: str) -> None:
    zarr = read_image(formats / f"odd/embryo_v{version}.ome.zarr")
    tiff = read_image(formats / "odd/ome_czyx_16bit.ome.tif")
    np.testing.assert_array_equal(zarr.pixels, tiff.pixels)
    assert zarr.spacing == tiff.spacing


def test_levels_have_their_own_size_and_spacing(formats: Path) -> None:
    pyramid = formats / "odd/pyramid.ome.tif"
    assert read_header(pyramid).levels == ((512, 512), (256, 256), (128, 128))
    small = read_image(pyramid, level=2, spacing=0.5)
    assert small.shape == (128, 128)
    assert small.spacing == {"y": 2.0, "x": 2.0}
    store = read_image(formats / "odd/embryo_v05.ome.zarr", level=1)
    assert store.shape == (2, 4, 60, 61)
    assert store.spacing == {"z": 2.0, "y": 1.6, "x": 1.6}
    with pytest.raises(InputError, match=r"has no resolution level 3; there are 3, from 0 \(full\) to 2"):
        read_image(pyramid, level=3)


def test_values_survive(formats: Path) -> None:
    odd = formats / "odd"
    values = read_image(odd / "float32_nan_inf.tif").pixels
    assert np.isnan(values).sum() == 25
    assert np.isinf(values).sum() == 1
    assert read_image(odd / "12bit_packed_as_uint16.tif").pixels.max() <= 4095
    assert read_image(odd / "uint32_large_values.tif").pixels.max() > 65535
    assert read_image(odd / "int16_negative.tif").pixels.min() < 0
    assert (read_image(odd / "constant.tif").pixels == 7).all()
    same = [read_image(odd / name).pixels for name in ("big_endian_16bit.tif", "zstd_16bit.tif")]
    np.testing.assert_array_equal(*same)
    colours = [read_image(odd / name).pixels for name in ("rgb_planar.tif", "rgb_lzw_tiled.tif", "rgba.png")]
    np.testing.assert_array_equal(colours[0], colours[1])
    np.testing.assert_array_equal(colours[0], colours[2])


def test_time_step_and_resolution_notes(formats: Path) -> None:
    assert read_header(formats / "odd/imagej_tzcyx_16bit.tif").time_step == 60.0
    assert read_image(formats / "vendor/1bit.tif").notes[0] == (
        "the resolution of 71.9836 dpi in the file is one of a screen or printer, not of a microscope, and "
        "is ignored"
    )
