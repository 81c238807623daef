"""Results as plain values: numbers, text, lists and mappings, which are all that JSON knows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any, ClassVar

import numpy as np

__all__ = ["PlainRecord", "plain"]


class PlainRecord:
    """Base of dataclasses whose fields are told by name."""

    __slots__ = ()

    also_told: ClassVar[tuple[str, ...]] = ()
    """Properties that are told after the fields."""

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            The fields by name, then what follows from them; what is not finite becomes None, arrays and
            tuples become lists, and records within become dictionaries.
        """
        record: Any = self
        names = [field.name for field in fields(record)]
        return {name: plain(getattr(self, name)) for name in (*names, *self.also_told)}


def plain(value: Any) -> Any:
    """Turn a value into what JSON knows.

    Parameters
    ----------
    value
        Records, other dataclasses, arrays and numbers of NumPy, mappings, lists, tuples, paths, nested at
        will.

    Returns
    -------
    object
        Dictionaries with text for keys, lists, and numbers, where NaN and infinity are None. Anything else
        stays as it is.
    """
    if isinstance(value, PlainRecord):
        return value.to_dict()
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, PurePath):
        return value.as_posix()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return value
