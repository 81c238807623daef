"""CHOTA and HOTA: detection and association in one number, with and without lineages."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from veriscope.validate.metrics.base import FloatArray, ratio
from veriscope.validate.metrics.tracking.matching import TrackMatching
from veriscope.validate.metrics.tracking.sums import TrackingSums
from veriscope.validate.tracks import Lineage

__all__ = ["association", "chota", "hota", "trajectories"]


def chota(sums: TrackingSums) -> FloatArray:
    """Cell-specific higher order tracking accuracy: association along whole lineages.

    Parameters
    ----------
    sums
        Sums over one or more sequences.

    Returns
    -------
    numpy.ndarray
        √(Σ over matches of A / (TP + FN + FP)), 0 to 1, higher is better. A of a match is TPA / (TPA + FNA +
        FPA) for the trajectories of its two objects: the matches that both trajectories share, over all
        matches and unmatched objects of either. The trajectory of an object is its track with all
        ancestors and descendants. NaN if neither side has an object, 0 if there is no match.

    References
    ----------
    .. [1] Kaiser T, Ulman V, Rosenhahn B. CHOTA: a higher order accuracy metric for cell tracking. ECCV
       workshops (2024). arXiv:2408.11571
    """
    return _root_share(sums, sums.lineage_association)


def hota(sums: TrackingSums) -> FloatArray:
    """Higher order tracking accuracy at one matching rule: association along tracks, lineages aside.

    Parameters
    ----------
    sums
        Sums over one or more sequences.

    Returns
    -------
    numpy.ndarray
        As `chota`, but the trajectory of an object is its track alone; links to an only child continue
        the track. 0 to 1, higher is better. NaN if neither side has an object, 0 if there is no match.

    References
    ----------
    .. [1] Luiten J and others. HOTA: a higher order metric for evaluating multi-object tracking.
       International Journal of Computer Vision 129 (2021), 548-578. doi:10.1007/s11263-020-01375-2. They
       take the mean over IoU thresholds; here, as in the Cell Tracking Challenge, an object matches if more
       than half of it is covered.
    """
    return _root_share(sums, sums.track_association)


def _root_share(sums: TrackingSums, associated: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(ratio(associated, sums.matches + sums.missed + sums.invented)))


def trajectories(lineage: Lineage, *, lineages: bool) -> sparse.csr_array:
    """Say which tracks belong to the trajectory of each track.

    Parameters
    ----------
    lineage
        A table without faults.
    lineages
        True: ancestors and descendants; False: only those that are joined by links to an only child.

    Returns
    -------
    scipy.sparse.csr_array
        Shape (n, n), 1 where the track of the column is in the trajectory of that of the row.
    """
    parents = lineage.parent_rows
    n_children = np.bincount(parents[parents >= 0], minlength=lineage.n_tracks)
    ancestors: list[list[int]] = [[] for _ in range(lineage.n_tracks)]
    # Parents end before their children start, so their own ancestors are known by then.
    for row in np.argsort(lineage.first, kind="stable").tolist():
        parent = int(parents[row])
        if parent >= 0 and (lineages or n_children[parent] == 1):
            ancestors[row] = [*ancestors[parent], parent]
    young = np.repeat(np.arange(lineage.n_tracks), [len(each) for each in ancestors])
    old = np.array([row for each in ancestors for row in each], dtype=np.int64)
    itself = np.arange(lineage.n_tracks)
    rows, columns = np.concatenate([young, old, itself]), np.concatenate([old, young, itself])
    shape = (lineage.n_tracks, lineage.n_tracks)
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


def association(matching: TrackMatching, *, lineages: bool) -> float:
    """Sum the association of all matches.

    Parameters
    ----------
    matching
        Matches of the objects.
    lineages
        Trajectories, see `trajectories`.

    Returns
    -------
    float
        Σ over matches of TPA / (TPA + FNA + FPA), 0 to the number of matches. An object that covers two
        reference objects is a match of each.
    """
    reference, prediction = matching.reference, matching.prediction
    true = np.flatnonzero(matching.partners >= 0)
    if not len(true):
        return 0.0
    rows = reference.rows_of_vertices()[true]
    columns = prediction.rows_of_vertices()[matching.partners[true]]
    shape = (reference.n_tracks, prediction.n_tracks)
    shared = sparse.csr_array(sparse.coo_array((np.ones(len(rows)), (rows, columns)), shape=shape))
    lengths = (reference.last - reference.first + 1).astype(np.float64)
    alone = prediction.rows_of_vertices()[matching.covered == 0]
    others = np.bincount(columns, minlength=shape[1]) + np.bincount(alone, minlength=shape[1])
    from_reference = trajectories(reference, lineages=lineages)
    from_prediction = trajectories(prediction, lineages=lineages)
    pairs = shared.tocoo()
    along = (from_reference @ shared)[pairs.row]
    tpa = np.asarray(along.multiply(from_prediction[pairs.col]).sum(axis=1)).ravel()
    union = (from_reference @ lengths)[pairs.row] + (from_prediction @ others)[pairs.col] - tpa
    return float((pairs.data * tpa / union).sum())
