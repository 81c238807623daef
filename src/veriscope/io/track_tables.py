"""Sequences of label images with the table of their tracks, as in the Cell Tracking Challenge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from veriscope.errors import TableError, UnreadableFileError
from veriscope.io.folders import find_images
from veriscope.io.labels import read_labels

__all__ = ["TrackFolder", "find_track_folders", "read_track_folder"]

_TABLES = ("tracks.csv", "man_track.txt", "res_track.txt", "isbi_track.txt")
_COLUMNS = (
    ("track", "label", "id", "l"),
    ("first", "begin", "start", "b"),
    ("last", "end", "e"),
    ("parent", "p"),
)


@dataclass(frozen=True, slots=True)
class TrackFolder:
    """A sequence on disk.

    Parameters
    ----------
    name
        Name of its folder.
    frames
        One label image per time point, or one file with all of them; labels are track numbers.
    rows
        Shape (n, 4): track, first frame, last frame, parent (0 = none).
    """

    name: str
    frames: tuple[Path, ...]
    rows: NDArray[np.int64]

    def read(self) -> Iterator[NDArray[Any]]:
        """Read one frame after the other.

        Yields
        ------
        numpy.ndarray
            Label image, (y, x) or (z, y, x).

        Raises
        ------
        VeriscopeError
            If a file is no label image.
        """
        if len(self.frames) == 1:
            labels = read_labels(self.frames[0])
            # One frame that is a plane is the whole sequence; the first axis of a stack is time.
            yield from labels if labels.ndim > 2 else labels[None]
            return
        for path in self.frames:
            yield read_labels(path)


def find_track_folders(path: str | Path) -> dict[str, Path]:
    """Find sequences: the folder itself, or the folders in it that have a table of tracks.

    Parameters
    ----------
    path
        Folder.

    Returns
    -------
    dict
        Folder by name; a single sequence is named ``sequence``.

    Raises
    ------
    UnreadableFileError
        If there is none.
    """
    path = Path(path)
    if not path.exists():
        raise UnreadableFileError(f"{path}: no such folder; check the name")
    if _table_of(path) is not None:
        return {"sequence": path}
    inside = sorted(item for item in path.iterdir() if item.is_dir()) if path.is_dir() else []
    found = {item.name: item for item in inside if _table_of(item) is not None}
    if not found:
        raise UnreadableFileError(
            f"{path}: has no table of tracks ({', '.join(_TABLES)}), nor have the folders in it; a sequence "
            "is a folder with one label image per frame, here or in labels/, and such a table"
        )
    return found


def read_track_folder(path: str | Path) -> TrackFolder:
    """Read the table of a sequence, and find its frames.

    Parameters
    ----------
    path
        Folder with ``tracks.csv`` (columns track, first, last, parent) or the ``man_track.txt`` or
        ``res_track.txt`` of the Cell Tracking Challenge (four numbers a line), and with label images, or
        those in its folder ``labels``.

    Returns
    -------
    TrackFolder
        The sequence; frames in natural order of their names.

    Raises
    ------
    UnreadableFileError
        If table or frames are missing.
    TableError
        If the table lacks a column or has something else than whole numbers.
    """
    path = Path(path)
    table = _table_of(path)
    if table is None:
        raise UnreadableFileError(f"{path}: has no table of tracks ({', '.join(_TABLES)})")
    place = path / "labels" if (path / "labels").is_dir() else path
    return TrackFolder(path.name, tuple(file.path for file in find_images(place)), _read_rows(table))


def _table_of(path: Path) -> Path | None:
    return next((path / name for name in _TABLES if (path / name).is_file()), None)


def _read_rows(path: Path) -> NDArray[np.int64]:
    try:
        with np.errstate(all="raise"):  # a number that is too large must not become another
            if path.suffix == ".txt":
                table = pd.read_csv(path, sep=r"\s+", header=None, dtype=np.int64)
                table = table if table.shape[1] == 4 else None
            else:
                table = _chosen(pd.read_csv(path), path)
    except pd.errors.EmptyDataError:
        return np.zeros((0, 4), dtype=np.int64)
    except TableError:  # which is a ValueError
        raise
    except (OSError, ValueError, ArithmeticError) as error:
        raise TableError(f"{path}: cannot be read as whole numbers in four columns: {error}") from error
    if table is None:
        raise TableError(f"{path}: needs four numbers a line: track, first frame, last frame, parent")
    return np.asarray(table, dtype=np.int64)


def _chosen(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    names = {str(name).strip().lower(): name for name in table.columns}
    chosen = [next((names[name] for name in choices if name in names), None) for choices in _COLUMNS]
    missing = [choices[0] for choices, column in zip(_COLUMNS, chosen, strict=True) if column is None]
    if missing:
        raise TableError(
            f"{path}: lacks the columns {', '.join(missing)}; it has {', '.join(map(str, table.columns))}"
        )
    whole = table[chosen].astype(np.int64)
    if (whole.to_numpy() != table[chosen].to_numpy()).any():
        raise ValueError("there are fractions")
    return whole
