"""The index of the public zoo, kept for use without a network.

Protocol (as of 2026): ``BASE/bioimage.io/children?pagination=true&offset=0&limit=100`` gives
``{"items": [{"id": "bioimage-io/affable-shark", "type": "model", "manifest": {…}}, …], "total": n}``;
``BASE/affable-shark/files/rdf.yaml`` is the description, ``BASE/affable-shark/files/PATH`` any file of it.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import urllib.parse
from pathlib import Path
from typing import Any

from veriscope.core.cache import cache_folder
from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError, UnreadableFileError
from veriscope.io.atomic import write_json
from veriscope.zoo.fetch import download

__all__ = ["INDEX_SCHEMA", "PUBLIC_ZOO", "nickname_address", "read_index", "refresh_index", "zoo_address"]

PUBLIC_ZOO = "https://hypha.aicell.io/bioimage-io/artifacts"
"""The BioImage Model Zoo; ``$VERISCOPE_ZOO`` names another server of the same protocol."""
INDEX_SCHEMA = "veriscope/zoo-index/1"
_PAGE = 100
_MOST_PAGES = 200
_MOST_BYTES = 64 << 20


def zoo_address() -> str:
    """Give the address of the zoo.

    Returns
    -------
    str
        Without a slash at its end.
    """
    return os.environ.get("VERISCOPE_ZOO", PUBLIC_ZOO).rstrip("/")


def nickname_address(nickname: str) -> str:
    """Give the address of a package's description.

    Parameters
    ----------
    nickname
        Such as ``affable-shark``.

    Returns
    -------
    str
        Address of its ``rdf.yaml``.

    Raises
    ------
    InputError
        If it is no nickname.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,80}", nickname):
        raise InputError(
            f"{nickname!r} is neither a file, nor an address, nor a nickname of the zoo such as affable-shark"
        )
    return f"{zoo_address()}/{nickname}/files/rdf.yaml"


def refresh_index(*, progress: Progress = silent) -> dict[str, Any]:
    """Fetch the index of all models and keep it.

    Parameters
    ----------
    progress
        Told how many models have come.

    Returns
    -------
    dict
        As `read_index`.

    Raises
    ------
    UnreadableFileError
        If the zoo cannot be reached or answers something else; the index kept before stays.
    """
    models: list[dict[str, Any]] = []
    filters = urllib.parse.quote(json.dumps({"type": "model"}))
    for page in range(_MOST_PAGES):
        address = (
            f"{zoo_address()}/bioimage.io/children?pagination=true&offset={page * _PAGE}&limit={_PAGE}"
            f"&stage=false&filters={filters}"
        )
        items, total = _page(address)
        models += [_entry(item) for item in items if item.get("type", "model") == "model"]
        progress("zoo index", len(models), max(total, len(models)))
        if len(items) < _PAGE:
            break
    index = {"schema": INDEX_SCHEMA, "zoo": zoo_address(), "models": sorted(models, key=lambda m: m["id"])}
    write_json(cache_folder() / "zoo-index.json", index)
    return index


def read_index() -> dict[str, Any] | None:
    """Give the index that was fetched last.

    Returns
    -------
    dict or None
        ``schema``, ``zoo`` and ``models``, each with ``id``, ``name``, ``description``, ``tags`` and
        ``licence``; None if there is none.
    """
    path = cache_folder() / "zoo-index.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UnreadableFileError(
            f"{path}: is damaged: {error}; veriscope models --refresh makes it anew"
        ) from error
    return found if isinstance(found, dict) and found.get("schema") == INDEX_SCHEMA else None


def _page(address: str) -> tuple[list[dict[str, Any]], int]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.json"
        download(address, path, most_bytes=_MOST_BYTES)
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            items = found["items"] if isinstance(found, dict) else found
            total = int(found.get("total", 0)) if isinstance(found, dict) else len(items)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise UnreadableFileError(f"{address}: answers no index of models: {error!r}") from error
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UnreadableFileError(f"{address}: answers no list of models")
    return items, total


def _entry(item: dict[str, Any]) -> dict[str, Any]:
    about = item.get("manifest")
    about = about if isinstance(about, dict) else {}
    tags = about.get("tags")
    return {
        "id": str(item.get("alias") or str(item.get("id", "")).rsplit("/", 1)[-1])[:100],
        "name": str(about.get("name", ""))[:200],
        "description": str(about.get("description", ""))[:500],
        "tags": [str(tag)[:60] for tag in tags[:60]] if isinstance(tags, list) else [],
        "licence": str(about.get("license") or "")[:60],
    }
