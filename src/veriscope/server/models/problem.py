"""Every error that the server gives."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Answer", "Fault", "Problem", "Request"]


class Answer(BaseModel):
    """Base of what the server gives."""

    model_config = ConfigDict(use_attribute_docstrings=True, ser_json_inf_nan="null")


class Request(BaseModel):
    """Base of what the server takes: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class Fault(Answer):
    """One wrong value in a request."""

    place: str
    """Where it is, such as ``body.tolerance``."""
    message: str
    """What is wrong with it."""


class Problem(Answer):
    """An error (RFC 9457), as `application/problem+json`."""

    type: str = "about:blank"
    """Class of the error."""
    title: str
    """One line."""
    status: int
    """HTTP status."""
    detail: str = ""
    """What was wrong, and what is allowed."""
    action: str = ""
    """What to do next."""
    errors: list[Fault] = Field(default_factory=list)
    """Single faults of the request."""
    received: int | None = None
    """Bytes of the file that are there already, where an upload does not fit."""
    last_seq: int | None = None
    """Last entry that is there already, where a journal has a gap."""
    etag: str | None = None
    """Present version, where another was expected."""

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values, without what is not set.

        Returns
        -------
        dict
            Members of the problem.
        """
        return self.model_dump(exclude_none=True)
