"""Content hashes of files and folders."""

from __future__ import annotations

import hashlib
from pathlib import Path

from veriscope.errors import UnreadableFileError
from veriscope.io.walk import walk

__all__ = ["sha256_of"]

_BLOCK = 1 << 20
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}


def sha256_of(path: str | Path) -> str:
    """Give the SHA-256 of a file's content, or of a folder's names and contents.

    For a folder it is the hash of one line per file, ``<hash of content>  <relative path>``, sorted
    by path, as ``sha256sum`` prints them. Empty folders, dates and permissions do not count, nor
    do the files that file managers leave (``.DS_Store``, ``Thumbs.db``). What links lead to counts as if
    it lay there. Files are read in blocks of 1 MiB.

    Parameters
    ----------
    path
        File or folder (an OME-Zarr store, say).

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    UnreadableFileError
        If the path is missing or something in it cannot be read.
    """
    path = Path(path)
    try:
        if path.is_dir():
            return _sha256_of_folder(path)
        return _sha256_of_file(path)
    except OSError as error:
        raise UnreadableFileError(f"{error.filename or path}: cannot be read: {error.strerror}") from error


def _sha256_of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _sha256_of_folder(folder: Path) -> str:
    files: dict[str, Path] = {}
    for where, _, names in walk(folder):
        found = (where / name for name in names if name not in _LITTER)
        files |= {path.relative_to(folder).as_posix(): path for path in found}
    digest = hashlib.sha256()
    for relative in sorted(files):
        # Names of Linux are bytes, which need not be text.
        digest.update(f"{_sha256_of_file(files[relative])}  {relative}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
