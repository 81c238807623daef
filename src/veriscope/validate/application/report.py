"""All checks of one quantity in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from veriscope.core.plain import PlainRecord, plain
from veriscope.errors import InputError
from veriscope.validate.application.bias import check_bias
from veriscope.validate.application.differential import check_differential_bias
from veriscope.validate.application.effect import check_effect
from veriscope.validate.application.equivalence import check_equivalence
from veriscope.validate.application.limits import check_limits, check_proportional_bias
from veriscope.validate.application.null_control import check_null_control
from veriscope.validate.application.result import Check, Status, worst_status
from veriscope.validate.application.settings import ApplicationSettings
from veriscope.validate.application.table import ApplicationTable, read_table
from veriscope.validate.application.tost import check_tolerance

__all__ = ["SCHEMA", "ApplicationReport", "GroupSize", "check_application"]

SCHEMA = "veriscope/application/1"

_CHECKS = (
    check_bias,
    check_limits,
    check_proportional_bias,
    check_equivalence,
    check_differential_bias,
    check_effect,
    check_null_control,
)
_OF_VALUES = ("bias", "limits", "proportional_bias", "equivalence")


@dataclass(frozen=True, slots=True)
class GroupSize(PlainRecord):
    """How much evidence a group has.

    Parameters
    ----------
    name
        Name of the group.
    n_replicates, n_units
        Numbers of replicates and units.
    reference, prediction
        Means over replicates.
    """

    name: str
    n_replicates: int
    n_units: int
    reference: float
    prediction: float


@dataclass(frozen=True, slots=True)
class ApplicationReport:
    """Whether one biological quantity survives the errors of a model.

    Parameters
    ----------
    quantity
        What was measured.
    tolerance
        Largest harmless mean error.
    relative
        Whether the tolerance is a share of the reference.
    alpha
        Chance of a wrong verdict that is accepted in each check.
    groups
        What was compared.
    checks
        ``bias``, ``limits``, ``proportional_bias``, ``equivalence``, ``differential_bias``, ``effect`` and
        ``null_control``, in this order.
    n_left_out
        Units without a value.
    unit, replicate
        What they are called.
    """

    quantity: str
    tolerance: float
    relative: bool
    alpha: float
    groups: tuple[GroupSize, ...]
    checks: tuple[Check, ...]
    n_left_out: int = 0
    unit: str = "image"
    replicate: str = "replicate"

    def check(self, name: str) -> Check:
        """Give one check.

        Parameters
        ----------
        name
            Its name.

        Returns
        -------
        Check
            The check.

        Raises
        ------
        InputError
            If there is none of this name.
        """
        for check in self.checks:
            if check.name == name:
                return check
        raise InputError(f"no check {name!r}; checks are: {', '.join(each.name for each in self.checks)}")

    @property
    def value_status(self) -> Status:
        """Whether the predicted numbers can be used as they are (bias to equivalence)."""
        return worst_status([check.status for check in self.checks if check.name in _OF_VALUES])

    @property
    def comparison_status(self) -> Status:
        """Whether groups can be compared by predictions (differential bias, effect, null control)."""
        return worst_status([check.status for check in self.checks if check.name not in _OF_VALUES])

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            ``schema``, the fields by name, ``value_status`` and ``comparison_status``.
        """
        return {
            "schema": SCHEMA,
            "quantity": self.quantity,
            "tolerance": self.tolerance,
            "relative": self.relative,
            "alpha": self.alpha,
            "value_status": self.value_status,
            "comparison_status": self.comparison_status,
            "groups": plain(self.groups),
            "n_units": sum(group.n_units for group in self.groups),
            "n_replicates": sum(group.n_replicates for group in self.groups),
            "n_left_out": self.n_left_out,
            "unit": self.unit,
            "replicate": self.replicate,
            "checks": plain(self.checks),
        }


def check_application(
    table: pd.DataFrame | Mapping[str, Sequence[Any]],
    *,
    quantity: str,
    tolerance: float,
    relative: bool = False,
    settings: ApplicationSettings | None = None,
) -> ApplicationReport:
    """Check whether a biological quantity survives the errors of a model.

    Parameters
    ----------
    table
        One row per unit (such as an image), with columns ``unit``, ``group``, ``replicate`` (names) and
        ``reference``, ``prediction`` (the quantity as measured from each).
    quantity
        What was measured, for the report.
    tolerance
        Largest mean error that would not change the conclusion, above 0.
    relative
        The tolerance, and the errors, are shares of the mean reference instead of differences.
    settings
        Options; None: the defaults.

    Returns
    -------
    ApplicationReport
        Seven checks, each with status, figure, what is allowed, and a sentence. Comparisons are "not
        applicable" with a single group; "cannot tell" is said where replicates are too few.

    Raises
    ------
    TableError
        If the table cannot be used; all faults together.
    InputError
        If the tolerance is not allowed or the control is no group.
    """
    settings = settings or ApplicationSettings()
    check_tolerance(tolerance, relative=relative)
    values = read_table(table, relative=relative, nested=settings.nested, missing=settings.missing)
    if settings.control is not None and settings.control not in values.groups:
        raise InputError(f"control {settings.control!r} is no group; groups are: {', '.join(values.groups)}")
    checks = tuple(
        check(values, tolerance=tolerance, relative=relative, settings=settings) for check in _CHECKS
    )
    return ApplicationReport(
        quantity=quantity,
        tolerance=tolerance,
        relative=relative,
        alpha=settings.alpha,
        groups=tuple(_size(values, group) for group in values.groups),
        checks=checks,
        n_left_out=values.n_left_out,
        unit=settings.unit,
        replicate=settings.replicate,
    )


def _size(table: ApplicationTable, group: str) -> GroupSize:
    reference, prediction = table.replicate_means(group)
    n_units = int((table.unit_group == table.groups.index(group)).sum())
    return GroupSize(group, len(reference), n_units, float(np.mean(reference)), float(np.mean(prediction)))
