"""What was found in a part of an image comes back from the disk, or is found again; never half of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from veriscope.core.runs import ObjectRuns
from veriscope.io.run_files import read_map, read_runs, write_map, write_runs

LABELS = np.array([[1, 1, 0, 0, 2], [0, 1, 0, 3, 3], [4, 0, 0, 3, 0]], np.int32)


def runs_of(labels: np.ndarray[Any, Any]) -> ObjectRuns:
    whole = tuple(slice(0, size) for size in labels.shape)
    return ObjectRuns.find(labels, whole, labels.shape, core=whole)


def painted(objects: ObjectRuns, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    found = np.zeros(shape, np.int32)
    objects.paint(found, tuple(slice(0, n) for n in shape), shape, np.arange(1, len(objects) + 1))
    return found


@given(
    hnp.arrays(np.int32, hnp.array_shapes(min_dims=2, max_dims=3, max_side=5), elements=st.integers(0, 3)),
)
def test_any_objects_come_back(tmp_path_factory: pytest.TempPathFactory, labels: Any) -> None:
    path = tmp_path_factory.mktemp("runs") / "part 1 – ü.npz"
    written = runs_of(labels)
    write_runs(path, written)
    read = read_runs(path)
    assert read is not None
    np.testing.assert_array_equal(painted(read, labels.shape), painted(written, labels.shape))
    assert [read.anchors.dtype, read.owner.dtype, read.probabilities.dtype] == [
        np.int64,
        np.int32,
        np.float32,
    ]
    assert (painted(read, labels.shape) > 0).tolist() == (labels > 0).tolist()


@pytest.mark.parametrize("shape", [(2, 3), (0, 3), (1,), (2, 1, 4)])
@pytest.mark.parametrize("dtype", ["float32", "uint16", "bool"])
def test_maps_come_back(tmp_path: Path, shape: tuple[int, ...], dtype: str) -> None:
    values = (np.arange(np.prod(shape)).reshape(shape) % 2).astype(dtype)
    write_map(tmp_path / "map.npy", values)
    found = read_map(tmp_path / "map.npy")
    assert found is not None
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, values)
    assert [path.name for path in tmp_path.iterdir()] == ["map.npy"]


def test_a_file_is_replaced_while_its_last_version_is_open(tmp_path: Path) -> None:
    path = tmp_path / "map.npy"
    write_map(path, np.zeros(4))
    before = read_map(path)
    write_map(path, np.ones(4))
    after = read_map(path)
    assert before is not None
    assert after is not None
    assert (before.tolist(), after.tolist()) == ([0.0] * 4, [1.0] * 4)


def _write(path: Path) -> Callable[[Path], Any]:
    if path.suffix == ".npz":
        write_runs(path, runs_of(LABELS))
        return read_runs
    write_map(path, LABELS.astype(np.float32))
    return read_map


@pytest.mark.parametrize("name", ["runs.npz", "map.npy"])
def test_what_is_missing_or_cut_is_found_again(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    read = _write(path)
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 7), len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert read(path) is None, length
    path.unlink()
    assert read(path) is None
    path.mkdir()
    assert read(path) is None


@pytest.mark.parametrize("name", ["runs.npz", "map.npy"])
def test_a_damaged_byte_never_ends_the_run(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    read = _write(path)
    whole = path.read_bytes()
    places = range(len(whole)) if name == "map.npy" else [i for i, b in enumerate(whole) if b]
    for place in places:
        for value in (1, 255) if name == "map.npy" else (255,):
            path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            read(path)  # something or nothing, and no error


def test_runs_notice_damaged_content(tmp_path: Path) -> None:
    path = tmp_path / "runs.npz"
    _write(path)
    whole = path.read_bytes()
    place = whole.index(runs_of(LABELS).anchors.tobytes())
    path.write_bytes(whole[:place] + b"\x05" + whole[place + 1 :])
    assert read_runs(path) is None


def test_nothing_that_runs_code_is_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "map.npy", np.array([print], dtype=object), allow_pickle=True)
    assert read_map(tmp_path / "map.npy") is None
    np.savez(tmp_path / "runs.npz", anchors=np.array([print], dtype=object))
    assert read_runs(tmp_path / "runs.npz") is None
