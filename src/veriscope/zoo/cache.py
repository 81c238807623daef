"""Where added packages lie, and what is known of each.

::

    CACHE/models/NAME/record.json       source, hashes, consent, states
    CACHE/models/NAME/package/…         the files of the package that are used
    CACHE/zoo-index.json                the last index of the public zoo
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from veriscope.core.cache import cache_folder
from veriscope.errors import MethodError, UnreadableFileError
from veriscope.io.hashing import sha256_of
from veriscope.methods.zoo.archive import safe_file
from veriscope.methods.zoo.zoo_model import InstalledModel
from veriscope.zoo.find import PREFIX
from veriscope.zoo.read import read_description

__all__ = [
    "PREFIX",
    "RECORD_SCHEMA",
    "installed_names",
    "load_installed",
    "model_folder",
    "read_record",
    "slug",
]

RECORD_SCHEMA = "veriscope/model/1"
_KINDS = {"name": str, "source": str, "description": str, "files": dict, "trusted": list, "states": dict}
_ITEMS = {"files": str, "trusted": str, "states": dict}


def slug(text: str) -> str:
    """Make a name of a folder and a method.

    Parameters
    ----------
    text
        Any.

    Returns
    -------
    str
        Lower-case letters, digits, dots and hyphens; at most 60; ``model`` if nothing is left.
    """
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")[:60].strip("-.") or "model"


def model_folder(name: str) -> Path:
    """Give the folder of a package.

    Parameters
    ----------
    name
        With or without ``zoo:``.

    Returns
    -------
    pathlib.Path
        It need not exist.
    """
    return cache_folder() / "models" / slug(name.removeprefix(PREFIX))


def installed_names() -> tuple[str, ...]:
    """Give the names of all packages added.

    Returns
    -------
    tuple of str
        Sorted, with ``zoo:``.
    """
    folder = cache_folder() / "models"
    if not folder.is_dir():
        return ()
    return tuple(sorted(PREFIX + path.parent.name for path in folder.glob("[!.]*/record.json")))


def read_record(name: str) -> dict[str, Any]:
    """Read what is known of a package.

    Parameters
    ----------
    name
        With or without ``zoo:``.

    Returns
    -------
    dict
        ``schema``, ``name``, ``source``, ``description`` (file name), ``files`` (hashes), ``trusted``
        and ``states``.

    Raises
    ------
    MethodError
        If it was not added.
    UnreadableFileError
        If the record is damaged.
    """
    path = model_folder(name) / "record.json"
    if not path.is_file():
        there = ", ".join(installed_names()) or "none"
        raise MethodError(
            f"no model package named {name!r}; added are: {there}. Add one with veriscope models add "
            "PATH, nickname or address"
        )
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableFileError(
            f"{path}: is damaged: {error}; remove its folder and add the package anew"
        ) from error
    if not isinstance(found, dict) or found.get("schema") != RECORD_SCHEMA:
        raise UnreadableFileError(
            f"{path}: was written by another version; remove its folder and add it anew"
        )
    wrong = [key for key, kind in _KINDS.items() if not isinstance(found.get(key), kind)]
    wrong += [key for key, kind in _ITEMS.items() if key not in wrong and not _all_are(kind, found[key])]
    if wrong:
        raise UnreadableFileError(
            f"{path}: is damaged: {', '.join(sorted(wrong))} cannot be as it was written; remove its folder "
            "and add the package anew"
        )
    return found


def _all_are(kind: type, items: dict[str, Any] | list[Any]) -> bool:
    return all(isinstance(item, kind) for item in (items.values() if isinstance(items, dict) else items))


def load_installed(name: str) -> InstalledModel:
    """Load a package that was added; its files must still be those that were verified.

    Parameters
    ----------
    name
        With or without ``zoo:``.

    Returns
    -------
    InstalledModel
        Nothing of it has run.

    Raises
    ------
    MethodError
        If it was not added, or a file was changed since.
    """
    record = read_record(name)
    folder = model_folder(name) / "package"
    for source, expected in record["files"].items():
        found = sha256_of(safe_file(folder, source, where=f"{name}: record.json"))
        if found != expected:
            raise MethodError(
                f"{name}: {source} was changed after it was verified (SHA-256 {found}, recorded "
                f"{expected}); remove it with veriscope models remove {name} and add the package anew"
            )
    return InstalledModel(
        name=record["name"],
        description=read_description(folder / record["description"]),
        folder=folder,
        hashes=record["files"],
        trusted=frozenset(record["trusted"]),
        states=record["states"],
    )
