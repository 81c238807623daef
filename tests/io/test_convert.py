"""Any image file becomes OME-Zarr with the same pixels, axes, spacing and channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from veriscope.errors import AxesError, InputError, UnreadableFileError
from veriscope.io import copying as module
from veriscope.io.convert import convert_image
from veriscope.io.images import read_image

RNG = np.random.default_rng(0)


def same(source: Path, target: Path, **options: Any) -> dict[str, Any]:
    """Convert, and compare what is read of both."""
    found = convert_image(source, target, **options)
    before, after = read_image(source, **options), read_image(target)
    np.testing.assert_array_equal(after.pixels, before.pixels)
    assert after.pixels.dtype == before.pixels.dtype.newbyteorder("=")
    assert (after.axes, after.spacing, after.channels) == (before.axes, before.spacing, before.channels)
    assert (found["schema"], found["axes"], found["shape"]) == (
        "veriscope/convert/1", before.axes, list(before.shape)
    )  # fmt: skip
    return found


@pytest.mark.parametrize("block", [16, 2048])
@pytest.mark.parametrize(
    ("shape", "axes", "options"),
    [
        ((50, 70), "YX", {"compression": "zlib", "rowsperstrip": 50}),
        ((50, 70), "YX", {"compression": "zlib", "rowsperstrip": 3}),
        ((3, 50, 70), "CYX", {"tile": (16, 16), "compression": "zlib"}),
        ((2, 4, 50, 70), "ZCYX", {"tile": (16, 16)}),
        ((2, 3, 50, 70), "TZYX", {"compression": "zlib"}),
    ],
)
def test_same_image_from_any_tiff_in_blocks_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: Any, axes: str, options: Any, block: int
) -> None:
    monkeypatch.setattr(module, "_SIDE", block)
    names = {"Channel": {"Name": [f"dye {i}" for i in range(shape[axes.index("C")])]}} if "C" in axes else {}
    metadata = {"axes": axes, "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25, "PhysicalSizeZ": 2.0, **names}
    pixels = RNG.integers(0, 60_000, shape).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.ome.tif", pixels, metadata=metadata, **options)
    found = same(tmp_path / "a.ome.tif", tmp_path / "a.ome.zarr")
    assert found["spacing"]["y"] == 0.25


def test_colours_and_big_endian_files_and_stated_axes(tmp_path: Path) -> None:
    Picture.fromarray(RNG.integers(0, 255, (40, 60, 3)).astype(np.uint8)).save(tmp_path / "rgb.png")
    same(tmp_path / "rgb.png", tmp_path / "rgb.ome.zarr")
    tifffile.imwrite(tmp_path / "b.tif", RNG.random((3, 40, 60)).astype(">f4"), photometric="minisblack")
    same(tmp_path / "b.tif", tmp_path / "b.ome.zarr", axes="zyx", spacing={"z": 2.0, "y": 0.5, "x": 0.5})


def test_an_existing_output_is_not_touched_and_a_bad_source_leaves_none(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RNG.integers(0, 9, (300, 400)).astype(np.uint8), compression="zlib")
    (tmp_path / "there.ome.zarr").mkdir()
    with pytest.raises(InputError, match=r"there\.ome\.zarr: exists already; choose another name or remove"):
        convert_image(tmp_path / "a.tif", tmp_path / "there.ome.zarr")
    with pytest.raises(AxesError, match="an OME-Zarr folder must end in"):
        convert_image(tmp_path / "a.tif", tmp_path / "out.tif")
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[:400])
    with pytest.raises(UnreadableFileError):
        convert_image(tmp_path / "a.tif", tmp_path / "out.ome.zarr")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tif", "there.ome.zarr"]


def test_progress_counts_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SIDE", 64)
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((128, 192), np.uint8), tile=(16, 16), compression="zlib")
    told: list[tuple[int, int]] = []
    convert_image(
        tmp_path / "a.tif", tmp_path / "a.ome.zarr", progress=lambda _, done, n: told.append((done, n))
    )
    assert told == [(done, 6) for done in range(7)]
