"""What a comparison may be told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from veriscope.core.settings import Settings

__all__ = ["TASKS", "CompareOptions", "Task"]

Task = Literal["instance", "semantic", "detection", "classification", "restoration", "tracking"]
TASKS: tuple[Task, ...] = ("instance", "semantic", "detection", "classification", "restoration", "tracking")


class CompareOptions(Settings):
    """Settings of a comparison; those that a task has no use for are refused by it."""

    thresholds: tuple[float, ...] = (0.5, 0.7, 0.9)
    """IoU thresholds of matches; 0.5 is always among them (instance, detection by boxes)."""
    level: float = Field(default=0.95, gt=0, lt=1)
    """Level of all intervals."""
    metric: str | None = None
    """Key of the metric that candidates are ranked by; None: the first that fits the problem."""
    spacing: dict[str, float] | None = None
    """Pixel size in µm by axis; None: as the reference files say."""
    measure: str | None = None
    """What is measured of the objects, as in a study: count, mean-area …; None: nothing (instance)."""
    tolerance: str | float | None = None
    """Error of that measure that would change the conclusion, as a share of it, such as ``5%``."""
    boundary_tolerance: float | None = Field(default=None, gt=0)
    """Distance between two raters' outlines, in µm (pixels where uncalibrated); None: two pixels."""
    object_size: float | None = Field(default=None, gt=0)
    """Typical diameter of an object, in µm (pixels where uncalibrated); None: measured from references."""
    components: bool = False
    """Take the connected components of masks as objects; touching objects merge then."""
    foreground: bool = False
    """Take everything but 0 as one class."""
    costlier_error: Literal["none", "misses", "false positives"] = "none"
    """Which error is worse, for the choice of metrics."""
    classes: tuple[str, ...] | None = None
    """Classes in their order, such as grades (classification); None: they have no order."""
    data_range: float | None = Field(default=None, gt=0)
    """Largest minus smallest possible intensity (restoration); None: that of each reference."""
