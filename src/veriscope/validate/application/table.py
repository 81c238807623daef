"""The table that is checked: one value per unit from references and from predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from veriscope.core.words import joined
from veriscope.errors import TableError, raise_together

__all__ = ["COLUMNS", "ApplicationTable", "read_table"]

COLUMNS = ("unit", "group", "replicate", "reference", "prediction")
"""Columns that a table must have."""

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class ApplicationTable:
    """Checked values of units that lie in replicates that lie in groups.

    Parameters
    ----------
    units
        Names, one per unit.
    groups
        Names of the groups, in the order of the table.
    replicates
        Names of the replicates, in the order of the table.
    replicate
        Shape (n,): index of each unit's replicate.
    group
        Shape (k,): index of each replicate's group.
    reference, prediction
        Shape (n,): finite values.
    n_left_out
        Units without a value.
    """

    units: tuple[str, ...]
    groups: tuple[str, ...]
    replicates: tuple[str, ...]
    replicate: IntArray
    group: IntArray
    reference: FloatArray
    prediction: FloatArray
    n_left_out: int = 0

    @property
    def unit_group(self) -> IntArray:
        """Index of each unit's group, shape (n,)."""
        return self.group[self.replicate]

    def ordered_groups(self, control: str | None) -> tuple[str, ...]:
        """Give the groups with the control first.

        Parameters
        ----------
        control
            One of the groups; None: the first in the table.

        Returns
        -------
        tuple of str
            All groups.
        """
        first = self.groups[0] if control is None else control
        return (first, *(group for group in self.groups if group != first))

    def replicate_means(self, group: str | None = None) -> tuple[FloatArray, FloatArray]:
        """Give one value per replicate, so that each counts the same whatever its number of units.

        Parameters
        ----------
        group
            Only replicates of this group; None: all.

        Returns
        -------
        tuple
            Means of the references and of the predictions, each of shape (k,).
        """
        n_units = np.bincount(self.replicate, minlength=len(self.replicates))
        sums = [
            np.bincount(self.replicate, weights=values, minlength=len(self.replicates))
            for values in (self.reference, self.prediction)
        ]
        chosen = (
            np.ones(len(n_units), dtype=bool) if group is None else self.group == self.groups.index(group)
        )
        return sums[0][chosen] / n_units[chosen], sums[1][chosen] / n_units[chosen]


def read_table(
    table: pd.DataFrame | Mapping[str, Sequence[Any]],
    *,
    relative: bool = False,
    nested: bool = False,
    missing: Literal["refuse", "leave out"] = "refuse",
) -> ApplicationTable:
    """Check a table of one value per unit.

    Parameters
    ----------
    table
        Columns ``unit``, ``group``, ``replicate`` (names) and ``reference``, ``prediction`` (numbers);
        others are passed over.
    relative
        Whether errors will be told as shares of the reference, which needs values of 0 or more, and
        references above 0 on average in every group.
    nested
        Replicates are numbered anew in each group.
    missing
        What happens to units without a value on either side.

    Returns
    -------
    ApplicationTable
        The values, groups and replicates in the order of the table.

    Raises
    ------
    TableError
        If columns are missing or of different length, there is no row, a name is missing or a unit is
        named twice, a value is no finite number, or a replicate is in two groups; all faults together.
    """
    frame = _frame(table)
    names = {column: _names(frame[column]) for column in ("unit", "group", "replicate")}
    values = {column: pd.to_numeric(frame[column], errors="coerce") for column in ("reference", "prediction")}
    numbers = {column: series.to_numpy(dtype=np.float64) for column, series in values.items()}
    if nested:
        names["replicate"] = [
            joined(group, name) if name else ""
            for group, name in zip(names["group"], names["replicate"], strict=True)
        ]
    empty = np.isnan(numbers["reference"]) | np.isnan(numbers["prediction"])
    told = [name or f"row {row}" for row, name in enumerate(names["unit"], 1)]
    faults = [*_name_faults(names), *_value_faults(frame, told, numbers, missing)]
    if not faults and relative:
        faults = _relative_faults(names["group"], numbers, ~empty)
    raise_together(faults, what=f"the table of {len(frame)} rows cannot be used")
    kept = np.flatnonzero(~empty)
    if len(kept) == 0:
        raise TableError("no unit has both a reference and a prediction; give at least one")
    unit, group, replicate = ([names[column][i] for i in kept] for column in ("unit", "group", "replicate"))
    groups, replicates = tuple(dict.fromkeys(group)), dict(zip(replicate, group, strict=True))
    index = {name: i for i, name in enumerate(replicates)}
    return ApplicationTable(
        units=tuple(unit),
        groups=groups,
        replicates=tuple(replicates),
        replicate=np.array([index[name] for name in replicate], dtype=np.intp),
        group=np.array([groups.index(name) for name in replicates.values()], dtype=np.intp),
        reference=numbers["reference"][kept],
        prediction=numbers["prediction"][kept],
        n_left_out=int(empty.sum()),
    )


def _frame(table: pd.DataFrame | Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Make a data frame with the columns needed."""
    if not isinstance(table, pd.DataFrame):
        lengths = {name: np.size(values) if np.ndim(values) == 1 else -1 for name, values in table.items()}
        flat = [name for name, length in lengths.items() if length < 0]
        if flat:
            raise TableError(f"{', '.join(flat)}: no column of values; give one value per unit in each")
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise TableError(f"columns have different lengths: {shown}; give one value per unit in each")
        table = pd.DataFrame(dict(table))
    absent = [name for name in COLUMNS if name not in table.columns]
    if absent:
        raise TableError(
            f"the table lacks {', '.join(absent)}; it has "
            f"{', '.join(map(str, table.columns)) or 'no column'}; needed are {', '.join(COLUMNS)}"
        )
    twice = [name for name in COLUMNS if list(table.columns).count(name) > 1]
    if twice:
        raise TableError(f"the table has two columns {', '.join(twice)}; keep one of each")
    if not len(table):
        raise TableError("the table has no row; give one row per unit")
    return table


def _names(column: pd.Series[Any]) -> list[str]:
    return ["" if pd.isna(name) else str(name).strip() for name in column]


def _name_faults(names: Mapping[str, list[str]]) -> list[TableError]:
    faults = []
    for column, found in names.items():
        rows = [str(row) for row, name in enumerate(found, 1) if not name]
        if rows:
            faults.append(TableError(f"no {column} in row {_listed(rows)}; give each row a name there"))
    twice = [name for name, count in pd.Series(names["unit"]).value_counts(sort=False).items() if count > 1]
    if any(twice):
        faults.append(TableError(f"units named twice: {_listed([str(n) for n in twice if n])}; one row each"))
    groups: dict[str, list[str]] = {}
    for group, replicate in zip(names["group"], names["replicate"], strict=True):
        found = groups.setdefault(replicate, [])
        if group not in found:
            found.append(group)
    for replicate, found in groups.items():
        if replicate and len(found) > 1:
            faults.append(
                TableError(
                    f"replicate {replicate!r} is in groups {', '.join(found)}; if these are different "
                    "replicates that share a name, set nested; if it was measured in each group, name "
                    f"its parts apart ({replicate}-{found[0]}), which gives wider intervals"
                )
            )
    return faults


def _value_faults(
    frame: pd.DataFrame, units: list[str], numbers: Mapping[str, FloatArray], missing: str
) -> list[TableError]:
    faults = []
    for column, found in numbers.items():
        given = ~frame[column].isna().to_numpy()
        wrong = [
            unit for unit, bad in zip(units, np.isinf(found) | (np.isnan(found) & given), strict=True) if bad
        ]
        if wrong:
            faults.append(TableError(f"{column} of {_listed(wrong)} is no finite number"))
        absent = [unit for unit, bad in zip(units, ~given, strict=True) if bad]
        if absent and missing == "refuse":
            faults.append(
                TableError(
                    f"no {column} for {_listed(absent)}; a count of nothing is 0; a mean of nothing has no "
                    "value, then set missing to 'leave out' (which hides that such units differ from others)"
                )
            )
    return faults


def _relative_faults(
    groups: list[str], numbers: Mapping[str, FloatArray], used: NDArray[np.bool_]
) -> list[TableError]:
    if any((values[used] < 0).any() for values in numbers.values()):
        return [TableError("errors as shares need values of 0 or more; use a tolerance that is no share")]
    of_group = np.asarray(groups)
    return [
        TableError(
            f"all references of group {group!r} are 0, so no error is a share of them; use a tolerance "
            "that is no share"
        )
        for group in dict.fromkeys(groups)
        if (used & (of_group == group)).any() and not numbers["reference"][used & (of_group == group)].any()
    ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
