"""How much the order of candidates owes to the images that happened to be there.

The units (images; wells or animals where there are clusters) are drawn again with replacement, all
candidates together, and the candidates are ordered each time. A ranking that changes with the draw says
little about images not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from veriscope.core.plain import PlainRecord
from veriscope.errors import InputError
from veriscope.validate.candidates import Candidates
from veriscope.validate.ranking import observed_order
from veriscope.validate.statistics import check_level

__all__ = ["CandidateStability", "RankStability", "rank_stability"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CandidateStability(PlainRecord):
    """Ranks of one candidate over draws of the units.

    Parameters
    ----------
    name
        The candidate.
    rank
        Its rank as observed, 1 is best; equal values share the mean of their ranks.
    probability_of_rank
        Share of draws in which it has rank 1, 2, …; ties count for each of the ranks they share.
    lowest_rank, highest_rank
        Best and worst rank between which it lies in `level` of the draws.
    """

    name: str
    rank: float
    probability_of_rank: tuple[float, ...]
    lowest_rank: float
    highest_rank: float

    also_told: ClassVar[tuple[str, ...]] = ("probability_first",)

    @property
    def probability_first(self) -> float:
        """Share of draws in which it is first."""
        return self.probability_of_rank[0]


@dataclass(frozen=True, slots=True)
class RankStability(PlainRecord):
    """Ranks over draws of the units.

    Parameters
    ----------
    candidates
        Each candidate, best first as observed; empty: cannot tell, for fewer than two independent units.
    kendall_tau
        Mean over draws of Kendall's tau-b between the order drawn and the order observed, -1 to 1, 1:
        the order is always the same; None: cannot tell, or a single candidate.
    kendall_tau_low
        Tau is at least this in 95 % of the draws.
    n_units
        Number of independent units.
    n_draws, seed
        Draws and the seed of their random numbers.
    level
        Share of draws within `lowest_rank` to `highest_rank`.
    unit
        What an independent unit is.
    """

    candidates: tuple[CandidateStability, ...]
    kendall_tau: float | None
    kendall_tau_low: float | None
    n_units: int
    n_draws: int
    seed: int
    level: float
    unit: str


def rank_stability(
    candidates: Candidates, *, n_draws: int = 2000, seed: int = 0, level: float = 0.95
) -> RankStability:
    """Draw the units again and again and tell how the order of the candidates changes.

    Parameters
    ----------
    candidates
        From `candidates.candidates_by_values` or `candidates.candidates_by_counts`.
    n_draws
        Number of draws, at least 1; a share of 0.5 has then a standard error of 0.5 / √n_draws.
    seed
        Seed of the random numbers.
    level
        Share of draws within the interval of ranks.

    Returns
    -------
    RankStability
        Shares are no probabilities that a candidate *is* the best: they tell how the order would change
        with other images of the same kind. With few units they are optimistic, as every bootstrap.

    Raises
    ------
    InputError
        If `n_draws` or `level` makes no sense.

    References
    ----------
    .. [1] Wiesenfarth M et al. Methods and open-source toolkit for analyzing and visualizing challenge
       results. Scientific Reports 11 (2021), 2369. doi:10.1038/s41598-021-82017-6.
    """
    check_level(level)
    if n_draws < 1:
        raise InputError(f"n_draws {n_draws!r} is not allowed; use at least 1, such as 2000")
    rows = candidates.independent_rows
    m, k, _ = rows.shape
    telling = int((candidates.sizes(rows) > 0).any(axis=0).sum())

    def result(found: tuple[CandidateStability, ...], tau: FloatArray | None) -> RankStability:
        mean, low = (None, None) if tau is None else (float(tau.mean()), float(np.quantile(tau, 0.05)))
        return RankStability(found, mean, low, telling, n_draws, seed, level, candidates.unit)

    if telling < 2:
        return result((), None)
    observed_values = candidates.function(rows.sum(axis=1))
    observed = _ranks(candidates, observed_values[np.newaxis])[0]
    times = np.random.default_rng(seed).multinomial(k, np.full(k, 1 / k), size=n_draws)
    drawn = candidates.function(np.einsum("dk,mkc->dmc", times, rows))
    ranks = _ranks(candidates, drawn)
    ends = np.quantile(ranks, [(1 - level) / 2, (1 + level) / 2], axis=0)
    found = tuple(
        CandidateStability(
            name=candidates.names[i],
            rank=float(observed[i]),
            probability_of_rank=_shares(ranks, drawn, i),
            lowest_rank=float(ends[0, i]),
            highest_rank=float(ends[1, i]),
        )
        for i in observed_order(candidates, observed_values.tolist())
    )
    return result(found, _tau(ranks, observed) if m > 1 else None)


def _ranks(candidates: Candidates, values: FloatArray) -> FloatArray:
    """Rank values of shape (d, m), 1 is best; undefined values share the last ranks."""
    known = np.isfinite(values)
    largest = float(np.abs(values[known]).max(initial=0.0)) or 1.0
    # Sums in another order differ in their last digits: equal to 12 digits is equal.
    losses = np.where(known, np.round(-candidates.sign() * values / largest, 12), np.inf)
    return np.asarray(stats.rankdata(losses, axis=1), dtype=np.float64)


def _shares(ranks: FloatArray, values: FloatArray, i: int) -> tuple[float, ...]:
    """Share of draws in which candidate i has each rank; who ties has each of the shared ranks in part."""
    m = ranks.shape[1]
    mine = ranks[:, i]
    tied = (ranks == mine[:, np.newaxis]).sum(axis=1)
    first = mine - (tied - 1) / 2
    positions = np.arange(1, m + 1)
    inside = (positions >= first[:, np.newaxis]) & (positions < (first + tied)[:, np.newaxis])
    return tuple(float(share) for share in (inside / tied[:, np.newaxis]).mean(axis=0))


def _tau(ranks: FloatArray, observed: FloatArray) -> FloatArray:
    """Kendall's tau-b of each draw's ranks, shape (d, m), with the ranks observed, shape (m,)."""
    i, j = np.triu_indices(ranks.shape[1], 1)
    drawn, seen = np.sign(ranks[:, i] - ranks[:, j]), np.sign(observed[i] - observed[j])
    norm = np.sqrt((drawn**2).sum(axis=1) * (seen**2).sum())
    tau: FloatArray = np.divide(drawn @ seen, norm, out=np.zeros(len(ranks)), where=norm > 0)
    return tau
