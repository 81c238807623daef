"""Images, names and clusters given as columns that may be generators: one row after the other, none kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from veriscope.errors import InputError

__all__ = ["walk_columns"]


def walk_columns(columns: Mapping[str, Iterable[Any] | None]) -> Iterator[dict[str, Any]]:
    """Walk along all columns at once; all must be of the same length.

    Parameters
    ----------
    columns
        One value per image, by the name of the column; None: not given, left out of the rows.

    Yields
    ------
    dict
        The values of one image by column.

    Raises
    ------
    InputError
        When a column ends before others; what came before has been given out by then.
    """
    given = {name: column for name, column in columns.items() if column is not None}
    missing = object()
    for number, values in enumerate(zip_longest(*given.values(), fillvalue=missing)):
        short = [name for name, value in zip(given, values, strict=True) if value is missing]
        if short:
            longer = [name for name in given if name not in short]
            raise InputError(
                f"only {number} {' and '.join(short)} for more {' and '.join(longer)}; "
                "give one of each per image"
            )
        yield dict(zip(given, values, strict=True))
