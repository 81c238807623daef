"""The question of a study: which measure, of which object, and how it is made of objects."""

from __future__ import annotations

import math
import re
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from veriscope.core.settings import Settings
from veriscope.errors import InputError
from veriscope.report.wording import many

__all__ = ["MEASURES", "Measure", "Question", "parse_tolerance"]

Measure = Literal["count", "density", "mean", "fraction", "total-area", "area-fraction"]

MEASURES = (
    "count",
    "density",
    "mean-area",
    "mean-intensity",
    "mean:COLUMN",
    "fraction:COLUMN>VALUE",
    "fraction:COLUMN<VALUE",
    "total-area",
    "area-fraction",
)
"""Measures as a user writes them."""

_FRACTION = re.compile(r"^fraction:\s*(?P<column>[\w-]+)\s*(?P<sign>[<>])\s*(?P<value>[-+.\deE]+)$")


def parse_tolerance(text: str | float) -> float:
    """Read a relative tolerance: ``"5%"`` or ``0.05``.

    Parameters
    ----------
    text
        A percentage, or a fraction of the answer.

    Returns
    -------
    float
        The fraction, above 0 and at most 1.

    Raises
    ------
    InputError
        If it is no such number.
    """
    given = str(text).strip()
    try:
        value = float(given.removesuffix("%")) / (100 if given.endswith("%") else 1)
    except ValueError:
        value = math.nan
    if not 0 < value <= 1:
        raise InputError(
            f"tolerance {text!r} is not a share of the answer; give a percentage above 0% and at most 100%, "
            "such as 5%"
        )
    return value


class Question(Settings):
    """What the study asks.

    The answer is a total (``count``, ``total-area``) or a ratio of two totals over the objects or
    tiles, so that one design answers all of them.
    """

    object: str = Field(default="object", min_length=1)
    """What is looked for, in the singular: nucleus, cell, particle."""
    measure: Measure = "count"
    """Kind of measure."""
    column: str | None = None
    """Column of the measurement table, for ``mean`` and ``fraction``."""
    sign: Literal[">", "<"] | None = None
    """Which side of the threshold counts, for ``fraction``."""
    threshold: float | None = None
    """Threshold in the unit of the column, for ``fraction``."""
    tolerance: float | None = Field(default=None, gt=0, le=1)
    """Error that would change the conclusion, as a share of the answer; text such as ``5%`` is read too."""
    level: float = Field(default=0.9, gt=0.5, lt=1)
    """Confidence level of the answer's interval."""

    @field_validator("tolerance", mode="before")
    @classmethod
    def _read_percentage(cls, value: Any) -> Any:
        return parse_tolerance(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.measure in ("mean", "fraction") and self.column is None:
            raise ValueError(f"measure {self.measure!r} needs a column")
        if self.measure == "fraction" and (self.sign is None or self.threshold is None):
            raise ValueError("measure 'fraction' needs a sign and a threshold")
        if self.measure not in ("mean", "fraction") and self.column is not None:
            raise ValueError(f"measure {self.measure!r} takes no column")
        if self.measure != "fraction" and (self.sign is not None or self.threshold is not None):
            raise ValueError(f"measure {self.measure!r} takes no sign and no threshold")
        return self

    @classmethod
    def from_text(
        cls, measure: str, *, object: str = "object", tolerance: str | float | None = None, level: float = 0.9
    ) -> Self:
        """Make a question from what a user writes.

        Parameters
        ----------
        measure
            One of `MEASURES`, such as ``count`` or ``fraction:area>150``.
        object
            What is looked for.
        tolerance
            See `parse_tolerance`; None if no error is known to matter.
        level
            Confidence level of the answer's interval, 0.5 to 1.

        Returns
        -------
        Question
            The question.

        Raises
        ------
        InputError
            If the measure or the tolerance cannot be understood.
        """
        parts = _parse_measure(measure.strip())
        values = {"object": object, "level": level, **parts}
        if tolerance is not None:
            values["tolerance"] = parse_tolerance(tolerance)
        return cls.parse(values, where="question")

    @property
    def key(self) -> str:
        """The measure as a user writes it."""
        if self.measure == "fraction":
            return f"fraction:{self.column}{self.sign}{_short(self.threshold)}"
        if self.measure == "mean":
            short = {"area": "mean-area", "mean_intensity": "mean-intensity"}
            return short.get(self.column or "", f"mean:{self.column}")
        return self.measure

    @property
    def is_total(self) -> bool:
        """Whether the answer is a total, not a ratio."""
        return self.measure in ("count", "total-area")

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest answer that there can be."""
        if self.measure in ("fraction", "area-fraction"):
            return 0.0, 1.0
        # The mean of any other column may be anything, such as that of an intensity less its background.
        return (-math.inf, math.inf) if self.measure == "mean" and self.column != "area" else (0.0, math.inf)

    @property
    def text(self) -> str:
        """The question as a sentence."""
        plural = many(self.object)
        column = (self.column or "").replace("_", " ")
        side = f"{column} {self.sign} {_short(self.threshold)}"
        return {
            "count": f"How many {plural} are there in each group?",
            "density": f"How many {plural} are there per area in each group?",
            "mean": f"What is the mean {column.removeprefix('mean ')} of the {plural} in each group?",
            "fraction": f"Which fraction of the {plural} has {side} in each group?",
            "total-area": f"Which area do the {plural} cover in each group?",
            "area-fraction": f"Which fraction of the area do the {plural} cover in each group?",
        }[self.measure]


def _parse_measure(text: str) -> dict[str, object]:
    if text in ("count", "density", "total-area", "area-fraction"):
        return {"measure": text}
    if text == "mean-area":
        return {"measure": "mean", "column": "area"}
    if text == "mean-intensity":
        return {"measure": "mean", "column": "mean_intensity"}
    if text.startswith("mean:") and len(text) > 5:
        return {"measure": "mean", "column": text[5:].strip()}
    found = _FRACTION.match(text)
    if found:
        try:
            value = float(found["value"])
        except ValueError:
            raise InputError(f"measure {text!r}: {found['value']!r} is not a number") from None
        return {"measure": "fraction", "column": found["column"], "sign": found["sign"], "threshold": value}
    raise InputError(f"measure {text!r} is not known; measures are: {', '.join(MEASURES)}")


def _short(number: float | None) -> str:
    """Give a number in full, so that reading it gives the same one, but 150 rather than 150.0."""
    return "" if number is None else repr(number).removesuffix(".0")
