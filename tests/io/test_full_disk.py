"""A disk that takes no more: every writer says so, names what was to be written, and leaves nothing half.

A process may be told how large its files can be; for a writer that is a disk that fills up in the midst.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tests.io.writers import writers

from veriscope.core.image import Image
from veriscope.errors import InputError
from veriscope.io.convert import convert_image
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.io.sheet_store import SheetStore

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sizes of files cannot be limited")

PIXELS = np.random.default_rng(0).integers(0, 60_000, (160, 170)).astype(np.uint16)
IMAGE = Image(PIXELS, "yx", name="noise")
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


WRITERS = writers(PIXELS)


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
