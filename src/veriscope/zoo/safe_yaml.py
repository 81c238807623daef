"""Descriptions as plain values: YAML that can run nothing and cannot grow without bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from veriscope.errors import UnreadableFileError

__all__ = ["read_yaml"]

_LARGEST = 4 << 20
_MOST_VALUES = 200_000


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a description.

    Parameters
    ----------
    path
        YAML file of up to 4 MB.

    Returns
    -------
    dict
        Plain values: mappings, lists, text, numbers, dates. No tag can make another object.

    Raises
    ------
    UnreadableFileError
        If it is no such file, has tags of programs, or grows beyond bounds through its aliases.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UnreadableFileError(
                f"{path}: has {path.stat().st_size} bytes; a description has at most 4 MB"
            )
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"{path}: cannot be read as text: {error}") from error
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UnreadableFileError(
            f"{path}: is no YAML of plain values: {reason}; tags such as !!python are never followed"
        ) from error
    if not isinstance(found, dict):
        raise UnreadableFileError(f"{path}: holds no description (a mapping of names to values)")
    _check_growth(found, path)
    return found


def _check_growth(value: Any, path: Path) -> None:
    """Refuse what aliases blow up: every place where a value stands counts."""
    waiting, seen = [(value, 0)], 0
    while waiting:
        item, depth = waiting.pop()
        seen += 1
        if seen > _MOST_VALUES or depth > 60:
            raise UnreadableFileError(
                f"{path}: its aliases make more than {_MOST_VALUES} values of it, or nest them without end; "
                "a description has some hundred values"
            )
        if isinstance(item, dict):
            waiting += [(part, depth + 1) for part in item.values()]
        elif isinstance(item, list):
            waiting += [(part, depth + 1) for part in item]
