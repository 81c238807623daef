"""What a user is told about a metric: one line of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from veriscope.core.plain import PlainRecord

__all__ = ["Description"]


@dataclass(frozen=True, slots=True)
class Description(PlainRecord):
    """What is fixed about a metric, and when to use it.

    Parameters
    ----------
    key
        Key in results and in recommendations, such as ``"f1@0.5"`` or ``"dice"``.
    name
        Its name in the field, spelled out.
    tasks
        Categories of problems that it is for, as in `fingerprint.items.CATEGORIES`.
    formula
        How it is computed, in words and symbols.
    low, high
        Smallest and largest possible value; infinite if there is none.
    best
        The best value; towards it is better.
    empty
        What is returned where there is nothing to compute it from, in words.
    use
        When it fits, in one sentence.
    avoid
        When it misleads, in one sentence.
    source
        Where it was defined: authors, title or venue, year.
    function
        Where it is computed: module and name, below ``veriscope.validate``.
    """

    key: str
    name: str
    tasks: tuple[str, ...]
    formula: str
    low: float
    high: float
    best: float
    empty: str
    use: str
    avoid: str
    source: str
    function: str

    also_told: ClassVar[tuple[str, ...]] = ("direction",)

    @property
    def direction(self) -> str:
        """Which values are better, in words."""
        if self.best == self.high:
            return "higher is better"
        if self.best == self.low:
            return "lower is better"
        return f"closer to {self.best:g} is better"
