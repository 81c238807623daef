"""The report's record: checked on the way in, written as JSON on the way out.

The record is plain JSON of the schema ``veriscope/report/1``, the one thing from which pages are
rendered. A missing number is null, never NaN.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date
from pathlib import PurePath
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

from veriscope.core.words import counted
from veriscope.errors import InputError
from veriscope.report.schema import SCHEMA, ReportRecord

__all__ = ["SCHEMA", "ReportRecord", "check_record", "to_json"]


def check_record(record: Mapping[str, Any]) -> ReportRecord:
    """Check a report's record against its schema.

    Parameters
    ----------
    record
        The record as a mapping, from `json.loads` or assembled in memory; numbers may be numpy's, and
        NaN or infinite ones are taken as missing.

    Returns
    -------
    ReportRecord
        The same content, typed.

    Raises
    ------
    InputError
        If the schema is another one, or keys are missing or wrong; all faults are listed.
    """
    if record.get("schema") != SCHEMA:
        raise InputError(
            f"the report's record has the schema {record.get('schema')!r}; this version of Veriscope renders "
            f"{SCHEMA!r}; make the record anew with `veriscope report STUDY`"
        )
    try:
        return ReportRecord.model_validate(record)
    except ValidationError as error:
        faults = [f"  - {'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        count = counted(len(faults), "value that does", "values that do")
        shown = faults[:20] + ([f"  … and {len(faults) - 20} more"] if len(faults) > 20 else [])
        first = f"the report's record has {count} not fit {SCHEMA!r}:"
        last = "Make the record anew with `veriscope report STUDY`"
        raise InputError("\n".join([first, *shown, last])) from None


def _plain(value: Any, where: str) -> Any:
    """Turn what Python and numpy use into what JSON has."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(by_alias=True), where)
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [_plain(item, f"{where}[{index}]") for index, item in enumerate(items)]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, PurePath):
        return value.as_posix()
    raise InputError(
        f"{where} is a {type(value).__name__}, which JSON cannot hold; give numbers, text, lists and mappings"
    )


def to_json(record: Mapping[str, Any]) -> str:
    """Write a record as JSON: keys sorted, missing numbers null, the same text for the same content.

    Parameters
    ----------
    record
        Mappings, lists, text, numbers (also numpy's), dates and paths, nested at will.

    Returns
    -------
    str
        JSON text that ends with a line break. NaN and infinities are written as null.

    Raises
    ------
    InputError
        If a value is of a type that JSON cannot hold; the message says where.
    """
    plain = _plain(record, "record")
    return json.dumps(plain, sort_keys=True, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
