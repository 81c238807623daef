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


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"x": b"bytes"}, TypeError),
        ({"x": np.float32(1)}, TypeError),
        ({"x": {1, 2}}, TypeError),
        ({"x": "y" * (17 << 20)}, ValueError),
    ],
)
def test_what_cannot_be_said_is_refused_before_anything_is_written(
    message: dict[str, object], error: type[Exception]
) -> None:
    """Half a message would be taken for the beginning of the next one."""
    stream = io.BytesIO()
    with pytest.raises(error):
        write_message(stream, message)
    assert stream.getvalue() == b""


def test_a_message_without_end_in_itself_is_refused() -> None:
    content = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    with pytest.raises(ValueError, match="nested without end"):
        read_message(io.BytesIO(struct.pack("<I", len(content)) + content))


def test_numbers_that_are_none_come_through() -> None:
    """A tool may say that a loss is NaN."""
    stream = io.BytesIO()
    write_message(stream, {"loss": float("nan"), "best": float("inf")})
    stream.seek(0)
    found = read_message(stream)
    assert found is not None
    assert np.isnan(found["loss"]) and found["best"] == float("inf")


@pytest.mark.parametrize(
    "array",
    [
        np.float32(3.5).reshape(()),
        np.zeros((0, 4), np.uint8),
        np.arange(6, dtype=np.int64).reshape(2, 3)[:, ::-1],
        np.array([[2**63]], np.uint64),
        np.array([np.nan, -np.inf], np.float16),
    ],
)
def test_arrays_of_any_shape_are_the_same_and_may_be_written_to(tmp_path: Path, array: np.ndarray) -> None:
    found = read_arrays(str(tmp_path), write_arrays(str(tmp_path), {"a": array}, "out"))["a"]
    np.testing.assert_array_equal(found, array)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.flags.writeable


def test_the_two_sides_use_files_of_their_own(tmp_path: Path) -> None:
    one, two = np.zeros(3, np.uint8), np.ones(4, np.uint8)
    given, answered = (
        write_arrays(str(tmp_path), {"image": array}, side) for array, side in ((one, "in"), (two, "out"))
    )
    assert len(list(tmp_path.iterdir())) == 2
    np.testing.assert_array_equal(read_arrays(str(tmp_path), given)["image"], one)
    np.testing.assert_array_equal(read_arrays(str(tmp_path), answered)["image"], two)


@pytest.mark.parametrize("missing", ["file", "dtype", "shape"])
def test_an_array_that_is_not_described_is_refused(tmp_path: Path, missing: str) -> None:
    about = write_arrays(str(tmp_path), {"a": np.zeros(3)}, "in")
    del about["a"][missing]
    with pytest.raises(KeyError, match=missing):
        read_arrays(str(tmp_path), about)
