"""A process of its own that runs weights of strangers; `veriscope.methods.zoo.isolated` starts it.

Started as ``python -I isolated_worker.py``, with the Python that has what the weights need, which need not
have Veriscope. It reads the order of work, gives up its rights (`sandbox.py`), loads the runner that is named
there, and answers arrays with arrays until its input ends. Messages are a length, a header of that many bytes
in JSON, and the raw values of the arrays that the header announces.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
import struct
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

__all__ = ["main", "read_message", "verified", "write_message"]

_LONGEST_HEADER = 1 << 20
_RUNNERS = ("keras_runner", "torch_runner")


def read_message(stream: BinaryIO, *, most_bytes: int) -> tuple[dict[str, Any], list[bytes]] | None:
    """Read a message.

    Parameters
    ----------
    stream
        To read from.
    most_bytes
        Largest amount of values that is taken.

    Returns
    -------
    tuple or None
        Header, and the raw values of each array in its list ``arrays``; None at the end of the stream.

    Raises
    ------
    ValueError
        If it is no message, or larger than allowed.
    """
    size = stream.read(4)
    if len(size) < 4:
        return None
    (length,) = struct.unpack("<I", size)
    if length > _LONGEST_HEADER:
        raise ValueError(f"header of {length} bytes")
    try:
        header = json.loads(stream.read(length))
    except RecursionError as error:
        raise ValueError("a header nested without end") from error
    if not isinstance(header, dict):
        raise ValueError("no header")
    values = []
    for item in header.get("arrays", []):
        count = int(item["bytes"])
        if not 0 <= count <= most_bytes:
            raise ValueError(f"array of {count} bytes")
        content = stream.read(count)
        if len(content) != count:
            return None
        values.append(content)
    return header, values


def write_message(stream: BinaryIO, header: dict[str, Any], arrays: list[Any] | None = None) -> None:
    """Write a message.

    Parameters
    ----------
    stream
        To write to.
    header
        Plain values.
    arrays
        NumPy arrays that go along.
    """
    arrays = arrays or []
    about = [{"dtype": a.dtype.str, "shape": list(a.shape), "bytes": a.nbytes} for a in arrays]
    content = json.dumps(header | {"arrays": about}).encode()
    stream.write(struct.pack("<I", len(content)))
    stream.write(content)
    for item in arrays:
        stream.write(item.tobytes())
    stream.flush()


def verified(path: str, sha256: str) -> bytes:
    """Give the content of a file, which is what was verified: it is read once.

    Parameters
    ----------
    path
        The file.
    sha256
        Hash that it must have.

    Returns
    -------
    bytes
        All of it.

    Raises
    ------
    ValueError
        If it has another hash.
    """
    with open(path, "rb") as stream:  # noqa: PTH123 - read before anything else may be loaded
        content = stream.read()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"{path} was changed after it was verified")
    return content


def main() -> None:
    """Serve until the input ends."""
    incoming = os.fdopen(os.dup(0), "rb")
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a model prints must not mix with our messages
    first = read_message(incoming, most_bytes=0)
    if first is None:
        return
    order = first[0]
    restrict = _beside("sandbox").restrict
    held = restrict(memory_bytes=order["memory_bytes"], cpu_s=order["cpu_s"])
    try:
        if order["runner"] not in _RUNNERS:
            raise ValueError(f"no runner {order['runner']}")
        run = _beside(order["runner"]).load(order, verified)
    except BaseException as error:
        write_message(outgoing, {"error": _text(error), "held": held})
        return
    write_message(outgoing, {"ready": True, "held": held})
    while (message := read_message(incoming, most_bytes=1 << 40)) is not None:
        try:
            found = run(_arrays(*message))
        except BaseException as error:
            write_message(outgoing, {"error": _text(error)})
        else:
            write_message(outgoing, {}, found)


def _beside(name: str) -> ModuleType:
    """Load a file of this folder by its path: this Python need not know Veriscope."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _text(error: BaseException) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1] if lines else ''}"[:500]


def _arrays(header: dict[str, Any], values: list[bytes]) -> list[Any]:
    numpy = importlib.import_module("numpy")
    return [
        numpy.frombuffer(bytearray(raw), dtype=item["dtype"]).reshape(item["shape"])
        for item, raw in zip(header["arrays"], values, strict=True)
    ]


if __name__ == "__main__":
    main()
