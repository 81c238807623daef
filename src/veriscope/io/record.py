"""record.jsonl: how every derived file of a study came to be, and what need not be done again.

One JSON object per line, only ever appended. A line lost to a kill means that its step is done
again, to the same bytes: steps are functions of files and parameters alone.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from veriscope.io.atomic import flush_all, unflushed
from veriscope.io.hashing import sha256_of
from veriscope.io.usage import UsageMeter, size_of

__all__ = ["RECORD_SCHEMA", "Record", "environment"]

RECORD_SCHEMA = "veriscope/record/1"
_GROUP_SECONDS = 1.0

_PACKAGES = ("veriscope", "numpy", "scipy", "scikit-image", "scikit-learn", "onnxruntime", "pandas", "zarr")


@functools.cache
def environment() -> dict[str, Any]:
    """Describe the software that runs now.

    Returns
    -------
    dict
        ``python``, ``platform`` and the versions of the ``packages`` that results depend on,
        None for one that is not installed under that name.
    """
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # such as onnxruntime, replaced by onnxruntime-gpu
        return None


class Record:
    """The record of one study.

    Of several processes only one writes: a record that is sent to another process keeps its new lines there,
    for whoever sent it to `add` them. Computers that append to one file on a network disk lose lines.

    Parameters
    ----------
    root
        Folder of the study; paths in the record are relative to it.
    grouped
        For many small steps: what they write is flushed to the disk together, once a second and by `flush`.
        A power failure may take the last of them, which their hashes tell, so that they are done again.
    """

    def __init__(self, root: Path, *, grouped: bool = False) -> None:
        self._root = root
        self._grouped = grouped
        self._flushed = time.monotonic()
        self._kept: list[dict[str, Any]] | None = None
        self._path = root / "record.jsonl"
        self._latest: dict[str, dict[str, Any]] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _elsewhere, (self._root, self._grouped)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def entries(self) -> list[dict[str, Any]]:
        """Read all entries.

        Returns
        -------
        list of dict
            Oldest first; a line that a kill cut off is left out.
        """
        if not self._path.exists():
            return []
        found = []
        for line in self._path.read_bytes().split(b"\n"):
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                found.append(entry)
        return found

    def step(
        self,
        name: str,
        *,
        inputs: Iterable[str | Path] | Mapping[Path, str] = (),
        parameters: Mapping[str, Any],
        outputs: Iterable[str | Path],
        work: Callable[[], Mapping[str, Any] | None],
    ) -> bool:
        """Do a piece of work unless its outputs are there already, made from the same.

        Parameters
        ----------
        name
            Kind of work, such as ``predict``.
        inputs
            Files and folders read, relative to the study; or the SHA-256 of each by its path, where known.
        parameters
            Everything else that the outputs depend on; plain values.
        outputs
            Files and folders that the work writes, each atomically, relative to the study.
        work
            Does it; may return plain values to be kept in the record (what was found on the way). Among
            them ``gpu_s``, seconds on a GPU, counts to the cost.

        Returns
        -------
        bool
            True if the work was done, False if it was current.

        Raises
        ------
        UnreadableFileError
            If an input is missing, or the work left an output out; nothing is recorded then.
        """
        input_hashes = (
            {path.as_posix(): digest for path, digest in inputs.items()}
            if isinstance(inputs, Mapping)
            else {Path(path).as_posix(): sha256_of(self._root / path) for path in inputs}
        )
        names = [Path(path).as_posix() for path in outputs]
        key = _key(name, input_hashes, parameters)
        if self._is_current(key, names):
            return False
        with UsageMeter() as meter, unflushed() if self._grouped else contextlib.nullcontext():
            details = dict(work() or {})
            meter.gpu_s = details.get("gpu_s")
        sizes = {
            "bytes_read": sum(size_of(self._root / path) for path in input_hashes),
            "bytes_written": sum(size_of(self._root / path) for path in names),
        }
        cost = meter.usage.to_dict() | sizes
        self._append(
            self._entry(name, key, input_hashes, parameters, names)
            | {"wall_s": cost.pop("wall_s"), "cost": cost, "details": details}
        )
        return True

    def note(
        self,
        name: str,
        *,
        inputs: Mapping[str, str],
        parameters: Mapping[str, Any],
        outputs: Iterable[str | Path],
    ) -> None:
        """Record files that were made by other means than `step`, unless just that is recorded already.

        Parameters
        ----------
        name
            Kind of work, such as ``annotate``.
        inputs
            SHA-256 of each file read, by its path.
        parameters
            Everything else that the outputs depend on; plain values.
        outputs
            Files and folders made, relative to the study.

        Raises
        ------
        UnreadableFileError
            If an output is missing.
        """
        names = [Path(path).as_posix() for path in outputs]
        key = _key(name, inputs, parameters)
        if not self._is_current(key, names):
            self._append(self._entry(name, key, inputs, parameters, names))

    def kept(self) -> list[dict[str, Any]]:
        """Give the new lines of a record in another process, once.

        Returns
        -------
        list of dict
            To be added where the record came from; none where it writes itself.
        """
        lines, self._kept = self._kept or [], None if self._kept is None else []
        return lines

    def add(self, lines: Iterable[dict[str, Any]]) -> None:
        """Write lines of this record that were kept in another process.

        Parameters
        ----------
        lines
            As from `kept`.
        """
        for line in lines:
            self._append(line)

    def flush(self) -> None:
        """Have all that was written so far on the disk."""
        flush_all()
        self._flushed = time.monotonic()

    def _entry(
        self,
        name: str,
        key: str,
        inputs: Mapping[str, str],
        parameters: Mapping[str, Any],
        outputs: Iterable[str],
    ) -> dict[str, Any]:
        return {
            "schema": RECORD_SCHEMA,
            "step": name,
            "key": key,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "inputs": dict(inputs),
            "parameters": dict(parameters),
            "outputs": {path: sha256_of(self._root / path) for path in outputs},
            "details": {},
            "environment": environment(),
        }

    def latest(self, output: str | Path) -> dict[str, Any] | None:
        """Give the entry that made a file.

        Parameters
        ----------
        output
            Path relative to the study.

        Returns
        -------
        dict or None
            The newest entry with that output.
        """
        if self._latest is None:
            self._latest = {}
            for entry in self.entries():
                self._latest.update(dict.fromkeys(entry.get("outputs", {}), entry))
        return self._latest.get(Path(output).as_posix())

    def _is_current(self, key: str, outputs: list[str]) -> bool:
        if not outputs:
            return False
        for output in outputs:
            entry = self.latest(output)
            path = self._root / output
            if entry is None or entry.get("key") != key or not path.exists():
                return False
            if sha256_of(path) != entry["outputs"][output]:
                return False
        return True

    def _append(self, entry: dict[str, Any]) -> None:
        if self._latest is not None:
            self._latest.update(dict.fromkeys(entry["outputs"], entry))
        if self._kept is not None:
            self._kept.append(entry)
            return
        line = json.dumps(entry, ensure_ascii=False, sort_keys=True).encode() + b"\n"
        # Unbuffered: a line goes out in one write, so that the lines of two processes do not mix.
        with self._path.open("ab+", buffering=0) as stream:
            # A kill may have left half a line: close it, so that this one stands alone.
            if stream.tell() > 0:
                stream.seek(-1, os.SEEK_END)
                if stream.read(1) != b"\n":
                    line = b"\n" + line
            if stream.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            if not self._grouped:
                os.fsync(stream.fileno())
        if self._grouped and time.monotonic() - self._flushed > _GROUP_SECONDS:
            self.flush()


def _elsewhere(root: Path, grouped: bool) -> Record:
    record = Record(root, grouped=grouped)
    record._kept = []
    return record


def _key(name: str, inputs: Mapping[str, str], parameters: Mapping[str, Any]) -> str:
    text = json.dumps([name, dict(inputs), dict(parameters)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
