"""The table of a candidate's objects: filtered, sorted, page by page."""

from __future__ import annotations

import json
import math
import operator
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from veriscope.core.commands import command
from veriscope.errors import InputError, StudyError
from veriscope.io.tables import column_dictionary_path, read_table
from veriscope.server.kept import Kept
from veriscope.server.models.answer import (
    ColumnInfo,
    ColumnValues,
    HistogramSeries,
    ObjectHistogram,
    ObjectPage,
)
from veriscope.server.study_files import stamp_of
from veriscope.workflow.layout import StudyFolder

__all__ = ["ObjectTable", "open_objects"]

_COMPARED = re.compile(r"\s*(?P<sign>!=|<=|>=|=|<|>|~)(?P<value>.*)", re.DOTALL)
_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_kept: Kept[Path, ObjectTable] = Kept(8)


class ObjectTable:
    """Measurements of the objects that a candidate found.

    Parameters
    ----------
    candidate
        Its identifier.
    frame
        The measurements.
    columns
        What they mean.
    """

    def __init__(self, candidate: str, frame: pd.DataFrame, columns: Sequence[ColumnInfo]) -> None:
        self._candidate, self._frame = candidate, frame
        self._columns = {column.name: column for column in columns}
        self._sorted: OrderedDict[str, np.ndarray[Any, np.dtype[np.intp]]] = OrderedDict()

    def matching(self, filters: Sequence[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Tell which objects fit all filters.

        Parameters
        ----------
        filters
            Such as ``area>100``, ``group=control``, ``image_id~plate1``.

        Returns
        -------
        numpy.ndarray
            One truth value per object.

        Raises
        ------
        InputError
            If a filter cannot be understood.
        """
        fits = np.ones(len(self._frame), bool)
        for text in filters:
            fits &= self._fits(text)
        return fits

    def _fits(self, text: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
        name, found = self._compared(text.strip())
        if found is None:
            raise InputError(
                f"filter {text[:100]!r} cannot be read; write COLUMN OP VALUE with = != < <= > >= or ~ and "
                f"one of the columns {', '.join(self._columns)}"
            )
        sign, value = found["sign"], found["value"].strip()
        values = self._frame[name]
        if self._columns[name].type == "text":
            if sign == "~":
                return np.asarray(values.str.contains(value, case=False, regex=False), bool)
            if sign not in ("=", "!="):
                raise InputError(f"{name} is text; filter it with =, != or ~")
            return np.asarray(_SIGNS[sign](values, value), bool)
        if sign == "~":
            raise InputError(f"{name} is a number; filter it with = != < <= > or >=")
        number = {"true": 1.0, "false": 0.0}.get(value.lower())
        try:
            number = float(value) if number is None else number
        except ValueError:
            raise InputError(f"{value[:50]!r} is no number; {name} is compared with numbers") from None
        return np.asarray(_SIGNS[sign](values.to_numpy(float), number), bool)

    def _compared(self, text: str) -> tuple[str, re.Match[str] | None]:
        """Split a filter into its column, whose name may hold anything, and what it is compared with."""
        for name in sorted(self._columns, key=len, reverse=True):
            if text.startswith(name) and (found := _COMPARED.fullmatch(text, len(name))):
                return name, found
        return "", None

    def page(self, *, filters: Sequence[str], sort: str, offset: int, limit: int) -> ObjectPage:
        """Give some rows.

        Parameters
        ----------
        filters
            See `matching`.
        sort
            Name of a column, with ``-`` for the largest first; empty: as measured.
        offset, limit
            Which rows of those that match.

        Returns
        -------
        ObjectPage
            The rows.

        Raises
        ------
        InputError
            If a filter or the column cannot be understood.
        """
        fits = self.matching(filters)
        order = self._order(sort)
        chosen = order[fits[order]]
        rows = self._frame.iloc[chosen[offset : offset + limit]]
        values = [[_plain(value) for value in row] for row in rows.itertuples(index=False, name=None)]
        return ObjectPage(
            candidate=self._candidate,
            total=len(self._frame),
            matching=len(chosen),
            columns=list(self._columns.values()),
            rows=values,
            evidence="untested",
        )

    def _order(self, sort: str) -> np.ndarray[Any, np.dtype[np.intp]]:
        name = sort.removeprefix("-")
        if not name:
            return np.arange(len(self._frame))
        self.require(name)
        if sort not in self._sorted:
            ordered = (
                self._frame[name]
                .reset_index(drop=True)
                .sort_values(ascending=not sort.startswith("-"), kind="stable")
            )
            self._sorted[sort] = ordered.index.to_numpy()
            while len(self._sorted) > 20:
                self._sorted.popitem(last=False)
        return self._sorted[sort]

    def require(self, name: str, *, is_number: bool = False) -> ColumnInfo:
        """Give a column by its name.

        Parameters
        ----------
        name
            Of the column.
        is_number
            Whether it must hold numbers.

        Returns
        -------
        ColumnInfo
            What it means.

        Raises
        ------
        InputError
            If there is none.
        """
        allowed = [item.name for item in self._columns.values() if not is_number or item.type == "number"]
        if name not in allowed:
            raise InputError(f"there is no such column {name[:100]!r}; columns are: {', '.join(allowed)}")
        return self._columns[name]

    def histogram(self, name: str, *, bins: int, filters: Sequence[str]) -> ObjectHistogram:
        """Count objects by the value of a column, group by group.

        Parameters
        ----------
        name
            Of the column.
        bins
            Number of bins.
        filters
            See `matching`.

        Returns
        -------
        ObjectHistogram
            Bins are the same for all groups and whatever the filters.

        Raises
        ------
        InputError
            If a filter or the column cannot be understood.
        """
        column = self.require(name, is_number=True)
        every = self._frame[name].to_numpy(float)
        fits = self.matching(filters)
        finite = every[np.isfinite(every)]
        edges = _edges(finite, bins)
        groups = self._frame["group"].to_numpy()
        series = []
        for group in dict.fromkeys(groups):
            values = every[fits & (groups == group)]
            counts = np.histogram(values[np.isfinite(values)], edges)[0]
            series.append(HistogramSeries(group=str(group), counts=counts.tolist()))
        return ObjectHistogram(
            column=name,
            unit=column.unit,
            edges=edges.tolist(),
            series=series,
            n_missing=int((~np.isfinite(every[fits])).sum()),
            evidence="untested",
        )

    def values(self, name: str, image_id: str) -> ColumnValues:
        """Give a column of the objects of one image, by label.

        Parameters
        ----------
        name
            Of the column.
        image_id
            Identifier of the image.

        Returns
        -------
        ColumnValues
            Labels and values.

        Raises
        ------
        InputError
            If there is no such column.
        """
        column = self.require(name, is_number=True)
        rows = self._frame[self._frame["image_id"] == image_id]
        return ColumnValues(
            column=name,
            unit=column.unit,
            labels=rows["label"].tolist(),
            values=[_plain(value) for value in rows[name].astype(float)],
            evidence="untested",
        )

    def csv(self, filters: Sequence[str]) -> str:
        """Write the objects that fit as CSV.

        Parameters
        ----------
        filters
            See `matching`.

        Returns
        -------
        str
            With a header; units stand in the names.
        """
        named = {
            name: f"{name} [{column.unit}]" if column.unit else name for name, column in self._columns.items()
        }
        chosen = self._frame[self.matching(filters)].rename(columns=named)
        text: str = chosen.to_csv(index=False, lineterminator="\n")
        return text


def _edges(values: np.ndarray[Any, np.dtype[np.float64]], bins: int) -> np.ndarray[Any, Any]:
    """Edges of bins of one width; around values that differ by less than can be told apart, of width 1."""
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    if high - low <= bins * np.spacing(max(abs(low), abs(high))):
        half = max(0.5, bins * float(np.spacing(max(abs(low), abs(high)))))
        low, high = low - half, high + half
    return np.linspace(low, high, bins + 1)


def _with_present_groups(frame: pd.DataFrame, folder: StudyFolder) -> pd.DataFrame:
    """Take groups and replicates from images.csv: they may have been changed since the measuring."""
    images = folder.images()
    for name in ("group", "replicate"):
        present = frame["image_id"].map({image.image_id: getattr(image, name) for image in images})
        frame[name] = present.fillna(frame[name]).astype("str")
    return frame


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return int(value) if isinstance(value, bool) else value


def open_objects(folder: StudyFolder, candidate: str) -> ObjectTable:
    """Open the table of a candidate's objects.

    Parameters
    ----------
    folder
        The study.
    candidate
        Identifier of the candidate.

    Returns
    -------
    ObjectTable
        Kept in memory while the file stays the same.

    Raises
    ------
    StudyError
        If the candidate has not run.
    UnreadableFileError
        If the table is broken.
    """
    path = folder.root / folder.measurements(candidate)
    if not path.exists():
        raise StudyError(f"candidate {candidate} has not run; first: {command('run', folder.root)}")
    now = (stamp_of(path), stamp_of(folder.images_table))
    return _kept.get(path, now, lambda: _read_objects(folder, candidate, path))


def _read_objects(folder: StudyFolder, candidate: str, path: Path) -> ObjectTable:
    frame = _with_present_groups(read_table(path), folder)
    said = json.loads(column_dictionary_path(path).read_text(encoding="utf-8"))["columns"]
    columns = [
        ColumnInfo(
            name=str(name),
            type="number" if pd.api.types.is_numeric_dtype(frame[name]) else "text",
            unit=said.get(name, {}).get("unit", ""),
            description=said.get(name, {}).get("description", ""),
        )
        for name in frame.columns
    ]
    return ObjectTable(candidate, frame, columns)
