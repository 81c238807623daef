"""What a comparison may be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from veriscope.core.settings import Settings
from veriscope.errors import InputError, VeriscopeError, raise_together
from veriscope.validate.fingerprint.ask import check_answers
from veriscope.validate.fingerprint.measured import LIMITS
from veriscope.validate.localise.objects import CriterionKey

__all__ = ["TASKS", "CompareOptions", "Task"]

Task = Literal["instance", "semantic", "detection", "classification", "restoration", "tracking"]
TASKS: tuple[Task, ...] = ("instance", "semantic", "detection", "classification", "restoration", "tracking")

_TASKS_OF: dict[str, tuple[str, ...]] = {
    "thresholds": ("instance", "detection"),
    "spacing": ("instance", "semantic", "detection", "restoration"),
    "measure": ("instance",),
    "tolerance": ("instance",),
    "boundaries": ("instance",),
    "boundary_tolerance": ("instance", "semantic", "detection"),
    "criterion": ("detection",),
    "object_size": ("instance", "semantic", "detection"),
    "components": ("instance",),
    "foreground": ("semantic",),
    "classes": ("classification",),
    "data_range": ("restoration",),
}
"""Settings that not every task has a use for."""


class CompareOptions(Settings):
    """Settings of a comparison; those that a task has no use for are refused by it."""

    thresholds: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(default=(0.5, 0.7, 0.9), min_length=1)
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
    boundaries: bool = False
    """Measure the outlines of matched objects too (instance)."""
    boundary_tolerance: float | None = Field(default=None, gt=0)
    """Distance between two raters' outlines, in µm (pixels where uncalibrated); None: two pixels."""
    object_size: float | None = Field(default=None, gt=0)
    """Typical diameter of an object, in µm (pixels where uncalibrated); None: measured from references."""
    criterion: CriterionKey | None = None
    """When a prediction counts as found (detection); None: by what both sides have."""
    components: bool = False
    """Take the connected components of masks as objects; touching objects merge then."""
    foreground: bool = False
    """Take everything but 0 as one class."""
    answers: dict[str, Any] = Field(default_factory=dict)
    """Answers of the fingerprint by item, that override what is measured; they decide which metrics fit."""
    classes: tuple[str, ...] | None = None
    """Classes in their order, such as grades (classification); None: they have no order."""
    data_range: float | None = Field(default=None, gt=0)
    """Largest minus smallest possible intensity (restoration); None: that of each reference."""

    @field_validator("classes")
    @classmethod
    def _check_classes(cls, classes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if classes is not None and (len(set(classes)) < len(classes) or not all(classes)):
            raise ValueError("each class needs a name, and is named once")
        return classes

    @field_validator("answers")
    @classmethod
    def _check_answers(cls, answers: dict[str, Any]) -> dict[str, Any]:
        check_answers(answers)
        return answers

    @property
    def asks_for_lines(self) -> bool:
        """Whether gaps in lines are to be counted."""
        return bool(self.answers.get("tubular") or self.answers.get("connections_matter"))

    def check_task(self, task: str) -> None:
        """Refuse settings that a task has no use for, because they would change nothing in silence.

        Parameters
        ----------
        task
            Kind of problem.

        Raises
        ------
        InputError
            If there are some; all are named. So are those that another one would have to go with.
        """
        usual = CompareOptions()
        faults: list[VeriscopeError] = [
            InputError(f"{_spoken(name)} goes with {' and '.join(tasks)}, not with {task}")
            for name, tasks in _TASKS_OF.items()
            if task not in tasks and getattr(self, name) != getattr(usual, name)
        ]
        if self.tolerance is not None and self.measure is None and task == "instance":
            faults.append(InputError("tolerance is the error of a measure; name that with --measure"))
        outlined = self.boundaries if task == "instance" else self.criterion == "boundary_iou"
        if self.boundary_tolerance is not None and not outlined and task in ("instance", "detection"):
            needed = "--boundaries" if task == "instance" else "--criterion boundary_iou"
            faults.append(InputError(f"boundary-tolerance is about outlines; judge them with {needed}"))
        raise_together(
            faults,
            what=f"{len(faults)} settings have no use here",
            remedy="Leave them out, or name another task.",
        )

    def outline_tolerance(self, steps: Sequence[float] | None) -> float:
        """Give the distance at which outlines agree.

        Parameters
        ----------
        steps
            Pixel size along each axis in µm; None: distances are in pixels.

        Returns
        -------
        float
            As stated, else two pixels of the finer of the last two axes.
        """
        return self.boundary_tolerance or 2 * (min(steps[-2:]) if steps else 1.0)

    def size_answers(self, spacing: Mapping[str, float] | None) -> dict[str, bool]:
        """Give what a stated size of objects answers of the fingerprint.

        Parameters
        ----------
        spacing
            Pixel size of the images in µm by axis; None: sizes are in pixels.

        Returns
        -------
        dict
            ``small_structures``; empty if no size was stated.
        """
        if self.object_size is None:
            return {}
        pixel = 1.0 if spacing is None else spacing["y"]
        return {"small_structures": self.object_size / pixel < LIMITS["small_structures"]}


def _spoken(name: str) -> str:
    """Give the name of a setting on the command line."""
    return {"thresholds": "threshold", "components": "connected-components"}.get(name, name.replace("_", "-"))
