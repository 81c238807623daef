"""Files sent by a browser: kept part by part, so that a lost connection costs one part."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from veriscope.errors import InputError
from veriscope.io.atomic import make_folder
from veriscope.server.models.uploads import Upload, UploadFile
from veriscope.server.problems import ProblemError
from veriscope.server.settings import Limits

__all__ = ["Uploads"]

_ID = re.compile(r"^[0-9a-f]{16}$")
_FORBIDDEN = re.compile(r'[\x00-\x1f\\<>:"|?*\x7f]')
_KEPT_S = 24 * 3600
_SPARE_BYTES = 256 << 20


class Uploads:
    """All uploads of a server.

    Parameters
    ----------
    folder
        Where they are kept until they are used.
    limits
        What one may take.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._known: dict[str, dict[str, int]] = {}

    def begin(self, in_use: Collection[str] = ()) -> Upload:
        """Begin an upload, and remove those that were not used for a day.

        Parameters
        ----------
        in_use
            Identifiers of those that stay however old they are.

        Returns
        -------
        Upload
            Without files.
        """
        for old in self._folder.glob("*") if self._folder.is_dir() else ():
            touched = (old, old / "names.jsonl", *(old / "parts").glob("*"))
            used = [path.stat().st_mtime for path in touched if path.exists()]
            if old.name not in in_use and used and time.time() - max(used) > _KEPT_S:
                shutil.rmtree(old, ignore_errors=True)
        upload = secrets.token_hex(8)
        make_folder(self._folder / upload / "files")
        make_folder(self._folder / upload / "parts")
        (self._folder / upload / "names.jsonl").touch()
        return self.describe(upload)

    def files(self, upload: str) -> Path:
        """Give the folder of an upload's files.

        Parameters
        ----------
        upload
            Its identifier.

        Returns
        -------
        pathlib.Path
            With all complete files.

        Raises
        ------
        ProblemError
            404 if there is no such upload.
        """
        return self._place(upload) / "files"

    def describe(self, upload: str) -> Upload:
        """Say what of an upload is there.

        Parameters
        ----------
        upload
            Its identifier.

        Returns
        -------
        Upload
            With all files announced so far; it may have no more bytes than there is room for on the disk.
        """
        place = self._place(upload)
        sizes = self._sizes(upload)
        files = [self._file(place, name, size) for name, size in sizes.items()]
        room = shutil.disk_usage(place).free - _SPARE_BYTES + sum(file.received for file in files)
        return Upload(
            id=upload,
            files=files,
            bytes=sum(sizes.values()),
            limit_bytes=min(self._limits.upload_bytes, max(0, room)),
            chunk_bytes=self._limits.chunk_bytes,
        )

    def remove(self, upload: str) -> None:
        """Remove an upload.

        Parameters
        ----------
        upload
            Its identifier.
        """
        shutil.rmtree(self._place(upload), ignore_errors=True)
        self._known.pop(upload, None)

    def write(self, upload: str, name: str, offset: int, size: int, content: bytes) -> UploadFile:
        """Take in a part of a file.

        Parameters
        ----------
        upload
            Identifier of the upload.
        name
            Of the file, with folders.
        offset
            Place of the part in the file.
        size
            Of the whole file.
        content
            The part.

        Returns
        -------
        UploadFile
            How far it is.

        Raises
        ------
        ProblemError
            409 if the part does not begin where the file ends, 413 if it is too large, 507 if the disk is
            full.
        InputError
            If the name cannot be used.
        """
        place = self._place(upload)
        name = _checked_name(name)
        if offset + len(content) > size:
            raise ProblemError.make(
                422,
                f"The part ends at byte {offset + len(content)} and the file has {size}.",
                "Send the right size.",
            )
        with self._locks[upload]:
            self._announce(upload, place, name, size)
            found = self._file(place, name, size)
            if offset + len(content) <= found.received and (found.complete or content):
                return found  # sent again: it is there already
            if offset != found.received:
                raise ProblemError.make(
                    409,
                    f"{found.received} bytes of {name} are there, and the part begins at {offset}.",
                    "Go on from there.",
                    title="The part does not fit",
                    received=found.received,
                )
            part = _part(place, name)
            with part.open("ab") as stream:
                stream.write(content)
            if part.stat().st_size == size:
                target = place / "files" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                part.replace(target)
            return self._file(place, name, size)

    def _place(self, upload: str) -> Path:
        place = self._folder / upload
        if not _ID.match(upload) or not place.is_dir():
            raise ProblemError.make(404, f"There is no upload {upload[:50]!r}.", "Begin a new one.")
        return place

    def _sizes(self, upload: str) -> dict[str, int]:
        """Give size by name of all files announced."""
        if upload not in self._known:
            lines = (self._folder / upload / "names.jsonl").read_text(encoding="utf-8").splitlines()
            self._known[upload] = dict(json.loads(line) for line in lines)
        return self._known[upload]

    def _announce(self, upload: str, place: Path, name: str, size: int) -> None:
        sizes = self._sizes(upload)
        if name in sizes:
            if sizes[name] != size:
                raise ProblemError.make(
                    409,
                    f"{name} was announced with {sizes[name]} bytes, now with {size}.",
                    "Begin a new upload.",
                )
            return
        if len(sizes) >= self._limits.upload_files:
            raise ProblemError.make(413, f"An upload may have {self._limits.upload_files:,} files.", _ON_DISK)
        if sum(sizes.values()) + size > self._limits.upload_bytes:
            most = self._limits.upload_bytes / 2**30
            raise ProblemError.make(413, f"An upload may have {most:,.1f} GiB.", _ON_DISK)
        if shutil.disk_usage(place).free < size + _SPARE_BYTES:
            raise ProblemError.make(
                507, f"The server has no room for {name}.", "Free some space on it.", title="The disk is full"
            )
        target = place / "files" / name
        above = [target, *(parent for parent in target.parents if parent.is_relative_to(place / "files"))]
        if target.is_dir() or any(path.is_file() for path in above):
            raise ProblemError.make(409, f"{name} is a file and a folder.", "Rename one of them.")
        with (place / "names.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps([name, size]) + "\n")
        sizes[name] = size

    @staticmethod
    def _file(place: Path, name: str, size: int) -> UploadFile:
        if (place / "files" / name).is_file():
            return UploadFile(name=name, received=size, size=size, complete=True)
        part = _part(place, name)
        received = part.stat().st_size if part.exists() else 0
        return UploadFile(name=name, received=received, size=size, complete=False)


_ON_DISK = "Put the images on the server's disk, and make the study from there."


def _part(place: Path, name: str) -> Path:
    return place / "parts" / hashlib.sha256(name.encode()).hexdigest()


def _checked_name(name: str) -> str:
    parts = PurePosixPath(name).parts
    bad = (
        not parts
        or len(name) > 1000
        or len(parts) > 30
        or name.startswith("/")
        or "//" in name
        or _FORBIDDEN.search(name) is not None
        or any(part in (".", "..") or part.startswith(".tmp-") or len(part.encode()) > 200 for part in parts)
        or any(part in (".", "..") for part in name.split("/"))
    )
    if bad:
        raise InputError(f"{name[:100]!r} cannot be the name of a file; rename it and send it again")
    return str(PurePosixPath(*parts))
