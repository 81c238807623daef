"""Venn-Abers predictors: two probabilities for each case, one of which is calibrated whatever the scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from veriscope.validate.metrics.base import FloatArray
from veriscope.validate.metrics.classification.cases import check_scores
from veriscope.validate.recalibration.curves import checked_outcomes

__all__ = ["VennAbers", "fit_venn_abers"]

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class VennAbers:
    """Calibration cases grouped by score, with the blocks of their isotonic fits from both ends.

    Parameters
    ----------
    scores
        Scores that occur, ascending, shape (k,).
    cases, trues
        Cumulative numbers of cases and of those that came true, shape (k + 1,), from 0.
    before
        Entry i: where the last block of the isotonic fit of the first i scores begins, shape (k + 1,).
    after
        Entry i: where the first block of the isotonic fit of the scores from i on ends, shape (k + 1,).
    """

    scores: FloatArray
    cases: IntArray
    trues: IntArray
    before: IntArray
    after: IntArray

    def intervals(self, scores: ArrayLike) -> FloatArray:
        """Give the probability of each case if it were false, and if it were true.

        Parameters
        ----------
        scores
            Shape (n,), no NaN.

        Returns
        -------
        numpy.ndarray
            Shape (n, 2): p₀ and p₁, 0 ≤ p₀ < p₁ ≤ 1: the isotonic fit of the calibration cases and this one,
            taken as false and as true. The wider, the less calibration cases say about it.
        """
        given = check_scores(scores)
        low = np.searchsorted(self.scores, given, side="left")
        high = np.searchsorted(self.scores, given, side="right")
        places, index = np.unique(low + high, return_inverse=True)
        # low + high is 2 i between scores i - 1 and i, and 2 i + 1 at score i.
        pairs = [[self._fit(int(place), label) for label in (0, 1)] for place in places]
        return np.asarray(np.array(pairs, dtype=np.float64).reshape(-1, 2)[index.ravel()])

    def apply(self, scores: ArrayLike) -> FloatArray:
        """Merge the two probabilities of each case into one.

        Parameters
        ----------
        scores
            Shape (n,), no NaN.

        Returns
        -------
        numpy.ndarray
            Shape (n,): p₁ / (1 - p₀ + p₁), which loses least in the worst case under log loss.
        """
        low, high = self.intervals(scores).T
        return np.asarray(high / (1 - low + high))

    def _fit(self, place: int, label: int) -> float:
        """Pool the case with neighbouring blocks until their shares rise."""
        low, high = place // 2, (place + 1) // 2
        cases = 1 + int(self.cases[high] - self.cases[low])
        trues = label + int(self.trues[high] - self.trues[low])
        last = len(self.scores)
        while True:
            start = int(self.before[low])
            end = int(self.after[high])
            # Shares are compared in whole numbers.
            below = (int(self.trues[low] - self.trues[start]), int(self.cases[low] - self.cases[start]))
            above = (int(self.trues[end] - self.trues[high]), int(self.cases[end] - self.cases[high]))
            if low > 0 and below[0] * cases >= trues * below[1]:
                low, trues, cases = start, trues + below[0], cases + below[1]
            elif high < last and above[0] * cases <= trues * above[1]:
                high, trues, cases = end, trues + above[0], cases + above[1]
            else:
                return trues / cases


def fit_venn_abers(outcomes: ArrayLike, scores: ArrayLike) -> VennAbers:
    """Prepare an inductive Venn-Abers predictor.

    Parameters
    ----------
    outcomes
        Whether each calibration case came true, shape (n,), 0 or 1.
    scores
        Score or probability of each, shape (n,), finite, higher for likelier. The scores must not have been
        learned from these cases.

    Returns
    -------
    VennAbers
        Takes time of n log n; then a case costs as much as the blocks that it is pooled with, once for each
        place between calibration scores. One of p₀ and p₁ is calibrated if cases are exchangeable, which
        cases of one image are with those of another only as far as images are alike.

    Raises
    ------
    InputError
        If there is no case, or outcomes or scores are not allowed.

    References
    ----------
    .. [1] Vovk V, Petej I, Fedorova V. Large-scale probabilistic predictors with and without guarantees of
       validity. NeurIPS (2015). arXiv:1511.00213
    """
    true, given = checked_outcomes(outcomes, scores)
    levels, index = np.unique(given, return_inverse=True)
    cases = np.concatenate([[0], np.cumsum(np.bincount(index))]).astype(np.int64)
    trues = np.concatenate([[0], np.cumsum(np.bincount(index, weights=true))]).astype(np.int64)
    before = _last_blocks(cases, trues)
    # From the other end, with outcomes turned, the blocks are the same.
    turned = (cases[-1] - cases)[::-1], (cases[-1] - trues[-1] - cases + trues)[::-1]
    after = len(levels) - _last_blocks(*turned)[::-1]
    return VennAbers(levels, cases, trues, before, after)


def _last_blocks(cases: IntArray, trues: IntArray) -> IntArray:
    """Pool adjacent violators from the left; tell for each number of scores where the last block begins."""
    counts, sums, begins = cases.tolist(), trues.tolist(), [0] * len(cases)
    for end in range(1, len(counts)):
        start = end - 1
        while start > 0:
            earlier = begins[start]
            n, t = counts[end] - counts[start], sums[end] - sums[start]
            if (sums[start] - sums[earlier]) * n < t * (counts[start] - counts[earlier]):
                break
            start = earlier
        begins[end] = start
    return np.array(begins, dtype=np.int64)
