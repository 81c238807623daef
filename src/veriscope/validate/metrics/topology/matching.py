"""Betti matching of two masks: which pieces and holes of one are in the other, at the same place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from veriscope.core.plain import PlainRecord
from veriscope.validate.metrics.semantic.masks import BoolArray, check_masks
from veriscope.validate.metrics.topology.betti import betti_numbers
from veriscope.validate.metrics.topology.connectivity import (
    Connectivity,
    background_pieces,
    foreground_pieces,
)

__all__ = ["BettiMatching", "betti_matching", "betti_matching_error"]


@dataclass(frozen=True, slots=True)
class BettiMatching(PlainRecord):
    """Topological features of two masks, and how many they share.

    Parameters
    ----------
    reference, prediction
        Betti numbers of the masks: (pieces, holes) in 2D, (pieces, tunnels, cavities) in 3D.
    matched
        Number of features of each dimension that both have at the same place; None for tunnels in 3D,
        which are not matched.
    """

    reference: tuple[int, ...]
    prediction: tuple[int, ...]
    matched: tuple[int | None, ...]

    also_told: ClassVar[tuple[str, ...]] = ("errors", "error")

    @property
    def errors(self) -> tuple[int | None, ...]:
        """Features of either mask that the other lacks, for each dimension; None where not matched."""
        return tuple(
            None if shared is None else first + second - 2 * shared
            for first, second, shared in zip(self.reference, self.prediction, self.matched, strict=True)
        )

    @property
    def error(self) -> int:
        """Features of either mask that the other lacks: pieces and holes (2D), pieces and cavities (3D)."""
        return sum(error for error in self.errors if error is not None)


def betti_matching(
    reference: BoolArray, prediction: BoolArray, *, connectivity: Connectivity = "full"
) -> BettiMatching:
    """Match the pieces and holes of two masks through their union.

    Parameters
    ----------
    reference, prediction
        Masks (true/false) of one shape, (y, x) or (z, y, x). Probabilities: cut them at a threshold first,
        as the paper does for its error.
    connectivity
        Neighbours in the foreground, as in `betti.betti_numbers`; the authors' program uses ``"face"``.

    Returns
    -------
    BettiMatching
        Betti numbers of both and the numbers matched. Both masks empty: all 0. In 3D tunnels are not
        matched: that needs the reduction of large matrices.

    Raises
    ------
    AxesError, InputError, PixelValueError, ShapeMismatchError
        If these are no two masks of one shape, or there is no such connectivity.

    Notes
    -----
    Both masks R and P lie in their union U, and so do their features. Matched are the features of the
    union that come from both: dim(im(Hk(R) → Hk(U)) ∩ im(Hk(P) → Hk(U))). For pieces these are the pieces
    of the union that hold pixels of both masks. For holes, and cavities in 3D, Alexander duality turns
    them into the pieces of the background: those enclosed groups that result when background pieces of R
    and of P are joined wherever they overlap.

    The paper [1]_ puts all cells of a mask into an order to break the ties between its equal values, and
    features can be matched by that order alone; above all, one piece is matched wherever it lies. The
    form here needs no order. It never matches more features than any order would (a flag of subspaces:
    the pivots of an intersection are pivots of both), so its error is at least that of the paper.

    References
    ----------
    .. [1] Stucki N, Paetzold JC, Shit S, Menze B, Bauer U. Topologically faithful image segmentation via
       induced matching of persistence barcodes. ICML (2023).
    """
    check_masks(reference, prediction)
    of_reference = betti_numbers(reference, connectivity=connectivity)
    of_prediction = betti_numbers(prediction, connectivity=connectivity)
    pieces = _matched_pieces(reference, prediction, connectivity)
    enclosed = _matched_enclosed(reference, prediction, connectivity)
    matched = (pieces, enclosed) if reference.ndim == 2 else (pieces, None, enclosed)
    return BettiMatching(reference=of_reference, prediction=of_prediction, matched=matched)


def betti_matching_error(
    reference: BoolArray, prediction: BoolArray, *, connectivity: Connectivity = "full"
) -> float:
    """Betti matching error: pieces and holes of either mask without a counterpart at the same place.

    Parameters
    ----------
    reference, prediction
        Masks (true/false) of one shape, (y, x) or (z, y, x).
    connectivity
        Neighbours in the foreground, as in `betti.betti_numbers`.

    Returns
    -------
    float
        Unmatched features of the reference + of the prediction, 0 up, lower is better; in 3D of pieces and
        cavities, tunnels are left aside. Never below the Betti-number error of the same dimensions. Both
        masks empty: 0; one empty: the number of features of the other.

    Raises
    ------
    AxesError, InputError, PixelValueError, ShapeMismatchError
        If these are no two masks of one shape, or there is no such connectivity.

    References
    ----------
    .. [1] Stucki N et al. Topologically faithful image segmentation via induced matching of persistence
       barcodes. ICML (2023); what is decided otherwise stands in `betti_matching`.
    """
    return float(betti_matching(reference, prediction, connectivity=connectivity).error)


def _matched_pieces(reference: BoolArray, prediction: BoolArray, connectivity: Connectivity) -> int:
    pieces, n_pieces = foreground_pieces(reference | prediction, connectivity=connectivity)
    from_reference, from_prediction = (
        np.bincount(pieces[mask], minlength=n_pieces + 1) > 0 for mask in (reference, prediction)
    )
    return int(np.count_nonzero(from_reference & from_prediction))


def _matched_enclosed(reference: BoolArray, prediction: BoolArray, connectivity: Connectivity) -> int:
    """Count the groups of overlapping background pieces of both masks, but for the one outside."""
    first, n_first = background_pieces(reference, connectivity=connectivity)
    second, n_second = background_pieces(prediction, connectivity=connectivity)
    both, n_both = background_pieces(reference | prediction, connectivity=connectivity)
    rows, columns = _holder(both, n_both, first), _holder(both, n_both, second) + n_first
    n_nodes = n_first + n_second
    overlaps = coo_array((np.ones(n_both), (rows - 1, columns - 1)), shape=(n_nodes, n_nodes))
    groups = connected_components(overlaps, directed=False)[1]
    # A background piece that the other mask covers altogether overlaps nothing and is in no group.
    return len(np.unique(groups[rows - 1])) - 1


def _holder(inner: NDArray[np.int32], n_inner: int, outer: NDArray[np.int32]) -> NDArray[np.intp]:
    """Give, for each piece, the number of the one larger piece that it lies in."""
    holder = np.zeros(n_inner + 1, dtype=np.intp)
    holder[inner.ravel()] = outer.ravel()
    return holder[1:]
