"""DET, SEG, TRA and LNK of the Cell Tracking Challenge."""

from __future__ import annotations

import numpy as np

from veriscope.validate.metrics.base import FloatArray, ratio
from veriscope.validate.metrics.tracking.sums import TrackingSums

__all__ = ["WEIGHTS", "det", "lnk", "seg", "tra"]

WEIGHTS = {"splits": 5.0, "missed": 10.0, "invented": 1.0, "redundant": 1.0, "missing": 1.5, "wrong": 1.0}
"""Cost of mending one error by hand, as the Cell Tracking Challenge sets it."""


def det(sums: TrackingSums) -> FloatArray:
    """Share of the work saved to have all objects in all frames: detection accuracy, DET.

    Parameters
    ----------
    sums
        Sums over one or more sequences.

    Returns
    -------
    numpy.ndarray
        1 - min(cost, cost₀) / cost₀ with cost = 5 NS + 10 FN + FP and cost₀ = 10 · objects of the reference;
        0 to 1, higher is better. NaN if neither side has an object, 0 if only one has.

    References
    ----------
    .. [1] Matula P and others. PLoS ONE 10 (2015) e0144959. doi:10.1371/journal.pone.0144959
    .. [2] Maška M and others. The Cell Tracking Challenge: 10 years of objective benchmarking. Nature
       Methods 20 (2023), 1010-1020. doi:10.1038/s41592-023-01879-y
    """
    return _left(_vertex_cost(sums), WEIGHTS["missed"] * sums.n_vertices)


def lnk(sums: TrackingSums) -> FloatArray:
    """Share of the work saved to have all links: linking accuracy, LNK.

    Parameters
    ----------
    sums
        Sums over one or more sequences.

    Returns
    -------
    numpy.ndarray
        1 - min(cost, cost₀) / cost₀ with cost = ED + 1.5 EA + EC and cost₀ = 1.5 · links of the reference;
        0 to 1, higher is better. NaN if the reference has no link and nothing is to be mended, 0 if it has
        none and something is. Links of objects that were missed count as missing.

    References
    ----------
    .. [1] Maška M and others. Nature Methods 20 (2023), 1010-1020. doi:10.1038/s41592-023-01879-y
    """
    return _left(_edge_cost(sums), WEIGHTS["missing"] * sums.n_edges)


def tra(sums: TrackingSums) -> FloatArray:
    """Share of the work saved to have all objects and all links: tracking accuracy, TRA.

    Parameters
    ----------
    sums
        Sums over one or more sequences.

    Returns
    -------
    numpy.ndarray
        1 - min(AOGM, AOGM₀) / AOGM₀ with AOGM = 5 NS + 10 FN + FP + ED + 1.5 EA + EC, and AOGM₀ the cost of
        making the reference from nothing; 0 to 1, higher is better. NaN if neither side has an object, 0 if
        only one has. Objects weigh much more than links: a tracker that links nothing may have 0.85.

    References
    ----------
    .. [1] Matula P and others. PLoS ONE 10 (2015) e0144959. doi:10.1371/journal.pone.0144959
    """
    scratch = WEIGHTS["missed"] * sums.n_vertices + WEIGHTS["missing"] * sums.n_edges
    return _left(_vertex_cost(sums) + _edge_cost(sums), scratch)


def seg(sums: TrackingSums) -> FloatArray:
    """Mean overlap of the reference objects with their match: segmentation accuracy, SEG.

    Parameters
    ----------
    sums
        Sums over one or more sequences.

    Returns
    -------
    numpy.ndarray
        Sum of IoU / objects of the reference, an object without match counting 0; 0 to 1, higher is better.
        NaN if the reference has no object. It does not see invented objects.

    References
    ----------
    .. [1] Maška M and others. A benchmark for comparison of cell tracking algorithms. Bioinformatics 30
       (2014), 1609-1617. doi:10.1093/bioinformatics/btu080
    """
    return ratio(sums.sum_iou, sums.n_vertices)


def _vertex_cost(sums: TrackingSums) -> FloatArray:
    weighted = WEIGHTS["splits"] * sums.splits + WEIGHTS["missed"] * sums.missed
    return weighted + WEIGHTS["invented"] * sums.invented


def _edge_cost(sums: TrackingSums) -> FloatArray:
    weighted = WEIGHTS["redundant"] * sums.redundant + WEIGHTS["missing"] * sums.missing
    return weighted + WEIGHTS["wrong"] * sums.wrong


def _left(cost: FloatArray, scratch: FloatArray) -> FloatArray:
    """Give the share of the work from scratch that is saved; nothing is saved where there was none to do."""
    nothing = np.where(np.asarray(cost) > 0, 0.0, np.nan)
    share = 1 - ratio(np.minimum(cost, scratch), scratch)
    return np.asarray(np.where(np.asarray(scratch) > 0, share, nothing), dtype=np.float64)
