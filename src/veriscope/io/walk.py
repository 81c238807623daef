"""What is in a folder and in the folders in it, links followed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["walk"]


def walk(folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Go through a folder and all folders in it.

    Parameters
    ----------
    folder
        Where to begin.

    Yields
    ------
    where, folders, names
        A folder, and the names of folders and files in it. What is taken out of `folders` is not gone into.
        Links are followed, save those to a folder that they lie in, which would lead round for ever.

    Raises
    ------
    OSError
        If a folder cannot be read: nothing is passed over in silence.
    """
    for where, folders, names in os.walk(folder, onerror=_raise, followlinks=True):
        here = Path(where)
        folders[:] = [name for name in folders if not _leads_back(here / name)]
        yield here, folders, names


def _leads_back(folder: Path) -> bool:
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def _raise(error: OSError) -> None:
    raise error
