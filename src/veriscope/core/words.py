"""How numbers and names of things are written in messages."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["counted", "few", "joined"]


def counted(number: int, one: str, several: str = "") -> str:
    """Write a number of things.

    Parameters
    ----------
    number
        How many.
    one
        One of them, such as ``"image"`` or ``"image has"``.
    several
        Several of them, such as ``"images have"``; empty: `one` with an s.

    Returns
    -------
    str
        Such as ``"1 image has"`` or ``"12 images have"``.
    """
    return f"{number} {one if number == 1 else several or one + 's'}"


def few(names: Sequence[str], most: int = 10) -> str:
    """Write the first of many names.

    Parameters
    ----------
    names
        Any number.
    most
        How many are written, at least 1.

    Returns
    -------
    str
        Such as ``"a, b and 3 more"``.
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def joined(group: str, name: str) -> str:
    r"""Name a thing within its group, so that two things never have the same name.

    Parameters
    ----------
    group
        Name of the group.
    name
        Name of the thing, which another group may use too.

    Returns
    -------
    str
        ``group/name``; a ``/`` or ``\`` within either has a ``\`` before it.
    """
    return "/".join(part.replace("\\", r"\\").replace("/", r"\/") for part in (group, name))
