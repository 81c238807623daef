"""Journals of annotators: every stroke on a tile, in the order it came, and never changed afterwards."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from veriscope.errors import StudyError
from veriscope.workflow.layout import StudyFolder

__all__ = [
    "SERVER",
    "SHOWN",
    "JournalGap",
    "Journals",
    "journal_annotators",
    "journal_path",
    "proposals_shown",
    "read_journal",
]

SERVER = "server"
"""Client under which the program itself writes, such as that a proposal was shown."""

SHOWN = "proposal-shown"
"""Kind of entry that says that an annotator has seen what a candidate, or a model at a click, found."""


class JournalGap(StudyError):
    """Entries are missing between those there and those sent.

    Parameters
    ----------
    last_seq
        The last entry of this client that is there.
    """

    def __init__(self, last_seq: int) -> None:
        super().__init__(f"entries are missing after {last_seq}; send all from {last_seq + 1} on, in order")
        self.last_seq = last_seq


@dataclass
class _Known:
    size: int = 0
    n: int = 0
    clients: dict[str, int] = field(default_factory=dict)


class Journals:
    """The journals of a study's tiles, one file per tile and annotator, only ever appended to."""

    def __init__(self) -> None:
        self._known: dict[Path, _Known] = {}
        self._locks: defaultdict[Path, threading.RLock] = defaultdict(threading.RLock)

    def append(
        self,
        folder: StudyFolder,
        unit: str,
        annotator: str,
        client: str,
        entries: Sequence[Mapping[str, Any]],
    ) -> int:
        """Add entries; those that are there already are left out, so that sending twice does no harm.

        Parameters
        ----------
        folder
            The study.
        unit
            Name of the tile.
        annotator
            Who draws.
        client
            Random name of the window they draw in.
        entries
            Each with ``seq`` (1, 2, 3 … per client), ``time``, ``kind`` and ``data``.

        Returns
        -------
        int
            The client's last entry that is there.

        Raises
        ------
        JournalGap
            If an entry is missing before these; nothing is added.
        OSError
            If it cannot be written; nothing that was there is lost.
        """
        path = journal_path(folder, unit, annotator)
        with self._locks[path]:
            known = self._read_known(path)
            last = known.clients.get(client, 0)
            new = sorted((entry for entry in entries if entry["seq"] > last), key=lambda entry: entry["seq"])
            if [entry["seq"] for entry in new] != list(range(last + 1, last + 1 + len(new))):
                raise JournalGap(last)
            if not new:
                return last
            received = datetime.now(UTC).isoformat(timespec="milliseconds")
            lines = [
                {"n": number, "client": client, "received": received, **entry}
                for number, entry in enumerate(new, known.n + 1)
            ]
            _append(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode())
            known.size, known.n = path.stat().st_size, known.n + len(new)
            known.clients[client] = last + len(new)
            return last + len(new)

    def note(
        self, folder: StudyFolder, unit: str, annotator: str, kind: str, data: Mapping[str, Any]
    ) -> None:
        """Add an entry of the program itself.

        Parameters
        ----------
        folder
            The study.
        unit
            Name of the tile.
        annotator
            In whose journal.
        kind
            What happened.
        data
            Plain values.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        path = journal_path(folder, unit, annotator)
        with self._locks[path]:
            last = self._read_known(path).clients.get(SERVER, 0)
            entry = {"seq": last + 1, "time": now, "kind": kind, "data": dict(data)}
            self.append(folder, unit, annotator, SERVER, [entry])

    def clients(self, folder: StudyFolder, unit: str, annotator: str) -> dict[str, int]:
        """Give the last entry of each client.

        Parameters
        ----------
        folder
            The study.
        unit
            Name of the tile.
        annotator
            Whose journal.

        Returns
        -------
        dict
            Number by client.
        """
        path = journal_path(folder, unit, annotator)
        with self._locks[path]:
            return dict(self._read_known(path).clients)

    def _read_known(self, path: Path) -> _Known:
        size = path.stat().st_size if path.exists() else 0
        known = self._known.get(path)
        if known is not None and known.size == size:
            return known
        known = _Known(size)
        for entry in _read(path):
            known.n = entry["n"]
            known.clients[entry["client"]] = max(known.clients.get(entry["client"], 0), entry["seq"])
        self._known[path] = known
        return known


def read_journal(
    folder: StudyFolder, unit: str, annotator: str, *, after: int = 0, most: int | None = None
) -> list[dict[str, Any]]:
    """Read a journal.

    Parameters
    ----------
    folder
        The study.
    unit
        Name of the tile.
    annotator
        Who drew.
    after
        Only entries with a higher number ``n``.
    most
        Entries at most; None: all.

    Returns
    -------
    list of dict
        Entries with ``n``, ``client``, ``received``, ``seq``, ``time``, ``kind`` and ``data``, in the order
        in which they came.
    """
    found = [entry for entry in _read(journal_path(folder, unit, annotator)) if entry["n"] > after]
    return found if most is None else found[:most]


def journal_annotators(folder: StudyFolder, unit: str) -> list[str]:
    """List who has a journal of a tile.

    Parameters
    ----------
    folder
        The study.
    unit
        Name of the tile.

    Returns
    -------
    list of str
        Annotators.
    """
    place = folder.root / "annotations" / unit
    return sorted(path.name.removesuffix(_SUFFIX) for path in place.glob(f"*{_SUFFIX}"))


def proposals_shown(folder: StudyFolder, unit: str, annotator: str) -> list[dict[str, Any]]:
    """List what an annotator has seen of candidates on a tile.

    Parameters
    ----------
    folder
        The study.
    unit
        Name of the tile.
    annotator
        Who drew.

    Returns
    -------
    list of dict
        Entries as of `read_journal`; ``data`` holds ``candidate``.
    """
    return [entry for entry in read_journal(folder, unit, annotator) if entry["kind"] == SHOWN]


_SUFFIX = ".journal.jsonl"


def journal_path(folder: StudyFolder, unit: str, annotator: str) -> Path:
    """Give the file of a journal.

    Parameters
    ----------
    folder
        The study.
    unit
        Name of the tile.
    annotator
        Who draws.

    Returns
    -------
    pathlib.Path
        Beside the annotations of the tile.
    """
    return folder.root / "annotations" / unit / f"{annotator}{_SUFFIX}"


def _read(path: Path) -> list[dict[str, Any]]:
    """Read all entries; a line that a kill cut off was never confirmed, and is sent again."""
    if not path.exists():
        return []
    found = []
    for line in path.read_bytes().split(b"\n"):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and {"n", "client", "seq"} <= entry.keys():
            found.append(entry)
    return found


def _append(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+", buffering=0) as stream:
        size = stream.tell()
        if size > 0:
            stream.seek(-1, os.SEEK_END)
            if stream.read(1) != b"\n":  # a kill has left half a line: this one must stand alone
                content = b"\n" + content
        if stream.write(content) < len(content):
            stream.truncate(size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(stream.fileno())
