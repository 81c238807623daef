"""Test tensors of packages: NumPy files, read without ever unpickling."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import UnreadableFileError

__all__ = ["read_npy"]

_MOST_BYTES = 4 << 30


def read_npy(path: Path) -> NDArray[Any]:
    """Read a test tensor.

    Parameters
    ----------
    path
        A .npy file of numbers.

    Returns
    -------
    numpy.ndarray
        Its values.

    Raises
    ------
    UnreadableFileError
        If it holds objects, or another number of values than its header says; nothing is allocated then.
    """
    try:
        with path.open("rb") as stream:
            version = np.lib.format.read_magic(stream)
            read = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }.get(version)
            if read is None:
                raise ValueError(f"version {version} of the format is not known")
            shape, _, dtype = read(stream)
            there = path.stat().st_size - stream.tell()
    except (OSError, ValueError, SyntaxError, TypeError) as error:
        raise UnreadableFileError(f"{path}: is no NumPy array: {error}") from error
    if dtype.hasobject or dtype.kind not in "buif":
        raise UnreadableFileError(f"{path}: holds values of type {dtype}, not numbers; it is not opened")
    needed = math.prod(shape) * dtype.itemsize
    if needed != there or needed > _MOST_BYTES:
        raise UnreadableFileError(
            f"{path}: its header promises shape {shape} of {dtype}, {needed} bytes, and it has {there}; it "
            "is damaged or made to exhaust memory"
        )
    return np.asarray(np.load(path, allow_pickle=False))
