"""Writing that is all or nothing: a killed run leaves the old file or the new one, never half of one.

Everything is written to a temporary sibling whose name starts with ``.tmp-``, flushed to disk, and
then renamed over the target; within `unflushed` many files are flushed together, later. Files left by
processes that have died are removed by the next write of the same target.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from veriscope.core.plain import plain
from veriscope.errors import InputError

__all__ = [
    "TEMP_PREFIX",
    "atomic_path",
    "flush_all",
    "make_folder",
    "refuse_here",
    "unflushed",
    "write_bytes",
    "write_json",
    "write_text",
]

TEMP_PREFIX = ".tmp-"
_UNFLUSHED: ContextVar[bool] = ContextVar("unflushed", default=False)
_REMEDIES = {
    errno.EACCES: "no permission to write there; choose another folder or change its permissions",
    errno.EPERM: "no permission to write there; choose another folder or change its permissions",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.ENOSPC: "the disk is full; free some space or choose another disk, then run again",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another disk, then run again",
    errno.EFBIG: "the file is larger than this disk or your limits allow; choose another disk",
    errno.ENAMETOOLONG: "the name is too long for this file system; choose a shorter one",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another folder",
    errno.EEXIST: "a part of the path is a file, not a folder; choose another folder",
    errno.ENOENT: "the folder does not exist and cannot be made; choose another folder",
}

_WRITTEN_IN_PART = re.compile(r"\d+ requested and \d+ written")


@contextlib.contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """Give a temporary path that takes the place of the target when the block ends without error.

    Parameters
    ----------
    target
        File or folder to be written. Missing parent folders are made. What is there already is
        replaced as a whole; between the removal of an old folder and the renaming of the new one
        there is a moment without either, for files there is none.

    Yields
    ------
    pathlib.Path
        Path in the same folder, with the same suffix, at which nothing exists yet; the block makes
        a file or a folder there.

    Raises
    ------
    InputError
        If the target cannot be written: no permission, disk full, name too long. The temporary
        path is removed after any error.
    """
    target = Path(target)
    temporary = _temporary_sibling(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(target)
        yield temporary
        if not temporary.exists():
            raise FileNotFoundError(errno.EINVAL, "nothing was written", str(temporary))
        if not _UNFLUSHED.get() and not _is_inside_ours(target):
            _flush(temporary)
        _put_in_place(temporary, target)
    except OSError as error:
        _remove(temporary)
        remedy = _REMEDIES.get(_number(error))
        # A file within a folder that is being written is nowhere yet: the folder is what is told of.
        if remedy and _concerns(error, temporary, target) and not _is_inside_ours(target):
            raise InputError(f"{target}: cannot be written: {remedy}") from error
        raise
    except BaseException:
        _remove(temporary)
        raise


@contextlib.contextmanager
def unflushed() -> Iterator[None]:
    """Leave out the flush of every file written in the block; `flush_all` makes up for it.

    For work that notices by itself, from hashes, which files a power failure has taken. A process that is
    killed loses nothing by it: what it has written is with the operating system.

    Yields
    ------
    None
        Where all files can be flushed at once (not on Windows); elsewhere nothing is left out.
    """
    token = _UNFLUSHED.set(hasattr(os, "sync"))
    try:
        yield
    finally:
        _UNFLUSHED.reset(token)


def flush_all() -> None:
    """Have the operating system write all files to the disk, also those of other processes."""
    if hasattr(os, "sync"):
        os.sync()


def refuse_here(path: Path) -> None:
    """Refuse to make the folder anew in which the program was started, or one above it.

    It would be replaced as a whole, and whoever is in it would be left in a folder that is gone.

    Parameters
    ----------
    path
        Folder to be made.

    Raises
    ------
    InputError
        If it is the current folder, or holds it.
    """
    if Path.cwd().is_relative_to(path.resolve()):
        raise InputError(
            f"{path}: is the folder you are in, or one above it, and is to be made anew; name a new folder, "
            f"such as {Path(path) / 'my-study'}"
        )


def make_folder(path: str | Path) -> Path:
    """Make a folder and those above it, if missing.

    Parameters
    ----------
    path
        The folder.

    Returns
    -------
    pathlib.Path
        The same.

    Raises
    ------
    InputError
        If it cannot be made or written to.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = _REMEDIES.get(error.errno or 0, error.strerror)
        raise InputError(f"{path}: cannot be made: {reason}") from error
    return path


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file atomically.

    Parameters
    ----------
    path
        File to write; replaced if it exists.
    content
        Its new content.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | Path, content: str) -> None:
    r"""Write a text file atomically, UTF-8, with ``\n`` at line ends on every system.

    Parameters
    ----------
    path
        File to write; replaced if it exists.
    content
        Its new content.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    write_bytes(path, content.encode("utf-8"))


def write_json(path: str | Path, value: Any) -> None:
    """Write plain values as JSON, atomically, the same bytes for the same values.

    Parameters
    ----------
    path
        File to write; replaced if it exists.
    value
        Mappings with text keys, sequences, text, numbers (also NumPy's), booleans, None. NaN and
        infinities, which JSON lacks, are written as null. Keys keep their order.

    Raises
    ------
    InputError
        If it cannot be written.
    TypeError
        If a value is of another type.
    """
    text = json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False)
    write_text(path, text + "\n")


@functools.cache
def _machine() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _owner() -> str:
    """Name this machine and process: a process number means nothing on another machine's disk."""
    return f"{_machine()}-{os.getpid()}"


def _short_name(target: Path) -> str:
    """Name of the target, shortened by a hash where the prefix would make it too long for a disk."""
    name = target.name
    if len(name.encode()) <= 200:
        return name
    return hashlib.sha256(name.encode()).hexdigest()[:32] + "".join(target.suffixes[-2:])[-20:]


def _temporary_sibling(target: Path) -> Path:
    return target.with_name(f"{TEMP_PREFIX}{_owner()}-{os.urandom(4).hex()}-{_short_name(target)}")


def _remove_stale(target: Path) -> None:
    """Remove what dead processes of this machine left of the same target."""
    machine = _owner().split("-")[0]
    name = _short_name(target)
    # Names alone: a folder of a plate has thousands of files, and this is done before every write.
    for found in os.listdir(target.parent):  # noqa: PTH208 (a Path for each costs more than all else)
        if not found.startswith(TEMP_PREFIX):
            continue
        parts = found.removeprefix(TEMP_PREFIX).split("-", 3)
        if len(parts) != 4 or parts[0] != machine or parts[3] != name:
            continue
        if parts[1].isdigit() and not _is_alive(int(parts[1])):
            _remove(target.parent / found)


def _is_inside_ours(target: Path) -> bool:
    """Whether the target lies in a folder that this process is writing, which is flushed as a whole."""
    ours = f"{TEMP_PREFIX}{_owner()}-"
    return any(part.startswith(ours) for part in target.parent.parts)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _flush(path: Path) -> None:
    """Have the operating system write a file, or all files of a folder, to the disk."""
    files = [path] if path.is_file() else [Path(at, name) for at, _, names in os.walk(path) for name in names]
    for file in files:
        with file.open("rb") as stream:
            os.fsync(stream.fileno())


def _put_in_place(temporary: Path, target: Path) -> None:
    if temporary.is_dir() or target.is_dir():
        old = _temporary_sibling(target)
        is_there = target.exists()
        if is_there:
            target.rename(old)
        try:
            temporary.rename(target)
        except OSError:
            if is_there:
                old.rename(target)
            raise
        _remove(old)
    else:
        temporary.replace(target)
    if _UNFLUSHED.get():
        return
    with contextlib.suppress(OSError):  # folders cannot be flushed on every system
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _number(error: OSError) -> int:
    """Give the number of an error; where a disk is full NumPy only says how much of an array it wrote."""
    if error.errno is None and _WRITTEN_IN_PART.search(str(error)):
        return errno.ENOSPC
    return error.errno or 0


def _concerns(error: OSError, temporary: Path, target: Path) -> bool:
    """Whether an error is about the target, not about another file used by the block."""
    if error.filename is None:
        return True
    # A copy names its source first, whichever of the two failed; what cannot be read has no second name.
    given = error.filename if error.filename2 is None else error.filename2
    if not isinstance(given, str | bytes):
        return True
    named = Path(os.fsdecode(given))
    return named in (temporary, target) or temporary in named.parents or named in target.parents
