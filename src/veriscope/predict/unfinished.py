"""What lies beside a result until it is complete, so that a run that was stopped can go on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veriscope.errors import InputError
from veriscope.io.atomic import make_folder, write_json
from veriscope.io.hashing import sha256_of
from veriscope.io.lock import only_run
from veriscope.io.sheet_store import read_origin
from veriscope.methods.base import Method
from veriscope.predict.plan import Plan
from veriscope.predict.reading import Reading

__all__ = ["Unfinished", "found_before", "origin_of", "record_path"]

_PLAN, _LOCK = "plan.json", "lock"


def record_path(output: Path) -> Path:
    """Say where stands what a result took.

    Parameters
    ----------
    output
        The result.

    Returns
    -------
    pathlib.Path
        Beside it, ending ``.record.json``.
    """
    return output.with_name(f"{output.name.removesuffix('.zarr').removesuffix('.ome')}.record.json")


def origin_of(
    method: Method, source: Path, reading: Reading, *, schema: str, sha256: str | None = None
) -> dict[str, Any]:
    """Say what a result depends on, and nothing else.

    Parameters
    ----------
    method
        Ready to predict.
    source
        Image file.
    reading
        How it is read.
    schema
        Of the record of the result.
    sha256
        Of the file; None: it is hashed.

    Returns
    -------
    dict
        Plain values; ``key`` is the same only if all of them are, save the name of the file.
    """
    origin = {
        "schema": schema,
        "image": source.name,
        "sha256": sha256 or sha256_of(source),
        "method": method.describe(),
        "reading": reading.model_dump(mode="json", exclude={"skip_bad"}),
        "evidence": "untested",
    }
    text = json.dumps({k: v for k, v in origin.items() if k != "image"}, sort_keys=True)
    return origin | {"key": hashlib.sha256(text.encode()).hexdigest()}


def found_before(output: Path, origin: dict[str, Any]) -> dict[str, Any] | None:
    """Give what a result that is there already says of itself, if it is the one wanted.

    Parameters
    ----------
    output
        The result.
    origin
        Of the one wanted.

    Returns
    -------
    dict or None
        Its origin; None if there is no result.

    Raises
    ------
    InputError
        If there is another one, or the name is not one of an OME-Zarr folder.
    """
    if output.suffix != ".zarr":
        raise InputError(f"{output}: is written as OME-Zarr; give it a name that ends in .ome.zarr")
    if not output.exists():
        return None
    found = read_origin(output)
    if found is None or found.get("key") != origin["key"]:
        what = "was not made by this program" if found is None else "was made otherwise"
        raise InputError(
            f"{output}: exists already and {what} (another image, method or option); choose another name "
            "or remove it"
        )
    return found


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The folder of a result that is being made.

    Parameters
    ----------
    output
        The result.
    key
        Of its origin.
    """

    output: Path
    key: str

    @property
    def folder(self) -> Path:
        """Where the work lies: beside the result, ending ``.part``."""
        return self.output.with_name(self.output.name + ".part")

    @property
    def parts(self) -> Path:
        """Where the files of the parts lie."""
        return self.folder / "parts"

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Keep other runs from the folder; it is removed in the end if nothing is in it.

        Yields
        ------
        None
            The folder is there.

        Raises
        ------
        InputError
            If another run is at it.
        """
        with only_run(self.folder / _LOCK, place=self.output):
            yield
        with contextlib.suppress(OSError):  # not empty: there is something to go on with
            self.folder.rmdir()

    def begin(self) -> tuple[int, ...] | None:
        """Make the folder, or take up that of a run that was stopped.

        Returns
        -------
        tuple of int or None
            Lengths of the parts of the run that was stopped.

        Raises
        ------
        InputError
            If it holds another run.
        """
        found = self._plan() or {}
        ours = found.get("key") == self.key
        if "tile" in found and not ours:
            raise InputError(
                f"{self.folder}: holds an unfinished run of another image, method or option; remove the "
                "folder to start anew"
            )
        if not ours:
            # Surveys of a run that was stopped or refused before its first part say nothing of this one.
            for left in (self.folder / "surveys", self.parts):
                if left.exists():
                    shutil.rmtree(left)
        make_folder(self.parts)
        make_folder(self.folder / "surveys")
        if not ours:
            write_json(self.folder / "plan.json", {"key": self.key})
        return tuple(found["tile"]) if "tile" in found else None

    def settle(self, plan: Plan, before: tuple[int, ...] | None) -> None:
        """Write down how the image is cut; parts that were cut otherwise are removed.

        Parameters
        ----------
        plan
            Of the parts.
        before
            Lengths of those of the run that was stopped.
        """
        if before is not None and before != plan.tile:
            shutil.rmtree(self.parts)
            make_folder(self.parts)
        settled = {"tile": list(plan.tile), "workers": plan.workers, "note": plan.note}
        write_json(self.folder / _PLAN, {"key": self.key} | settled)

    def clear(self) -> None:
        """Remove what lies in the folder, once the result is there."""
        plan = self._plan()
        if plan is not None and plan.get("key") == self.key:
            self._empty()

    def _empty(self) -> None:
        """Remove all but the lock, the plan last: whoever finds it knows what the rest was."""
        found = list(self.folder.iterdir()) if self.folder.exists() else []
        for path in sorted(found, key=lambda path: path.name == _PLAN):
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != _LOCK:
                path.unlink()

    def _plan(self) -> dict[str, Any] | None:
        try:
            found = json.loads((self.folder / _PLAN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None
