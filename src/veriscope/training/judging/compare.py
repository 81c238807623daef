"""Judging two networks on the same images that neither learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from veriscope.core.words import counted
from veriscope.training.judging.judge import Judge
from veriscope.validate.ranking import Ranking, rank_candidates

__all__ = ["Comparison", "compare_with_start"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The new network against the one it started from, on the locked images.

    Parameters
    ----------
    start
        Name of the start.
    recommended
        ``new`` if it is shown to be better, else ``start``.
    ranking
        Both with intervals, and their paired difference.
    sentence
        The outcome in words.
    """

    start: str
    recommended: str
    ranking: Ranking
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for the record.

        Returns
        -------
        dict
            ``start``, ``recommended``, ``metric``, ``values``, ``difference`` (new minus start, paired, with
            interval), ``p_value`` and ``sentence``.
        """
        pair = self.ranking.pairs[0]
        difference = pair.difference.to_dict()
        if pair.first == "start":
            low, high = difference["low"], difference["high"]
            difference |= {
                "value": _negative(difference["value"]),
                "low": _negative(high),
                "high": _negative(low),
            }
        return {
            "start": self.start,
            "recommended": self.recommended,
            "metric": self.ranking.metric,
            "values": {name: value.to_dict() for name, value in self.ranking.values.items()},
            "difference": difference,
            "p_value": pair.p_value,
            "sentence": self.sentence,
        }


def _negative(value: float | None) -> float | None:
    return None if value is None else -value


def compare_with_start(
    judge: Judge, new: Sequence[Any], start: Sequence[Any], *, name: str, level: float = 0.95
) -> Comparison:
    """Say whether the new network is better than the one it started from.

    Parameters
    ----------
    judge
        What made the rows.
    new, start
        Rows of both on the same locked images.
    name
        Of the start.
    level
        Of the interval; 1 - level is the chance to call one of two equal networks better.

    Returns
    -------
    Comparison
        The start stays recommended unless the new one is shown to be better.
    """
    ranking = rank_candidates(judge.candidates({"new": new, "start": start}), level=level)
    pair = ranking.pairs[0]
    recommended = "new" if pair.better == "new" else "start"
    found = Comparison(name, recommended, ranking, "")
    told = found.to_dict()["difference"]
    span = (
        "no interval can be given from so few groups"
        if told["low"] is None
        else f"{level:.0%} interval {told['low']:+.3f} to {told['high']:+.3f}"
    )
    value = "unknown" if told["value"] is None else f"{told['value']:+.3f}"
    facts = f"{ranking.metric} {value} on {counted(told['n_units'], 'locked group')}, {span}"
    if recommended == "new":
        sentence = f"the new network is better than {name}: {facts}"
    elif pair.better == "start":
        sentence = f"the new network is worse than {name}, which stays recommended: {facts}"
    else:
        sentence = f"the new network is not shown to be better than {name}, which stays recommended: {facts}"
    return Comparison(name, recommended, ranking, sentence)
