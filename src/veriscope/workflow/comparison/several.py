"""Several candidates on the same images: order, what is separated, how stable it is, what it would take."""

from __future__ import annotations

from typing import Any

from veriscope.validate.candidates import Candidates
from veriscope.validate.power import units_to_separate
from veriscope.validate.ranking import rank_candidates
from veriscope.validate.stability import rank_stability

__all__ = ["rank_all"]


def rank_all(candidates: Candidates, *, level: float) -> dict[str, Any]:
    """Rank candidates, and say how far the order can be trusted.

    Parameters
    ----------
    candidates
        Their values on the same images.
    level
        Level of intervals and of naming one better.

    Returns
    -------
    dict
        As `Ranking.to_dict`; ``stability`` (ranks over draws of the images) and ``to_separate`` (how many
        images would separate each pair).
    """
    return {
        **rank_candidates(candidates, level=level).to_dict(),
        "better": candidates.better,
        "aggregation": candidates.aggregation,
        "stability": rank_stability(candidates, level=level).to_dict(),
        "to_separate": [pair.to_dict() for pair in units_to_separate(candidates, level=level)],
    }
