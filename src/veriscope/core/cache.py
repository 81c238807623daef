"""The folder of what is kept between runs, and small facts in it about this machine."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["cache_folder", "recall", "remember"]


def cache_folder() -> Path:
    """Give the folder of everything that is kept between runs and can be made again.

    Returns
    -------
    pathlib.Path
        ``$VERISCOPE_CACHE``, else the usual place of the operating system; it need not exist.
    """
    if chosen := os.environ.get("VERISCOPE_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "veriscope" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "veriscope"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "veriscope"


def recall(name: str) -> dict[str, Any] | None:
    """Read a fact.

    Parameters
    ----------
    name
        Path within the cache, ending ``.json``.

    Returns
    -------
    dict or None
        As it was given to `remember`; None: there is none that can be read.
    """
    try:
        found = json.loads((cache_folder() / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def remember(name: str, fact: dict[str, Any]) -> None:
    """Keep a fact, whole or not at all; where the cache cannot be written it is found out anew next time.

    Parameters
    ----------
    name
        Path within the cache, ending ``.json``.
    fact
        Plain values.
    """
    path = cache_folder() / name
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(fact, file, indent=1)
            Path(partial).replace(path)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
