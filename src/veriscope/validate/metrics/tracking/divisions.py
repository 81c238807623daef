"""Divisions found, missed and invented, with a tolerance in frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import InputError
from veriscope.validate.metrics.base import FloatArray, ratio
from veriscope.validate.metrics.tracking.matching import TrackMatching
from veriscope.validate.metrics.tracking.sums import TrackingSums
from veriscope.validate.tracks import Lineage

__all__ = ["DivisionMatches", "division_f1", "match_divisions"]

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class DivisionMatches:
    """Divisions, each named by the number of the track that divides.

    Parameters
    ----------
    pairs
        Shape (n, 2): reference and predicted track of the divisions that match.
    missed, invented
        Divisions of the reference, and of the prediction, without match.
    """

    pairs: IntArray
    missed: IntArray
    invented: IntArray


def division_f1(sums: TrackingSums) -> FloatArray:
    """F1 of divisions, called branching correctness BC(i) in the Cell Tracking Challenge.

    Parameters
    ----------
    sums
        Sums over one or more sequences.

    Returns
    -------
    numpy.ndarray
        2 TP / (2 TP + FP + FN), 0 to 1, higher is better. NaN if neither side has a division, 0 if only one
        has.

    References
    ----------
    .. [1] Ulman V and others. An objective comparison of cell-tracking algorithms. Nature Methods 14
       (2017), 1141-1152. doi:10.1038/nmeth.4473
    """
    right = 2 * sums.divisions_found
    return ratio(right, right + sums.divisions_invented + sums.divisions_missed)


def match_divisions(matching: TrackMatching, *, tolerance: int) -> DivisionMatches:
    """Match divisions: a track that is the parent of two tracks or more.

    Parameters
    ----------
    matching
        Matches of the objects.
    tolerance
        Largest difference, in frames, of the ends of the mothers and of the beginnings of the daughters;
        0: the very frame.

    Returns
    -------
    DivisionMatches
        A division matches another if the mothers match one to one in the last frame that both have, both
        have as many daughters, and each daughter of one matches another daughter one to one in the first
        frame that both have. Each division has one match at most, the earliest track first.

    Raises
    ------
    InputError
        If the tolerance is negative or no whole number.
    """
    if not (tolerance >= 0 and float(tolerance).is_integer()):
        raise InputError(f"tolerance {tolerance!r} is not allowed; use a whole number of frames, 0 or more")
    reference, prediction = matching.reference, matching.prediction
    partners = matching.one_to_one()
    true, predicted = _daughters(reference), _daughters(prediction)
    row_of = prediction.rows_of_vertices()
    pairs, taken = [], set()
    for mother, daughters in true.items():
        for other in _candidates(matching, partners, row_of, mother, tolerance):
            if (
                other in predicted
                and other not in taken
                and _same_mother(matching, partners, mother, other, tolerance)
                and _same_daughters(matching, partners, daughters, predicted[other], tolerance)
            ):
                pairs.append((mother, other))
                taken.add(other)
                break
    found = {mother for mother, _ in pairs}
    tracks, other_tracks = reference.tracks, prediction.tracks
    return DivisionMatches(
        pairs=np.array([(tracks[a], other_tracks[b]) for a, b in pairs], dtype=np.int64).reshape(-1, 2),
        missed=tracks[[mother for mother in true if mother not in found]],
        invented=other_tracks[[other for other in predicted if other not in taken]],
    )


def _daughters(lineage: Lineage) -> dict[int, list[int]]:
    """Give the rows of the daughters of each row that divides."""
    children: dict[int, list[int]] = {}
    for row, parent in enumerate(lineage.parent_rows.tolist()):
        if parent >= 0:
            children.setdefault(parent, []).append(row)
    return {parent: children[parent] for parent in sorted(children) if len(children[parent]) > 1}


def _candidates(
    matching: TrackMatching, partners: IntArray, row_of: IntArray, mother: int, tolerance: int
) -> list[int]:
    """Give the predicted tracks that match a mother in the frames before its end, within the tolerance."""
    lineage = matching.reference
    end = int(lineage.starts[mother] + lineage.last[mother] - lineage.first[mother])
    begin = max(end - tolerance, int(lineage.starts[mother]))
    near = partners[begin : end + 1]
    rows: list[int] = np.unique(row_of[near[near >= 0]]).tolist()
    return rows


def _matches_at(matching: TrackMatching, partners: IntArray, row: int, other: int, frame: int) -> bool:
    """Say whether two tracks match one to one in a frame."""
    reference, prediction = matching.reference, matching.prediction
    if not (reference.first[row] <= frame <= reference.last[row]):
        return False
    if not (prediction.first[other] <= frame <= prediction.last[other]):
        return False
    vertex = reference.starts[row] + frame - reference.first[row]
    return bool(partners[vertex] == prediction.starts[other] + frame - prediction.first[other])


def _same_mother(
    matching: TrackMatching, partners: IntArray, mother: int, other: int, tolerance: int
) -> bool:
    ends = int(matching.reference.last[mother]), int(matching.prediction.last[other])
    return abs(ends[0] - ends[1]) <= tolerance and _matches_at(matching, partners, mother, other, min(ends))


def _same_daughters(
    matching: TrackMatching, partners: IntArray, daughters: list[int], others: list[int], tolerance: int
) -> bool:
    """Say whether each daughter can have another one: within a tolerance, one may match two in two frames."""
    if not daughters or not others:
        return not daughters and not others
    daughter, *sisters = daughters
    for other in others:
        begins = int(matching.reference.first[daughter]), int(matching.prediction.first[other])
        near = abs(begins[0] - begins[1]) <= tolerance
        if near and _matches_at(matching, partners, daughter, other, max(begins)):
            left = [each for each in others if each != other]
            if _same_daughters(matching, partners, sisters, left, tolerance):
                return True
    return False
