"""Planes of stored stacks: any part of any plane is that of the whole array, without reading the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.core.plane import Plane
from veriscope.errors import UnreadableFileError
from veriscope.io.copying import copy_image
from veriscope.io.images import read_image
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.io.planes import StoredPlane
from veriscope.io.regions import JoinedChannels, StoredImage

SIZES = {"t": 2, "c": 3, "z": 4, "y": 7, "x": 11}


def array_of(axes: str, dtype: str = "uint16") -> NDArray[Any]:
    shape = tuple(SIZES[letter] for letter in axes)
    return np.random.default_rng(len(axes)).integers(0, 1000, shape).astype(dtype)


def stack(folder: Path, axes: str, dtype: str = "uint16") -> tuple[StoredImage, NDArray[Any]]:
    pixels = array_of(axes, dtype)
    spacing = {letter: {"z": 3.0, "y": 0.5, "x": 0.25}[letter] for letter in axes if letter in "zyx"}
    write_ome_zarr(folder / "a.ome.zarr", Image(pixels, axes, spacing))
    return StoredImage(folder / "a.ome.zarr"), pixels


def plane_of(pixels: NDArray[Any], axes: str, plane: Plane) -> NDArray[Any]:
    """The same by indexing the whole array."""
    if "z" in axes:
        at = axes.index("z")
        if plane.z == "max":
            pixels = pixels.max(axis=at)
        elif plane.z == "mean":
            pixels = pixels.astype(np.float64).mean(axis=at).astype(np.float32)
        else:
            pixels = pixels.take(plane.z, axis=at)
    return pixels[plane.t] if "t" in axes else pixels


@settings(max_examples=40, deadline=None)
@given(data=st.data(), axes=st.sampled_from(["zyx", "tyx", "tzyx", "czyx", "tcyx", "tczyx"]))
def test_any_part_of_any_plane_is_that_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, axes: str
) -> None:
    stored, pixels = stack(tmp_path_factory.mktemp("stack"), axes)
    depth = st.sampled_from(["max", "mean"]) | st.integers(0, SIZES["z"] - 1)
    plane = Plane(
        data.draw(depth) if "z" in axes else None,
        data.draw(st.integers(0, SIZES["t"] - 1)) if "t" in axes else None,
    )
    found = StoredPlane(stored, plane)
    whole = plane_of(pixels, axes, plane)
    assert (found.header.axes, found.header.shape) == (axes.replace("z", "").replace("t", ""), whole.shape)
    assert (found.header.dtype, found.header.levels) == (whole.dtype, (whole.shape,))
    region = []
    for length in whole.shape:
        first = data.draw(st.integers(0, length - 1))
        region.append(slice(first, data.draw(st.integers(first + 1, length))))
    part = found.read(tuple(region))
    np.testing.assert_array_equal(part.pixels, whole[tuple(region)])
    assert (part.axes, part.spacing) == (found.header.axes, {"y": 0.5, "x": 0.25})
    if "c" in axes:
        assert part.channels == stored.header.channels[region[0]]


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "uint32", "float32", "float64"])
def test_projections_of_every_type(tmp_path: Path, dtype: str) -> None:
    stored, pixels = stack(tmp_path, "zyx", dtype)
    for z, expected in (("max", dtype), ("mean", "float32")):
        plane = Plane(z)  # type: ignore[arg-type]
        found = StoredPlane(stored, plane)
        part = found.read((slice(0, 7), slice(0, 11)))
        assert part.pixels.dtype == found.header.dtype == expected
        np.testing.assert_array_equal(part.pixels, plane_of(pixels, "zyx", plane))


def test_the_mean_of_large_values_does_not_overflow(tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "a.ome.zarr", Image(np.full((5, 4, 4), 65_535, np.uint16), "zyx"))
    found = StoredPlane(StoredImage(tmp_path / "a.ome.zarr"), Plane("mean"))
    assert np.unique(found.read((slice(0, 4), slice(0, 4))).pixels).tolist() == [65_535.0]
    assert found.header.spacing is None


def test_a_plane_is_copied_as_an_image_of_its_own(tmp_path: Path) -> None:
    stored, pixels = stack(tmp_path, "tczyx")
    plane = Plane("max", 1)
    copy_image(StoredPlane(stored, plane), tmp_path / "plane.ome.zarr")
    image = read_image(tmp_path / "plane.ome.zarr")
    np.testing.assert_array_equal(image.pixels, plane_of(pixels, "tczyx", plane))
    assert (image.axes, image.spacing) == ("cyx", {"y": 0.5, "x": 0.25})
    assert image.channels == stored.header.channels


def test_planes_of_channels_in_files_of_their_own(tmp_path: Path) -> None:
    parts = [array_of("zyx") + np.uint16(1000 * number) for number in range(2)]
    for number, part in enumerate(parts):
        tifffile.imwrite(tmp_path / f"{number}.tif", part, imagej=True, metadata={"axes": "ZYX"})
    files = [StoredImage(tmp_path / f"{number}.tif") for number in range(2)]
    found = StoredPlane(JoinedChannels(files, ("DNA", "actin"), "image"), Plane("max"))
    part = found.read((slice(1, 2), slice(0, 7), slice(0, 11)))
    assert (part.channels, part.axes) == (("actin",), "cyx")
    np.testing.assert_array_equal(part.pixels[0], parts[1].max(axis=0))


def test_a_chunk_that_is_cut_off_is_said(tmp_path: Path) -> None:
    stored, _ = stack(tmp_path, "zyx")
    found = StoredPlane(stored, Plane("max"))
    found.verify()
    chunk = tmp_path / "a.ome.zarr" / "0/c/3/0/0"
    chunk.write_bytes(chunk.read_bytes()[:-9])
    with pytest.raises(UnreadableFileError, match=r"cut off|incomplete|damaged"):
        found.verify()
