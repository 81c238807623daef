"""Every error that Veriscope raises on purpose.

::

    VeriscopeError
    ├── InputError                what the user gave cannot be used
    │   ├── UnreadableFileError   a file is missing, broken, or of an unknown format
    │   ├── AxesError             axes, spacing or channels are missing or contradict the pixels
    │   ├── ShapeMismatchError    two images that must fit each other do not
    │   ├── PixelValueError       NaN, infinities, negative labels, wrong dtype
    │   └── TableError            a table lacks columns or rows, or has too many
    ├── StudyError                a study folder is missing, exists already, or is not ready for a step
    ├── MethodError               a method is unknown, or cannot do what is asked of it
    │   └── KilledError           processes were killed again and again at one piece of its work
    ├── ClusterError              a cluster cannot be reached, does not fit, or was lost
    └── MissingPackageError       an optional package is needed

A message says what was wrong (the value), what is allowed, and what to do next.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "AxesError",
    "ClusterError",
    "InputError",
    "KilledError",
    "MethodError",
    "MissingPackageError",
    "PixelValueError",
    "ShapeMismatchError",
    "StudyError",
    "TableError",
    "UnreadableFileError",
    "VeriscopeError",
    "raise_together",
]


class VeriscopeError(Exception):
    """Base class of all errors that Veriscope raises on purpose."""


class InputError(VeriscopeError, ValueError):
    """What the user gave cannot be used as it is."""


class UnreadableFileError(InputError):
    """A file is missing, broken, or of a format that cannot be read."""


class AxesError(InputError):
    """Axes, spacing or channels are missing, unknown, or contradict the pixels."""


class ShapeMismatchError(InputError):
    """Two images that must have the same axes and shape do not."""


class PixelValueError(InputError):
    """Pixel values that cannot be used: NaN, infinities, negative labels, wrong dtype."""


class TableError(InputError):
    """A table lacks columns or rows, or has rows that fit nothing."""


class StudyError(VeriscopeError):
    """A study folder is missing, exists already, or is not ready for a step."""


class MethodError(VeriscopeError):
    """A method is unknown, or cannot do what is asked of it."""


class KilledError(MethodError):
    """Processes were killed again and again at one piece of work.

    Parameters
    ----------
    message
        What happened, and what to do.
    unit
        Number of the piece, where it is known.
    """

    def __init__(self, message: str, unit: int | None = None) -> None:
        super().__init__(message)
        self.unit = unit

    def __reduce__(self) -> tuple[type[KilledError], tuple[str, int | None]]:
        """Say how it is sent from a worker."""
        return type(self), (str(self), self.unit)


class ClusterError(VeriscopeError):
    """A cluster cannot be reached, its workers do not fit the work, or it was lost."""


class MissingPackageError(VeriscopeError, ImportError):
    """An optional package is needed; the message has the line that installs it."""


def raise_together(faults: Sequence[VeriscopeError], *, what: str, remedy: str = "") -> None:
    """Raise all faults of one check as one error, so that nobody mends them one by one.

    Parameters
    ----------
    faults
        The faults found; nothing happens if there are none. A single fault is raised as it is.
    what
        Names the things that were checked, for the first line: "12 of 96 images cannot be used".
    remedy
        What to do next, appended as the last line.

    Raises
    ------
    VeriscopeError
        Of the nearest class that all faults share.
    """
    if not faults:
        return
    if len(faults) == 1 and not remedy:
        raise faults[0]
    kind = next(base for base in type(faults[0]).__mro__ if all(isinstance(fault, base) for fault in faults))
    shown = [f"  - {fault}".replace("\n", "\n    ") for fault in faults[:20]]
    if len(faults) > len(shown):
        shown.append(f"  … and {len(faults) - len(shown)} more")
    raise kind("\n".join([f"{what}:", *shown, *([remedy] if remedy else [])]))
