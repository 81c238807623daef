"""One run at a time at a place on the disk: two would do the work twice, or mix what they write."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from veriscope.errors import InputError
from veriscope.io.atomic import make_folder

__all__ = ["NO_LOCKS", "only_run", "take_lock"]

NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
"""What disks say that know no locks; there two runs are not noticed."""
_TRIES = 100
_REMEDY = "wait until it has ended, then give the same command again, or choose another output"


@contextlib.contextmanager
def only_run(lock: Path, *, place: Path, remedy: str = _REMEDY) -> Iterator[None]:
    """Keep other processes from a place while the block runs; a process that dies keeps nobody from it.

    Parameters
    ----------
    lock
        File to lock; made with its folder, and removed in the end.
    place
        What it stands for, for the message.
    remedy
        What to do while somebody else is there, for the message.

    Yields
    ------
    None
        Nobody else is in such a block with the same file, on this computer; on others that share the disk
        only where the disk knows locks.

    Raises
    ------
    InputError
        If somebody is.
    """
    make_folder(lock.parent)
    file = _locked(lock, place, remedy)
    try:
        yield
    finally:
        if sys.platform == "win32":  # where an open file cannot be removed
            file.close()
        with contextlib.suppress(OSError):
            lock.unlink()
        file.close()


def _locked(lock: Path, place: Path, remedy: str) -> IO[str]:
    """Open the file and lock it; anew if whoever had it removed it meanwhile."""
    for _ in range(_TRIES):
        file = lock.open("a+", encoding="ascii")
        try:
            take_lock(file)
        except OSError as error:
            if error.errno in NO_LOCKS:
                return file
            file.seek(0)
            process = file.read().strip()
            file.close()
            who = f" (process {process})" if process.isdigit() else ""
            raise InputError(f"{place}: another run is writing there now{who}; {remedy}") from None
        if _is_there(lock, file):
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            return file
        file.close()
    raise InputError(f"{lock}: is removed again and again by other runs; choose another output")


def _is_there(lock: Path, file: IO[str]) -> bool:
    """Whether the file that was locked is still the one of this name."""
    try:
        return os.path.samestat(lock.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def take_lock(file: IO[str]) -> None:
    """Lock an open file for this process, without waiting; the lock ends with the file or the process.

    Parameters
    ----------
    file
        Open for appending; its text stays readable for others.

    Raises
    ------
    OSError
        If another process has it; or, with one of `NO_LOCKS`, if the disk knows no locks.
    """
    if sys.platform == "win32":
        import msvcrt

        file.seek(1 << 20)  # far beyond the text, which stays readable
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
