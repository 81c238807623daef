"""One server for a folder: two would do each job twice."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO

from veriscope.errors import InputError
from veriscope.io.atomic import make_folder
from veriscope.io.lock import NO_LOCKS, take_lock
from veriscope.server.workspace import HIDDEN

__all__ = ["FolderHold", "last_port"]

_LOCK, _PORT = "server.lock", "port"


class FolderHold:
    """Holds a folder of studies, or one study, for this server until it ends, however that happens.

    Parameters
    ----------
    folder
        A study, or a folder of studies.

    Raises
    ------
    InputError
        If another server of this computer shows the folder, one of its studies, or the folder above.
    """

    def __init__(self, folder: Path) -> None:
        folder = folder.resolve()
        self._state = make_folder(folder / HIDDEN)
        is_study = (folder / "study.yaml").exists()
        others = [folder.parent] if is_study else [path.parent for path in folder.glob("*/study.yaml")]
        for other in others:
            lock = other / HIDDEN / _LOCK
            if lock.exists():
                _lock(lock, other).close()
        self._file = _lock(self._state / _LOCK, folder)

    def tell(self, address: str, port: int) -> None:
        """Write down where the server is, for whoever starts another.

        Parameters
        ----------
        address
            Without the token.
        port
            To be taken again by the next server that is free to choose, so that open pages find it.
        """
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps({"process": os.getpid(), "address": address}))
        self._file.flush()
        (self._state / _PORT).write_text(str(port), encoding="ascii")

    def close(self) -> None:
        """Let another server have the folder."""
        self._file.close()


def last_port(folder: Path) -> int:
    """Give the port of the last server on a folder.

    Parameters
    ----------
    folder
        A study, or a folder of studies.

    Returns
    -------
    int
        0 if there was none.
    """
    try:
        port = int((folder / HIDDEN / _PORT).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
    return port if 1024 <= port <= 65535 else 0


def _lock(path: Path, folder: Path) -> IO[str]:
    """Open a file and lock it; the lock ends with the process."""
    file = path.open("a+", encoding="utf-8")
    try:
        take_lock(file)
    except OSError as error:
        if error.errno in NO_LOCKS:
            return file  # a network disk without locks: nothing can be said
        file.seek(0)
        said = file.read()
        file.close()
        raise InputError(f"{folder}: is shown by another server already{_where(said)}") from None
    return file


def _where(said: str) -> str:
    try:
        found = json.loads(said)
        return f" (process {int(found['process'])}); open {found['address']} with its token, or stop it first"
    except (ValueError, KeyError, TypeError):
        return "; use that one, or stop it first"
