"""What was found in a part of an image, on disk: objects as runs of pixels, and maps of numbers.

Written whole or not at all.
"""

from __future__ import annotations

import io
import tokenize
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.runs import ObjectRuns
from veriscope.io.atomic import atomic_path, write_bytes

__all__ = ["read_map", "read_runs", "write_map", "write_runs"]

_FIELDS = tuple(field.name for field in fields(ObjectRuns))


def write_runs(path: str | Path, objects: ObjectRuns) -> None:
    """Write objects.

    Parameters
    ----------
    path
        File to write, ending ``.npz``; replaced if it exists.
    objects
        Of one part of an image.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    stream = io.BytesIO()
    np.savez(stream, **{name: getattr(objects, name) for name in _FIELDS})
    write_bytes(path, stream.getvalue())


def read_runs(path: str | Path) -> ObjectRuns | None:
    """Read objects.

    Parameters
    ----------
    path
        File that `write_runs` wrote.

    Returns
    -------
    ObjectRuns or None
        None if the file is missing or damaged: the part has to be predicted again.
    """
    try:
        with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as file:
            return ObjectRuns(**{name: file[name] for name in _FIELDS})
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile):
        return None  # RuntimeError: a damaged byte can promise encryption or a compression of its own


def write_map(path: str | Path, values: NDArray[Any]) -> None:
    """Write a map of numbers, as it is in memory.

    Parameters
    ----------
    path
        File to write, ending ``.npy``; replaced if it exists.
    values
        Of one part of an image.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with atomic_path(path) as temporary:
        np.save(temporary, values)


def read_map(path: str | Path) -> NDArray[Any] | None:
    """Open a map of numbers; only what is used of it is read.

    Parameters
    ----------
    path
        File that `write_map` wrote.

    Returns
    -------
    numpy.ndarray or None
        None if the file is missing or damaged: the part has to be predicted again.
    """
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError, tokenize.TokenError):
        return None
