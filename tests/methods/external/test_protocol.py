"""Messages and arrays come through as they were, and broken ones are refused."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest

from veriscope.methods.external.protocol import read_arrays, read_message, write_arrays, write_message


def test_messages_come_through() -> None:
    stream = io.BytesIO()
    write_message(stream, {"do": "predict", "µ": 1})
    write_message(stream, {})
    stream.seek(0)
    assert [read_message(stream) for _ in range(3)] == [{"do": "predict", "µ": 1}, {}, None]


@pytest.mark.parametrize("content", [struct.pack("<I", 99), struct.pack("<I", 9) + b"{", b"\1\0"])
def test_an_end_within_a_message_is_the_end(content: bytes) -> None:
    assert read_message(io.BytesIO(content)) is None


@pytest.mark.parametrize(
    "content", [b"\xff\xff\xff\xff", struct.pack("<I", 2) + b"[]", struct.pack("<I", 1) + b"x"]
)
def test_what_is_no_message_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        read_message(io.BytesIO(content))


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.dtype(">u2"), np.int32, np.float32, np.float64])
def test_arrays_come_through_and_leave_no_file(tmp_path: Path, dtype: np.dtype[np.generic]) -> None:
    array = np.asfortranarray((np.arange(24).reshape(2, 3, 4) % 5).astype(dtype))
    about = write_arrays(str(tmp_path), {"a": array, "empty": array[:, :0]}, "in")
    found = read_arrays(str(tmp_path), about)
    assert np.array_equal(found["a"], array) and found["a"].dtype == array.dtype
    assert found["empty"].shape == (2, 0, 4)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "about",
    [
        {"file": "../x.raw", "dtype": "|u1", "shape": [1]},
        {"file": "in-a.raw", "dtype": "|O", "shape": [1]},
        {"file": "in-a.raw", "dtype": "|u1", "shape": [9]},
        {"file": "missing.raw", "dtype": "|u1", "shape": [1]},
    ],
)
def test_wrong_arrays_are_refused(tmp_path: Path, about: dict[str, object]) -> None:
    (tmp_path / "in-a.raw").write_bytes(b"\0\0")
    with pytest.raises(ValueError):
        read_arrays(str(tmp_path), {"a": about})
