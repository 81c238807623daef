"""Label images in and out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as Pillow

from veriscope.errors import AxesError, InputError, PixelValueError, VeriscopeError
from veriscope.io.hashing import sha256_of
from veriscope.io.images import read_image
from veriscope.io.labels import open_classes, open_labels, read_labels, write_labels
from veriscope.io.ome_zarr import write_labels_zarr

pytestmark = pytest.mark.usefixtures("no_flush")


@settings(deadline=None, max_examples=60)
@given(
    labels=st.sampled_from([np.int32, np.uint8, np.uint16, np.int64]).flatmap(
        lambda dtype: hnp.arrays(
            dtype,
            hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=9),
            elements=st.integers(0, min(np.iinfo(dtype).max, 2**32 - 1)),
        )
    ),
    size=st.none() | st.floats(0.01, 100),
)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, labels: np.ndarray, size: float | None
) -> None:
    path = tmp_path_factory.mktemp("labels") / "a.tif"
    axes = "zyx"[-labels.ndim :]
    spacing = None if size is None else dict.fromkeys(axes, size)
    write_labels(path, labels, spacing=spacing)
    found = open_labels(path)
    expected = labels[0] if labels.ndim == 3 and len(labels) == 1 else labels
    np.testing.assert_array_equal(found.labels, expected)
    assert found.axes == axes[-expected.ndim :]
    assert found.labels.dtype == (np.uint16 if labels.max() < 2**16 else np.uint32)
    if spacing is None:
        assert found.spacing is None
    else:
        assert found.spacing == pytest.approx(dict.fromkeys(found.axes, size), rel=1e-4)


@pytest.mark.parametrize("top", [3, 70_000])
def test_the_same_labels_give_the_same_bytes(tmp_path: Path, top: int) -> None:
    labels = np.array([[0, 1], [top, 0]])
    for name in "ab":
        write_labels(tmp_path / f"{name}.tif", labels, spacing={"y": 0.5, "x": 0.5})
    assert sha256_of(tmp_path / "a.tif") == sha256_of(tmp_path / "b.tif")


def test_other_programs_see_the_pixel_size(tmp_path: Path) -> None:
    write_labels(tmp_path / "a.tif", np.ones((3, 4, 5), np.int32), spacing={"z": 2, "y": 0.5, "x": 0.25})
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.is_imagej
        assert tiff.imagej_metadata["unit"] == "um"
        assert tiff.imagej_metadata["spacing"] == 2
        assert tiff.pages[0].resolution == (4.0, 2.0)
        assert tiff.pages[0].compression.name == "ADOBE_DEFLATE"


def refusal(path: Path, kind: type[VeriscopeError] = PixelValueError) -> str:
    with pytest.raises(kind) as caught:
        read_labels(path)
    return str(caught.value).replace(str(path), "FILE")


def test_colours_and_channels_are_no_labels(tmp_path: Path) -> None:
    remedy = (
        "labels are one integer per pixel: save them as a 16-bit TIFF from the program they were made with, "
        "not as a picture or overlay"
    )
    Pillow.new("RGB", (4, 3)).save(tmp_path / "a.png")
    assert refusal(tmp_path / "a.png", AxesError) == (
        f"FILE: has colours (axes 'cyx') and so is no label image; {remedy}"
    )
    stack = np.zeros((2, 4, 3), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", stack, metadata={"axes": "CYX"})
    assert refusal(tmp_path / "a.tif", AxesError) == (
        f"FILE: has channels (axes 'cyx') and so is no label image; {remedy}"
    )


def test_masks_pictures_and_fractions_are_no_labels(tmp_path: Path) -> None:
    mask = np.zeros((5, 9), np.uint8)
    mask[1:3, 1:3] = mask[1:3, 5:7] = 255
    tifffile.imwrite(tmp_path / "mask.tif", mask)
    assert refusal(tmp_path / "mask.tif") == (
        "FILE: has only the values 0 and 255 in several separate regions, so it is a mask, not a label "
        "image; give each object a number of its own, for example by connected components (touching objects "
        "merge then)"
    )
    Pillow.fromarray(mask > 0).save(tmp_path / "bool.png")
    assert "is a mask (true/false), not a label image" in refusal(tmp_path / "bool.png")
    Pillow.fromarray(mask).save(tmp_path / "a.jpg")
    assert refusal(tmp_path / "a.jpg") == (
        "FILE: is a JPEG file, whose compression changes label numbers; save labels as TIFF or PNG"
    )
    tifffile.imwrite(tmp_path / "half.tif", mask / np.float32(2))
    assert refusal(tmp_path / "half.tif").startswith("FILE: ")
    tifffile.imwrite(tmp_path / "minus.tif", np.full((3, 4), -1, np.int16))
    assert "has negative values" in refusal(tmp_path / "minus.tif")


def test_one_object_of_number_255_is_fine(tmp_path: Path) -> None:
    labels = np.zeros((5, 9), np.uint8)
    labels[1:3, 1:3] = 255
    tifffile.imwrite(tmp_path / "a.tif", labels)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), labels)


def test_whole_floats_and_plain_stacks_are_labels(tmp_path: Path) -> None:
    stack = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack", metadata=None)
    found = open_labels(tmp_path / "a.tif")
    assert found.axes == "zyx"
    assert found.notes == ("a stack that does not say what its pages are is taken as z",)
    np.testing.assert_array_equal(found.labels, stack)


def test_places_in_a_palette_are_the_labels(tmp_path: Path) -> None:
    labels = np.array([[0, 1], [2, 1]], np.uint8)
    picture = Pillow.fromarray(labels, "P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    picture.save(tmp_path / "a.png")
    found = open_labels(tmp_path / "a.png")
    np.testing.assert_array_equal(found.labels, labels)
    assert found.notes == ("the places in the colour palette are taken as values, not the colours",)
    assert read_image(tmp_path / "a.png").is_rgb


def test_full_8_bit_labels_raise_suspicion(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.arange(256, dtype=np.uint8).reshape(16, 16))
    assert open_labels(tmp_path / "a.tif").notes == (
        "all 255 values of 8-bit labels are used: numbers above 255 may be lost; save labels as 16-bit",
    )


def test_several_images_are_refused(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(np.zeros((3, 4), np.uint16), metadata=None)
        writer.write(np.zeros((5, 4), np.uint16), metadata=None)
    assert refusal(tmp_path / "a.tif", InputError) == (
        "FILE: has 2 images, of which it is not known which are the labels; save the labels alone"
    )


def test_what_cannot_be_written_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(AxesError, match="labels of 1 dimensions cannot be written; allowed are yx and zyx"):
        write_labels(tmp_path / "a.tif", np.zeros(3, np.uint16))
    with pytest.raises(PixelValueError, match=r"label images are written as \.tif"):
        write_labels(tmp_path / "a.png", np.zeros((3, 4), np.uint16))
    with pytest.raises(PixelValueError, match="has negative values"):
        write_labels(tmp_path / "a.tif", np.full((3, 4), -1))
    for write in (write_labels, write_labels_zarr):
        with pytest.raises(PixelValueError, match="a label is 4294967301, and files hold labels up to"):
            write(tmp_path / f"a.{'tif' if write is write_labels else 'zarr'}", np.full((3, 4), 2**32 + 5))
    assert list(tmp_path.iterdir()) == []


def test_masks_are_classes(tmp_path: Path) -> None:
    mask = np.zeros((5, 9), bool)
    mask[1:3, 1:3] = mask[1:3, 5:7] = True
    Pillow.fromarray(mask).save(tmp_path / "bool.png")
    tifffile.imwrite(tmp_path / "bool.tif", mask, photometric="minisblack")
    tifffile.imwrite(tmp_path / "255.tif", mask.astype(np.uint8) * 255)
    tifffile.imwrite(tmp_path / "one.tif", mask.astype(np.float32))
    for name in ("bool.png", "bool.tif", "255.tif", "one.tif"):
        found = open_classes(tmp_path / name)
        np.testing.assert_array_equal(found.labels, mask.astype(np.uint8))
        assert (found.axes, found.notes, found.labels.dtype.kind in "iu") == ("yx", (), True)


def test_class_numbers_stay_as_they_are(tmp_path: Path) -> None:
    classes = np.array([[0, 1, 255], [2, 255, 0]], np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", classes)
    np.testing.assert_array_equal(open_classes(tmp_path / "a.tif").labels, classes)
    tifffile.imwrite(tmp_path / "wide.tif", (classes == 255).astype(np.uint16) * 255)
    assert set(np.unique(open_classes(tmp_path / "wide.tif").labels)) == {0, 255}, "16 bits: 255 is a number"
    write_labels(tmp_path / "b.tif", classes[None].repeat(2, axis=0), spacing={"z": 2, "y": 0.5, "x": 0.25})
    found = open_classes(tmp_path / "b.tif")
    assert (found.axes, found.spacing) == ("zyx", pytest.approx({"z": 2, "y": 0.5, "x": 0.25}))


def test_maps_pictures_and_colours_are_no_classes(tmp_path: Path) -> None:
    for name, pixels, message in (
        ("map.tif", np.full((3, 4), 0.5, np.float32), "has fractional, infinite or NaN values"),
        ("minus.tif", np.full((3, 4), -1, np.int16), "has negative values"),
    ):
        tifffile.imwrite(tmp_path / name, pixels)
        with pytest.raises(PixelValueError, match=message):
            open_classes(tmp_path / name)
    Pillow.new("RGB", (4, 3)).save(tmp_path / "a.png")
    with pytest.raises(AxesError, match="has colours"):
        open_classes(tmp_path / "a.png")
    Pillow.new("L", (4, 3)).save(tmp_path / "a.jpg")
    with pytest.raises(PixelValueError, match="is a JPEG file"):
        open_classes(tmp_path / "a.jpg")


@pytest.mark.real_data
def test_real_labels_survive_a_round_trip(data_dir: Path, tmp_path: Path) -> None:
    for folder in ("dsb2018_fluorescence", "mouse_embryo_nuclei_3d", "t98g_phase_contrast"):
        source = sorted((data_dir / folder / "labels").glob("*.tif"))[0]
        labels = read_labels(source)
        write_labels(tmp_path / source.name, labels)
        np.testing.assert_array_equal(read_labels(tmp_path / source.name), labels)
