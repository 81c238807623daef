"""Channels in one file each are one image, of which any part can be read, or are refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.errors import AxesError, UnreadableFileError
from veriscope.io.regions import JoinedChannels, StoredImage

SIZES = {"t": 2, "z": 3, "y": 9, "x": 12}
UNITS: dict[str, Any] = {"resolution": (4, 2), "metadata": {"unit": "um", "spacing": 3.0}}


def write(path: Path, pixels: NDArray[Any], axes: str, **options: Any) -> StoredImage:
    given = UNITS | options
    metadata = given.pop("metadata") | {"axes": axes.upper()}
    tifffile.imwrite(path, pixels, imagej=True, metadata=metadata, **given)
    return StoredImage(path)


def pixels_of(axes: str, start: int = 0, dtype: str = "uint16") -> NDArray[Any]:
    shape = tuple(SIZES[letter] for letter in axes)
    return (start + np.arange(np.prod(shape)).reshape(shape)).astype(dtype)


@settings(max_examples=30)
@given(data=st.data(), axes=st.sampled_from(["yx", "zyx", "tyx", "tzyx"]), count=st.integers(1, 4))
def test_any_part_of_any_channels_is_that_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, axes: str, count: int
) -> None:
    place = tmp_path_factory.mktemp("joined")
    parts = [pixels_of(axes, 1000 * number) for number in range(count)]
    names = tuple("abcd"[:count])
    files = [write(place / f"{name}.tif", part, axes) for name, part in zip(names, parts, strict=True)]
    joined = JoinedChannels(files, names, "image")
    at = 1 if "t" in axes else 0
    whole = np.stack(parts, axis=at)
    assert joined.header.axes == f"{axes[:at]}c{axes[at:]}"
    assert (joined.header.shape, joined.header.channels) == (whole.shape, names)
    region = []
    for length in whole.shape:
        first = data.draw(st.integers(0, length - 1))
        region.append(slice(first, data.draw(st.integers(first + 1, length))))
    found = joined.read(tuple(region))
    np.testing.assert_array_equal(found.pixels, whole[tuple(region)])
    assert (found.axes, found.name) == (joined.header.axes, "image")
    assert found.channels == names[region[at]]
    assert (
        found.spacing
        == joined.header.spacing
        == pytest.approx({"y": 0.5, "x": 0.25} | ({"z": 3.0} if "z" in axes else {}))
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pixels": pixels_of("zyx"), "axes": "zyx"}, r"has axes 'zyx', shape \(3, 9, 12\) and type uint16"),
        ({"pixels": pixels_of("yx")[:8]}, r"b\.tif: has axes 'yx', shape \(8, 12\) and type uint16"),
        ({"pixels": pixels_of("yx", dtype="uint8")}, r"has axes 'yx', shape \(9, 12\) and type uint8"),
        ({"resolution": (4, 4)}, r"b\.tif: has the pixel size \{'y': 0\.25, 'x': 0\.25\} and a\.tif"),
        ({"metadata": {}}, r"b\.tif: has the pixel size None and a\.tif \{'y': 0\.5, 'x': 0\.25\}"),
    ],
    ids=["another axis", "another shape", "another type", "another pixel size", "no pixel size"],
)  # fmt: skip
def test_channels_that_are_not_alike_are_refused_by_name(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    options: dict[str, Any] = {"pixels": pixels_of("yx"), "axes": "yx"}
    one = write(tmp_path / "a.tif", **options)
    other = write(tmp_path / "b.tif", **(options | change))
    with pytest.raises(AxesError, match=message):
        JoinedChannels([one, other], ("a", "b"), "image")


def test_a_file_with_channels_of_its_own_is_refused(tmp_path: Path) -> None:
    one = write(tmp_path / "a.tif", np.zeros((2, 9, 12), np.uint16), "cyx")
    with pytest.raises(AxesError, match="the channels of an image must be alike and of one channel each"):
        JoinedChannels([one], ("a",), "image")


def test_what_files_say_is_said_once(tmp_path: Path) -> None:
    files = []
    for name, options in (("a", {}), ("b", {}), ("c", {"photometric": "miniswhite"})):
        tifffile.imwrite(tmp_path / f"{name}.tif", pixels_of("yx"), metadata=None, **options)
        files.append(StoredImage(tmp_path / f"{name}.tif"))
    assert JoinedChannels(files, ("a", "b", "c"), "image").header.notes == (
        "uncalibrated: the file does not state a pixel size; give it with --spacing",
        "stored with 0 as white; the values are read as stored, so larger is darker",
    )


def test_the_largest_tile_of_the_files_is_what_must_be_decoded(tmp_path: Path) -> None:
    sides = []
    for name, tile in (("a", (16, 64)), ("b", (32, 16))):
        tifffile.imwrite(
            tmp_path / f"{name}.tif", np.zeros((80, 90), np.uint8), tile=tile, compression="zlib"
        )
        sides.append(StoredImage(tmp_path / f"{name}.tif"))
    assert JoinedChannels(sides, ("a", "b"), "image").chunk_sides == (32, 64)


def test_damage_of_any_file_is_found_by_the_check_or_when_its_part_is_read(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{name}.tif", pixels_of("yx"), "yx") for name in "ab"]
    joined = JoinedChannels(files, ("a", "b"), "image")
    joined.verify()
    whole = (tmp_path / "b.tif").read_bytes()
    (tmp_path / "b.tif").write_bytes(whole[:-60])
    part = (slice(0, 9), slice(0, 12))
    np.testing.assert_array_equal(joined.read((slice(0, 1), *part)).pixels[0], pixels_of("yx"))
    with pytest.raises(UnreadableFileError, match=r"b\.tif"):
        joined.read((slice(1, 2), *part))
