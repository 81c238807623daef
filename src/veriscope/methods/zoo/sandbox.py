"""Take rights away from this process, before it touches weights or code of strangers.

Only the standard library, so that it can run before anything else is loaded. What an operating system
does not offer is left out; `restrict` says what holds.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import os
import socket
import sys
from typing import NoReturn

__all__ = ["restrict"]

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_NO_NEW_PRIVS = 38
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446
_LANDLOCK_VERSION = 1
_WRITES = {1: (1 << 13) - 1 - (1 << 2) - (1 << 3), 2: 1 << 13, 3: 1 << 14}
"""Rights on files that Landlock takes away, by the version that knows them: running programs, writing, making
and removing; not reading a file (bit 2) nor listing a folder (bit 3)."""


def restrict(*, memory_bytes: int, cpu_s: int) -> dict[str, bool]:
    """Limit memory, processor time, network and writing of this process, for good.

    Parameters
    ----------
    memory_bytes
        Address space.
    cpu_s
        Processor time in seconds, over all its life.

    Returns
    -------
    dict of bool
        ``limits`` (memory, time, size of files), ``network`` (the system gives it none), ``files`` (the
        system lets it change none and start no program). Where the system does not help, Python's sockets
        are blocked all the same, which native code could go around.
    """
    done = {
        "network": _without_network(),
        "limits": _limits(memory_bytes, cpu_s),
        "files": _without_writing(),
    }
    _block_sockets()
    # It starts programs and writes a file for them, which would end the import of torch built for a GPU.
    ctypes.util.find_library = _not_found
    return done


def _not_found(name: str) -> str | None:
    """Answer as `ctypes.util.find_library` does where there is no such library; its callers go on then."""
    return None


def _limits(memory_bytes: int, cpu_s: int) -> bool:
    try:
        import resource
    except ImportError:
        return False
    done = True
    wanted = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: cpu_s,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in wanted.items():
        try:
            resource.setrlimit(kind, (value, value))
        except (OSError, ValueError):
            done = False
    return done


def _without_network() -> bool:
    """Move into a network namespace of its own, which has no way out."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    with contextlib.suppress(AttributeError):
        return bool(libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0 or libc.unshare(_CLONE_NEWNET) == 0)
    return False


def _without_writing() -> bool:
    """Give up all rights to change files and to start programs, with Landlock (Linux 5.13 and later)."""
    if sys.platform != "linux" or os.uname().machine not in ("x86_64", "aarch64"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_LANDLOCK_VERSION))
    if version < 1:
        return False
    rights = ctypes.c_uint64(sum(bits for since, bits in _WRITES.items() if since <= version))
    rules = libc.syscall(_LANDLOCK_CREATE, ctypes.byref(rights), ctypes.c_size_t(8), ctypes.c_uint32(0))
    if rules < 0:
        return False
    try:
        if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            return False
        return bool(libc.syscall(_LANDLOCK_RESTRICT, rules, ctypes.c_uint32(0)) == 0)
    finally:
        os.close(rules)


class _NoSocket(socket.socket):
    """A class still, because libraries make subclasses of it."""

    def __init__(self, *_: object, **__: object) -> None:
        raise PermissionError("models have no network")


def _block_sockets() -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise PermissionError("models have no network")

    socket.socket = _NoSocket  # type: ignore[misc]
    socket.create_connection = refuse
    socket.getaddrinfo = refuse
