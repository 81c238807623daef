"""Commands as a person can give them."""

from __future__ import annotations

import shlex
from pathlib import Path

__all__ = ["command"]


def command(*words: str | Path) -> str:
    """Write a command line of Veriscope.

    Parameters
    ----------
    *words
        Verb, paths and options; what has spaces or signs that shells understand is put in quotes.

    Returns
    -------
    str
        Such as ``veriscope run 'my study'``.
    """
    return shlex.join(["veriscope", *map(str, words)])
