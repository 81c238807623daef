"""Any image written in any of our formats, and read back as a whole or part by part, is that image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from veriscope.core.image import Image
from veriscope.io.convert import convert_image
from veriscope.io.hashing import sha256_of
from veriscope.io.images import read_header, read_image
from veriscope.io.labels import open_labels, read_labels, write_labels
from veriscope.io.ome_zarr import write_labels_zarr, write_ome_zarr
from veriscope.io.regions import StoredImage
from veriscope.io.tiff_writer import write_tiff

pytestmark = pytest.mark.usefixtures("no_flush")
FEW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
AXES = ["yx", "zyx", "cyx", "tyx", "czyx", "tcyx", "tzyx", "tczyx"]
TYPES = ["uint8", "uint16", "float32"]
MORE_TYPES = [*TYPES, "int8", "int16", "int32", "uint32", "float64", "bool"]
NAMES = st.text(st.characters(categories=("Lu", "Ll", "Lo", "Nd", "Zs", "Po", "Sm")), min_size=1, max_size=12)
WRITERS: dict[str, Any] = {
    "a.tif": write_tiff,
    "a.ome.zarr": write_ome_zarr,
    "b.ome.zarr": lambda path, image: write_ome_zarr(path, image, version="0.4"),
}


@st.composite
def images(draw: st.DrawFn, types: list[str]) -> Image:
    axes = draw(st.sampled_from(AXES))
    lengths = {letter: draw(st.integers(2 if letter in "tcz" else 1, 4)) for letter in axes}
    shape = tuple(lengths[letter] for letter in axes)
    dtype = np.dtype(draw(st.sampled_from(types)))
    dice = np.random.default_rng(draw(st.integers(0, 2**32)))
    if dtype.kind == "b":
        pixels = dice.random(shape) < 0.5
    elif dtype.kind == "f":
        pixels = dice.normal(0, 10 ** draw(st.integers(-3, 6)), shape).astype(dtype)
    else:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        pixels = dice.integers(low, high, shape, dtype, endpoint=True)
    spacing = None
    if draw(st.booleans()):
        spacing = {
            letter: draw(st.sampled_from([0.05, 0.1625, 1.0, 7.5])) for letter in axes if letter in "zyx"
        }
    channels: tuple[str, ...] = ()
    if "c" in axes and draw(st.booleans()):
        channels = tuple(draw(st.lists(NAMES, min_size=lengths["c"], max_size=lengths["c"], unique=True)))
    return Image(pixels, axes, spacing, channels)


def same(found: Image, wanted: Image, *, names: bool = True) -> None:
    assert found.axes == wanted.axes
    assert found.pixels.dtype == wanted.pixels.dtype and found.pixels.dtype.isnative
    assert np.array_equal(found.pixels, wanted.pixels)
    if wanted.spacing is None:
        assert found.spacing is None
    else:
        assert found.spacing is not None and set(found.spacing) == set(wanted.spacing)
        for axis, size in wanted.spacing.items():
            assert found.spacing[axis] == pytest.approx(size, rel=1e-5)
    if names and wanted.channels:
        assert found.channels == wanted.channels


@pytest.mark.parametrize("name", ["a.ome.zarr", "b.ome.zarr"])
@FEW
@given(data=st.data())
def test_arrays_of_every_type_come_back_with_all_that_is_known(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    image = data.draw(images(MORE_TYPES))
    path = tmp_path_factory.mktemp("a") / name
    WRITERS[name](path, image)
    same(read_image(path), image)


@FEW
@given(images(TYPES))
def test_tiff_files_come_back(tmp_path_factory: pytest.TempPathFactory, image: Image) -> None:
    path = tmp_path_factory.mktemp("a") / "a.tif"
    write_tiff(path, image)
    same(read_image(path), image, names=False)


@pytest.mark.parametrize("name", list(WRITERS))
@FEW
@given(data=st.data())
def test_the_header_says_what_the_pixels_are(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("a") / name
    WRITERS[name](path, data.draw(images(TYPES)))
    header, image = read_header(path), read_image(path)
    assert (header.axes, header.shape, header.dtype) == (image.axes, image.shape, image.pixels.dtype)
    assert (header.spacing, header.channels, header.notes) == (image.spacing, image.channels, image.notes)


@pytest.mark.parametrize("name", list(WRITERS))
@FEW
@given(data=st.data())
def test_any_part_is_that_part_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    image = data.draw(images(TYPES))
    path = tmp_path_factory.mktemp("a") / name
    WRITERS[name](path, image)
    stored = StoredImage(path)
    region = []
    for n in stored.header.shape:
        start = data.draw(st.integers(0, n - 1))
        region.append(slice(start, data.draw(st.integers(start + 1, n))))
    part = stored.read(tuple(region))
    assert np.array_equal(part.pixels, image.pixels[tuple(region)])
    assert (part.axes, part.channels if len(part.channels) == len(stored.header.channels) else None) in (
        (image.axes, stored.header.channels),
        (image.axes, None),
    )


@settings(FEW, max_examples=10)
@given(images(TYPES))
def test_from_format_to_format_nothing_changes(
    tmp_path_factory: pytest.TempPathFactory, image: Image
) -> None:
    folder = tmp_path_factory.mktemp("a")
    write_ome_zarr(folder / "one.ome.zarr", image)
    convert_image(folder / "one.ome.zarr", folder / "two.ome.zarr")
    write_tiff(folder / "three.tif", read_image(folder / "two.ome.zarr"))
    convert_image(folder / "three.tif", folder / "four.ome.zarr")
    for name in ("two.ome.zarr", "three.tif", "four.ome.zarr"):
        same(read_image(folder / name), image, names=False)


@pytest.mark.parametrize("name", list(WRITERS))
@FEW
@given(data=st.data())
def test_the_same_image_is_written_to_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    image = data.draw(images(TYPES))
    folder = tmp_path_factory.mktemp("a")
    hashes = set()
    for place in ("one", "two"):
        (folder / place).mkdir()
        WRITERS[name](folder / place / name, image)
        hashes.add(sha256_of(folder / place / name))
    assert len(hashes) == 1


@FEW
@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=9),
    st.booleans(),
)
def test_labels_are_the_same_numbers_in_every_format(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int, numbers: list[int], calibrated: bool
) -> None:
    labels = np.resize(np.array(numbers, np.int64), (height, width))
    labels.flat[0] = 0
    spacing = {"y": 0.5, "x": 0.25} if calibrated else None
    folder = tmp_path_factory.mktemp("a")
    write_labels(folder / "a.tif", labels, spacing=spacing)
    write_labels_zarr(folder / "a.ome.zarr", labels, spacing=spacing)
    write_labels_zarr(folder / "b.ome.zarr", labels, spacing=spacing, version="0.4")
    if len(np.unique(labels)) == 2 and labels.max() == 255:
        return  # which is how masks are saved, and is refused as one
    for name in ("a.tif", "a.ome.zarr", "b.ome.zarr"):
        assert np.array_equal(read_labels(folder / name), labels)
        found = open_labels(folder / name)
        assert found.axes == "yx" and (found.spacing is None) == (spacing is None)


@pytest.mark.parametrize("name", list(WRITERS))
@pytest.mark.parametrize("order", ["C", "F", "strided", "big-endian", "read-only"])
def test_how_an_array_lies_in_memory_does_not_matter(tmp_path: Path, name: str, order: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 60_000, (5, 8, 9)).astype(np.uint16)
    given_ = {
        "C": pixels,
        "F": np.asfortranarray(pixels),
        "strided": np.repeat(pixels, 2, axis=2)[:, :, ::2],
        "big-endian": pixels.astype(">u2"),
        "read-only": pixels.copy(),
    }[order]
    given_.flags.writeable = order != "read-only"
    before = given_.copy()
    WRITERS[name](tmp_path / name, Image(given_, "zyx"))
    same(read_image(tmp_path / name), Image(pixels, "zyx"))
    assert np.array_equal(given_, before), "what is written is not changed"
