"""A label image written sheet by sheet is the one that is written at once."""

from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.core.runs import ObjectRuns
from veriscope.errors import InputError
from veriscope.io.hashing import sha256_of
from veriscope.io.labels import open_labels
from veriscope.io.ome_zarr import write_labels_zarr
from veriscope.io.run_files import read_runs, write_runs
from veriscope.io.sheet_store import SheetStore, read_origin

SPACING = {"y": 0.5, "x": 0.25}
LABELS = np.random.default_rng(0).integers(0, 400, (1500, 2100)).astype(np.uint16)
LABELS[:1024, :1024] = 0


def begin(tmp_path: Path, dtype: Any = np.uint16, **origin: Any) -> SheetStore:
    return SheetStore.make(
        tmp_path / "grows.zarr",
        tmp_path / "o.ome.zarr",
        shape=LABELS.shape,
        axes="yx",
        spacing=SPACING,
        dtype=dtype,
        origin={"key": "k"} | origin,
    )


def test_sheet_by_sheet_in_any_order_from_several_processes(tmp_path: Path) -> None:
    store = begin(tmp_path)
    sheets = store.sheets()
    assert len(sheets) == 2 * 3
    for sheet in [*reversed(sheets), sheets[0]]:
        pickle.loads(pickle.dumps(store)).write(sheet, LABELS[sheet])
    assert not (tmp_path / "o.ome.zarr").exists()
    store.finish()
    found = open_labels(tmp_path / "o.ome.zarr")
    np.testing.assert_array_equal(found.labels, LABELS)
    assert (found.spacing, found.notes) == (SPACING, ())
    assert read_origin(tmp_path / "o.ome.zarr") == {"key": "k"}
    write_labels_zarr(tmp_path / "at-once" / "o.ome.zarr", LABELS, spacing=SPACING)
    assert sha256_of(tmp_path / "o.ome.zarr" / "0") == sha256_of(tmp_path / "at-once" / "o.ome.zarr" / "0")


def test_what_was_begun_otherwise_is_begun_anew(tmp_path: Path) -> None:
    store = begin(tmp_path)
    store.write(store.sheets()[-1], LABELS[store.sheets()[-1]])
    assert begin(tmp_path)._array[-1, -1] == LABELS[-1, -1]
    assert begin(tmp_path, other=1)._array[-1, -1] == 0


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = begin(tmp_path)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(type(store._array), "__setitem__", full)
    with pytest.raises(InputError) as error:
        store.write(store.sheets()[0], LABELS[store.sheets()[0]])
    assert str(error.value) == (
        f"{tmp_path / 'o.ome.zarr'}: cannot be written: the disk is full; free some space, then give the "
        "same command again: what is finished is kept"
    )


def test_what_came_in_the_meantime_is_not_overwritten(tmp_path: Path) -> None:
    store = begin(tmp_path)
    (tmp_path / "o.ome.zarr").mkdir()
    with pytest.raises(InputError, match="exists already; it was made while this run was going on"):
        store.finish()


def test_no_origin_of_what_others_made(tmp_path: Path) -> None:
    assert read_origin(tmp_path / "missing.zarr") is None
    write_labels_zarr(tmp_path / "o.ome.zarr", LABELS[:9, :9])
    assert read_origin(tmp_path / "o.ome.zarr") is None


def test_runs_come_back_from_a_file_and_damage_is_noticed(tmp_path: Path) -> None:
    labels = np.array([[0, 2, 2], [1, 0, 2]], np.int32)
    everything = (slice(0, 2), slice(0, 3))
    written = ObjectRuns.find(labels, everything, (2, 3), core=everything)
    write_runs(tmp_path / "a.npz", written)
    found = read_runs(tmp_path / "a.npz")
    assert found is not None
    for name in ("anchors", "probabilities", "owner", "row", "start", "stop"):
        np.testing.assert_array_equal(getattr(found, name), getattr(written, name))
    content = (tmp_path / "a.npz").read_bytes()
    for cut in (0, 10, 200, len(content) - 10):
        (tmp_path / "a.npz").write_bytes(content[:cut])
        assert read_runs(tmp_path / "a.npz") is None
    assert read_runs(tmp_path / "missing.npz") is None


def test_sheets_of_a_huge_image_are_small_and_cover_it_once(tmp_path: Path) -> None:
    store = SheetStore.make(
        tmp_path / "grows.zarr",
        tmp_path / "o.ome.zarr",
        shape=(30_000, 20_000),
        axes="yx",
        spacing=None,
        dtype=np.uint32,
        origin={},
    )
    sizes = [(y.stop - y.start) * (x.stop - x.start) for y, x in store.sheets()]
    assert sum(sizes) == 30_000 * 20_000
    assert max(sizes) * store.dtype.itemsize <= 16 << 20
