"""Base of every group of options: typed, immutable, refusing unknown keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from veriscope.errors import InputError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["Settings"]


class Settings(BaseModel):
    """Options that are checked when they are made and never change afterwards; numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    @classmethod
    def parse(cls, values: dict[str, Any], *, where: str, called: Mapping[str, str] | None = None) -> Self:
        """Make settings from plain values, with an error that names every wrong one.

        Parameters
        ----------
        values
            Option names and values, as read from a file or a command line.
        where
            What the options belong to, for the message.
        called
            What the user calls each option that can be given, by its name here; None: the same, and all can.

        Returns
        -------
        Settings
            The checked settings.

        Raises
        ------
        InputError
            If a name is unknown or a value is not allowed; all faults are listed.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            faults = [_sentence(item, called or {}) for item in error.errors()]
            allowed = ", ".join(called.values() if called else cls.model_fields) or "none"
            raise InputError(
                "\n".join([f"{where}: wrong options", *faults, f"Options are: {allowed}"])
            ) from None


def _sentence(fault: ErrorDetails, called: Mapping[str, str]) -> str:
    place = ".".join(called.get(str(part), str(part)) for part in fault["loc"])
    message = fault["msg"].removeprefix("Value error, ")
    # What is missing, or wrong as a whole, has no value of its own: its input is all options.
    got = "" if isinstance(fault["input"], dict) else f" (got {fault['input']!r})"
    return f"  - {place + ': ' if place else ''}{message}{got}"
