"""A disk that takes no more: every writer says so, names what was to be written, and leaves nothing half.

A process may be told how large its files can be; for a writer that is a disk that fills up in the midst.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from veriscope.core.image import Image
from veriscope.errors import InputError
from veriscope.io.atomic import atomic_path, write_json
from veriscope.io.convert import convert_image
from veriscope.io.labels import write_labels
from veriscope.io.ome_zarr import write_labels_zarr, write_ome_zarr
from veriscope.io.plates import write_plate
from veriscope.io.pyramid import Making, level_shapes, pyramid_attributes, write_pyramid
from veriscope.io.run_files import write_map
from veriscope.io.sheet_store import SheetStore
from veriscope.io.tables import write_table
from veriscope.io.tiff_writer import write_tiff

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sizes of files cannot be limited")

PIXELS = np.random.default_rng(0).integers(0, 60_000, (160, 170)).astype(np.uint16)
IMAGE = Image(PIXELS, "yx", name="noise")
TABLE = pd.DataFrame({"a": np.random.default_rng(1).random(5000)})
LIMIT = 16_384


@contextmanager
def full_disk() -> Iterator[None]:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def pyramid(target: Path) -> None:
    whole = np.tile(PIXELS, (4, 4))
    shapes = level_shapes(whole.shape, "yx")
    attributes = pyramid_attributes("noise", "yx", None, shapes)
    write_pyramid(target, Making(lambda part: whole[part], shapes, whole.dtype, "yx", attributes))


def folder_of_arrays(target: Path) -> None:
    """As packages of trained networks are written."""
    with atomic_path(target) as temporary:
        temporary.mkdir()
        np.save(temporary / "test_input.npy", PIXELS)


WRITERS: dict[str, Callable[[Path], object]] = {
    "labels.tif": lambda target: write_labels(target, PIXELS),
    "many-labels.tif": lambda target: write_labels(target, PIXELS.astype(np.int64) + 70_000),
    "image.tif": lambda target: write_tiff(target, IMAGE),
    "image.ome.zarr": lambda target: write_ome_zarr(target, IMAGE),
    "image-0.4.ome.zarr": lambda target: write_ome_zarr(target, IMAGE, version="0.4"),
    "labels.ome.zarr": lambda target: write_labels_zarr(target, PIXELS),
    "plate.ome.zarr": lambda target: write_plate(target, [("A01", IMAGE)]),
    "levels.zarr": pyramid,
    "map.npy": lambda target: write_map(target, PIXELS),
    "arrays": folder_of_arrays,
    "table.csv": lambda target: write_table(target, TABLE, {}),
    "table.parquet": lambda target: write_table(target, TABLE, {}),
    "long.json": lambda target: write_json(target, list(range(9000))),
}


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_nothing_half_is_left_and_what_is_there_stays(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    for _ in range(2):
        before = sorted(path.name for path in tmp_path.iterdir())
        with full_disk(), pytest.raises(InputError) as caught:
            WRITERS[name](target)
        assert str(caught.value).startswith(f"{target}: cannot be written: the ")
        assert any(words in str(caught.value) for words in ("the disk is full;", "larger than this disk"))
        left = sorted(path.name for path in tmp_path.iterdir())
        # A table's dictionary comes first, so that where a table is its units are too.
        assert set(left) - set(before) <= {f"{target.stem}.json"}
        WRITERS[name](target)  # with room it can be written, and is not touched by the next failure
    assert target.exists()


def test_a_conversion_leaves_no_half_image(tmp_path: Path) -> None:
    source = tmp_path / "image.ome.zarr"
    write_ome_zarr(source, IMAGE)
    with full_disk(), pytest.raises(InputError, match=r"copy\.zarr: cannot be written: the file is larger"):
        convert_image(source, tmp_path / "copy.zarr")
    assert [path.name for path in tmp_path.iterdir()] == ["image.ome.zarr"]


def test_sheets_that_are_finished_are_kept_for_the_next_run(tmp_path: Path) -> None:
    def make() -> SheetStore:
        place = {"shape": (160, 170), "axes": "yx", "spacing": None, "dtype": np.uint16}
        return SheetStore.make(tmp_path / "grows", tmp_path / "s.zarr", **place, origin={"a": 1})

    store = make()
    (sheet,) = store.sheets()
    with (
        full_disk(),
        pytest.raises(InputError, match=r"s\.zarr: cannot be written: the disk is full; .* is kept"),
    ):
        store.write(sheet, PIXELS)
    assert not (tmp_path / "s.zarr").exists()
    again = make()
    again.write(sheet, PIXELS)
    again.finish()
    assert (tmp_path / "s.zarr").is_dir() and not (tmp_path / "grows").exists()
