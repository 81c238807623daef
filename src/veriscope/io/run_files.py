"""Objects of a part of an image on disk, as runs of pixels; written whole or not at all."""

from __future__ import annotations

import io
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np

from veriscope.core.runs import ObjectRuns
from veriscope.io.atomic import write_bytes

__all__ = ["read_runs", "write_runs"]

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
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
