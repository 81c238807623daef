"""One damaged chunk is one error: nothing goes on behind it, and nothing is printed when the program ends."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from zarr.core.sync import sync

from veriscope.errors import UnreadableFileError
from veriscope.io.ome_zarr import image_attributes
from veriscope.io.regions import StoredImage
from veriscope.io.zarr_tasks import tasks_ended

SIDE, PIECE = 512, 32
N_PIECES = (SIDE // PIECE) ** 2


def pixels() -> np.ndarray:
    y, x = np.indices((SIDE, SIDE))
    return (y * x % 251).astype(np.uint16)


def damage(path: Path, start: int, length: int) -> None:
    """Zeros where compressed bytes were: no decoder takes them."""
    content = bytearray(path.read_bytes())
    content[start : start + length] = bytes(length)
    path.write_bytes(content)


def tiff(folder: Path) -> Path:
    path = folder / "a.tif"
    tifffile.imwrite(path, pixels(), tile=(PIECE, PIECE), compression="zlib")
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        start, length = page.dataoffsets[N_PIECES // 3], page.databytecounts[N_PIECES // 3]
    damage(path, start + 8, length - 12)
    return path


def ome_zarr(folder: Path) -> Path:
    path = folder / "a.ome.zarr"
    group = zarr.open_group(path, mode="w", attributes={"ome": image_attributes(path, "yx", None)})
    array = group.create_array(
        "0",
        shape=(SIDE, SIDE),
        dtype="uint16",
        chunks=(PIECE, PIECE),
        compressors=zarr.codecs.GzipCodec(),
        dimension_names=["y", "x"],
    )
    array[:] = pixels()
    chunk = path / "0" / "c" / "7" / "9"
    damage(chunk, 0, chunk.stat().st_size)
    return path


async def left() -> int:
    """Tasks under way in Zarr's loop, this one aside."""
    return len(asyncio.all_tasks()) - 1


@pytest.mark.parametrize("make", [tiff, ome_zarr])
def test_nothing_goes_on_behind_a_damaged_piece(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, make: Callable[[Path], Path]
) -> None:
    """Hundreds of lines on tasks that were destroyed, and on a closed file, followed the one that counts."""
    image = StoredImage(make(tmp_path))
    everything = (slice(0, SIDE), slice(0, SIDE))
    with pytest.raises(UnreadableFileError, match=r"cannot be decoded \(.+\); .*copy the "):
        image.read(everything)
    assert sync(left()) == 0
    gc.collect()  # tasks whose errors nobody took say so when they go
    sync(left())
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


@pytest.mark.parametrize("make", [tiff, ome_zarr])
def test_pieces_beside_a_damaged_one_are_read(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    image = StoredImage(make(tmp_path))
    region = (slice(SIDE - 50, SIDE), slice(3, 90))
    np.testing.assert_array_equal(image.read(region).pixels, pixels()[region])


def test_tasks_that_others_start_are_waited_for_and_their_errors_taken() -> None:
    ended: list[str] = []

    async def second() -> None:
        await asyncio.sleep(0.1)
        ended.append("second")
        raise ValueError("of a task that nobody waits for")

    async def first(kept: list[Any]) -> None:
        await asyncio.sleep(0.1)
        kept.append(asyncio.create_task(second()))
        ended.append("first")

    async def begin(kept: list[Any]) -> None:
        kept.append(asyncio.create_task(first(kept)))

    kept: list[Any] = []
    with pytest.raises(KeyError, match="the error itself"), tasks_ended():
        sync(begin(kept))
        raise KeyError("the error itself")
    assert ended == ["first", "second"]
    assert all(task.done() for task in kept)


def test_without_an_error_nothing_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zarr.core.sync", None)
    with tasks_ended():
        pass
