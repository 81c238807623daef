"""The process for weights of strangers: its messages, and what happens when it cannot start."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from veriscope.errors import MethodError
from veriscope.methods.zoo.isolated import IsolatedEngine, Limits
from veriscope.methods.zoo.isolated_worker import read_message, verified, write_message

MOST = 1 << 20
CODE = """
def make(gain=1.0, fail=""):
    def run(image):
        if fail:
            raise ValueError(fail)
        return image * gain
    return run
"""


def message(header: dict[str, Any], body: bytes = b"") -> io.BytesIO:
    content = json.dumps(header).encode()
    return io.BytesIO(struct.pack("<I", len(content)) + content + body)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        hnp.arrays(
            st.sampled_from([np.float32, np.uint8, np.int64, np.bool_]),
            hnp.array_shapes(min_dims=0, max_dims=4, max_side=4),
        ),
        max_size=3,
    )
)
def test_what_is_written_is_read(arrays: list[np.ndarray]) -> None:
    stream = io.BytesIO()
    write_message(stream, {"do": "run", "text": "µ"}, arrays)
    stream.seek(0)
    found = read_message(stream, most_bytes=MOST)
    assert found is not None
    header, values = found
    assert (header["do"], header["text"]) == ("run", "µ")
    for array, about, raw in zip(arrays, header["arrays"], values, strict=True):
        again = np.frombuffer(raw, about["dtype"]).reshape(about["shape"])
        np.testing.assert_array_equal(again, array)
    assert read_message(stream, most_bytes=MOST) is None, "the stream ends here"


def test_messages_that_promise_too_much_take_no_memory() -> None:
    with pytest.raises(ValueError, match="header of 4294967295 bytes"):
        read_message(io.BytesIO(b"\xff\xff\xff\xff"), most_bytes=MOST)
    for size in (MOST + 1, 1 << 62, -1):
        with pytest.raises(ValueError, match=f"array of {size} bytes"):
            read_message(message({"arrays": [{"bytes": size}]}), most_bytes=MOST)


def test_a_stream_that_breaks_off_is_at_its_end() -> None:
    assert read_message(io.BytesIO(b""), most_bytes=MOST) is None
    assert read_message(io.BytesIO(b"\x01\x00"), most_bytes=MOST) is None
    assert read_message(message({"arrays": [{"bytes": 8}]}, b"1234"), most_bytes=MOST) is None


@pytest.mark.parametrize("content", [b"[]", b"3", b"not json"])
def test_what_is_no_message_is_an_error(content: bytes) -> None:
    with pytest.raises(ValueError):
        read_message(io.BytesIO(struct.pack("<I", len(content)) + content), most_bytes=MOST)


def test_a_changed_file_is_not_given(tmp_path: Path) -> None:
    path = tmp_path / "w"
    path.write_bytes(b"numbers")
    assert verified(str(path), hashlib.sha256(b"numbers").hexdigest()) == b"numbers"
    with pytest.raises(ValueError, match="was changed after it was verified"):
        verified(str(path), hashlib.sha256(b"others").hexdigest())


def engine(tmp_path: Path, **changes: Any) -> IsolatedEngine:
    path = tmp_path / "code.py"
    path.write_text(CODE)
    order = {
        "runner": "torch_runner",
        "format": "custom",
        "code": str(path),
        "code_sha256": hashlib.sha256(CODE.encode()).hexdigest(),
        "callable": "make",
        "kwargs": {"gain": 2.0},
    }
    options = {key: changes.pop(key) for key in ("python", "limits") if key in changes}
    return IsolatedEngine(path, order | changes, advise=advice, **options)


def advice(text: str) -> str:
    return f"advice: {text}"


def test_arrays_go_through_and_the_process_is_kept(tmp_path: Path) -> None:
    made = engine(tmp_path)
    given_array = np.arange(6, dtype=np.float64).reshape(2, 3)
    (found,) = made.call([given_array])
    np.testing.assert_array_equal(found, given_array * 2)
    process = made._process
    (again,) = made.run(np.ones((4, 4)))
    assert again.dtype == np.float32, "fractions are given as float32"
    assert made._process is process and set(made.held) == {"network", "limits", "files"}
    made.close()
    assert process.poll() is not None and made._process is None


def test_libraries_are_looked_for_without_a_program_or_a_file(tmp_path: Path) -> None:
    """Importing torch that was built for a GPU looks for some; where there is none it goes on without."""
    path = tmp_path / "looking.py"
    path.write_text(
        "import ctypes.util\n"
        "def make():\n"
        "    return lambda image: image * (2 if ctypes.util.find_library('dl') is None else 3)\n"
    )
    order = {"code": str(path), "code_sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "kwargs": {}}
    made = engine(tmp_path, **order)
    (found,) = made.run(np.ones((2, 2)))
    made.close()
    assert (found == 2).all()


def test_a_failure_is_told_with_advice_and_the_next_image_starts_anew(tmp_path: Path) -> None:
    made = engine(tmp_path, kwargs={"fail": "no such luck"})
    for _ in range(2):
        with pytest.raises(MethodError, match=r"code\.py: advice: ValueError: no such luck"):
            made.call([np.zeros(3)])
        assert made._process is None


@pytest.mark.parametrize("runner", ["os", "../evil", "sandbox", ""])
def test_only_the_known_runners_are_loaded(tmp_path: Path, runner: str) -> None:
    with pytest.raises(MethodError, match=f"advice: ValueError: no runner *{runner}"):
        engine(tmp_path, runner=runner).call([np.zeros(3)])


def test_a_python_that_is_gone_is_named(tmp_path: Path) -> None:
    made = engine(tmp_path, python=tmp_path / "venv" / "bin" / "python")
    with pytest.raises(MethodError, match=r"bin.python: cannot be started: .*veriscope models install"):
        made.call([np.zeros(3)])
    assert made._process is None


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for Python")
def test_a_program_that_is_no_worker_is_an_error_of_its_own(tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho 'this is no message, but long enough to be one'\n")
    fake.chmod(0o755)
    made = engine(tmp_path, python=fake, limits=Limits(wall_s=20))
    with pytest.raises(MethodError, match=r"code\.py: its process ended"):
        made.call([np.zeros(3)])


def answers(folder: Path, *parts: bytes, then: str = "sleep 60") -> Path:
    """A Python that writes just these bytes, whatever it is told."""
    (folder / "said").write_bytes(b"".join(parts))
    path = folder / "python"
    path.write_text(f'#!/bin/sh\ncat "{folder / "said"}"\n{then}\n')
    path.chmod(0o755)
    return path


READY = message({"ready": True, "held": {}}).getvalue()
unix = pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for Python")


@unix
@pytest.mark.parametrize(
    "said",
    [
        [b"\xff\xff\xff\xff"],
        [message({"held": 5}).getvalue()],
        [struct.pack("<I", 50_000) + b"[" * 50_000],
        [READY, message({"arrays": 5}).getvalue()],
        [READY, message({"arrays": [5]}).getvalue()],
        [READY, message({"arrays": [{"bytes": "many"}]}).getvalue()],
        [READY, message({"arrays": [{"bytes": 1 << 60}]}).getvalue()],
        [READY, message({"arrays": [{"bytes": 4}]}, b"1234").getvalue()],
        [READY, message({"arrays": [{"bytes": 4, "dtype": "O", "shape": [1]}]}, b"1234").getvalue()],
        [READY, message({"arrays": [{"bytes": 4, "dtype": "<f4", "shape": [2]}]}, b"1234").getvalue()],
        [READY, message({"arrays": [{"bytes": 4, "dtype": "<f4", "shape": 1}]}, b"1234").getvalue()],
        [READY, message({"arrays": [{"bytes": 4, "dtype": "<f4", "shape": [1e999]}]}, b"1234").getvalue()],
        [READY, message({}).getvalue()],
    ],
)
def test_nonsense_is_an_error_at_once_and_ends_the_process(tmp_path: Path, said: list[bytes]) -> None:
    made = engine(tmp_path, python=answers(tmp_path, *said), limits=Limits(wall_s=60))
    expected = r"code\.py: its process (ended|answers nonsense)"
    if said[1:] == [message({}).getvalue()]:
        expected = r"nonsense: 'arrays'"
    with pytest.raises(MethodError, match=expected):
        made.call([np.zeros(3)])
    assert made._process is None


def test_ctrl_c_ends_the_process_so_that_no_answer_is_taken_for_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = engine(tmp_path)
    made.call([np.zeros(3)])

    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("veriscope.methods.zoo.isolated.read_message", stopped)
        made.call([np.ones(3)])
    assert made._process is None
    (found,) = made.call([np.full(3, 5.0)])
    np.testing.assert_array_equal(found, [10, 10, 10])
    made.close()


@unix
def test_a_process_that_never_reads_is_stopped_in_time(tmp_path: Path) -> None:
    """More is written than its pipe holds."""
    made = engine(tmp_path, python=answers(tmp_path, READY), limits=Limits(wall_s=1))
    with pytest.raises(MethodError, match=r"code\.py: gave no answer within 1 s and was stopped"):
        made.call([np.zeros(1 << 20)])
    assert made._process is None


@unix
def test_what_it_started_and_keeps_its_pipe_is_stopped_with_it(tmp_path: Path) -> None:
    python = answers(tmp_path, READY, then="sleep 60 & exit 0")
    made = engine(tmp_path, python=python, limits=Limits(wall_s=1))
    with pytest.raises(MethodError, match=r"gave no answer within 1 s|its process ended"):
        made.call([np.zeros(3)])


def test_an_order_that_cannot_be_prepared_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = engine(tmp_path)

    def missing() -> dict[str, Any]:
        raise MethodError("the bundle was changed")

    monkeypatch.setattr(made, "prepared", missing)
    for _ in range(2):
        with pytest.raises(MethodError, match="the bundle was changed"):
            made.call([np.zeros(3)])
        assert made._process is None


def test_a_copy_has_no_process_and_starts_its_own(tmp_path: Path) -> None:
    made = engine(tmp_path)
    made.call([np.zeros(3)])
    copy = pickle.loads(pickle.dumps(made))
    assert copy._process is None
    (found,) = copy.call([np.ones(3)])
    np.testing.assert_array_equal(found, [2, 2, 2])
    copy.close()
    np.testing.assert_array_equal(made.call([np.ones(3)])[0], [2, 2, 2])
    made.close()
    made.close()
