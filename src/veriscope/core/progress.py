"""How long work tells how far it is."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "silent"]


class Progress(Protocol):
    """Called before the first and after each unit of a stage."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note.

        Parameters
        ----------
        stage
            What is being done, such as ``predict otsu-watershed``.
        done, total
            Units done and in all.
        """


def silent(stage: str, done: int, total: int) -> None:
    """Take no note.

    Parameters
    ----------
    stage
        What is being done.
    done, total
        Units done and in all.
    """
