"""How Veriscope and the process of a tool talk: JSON over pipes, arrays through files.

A message is its length in four bytes and that many bytes of JSON. Arrays lie as raw values in files of a
folder that both know; the message says which. Nothing but the standard library (and NumPy where there are
arrays), because the process of a tool, whose environment lacks Veriscope, loads this file too.
"""

from __future__ import annotations

import json
import os
import struct
from typing import Any, BinaryIO

__all__ = ["read_arrays", "read_message", "write_arrays", "write_message"]

_LONGEST = 16 << 20
_KINDS = "buif"


def write_message(stream: BinaryIO, message: dict[str, Any]) -> None:
    """Write a message.

    Parameters
    ----------
    stream
        To write to.
    message
        Plain values.

    Raises
    ------
    TypeError, ValueError
        If it holds other values, or is longer than 16 MB as JSON; nothing is written.
    """
    content = json.dumps(message).encode()
    if len(content) > _LONGEST:
        raise ValueError(f"a message of {len(content)} bytes; arrays are for what is large")
    stream.write(struct.pack("<I", len(content)) + content)
    stream.flush()


def read_message(stream: BinaryIO) -> dict[str, Any] | None:
    """Read a message.

    Parameters
    ----------
    stream
        To read from.

    Returns
    -------
    dict or None
        None at the end of the stream, or where it ends within a message.

    Raises
    ------
    ValueError
        If what comes is no message.
    """
    size = stream.read(4)
    if len(size) < 4:
        return None
    (length,) = struct.unpack("<I", size)
    if length > _LONGEST:
        raise ValueError(f"a message of {length} bytes")
    content = stream.read(length)
    if len(content) < length:
        return None
    try:
        found = json.loads(content)
    except RecursionError as error:
        raise ValueError("a message nested without end") from error
    if not isinstance(found, dict):
        raise ValueError("a message that is no object")
    return found


def write_arrays(folder: str, arrays: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Write arrays to files.

    Parameters
    ----------
    folder
        That both sides know.
    arrays
        NumPy arrays by name.
    prefix
        Beginning of the names of the files; the two sides use different ones.

    Returns
    -------
    dict
        What `read_arrays` needs, as plain values.
    """
    about = {}
    for name, array in arrays.items():
        file = f"{prefix}-{name}.raw"
        with open(os.path.join(folder, file), "wb") as stream:  # noqa: PTH118, PTH123 (standard library)
            stream.write(array.tobytes())
        about[name] = {"file": file, "dtype": array.dtype.str, "shape": list(array.shape)}
    return about


def read_arrays(folder: str, about: dict[str, Any]) -> dict[str, Any]:
    """Read arrays from files, which are removed.

    Parameters
    ----------
    folder
        That both sides know.
    about
        As `write_arrays` gave it.

    Returns
    -------
    dict
        NumPy arrays by name; writable.

    Raises
    ------
    ValueError
        If a file is not in the folder, or does not hold what is said.
    """
    import numpy as np

    found = {}
    for name, item in about.items():
        file, dtype = str(item["file"]), np.dtype(item["dtype"])
        if os.path.basename(file) != file or dtype.kind not in _KINDS:  # noqa: PTH119
            raise ValueError(f"array {name} in {file} of type {dtype}")
        path = os.path.join(folder, file)  # noqa: PTH118
        try:
            found[name] = np.fromfile(path, dtype).reshape([int(size) for size in item["shape"]])
            os.remove(path)  # noqa: PTH107
        except OSError as error:
            raise ValueError(f"array {name}: {error}") from error
    return found
