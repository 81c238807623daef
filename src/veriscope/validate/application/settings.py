"""Options of the checks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from veriscope.core.settings import Settings

__all__ = ["ApplicationSettings"]


class ApplicationSettings(Settings):
    """What counts as harmless, and how the table is to be read."""

    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """Chance of a wrong verdict that is accepted; intervals have the level 1 - alpha."""
    control: str | None = None
    """Group that the others are compared with; None: the first in the table."""
    kept: tuple[float, float] = (0.8, 1.25)
    """Smallest and largest share of an effect that must be kept; the default is that of bioequivalence."""
    unit_tolerance: float | None = Field(default=None, gt=0)
    """Largest harmless error of a single unit, on the scale of the tolerance; None: limits of agreement
    are told but not judged."""
    null_excess: float = Field(default=0.1, ge=0, lt=1)
    """Harmless share of comparisons of like with like that differ in predictions more than in references."""
    n_permutations: int = Field(default=999, ge=99)
    """Permutations of the null control."""
    seed: int = Field(default=0, ge=0)
    """Seed of the null control."""
    nested: bool = False
    """Whether replicates are numbered anew in each group, so that 1 in one group is not 1 in another."""
    missing: Literal["refuse", "leave out"] = "refuse"
    """What happens to units without a value on either side."""
    unit: str = "image"
    """What a unit is called."""
    replicate: str = "replicate"
    """What a replicate is called, such as animal or dish."""

    @model_validator(mode="after")
    def _kept_holds_one(self) -> ApplicationSettings:
        if not 0 <= self.kept[0] < 1 < self.kept[1]:
            raise ValueError(f"kept {self.kept} does not hold 1, a perfect effect; use such as (0.8, 1.25)")
        return self
