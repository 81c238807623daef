"""Unpack archives of strangers, and say which of their paths may be used."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from veriscope.errors import UnreadableFileError

__all__ = ["safe_file", "safe_relative", "unpack_zip"]

_MOST_FILES = 2000
_MOST_BYTES = 8 << 30
_MOST_RATIO = 200
"""How many times larger than the archive its content may be, above 64 MB."""
_BLOCK = 1 << 20


def safe_relative(source: str, *, where: str) -> PurePosixPath:
    """Check a path that a package names.

    Parameters
    ----------
    source
        As it stands in the package.
    where
        What names it, for the message.

    Returns
    -------
    pathlib.PurePosixPath
        Relative, and within the package.

    Raises
    ------
    UnreadableFileError
        If it is absolute, leads out of the package, or is no path.
    """
    path = PurePosixPath(source)
    bad = not source or "\\" in source or ":" in source or "\0" in source or path.is_absolute()
    if bad or ".." in path.parts or source.startswith("~") or not path.parts:
        raise UnreadableFileError(
            f"{where}: names the file {source!r}, which lies outside the package or is no path; packages "
            "name their files relative to themselves. Do not use this one"
        )
    return path


def safe_file(folder: Path, source: str, *, where: str) -> Path:
    """Find a file of a package on disk.

    Parameters
    ----------
    folder
        The package.
    source
        Path as it stands in the description.
    where
        What names it, for the message.

    Returns
    -------
    pathlib.Path
        A plain file within the folder, reached through no link.

    Raises
    ------
    UnreadableFileError
        If it is missing, a link, or outside.
    """
    relative = safe_relative(source, where=where)
    path = folder
    for part in relative.parts:
        path = path / part
        if path.is_symlink():
            raise UnreadableFileError(
                f"{source}: is a link; a package holds its files itself. Do not use this one"
            )
    if not path.is_file():
        raise UnreadableFileError(f"{source}: is missing, and {where} names it; get the package anew")
    return path


def unpack_zip(archive: Path, folder: Path) -> None:
    """Unpack an archive; what is counted is what comes out, not what the archive says of itself.

    Parameters
    ----------
    archive
        A .zip file.
    folder
        Where its files go; made if missing.

    Raises
    ------
    UnreadableFileError
        If it is damaged, has links, paths that lead out, too many files, or grows without bounds.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            if len(entries) > _MOST_FILES:
                raise UnreadableFileError(f"{archive}: has {len(entries)} files; a package has at most 2000")
            room = min(_MOST_BYTES, max(64 << 20, _MOST_RATIO * archive.stat().st_size))
            seen: set[str] = set()
            for entry in entries:
                if entry.is_dir():
                    continue
                room -= _unpack_one(opened, entry, folder, seen, room, archive)
    except UnreadableFileError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise UnreadableFileError(f"{archive}: is no intact zip archive: {error}; get it anew") from error


def _unpack_one(
    opened: zipfile.ZipFile,
    entry: zipfile.ZipInfo,
    folder: Path,
    seen: set[str],
    room: int,
    archive: Path,
) -> int:
    relative = safe_relative(entry.filename, where=str(archive))
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise UnreadableFileError(
            f"{archive}: {entry.filename} is a link or a device; packages hold plain files. Do not use this "
            "one"
        )
    # As disks see names that take small letters for large ones.
    name, *above = (str(path).lower() for path in (relative, *relative.parents[:-1]))
    if name in seen:
        raise UnreadableFileError(f"{archive}: has two files named {entry.filename}")
    if f"{name}/" in seen or not seen.isdisjoint(above):
        raise UnreadableFileError(f"{archive}: has a file and a folder of one name: {entry.filename}")
    seen.update((name, *(f"{folder}/" for folder in above)))
    target = folder / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with opened.open(entry) as stream, target.open("xb") as out:
        while block := stream.read(_BLOCK):
            written += len(block)
            if written > room:
                raise UnreadableFileError(
                    f"{archive}: unpacks to far more than its size suggests (a bomb); nothing was kept"
                )
            out.write(block)
    return written
