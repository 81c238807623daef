"""Tables in and out: Parquet or CSV, with a dictionary of the columns beside it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from veriscope.errors import TableError, UnreadableFileError
from veriscope.io.atomic import write_bytes, write_json

__all__ = [
    "TABLE_SCHEMA",
    "check_table_path",
    "column_dictionary_path",
    "read_table",
    "read_units",
    "write_table",
]

TABLE_SCHEMA = "veriscope/table/1"


def column_dictionary_path(path: str | Path) -> Path:
    """Give the path of the column dictionary of a table.

    Parameters
    ----------
    path
        The table, ``objects.parquet``.

    Returns
    -------
    pathlib.Path
        The dictionary, ``objects.json``.
    """
    return Path(path).with_suffix(".json")


def check_table_path(path: str | Path) -> Path:
    """Refuse a name that no table is written under, before there is something to lose.

    Parameters
    ----------
    path
        File that a table is to be written to.

    Returns
    -------
    pathlib.Path
        The same.

    Raises
    ------
    TableError
        If it ends neither in ``.parquet`` nor in ``.csv``.
    """
    path = Path(path)
    if path.suffix not in (".parquet", ".csv"):
        raise TableError(
            f"{path}: tables are written as .parquet or .csv, not {path.suffix or 'without suffix'!r}"
        )
    return path


def write_table(
    path: str | Path,
    table: pd.DataFrame,
    units: Mapping[str, str],
    *,
    descriptions: Mapping[str, str] | None = None,
) -> None:
    """Write a table and its column dictionary atomically, the same bytes for the same table.

    The dictionary is written first, so that where a table is, its units are too.

    Parameters
    ----------
    path
        File ending ``.parquet`` or ``.csv``.
    table
        Any number of rows, also none; its index is not written.
    units
        Unit of columns, such as ``"µm"``; columns without a unit may be left out.
    descriptions
        What columns mean, one sentence each.

    Raises
    ------
    TableError
        If a unit or a description is given for a column that is not there, or the suffix is another.
    InputError
        If the files cannot be written.
    """
    path = check_table_path(path)
    descriptions = descriptions or {}
    unknown = sorted((set(units) | set(descriptions)) - set(map(str, table.columns)))
    if unknown:
        raise TableError(
            f"{path}: units or descriptions are given for columns that the table lacks: {', '.join(unknown)}"
        )
    content = _encode(path, table)
    columns = {
        str(name): {
            "type": str(table[name].dtype),
            "unit": units.get(str(name), ""),
            "description": descriptions.get(str(name), ""),
        }
        for name in table.columns
    }
    write_json(column_dictionary_path(path), {"schema": TABLE_SCHEMA, "columns": columns})
    write_bytes(path, content)


def _encode(path: Path, table: pd.DataFrame) -> bytes:
    if path.suffix == ".csv":
        text: str = table.to_csv(index=False, lineterminator="\n")
        return text.encode("utf-8")
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Without the metadata of pandas: it holds the version of pandas, and so other bytes elsewhere.
    columns = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    buffer = io.BytesIO()
    pq.write_table(columns, buffer, compression="zstd")
    return bytes(buffer.getvalue())


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a table.

    Parameters
    ----------
    path
        File ending ``.parquet`` or ``.csv``.

    Returns
    -------
    pandas.DataFrame
        Its rows, numbered from 0.

    Raises
    ------
    UnreadableFileError
        If the file is missing, broken, or of another format.
    """
    path = Path(path)
    if not path.is_file():
        raise UnreadableFileError(f"{path}: no such table")
    try:
        if path.suffix == ".csv":
            return pd.read_csv(path)
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"{path}: cannot be read as a table: {error}") from error
    raise UnreadableFileError(f"{path}: tables are .parquet or .csv files, not {path.suffix!r}")


def read_units(path: str | Path) -> dict[str, str]:
    """Read the units of a table's columns from the dictionary beside it.

    Parameters
    ----------
    path
        The table, not its dictionary.

    Returns
    -------
    dict
        Unit by column, empty text for a column without a unit; empty if there is no dictionary.

    Raises
    ------
    UnreadableFileError
        If the dictionary is there but not one of ours.
    """
    beside = column_dictionary_path(path)
    if not beside.is_file():
        return {}
    try:
        content = json.loads(beside.read_text(encoding="utf-8"))
        return {name: str(column["unit"]) for name, column in content["columns"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableFileError(f"{beside}: is not a column dictionary ({TABLE_SCHEMA})") from error
