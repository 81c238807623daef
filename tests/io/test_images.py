"""Small files made here: what the format collection has not."""

from __future__ import annotations

import errno
import logging
import uuid
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from veriscope.errors import AxesError, InputError, UnreadableFileError
from veriscope.io.images import read_header, read_image

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8)
STACK = np.arange(5 * 48, dtype=np.uint16).reshape(5, 6, 8)


def error_of(path: Path, kind: type[Exception] = UnreadableFileError, **options: object) -> str:
    with pytest.raises(kind) as caught:
        read_image(path, **options)  # type: ignore[arg-type]
    with pytest.raises(kind):
        read_header(path, **options)  # type: ignore[arg-type]
    return str(caught.value).replace(str(path), "FILE")


def test_a_plain_stack_asks_what_its_pages_are(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, metadata=None)
    assert error_of(path, AxesError) == (
        "FILE: the file has 5 × 6 × 8 pixels and does not say what the dimension of length 5 is (depth, "
        "time or channels?); state it, for example --axes zyx or --axes tyx or --axes cyx"
    )
    image = read_image(path, axes="tyx")
    assert image.axes == "tyx"
    np.testing.assert_array_equal(image.pixels, STACK)
    assert image.notes[0] == "axes 'tyx' as given; the file does not say"


def test_stated_axes_override_the_file_and_are_reordered(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, imagej=True, metadata={"axes": "ZYX"})
    image = read_image(path, axes="tyx")
    assert image.axes == "tyx"
    assert image.notes[0] == "axes 'tyx' as given; the file says 'zyx'"
    turned = read_image(path, axes="yxc")
    assert (turned.axes, turned.shape) == ("cyx", (8, 5, 6))
    np.testing.assert_array_equal(turned.pixels, np.moveaxis(STACK, 2, 0))
    assert read_image(path, axes="zyx").notes == read_image(path).notes


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ("zy", "axes 'zy' are not valid; use the letters 'tczyx', each at most once, with y and x"),
        (
            "tzyx",
            "axes 'tzyx' name 4 dimensions but the file has 3: 5 × 6 × 8 (?yx); give one letter for each, "
            "in this order",
        ),
    ],
)
def test_stated_axes_must_fit(tmp_path: Path, axes: str, message: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK, metadata=None)
    assert error_of(tmp_path / "a.tif", AxesError, axes=axes) == f"FILE: {message}"


def test_axes_of_length_one_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, STACK[None, :, None], metadata={"axes": "TZCYX", "Channel": {"Name": ["DAPI"]}})
    image = read_image(path)
    assert (image.axes, image.channels) == ("zyx", ())
    assert "the only channel is 'DAPI'" in image.notes
    thin = tmp_path / "thin.tif"
    tifffile.imwrite(thin, np.zeros((1, 1, 7), np.uint8), metadata={"axes": "ZYX"})
    assert (read_image(thin).axes, read_image(thin).shape) == ("yx", (1, 7))


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
@pytest.mark.parametrize(
    "unit", ["um", "µm", "μm", "micron", "microns", "\\u00B5m", "\\u03bcm", "Micrometer"]
)
def test_imagej_spellings_of_micrometre(tmp_path: Path, unit: str, encoding: str) -> None:
    if unit == "μm" and encoding == "latin-1":
        return  # it has no Greek mu
    path = tmp_path / "a.tif"
    resolution = (1 / 0.4, 1 / 0.2)  # x, y
    description = f"ImageJ=1.54f\nimages=5\nslices=5\nunit={unit}\nspacing=1.5\n".encode(encoding)
    tifffile.imwrite(path, STACK, description=description, resolution=resolution, metadata=None)
    assert read_image(path).spacing == pytest.approx({"z": 1.5, "y": 0.2, "x": 0.4})


def test_imagej_nanometres_pixels_and_unknown_units(tmp_path: Path) -> None:
    def notes_and_spacing(unit: str) -> tuple[object, tuple[str, ...]]:
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, GREY, imagej=True, resolution=(0.01, 0.01), metadata={"unit": unit})
        image = read_image(path)
        return image.spacing, image.notes

    assert notes_and_spacing("nm") == (pytest.approx({"y": 0.1, "x": 0.1}), ())
    uncalibrated = "uncalibrated: the file does not state a pixel size; give it with --spacing"
    assert notes_and_spacing("pixel") == (None, (uncalibrated,))
    assert notes_and_spacing("furlong") == (
        None,
        ("the unit 'furlong' of the pixel size is not known; the pixel size is ignored", uncalibrated),
    )


def test_a_missing_z_step_is_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, imagej=True, resolution=(2, 2), metadata={"axes": "ZYX", "unit": "um"})
    image = read_image(path)
    assert image.spacing is None
    assert image.notes == (
        "uncalibrated: the pixel size is stated for y 0.5, x 0.5 µm but not for z; give it with --spacing",
    )
    assert read_image(path, spacing={"z": 3}).spacing == {"z": 3.0, "y": 0.5, "x": 0.5}


def test_stated_spacing_overrides_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY, imagej=True, resolution=(2, 2), metadata={"unit": "um"})
    image = read_image(path, spacing=0.25)
    assert image.spacing == {"y": 0.25, "x": 0.25}
    assert image.notes == ("spacing as given; the file says y 0.5, x 0.5 µm",)
    assert read_image(path, spacing={"y": 0.5, "x": 0.5}).notes == ()
    with pytest.raises(AxesError, match=r"spacing x=-1\.0 is not a positive number of µm"):
        read_image(path, spacing={"x": -1})
    with pytest.raises(AxesError, match="spacing is given for axes 'yxz' but the image has 'yx'"):
        read_image(path, spacing={"z": 1})


@pytest.mark.parametrize(
    ("pixels_per_cm", "spacing"), [(28.35, None), (118.11, None), (472.0, None), (20_000.0, 0.5)]
)
def test_resolution_tags_of_a_screen_are_no_pixel_size(
    tmp_path: Path, pixels_per_cm: float, spacing: float | None
) -> None:
    path = tmp_path / "a.tif"
    resolution = (pixels_per_cm, pixels_per_cm)
    tifffile.imwrite(path, GREY, resolution=resolution, resolutionunit="CENTIMETER", metadata=None)
    image = read_image(path)
    if spacing is None:
        assert image.spacing is None
        assert image.notes[0].endswith("of a screen or printer, not of a microscope, and is ignored")
    else:
        assert image.spacing == pytest.approx({"y": spacing, "x": spacing})
        assert image.notes == (
            "the pixel size is taken from the TIFF resolution tags; check that it is the microscope's",
        )


def test_ome_units_and_impossible_sizes(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    metadata = {
        "axes": "CYX",
        "PhysicalSizeX": 250.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.00025,
        "PhysicalSizeYUnit": "mm",
        "Channel": {"Name": ["Cam", "Cam"]},
    }
    tifffile.imwrite(path, STACK[:2], metadata=metadata)
    image = read_image(path)
    assert image.spacing == pytest.approx({"y": 0.25, "x": 0.25})
    assert image.channels == ("Cam-0", "Cam-1")
    assert image.notes == ("channels share names (Cam, Cam); they are numbered",)
    metadata |= {"PhysicalSizeXUnit": "pixel", "Channel": {"Name": ["a", "b"]}}
    tifffile.imwrite(path, STACK[:2], metadata=metadata)
    assert read_image(path).notes == (
        "PhysicalSizeX 250.0 pixel is no pixel size and is ignored",
        "uncalibrated: the pixel size is stated for y 0.25 µm but not for x; give it with --spacing",
    )


OME_SET = (
    '<?xml version="1.0"?>'
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{me}">'
    '<Image ID="Image:0" Name="set"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" '
    'SizeX="8" SizeY="6" SizeZ="2" SizeC="1" SizeT="1"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
    "{planes}</Pixels></Image></OME>"
)


def test_a_set_of_ome_tiff_files_is_read_whole_or_refused(tmp_path: Path) -> None:
    ids = [uuid.UUID(int=i + 1) for i in range(2)]
    planes = "".join(
        f'<TiffData FirstZ="{i}" IFD="0" PlaneCount="1"><UUID FileName="z{i}.ome.tif">urn:uuid:{each}</UUID>'
        "</TiffData>"
        for i, each in enumerate(ids)
    )
    paths = [tmp_path / f"z{i}.ome.tif" for i in range(2)]
    for i, path in enumerate(paths):
        xml = OME_SET.format(me=ids[i], planes=planes)
        tifffile.imwrite(path, np.full((6, 8), i + 1, np.uint8), description=xml, metadata=None)
    for path in paths:
        image = read_image(path)
        assert image.axes == "zyx"
        assert image.pixels[:, 0, 0].tolist() == [1, 2]
    paths[1].unlink()
    assert error_of(paths[0]) == (
        "FILE: 1 of 2 planes are missing (other files of its OME-TIFF set are not beside it); put all files "
        "into one folder, or open the set in Fiji and save it as one OME-TIFF"
    )


def test_entities_in_ome_xml_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    xml = '<?xml version="1.0"?><!DOCTYPE OME [<!ENTITY a "aaaa">]>' + OME_SET.format(me="1", planes="")
    tifffile.imwrite(path, GREY, description=xml, metadata=None)
    assert error_of(path) == "FILE: its OME-XML has document type declarations, which are not read"


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.97, 0.99, 0.999])
@pytest.mark.parametrize("kind", ["imagej", "plain", "bigtiff", "zlib", "ome"])
def test_a_file_cut_anywhere_is_never_read_as_something_else(tmp_path: Path, kind: str, share: float) -> None:
    pixels = np.random.default_rng(0).integers(0, 60_000, (20, 64, 64), dtype=np.uint16)
    options: dict[str, object] = {
        "imagej": {"imagej": True, "metadata": {"axes": "ZYX"}},
        "plain": {"metadata": None},
        "bigtiff": {"bigtiff": True, "metadata": {"axes": "ZYX"}},
        "zlib": {"compression": "zlib", "metadata": {"axes": "ZYX"}},
        "ome": {"ome": True, "metadata": {"axes": "ZYX"}},
    }[kind]
    whole, cut = tmp_path / "whole.tif", tmp_path / "cut.tif"
    tifffile.imwrite(whole, pixels, **options)  # type: ignore[arg-type]
    content = whole.read_bytes()
    cut.write_bytes(content[: int(len(content) * share)])
    try:
        image = read_image(cut, axes="zyx")
    except UnreadableFileError:
        return
    np.testing.assert_array_equal(image.pixels, pixels)


def test_a_promise_of_more_pixels_than_bytes_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY, metadata=None)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages[0].tags["ImageLength"].overwrite(2_000_000)
        tiff.pages[0].tags["RowsPerStrip"].overwrite(2_000_000)
        tiff.pages[0].tags["ImageWidth"].overwrite(60_000)
    size = path.stat().st_size
    assert error_of(path) == (
        f"FILE: its header promises 2000000 × 60000 pixels (120000000000 bytes) but the file has {size} "
        "bytes; it is truncated or damaged: copy it again from its source"
    )


def test_colour_kinds(tmp_path: Path) -> None:
    colour = np.random.default_rng(0).integers(0, 255, (6, 8, 4), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", colour, photometric="rgb", extrasamples=["unassalpha"])
    image = read_image(tmp_path / "a.tif")
    assert image.is_rgb
    np.testing.assert_array_equal(image.pixels, np.moveaxis(colour[..., :3], 2, 0))
    assert image.notes[0] == "the alpha channel (transparency) is left out"

    tifffile.imwrite(tmp_path / "b.tif", colour, photometric="minisblack", planarconfig="contig")
    four = read_image(tmp_path / "b.tif")
    assert four.channels == ("channel-0", "channel-1", "channel-2", "channel-3")

    Pillow.fromarray(np.stack([GREY, 255 - GREY], axis=2), "LA").save(tmp_path / "la.png")
    np.testing.assert_array_equal(read_image(tmp_path / "la.png").pixels, GREY)


def test_palettes_become_colours_or_grey(tmp_path: Path) -> None:
    picture = Pillow.fromarray(np.array([[0, 1], [2, 1]], np.uint8), "P")
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 9])
    picture.save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image.is_rgb
    assert image.pixels.tolist() == [[[255, 0], [0, 0]], [[0, 255], [0, 255]], [[0, 0], [9, 0]]]
    assert image.notes[0] == "stored with a colour palette: read as red, green and blue"
    picture.putpalette([200, 200, 200, 100, 100, 100, 3, 3, 3])
    picture.save(tmp_path / "grey.png")
    assert read_image(tmp_path / "grey.png").pixels.tolist() == [[200, 100], [3, 100]]

    colormap = np.zeros((3, 256), np.uint16)
    colormap[1] = np.arange(256) * 257
    tifffile.imwrite(tmp_path / "p.tif", GREY, photometric="palette", colormap=colormap, metadata=None)
    np.testing.assert_array_equal(read_image(tmp_path / "p.tif").pixels[1], GREY)
    tifffile.imwrite(tmp_path / "ij.tif", GREY, imagej=True, colormap=colormap)
    assert read_image(tmp_path / "ij.tif").axes == "yx"  # a lookup table for display


def test_deep_colour_png_keeps_16_bits(tmp_path: Path) -> None:
    import imagecodecs

    colour = np.random.default_rng(0).integers(0, 65_535, (6, 8, 3), dtype=np.uint16)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(colour))
    image = read_image(tmp_path / "a.png")
    assert image.is_rgb
    np.testing.assert_array_equal(image.pixels, np.moveaxis(colour, 2, 0))


def test_other_pictures(tmp_path: Path) -> None:
    Pillow.fromarray(GREY > 20).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, GREY > 20)
    Pillow.fromarray(GREY).save(tmp_path / "a.bmp")
    np.testing.assert_array_equal(read_image(tmp_path / "a.bmp").pixels, GREY)
    Pillow.fromarray(GREY).save(tmp_path / "dpi.png", dpi=(300, 300))
    assert read_image(tmp_path / "dpi.png").notes[0] == (
        "the dots per inch in the file are those of a screen or printer and are ignored"
    )
    Pillow.fromarray(GREY).save(tmp_path / "a.jpg")
    assert "JPEG compression has changed the pixel values" in read_image(tmp_path / "a.jpg").notes
    Pillow.new("CMYK", (8, 6)).save(tmp_path / "print.jpg")
    assert error_of(tmp_path / "print.jpg") == (
        "FILE: its colours are stored as CMYK, as for print; allowed are grey and RGB: convert it to RGB"
    )


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp"])
def test_cut_pictures_are_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Pillow.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-30])
    assert "file is truncated: it ends at byte" in error_of(path)


def test_a_folder_a_missing_and_a_forbidden_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert error_of(tmp_path / "no.tif") == "FILE: no such file; check the name"
    assert error_of(tmp_path) == (
        "FILE: is a folder where an image file is needed; name a file in it, or an OME-Zarr folder"
    )
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert error_of(path) == (
        "FILE: no permission to read it; change its permissions or copy it to a folder of yours"
    )


def test_other_things_are_named(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", GREY)
    assert error_of(tmp_path / "a.npy") == (
        "FILE: is a NumPy array, not an image that can be read; formats read are TIFF, OME-TIFF, PNG, JPEG, "
        "BMP, OME-Zarr, CZI, LIF, ND2 and DV: export it as one of them"
    )
    (tmp_path / "b.tif").write_bytes(b"II*\0\x08\0\0\0")
    assert "its structure is broken" in error_of(tmp_path / "b.tif") or "no image" in error_of(
        tmp_path / "b.tif"
    )
    (tmp_path / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n123")
    assert "starts like a PNG file but is damaged" in error_of(tmp_path / "c.png")
    tifffile.imwrite(tmp_path / "complex.tif", GREY.astype(np.complex64))
    assert "its pixels are of type complex64" in error_of(tmp_path / "complex.tif")


def test_series_are_listed_and_wrong_ones_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(GREY, metadata={"axes": "YX", "Name": "one"})
        writer.write(STACK, metadata={"axes": "ZYX", "Name": "two"})
    assert read_header(path, series=0).series == ("0 (one: yx 6 × 8 uint8)", "1 (two: zyx 5 × 6 × 8 uint16)")
    assert error_of(path, InputError, series="three") == (
        "FILE: has no image 'three'; there are: 0 (one: yx 6 × 8 uint8), 1 (two: zyx 5 × 6 × 8 uint16)"
    )
    assert read_image(path, series="1").axes == "zyx"


def test_tifffile_is_silent_and_its_logger_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, metadata=None)
    path.write_bytes(path.read_bytes()[:-700])
    with pytest.raises(UnreadableFileError):
        read_image(path, axes="zyx")
    assert caplog.records == []
    assert logging.getLogger("tifffile").filters == []
