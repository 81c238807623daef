"""Something that a rule chose."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Choice"]


@dataclass(frozen=True, slots=True)
class Choice:
    """Something chosen, with the rule that chose it.

    Parameters
    ----------
    key
        Key of the metric, or name of the criterion.
    rule
        ``"S2"`` to ``"S9"`` as in Metrics Reloaded, or ``"ours"``.
    reason
        Why, in one sentence.
    """

    key: str
    rule: str
    reason: str
