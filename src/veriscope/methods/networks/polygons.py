"""Areas that polygons with whole-numbered corners share, as clipping in whole numbers gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["polygon_areas", "shared_areas", "straighten"]

_NUDGE = np.array([1.7e-10, 1e-9])
"""Shift (y, x) that decides on which side of an edge a corner counts that lies on it; too small for areas."""

_BELOW_ONE = 1 - 1e-9

_Floats = NDArray[np.float64]


def polygon_areas(corners: NDArray[Any]) -> _Floats:
    """Give areas by the shoelace formula.

    Parameters
    ----------
    corners
        Whole numbers (polygon, corner, 2), y first.

    Returns
    -------
    numpy.ndarray
        float64 (polygon,), in square pixels, at least 0.
    """
    local = corners - corners[:, :1]
    y, x = local[..., 0].astype(np.float64), local[..., 1].astype(np.float64)
    twice = (x[:, :-1] * y[:, 1:]).sum(1) - (y[:, :-1] * x[:, 1:]).sum(1)
    return np.asarray(np.abs(twice) / 2)


def shared_areas(
    one: NDArray[Any], others: NDArray[Any], *, rounded: bool = False
) -> tuple[_Floats, NDArray[np.int64]]:
    """Give the area that a polygon shares with each of some others.

    The border of what is shared follows each polygon where it is inside the other.
    A corner on an edge is treated as if the second polygon were shifted by next to nothing.

    Parameters
    ----------
    one
        Corners (corner, 2), whole numbers, y first, running from the x axis towards the y axis.
    others
        Corners (polygon, corner, 2), of the same number and sense.
    rounded
        Whether points where borders cross are moved to whole numbers by the rules of the Clipper library 6,
        which sweeps from large y to small; the polygons have to be straightened.

    Returns
    -------
    areas
        float64 (polygon,), in square pixels.
    crossings
        How often the borders cross.

    References
    ----------
    .. [1] Vatti, A generic solution to polygon clipping, Communications of the ACM 35 (1992),
       doi:10.1145/129902.129906.
    """
    origin = one[0].astype(np.int64)
    a, b = (one - origin).astype(np.float64), (others - origin).astype(np.float64)
    k, pair, edge, entering = _crossings(a, b)
    twice = np.zeros(len(b))
    count = np.bincount(pair, minlength=len(b))
    n = len(a)
    if len(k):
        p, q = a[k], b[pair, edge]
        along, beside = a[(k + 1) % n] - p, b[pair, (edge + 1) % n] - q
        gap, across = q + _NUDGE - p, _cross(along, beside)
        t, u = _cross(gap, beside) / across, _cross(gap, along) / across
        if rounded:
            levels = np.concatenate([np.broadcast_to(a[:, 0], (len(b), len(a))), b[..., 0]], axis=1)[pair]
            place = _whole_crossing(p + origin, along, q + origin, beside, levels + origin[0]) - origin
        else:
            place = p + t[:, None] * along
        turn = np.where(entering, 1, -1)
        order = np.argsort(pair * n + k + np.clip(t, 0, _BELOW_ONE), kind="stable")
        twice += _inside(a, b, pair[order], k[order], place[order], turn[order])
        order = np.argsort(pair * n + edge + np.clip(u, 0, _BELOW_ONE), kind="stable")
        twice += _inside(b, a, pair[order], edge[order], place[order], -turn[order])
    alone = np.flatnonzero(count == 0)
    if len(alone):
        within = _winding(np.broadcast_to(a[0], (len(alone), 2)), b[alone] + _NUDGE) != 0
        around = _winding(b[alone, 0] + _NUDGE, np.broadcast_to(a, (len(alone), n, 2))) != 0
        twice[alone] = 2 * np.where(within, polygon_areas(a[None]), around * polygon_areas(b[alone]))
    return np.abs(twice) / 2, count


def straighten(corners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Drop corners of one polygon that lie on straight lines, at tips of spikes, or repeat.

    Parameters
    ----------
    corners
        Whole numbers (corner, 2).

    Returns
    -------
    numpy.ndarray
        The same shape: the last corner that is left stands for those dropped.
    """
    points = [(int(y), int(x)) for y, x in corners]
    at, unchanged = 0, 0
    while len(points) > 2 and unchanged <= len(points):
        at %= len(points)
        (ay, ax), (by, bx), (cy, cx) = points[at - 1], points[at], points[(at + 1) % len(points)]
        if (by - ay) * (cx - bx) == (bx - ax) * (cy - by):
            del points[at]
            at, unchanged = max(at - 1, 0), 0
        else:
            at, unchanged = at + 1, unchanged + 1
    return np.array(points + points[-1:] * (len(corners) - len(points)), np.int64)


def _crossings(a: _Floats, b: _Floats) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], Any]:
    """Find edges of `a` (n, 2) that cross edges of `b` (m, n, 2): edge, polygon, edge, whether `a` enters."""
    m, n, _ = b.shape
    around_a = np.concatenate([a, a[:1]])
    around_b = np.concatenate([b, b[:, :1]], axis=1)
    # Sides of corners, as two matrix products of whole numbers; single precision is exact up to 2000 pixels.
    number = np.float32 if max(np.abs(a).max(), np.abs(b).max()) < 1000 else np.float64
    left_b = (_lines(around_a, 1.0, number) @ _points(around_b, number) > 0).reshape(n, m, n + 1)
    left_a = (_points(around_a, number).T @ _lines(around_b, -1.0, number).T > 0).reshape(n + 1, m, n)
    crossing = left_b[:, :, 1:] != left_b[:, :, :-1]
    crossing &= left_a[1:] != left_a[:-1]
    found = np.flatnonzero(crossing)
    k, rest = np.divmod(found, m * n)
    pair, edge = np.divmod(rest, n)
    return k, pair, edge, left_a[1:].ravel()[found]


def _points(corners: _Floats, number: type[Any]) -> NDArray[Any]:
    flat = corners.reshape(-1, 2)
    return np.stack([flat[:, 0], flat[:, 1], np.ones(len(flat))]).astype(number)


def _lines(around: _Floats, nudge: float, number: type[Any]) -> NDArray[Any]:
    """Rows (a, b, c) with a y + b x + c > 0 on the left of an edge; corners on it count as if nudged."""
    start = around[..., :-1, :].reshape(-1, 2)
    dy, dx = (around[..., 1:, :] - around[..., :-1, :]).reshape(-1, 2).T
    tie = np.where(dy != 0, -np.sign(dy), np.sign(dx)) * nudge
    return np.stack([dx, -dy, dy * start[:, 1] - dx * start[:, 0] + 0.5 * tie], axis=1).astype(number)


def _cross(first: _Floats, second: _Floats) -> _Floats:
    """Give x y' - y x' of vectors (…, 2), y first."""
    return np.asarray(first[..., 1] * second[..., 0] - first[..., 0] * second[..., 1])


def _inside(
    walked: _Floats,
    other: _Floats,
    pair: NDArray[np.intp],
    edge: NDArray[np.intp],
    place: _Floats,
    turn: NDArray[np.int64],
) -> _Floats:
    """Sum cross products along the parts of borders that lie inside the other polygon.

    Crossings come in the order of the walk; `turn` is the change of the winding number there. One of the
    two polygons is (n, 2), the other (m, n, 2).
    """
    many = walked.ndim == 3
    m, n = len(walked) if many else len(other), walked.shape[-2]
    first = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]])
    last = np.r_[first[1:], len(pair)] - 1
    group = np.repeat(np.arange(len(first)), last - first + 1)
    total = np.cumsum(turn)
    level = total - np.r_[0, total[last[:-1]]][group]
    lowest, highest = np.minimum.reduceat(level, first), np.maximum.reduceat(level, first)
    base = -lowest
    odd = np.flatnonzero(highest - lowest != 1)
    if len(odd):
        # A border that crosses itself: count how often it runs round the corner where the walk ends.
        which = pair[first[odd]]
        around = other[which] + _NUDGE if other.ndim == 3 else np.broadcast_to(other, (len(odd), n, 2))
        start = _pick(walked, many, which, (edge[last[odd]] + 1) % n) + (_NUDGE if many else 0)
        base[odd] = _winding(start, around) - level[last[odd]]
    after = np.arange(1, len(pair) + 1)
    after[last] = first
    at = np.flatnonzero(level + base[group] != 0)
    to = after[at]
    p, here, there = pair[at], edge[at], edge[to]
    steps = np.cumsum(_cross(walked, np.roll(walked, -1, axis=-2)), axis=-1)
    gone = np.concatenate([np.zeros((*steps.shape[:-1], 1)), steps], axis=-1)
    middle = _pick(gone, many, p, there) - _pick(gone, many, p, here + 1)
    middle += np.where(there > here, 0.0, gone[p, n] if many else gone[n])
    leave, arrive = _pick(walked, many, p, (here + 1) % n), _pick(walked, many, p, there)
    path = _cross(place[at], leave) + middle + _cross(arrive, place[to])
    same_edge = (there == here) & (to > at)
    path = np.where(same_edge, _cross(place[at], place[to]), path)
    return np.asarray(np.bincount(p, path, minlength=m), np.float64)


def _pick(values: _Floats, many: bool, which: NDArray[np.intp], index: NDArray[np.intp]) -> _Floats:
    return np.asarray(values[which, index] if many else values[index])


def _winding(points: _Floats, start: _Floats) -> NDArray[np.int64]:
    """Count how often each polygon (m, n, 2) runs round its point (m, 2)."""
    end = np.roll(start, -1, axis=1)
    y = points[:, None, 0]
    up, down = (start[..., 0] <= y) & (end[..., 0] > y), (start[..., 0] > y) & (end[..., 0] <= y)
    left = _cross(end - start, points[:, None] - start) > 0
    return np.asarray((up & left).sum(1) - (down & ~left).sum(1))


def _whole_crossing(p: _Floats, pe: _Floats, q: _Floats, qe: _Floats, levels: _Floats) -> _Floats:
    """Round the crossings of edges from `p` along `pe` and from `q` along `qe`; `levels`: y of corners."""
    low_p, slope_p = np.where(pe[:, :1] > 0, p + pe, p), _slope(pe)
    low_q, slope_q = np.where(qe[:, :1] > 0, q + qe, q), _slope(qe)
    flat_p, flat_q, steep_p, steep_q = pe[:, 0] == 0, qe[:, 0] == 0, slope_p == 0, slope_q == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        c_p = low_p[:, 1] - low_p[:, 0] * slope_p
        c_q = low_q[:, 1] - low_q[:, 0] * slope_q
        y = (c_q - c_p) / (slope_p - slope_q)
        x = np.where(np.abs(slope_p) < np.abs(slope_q), slope_p * y + c_p, slope_q * y + c_q)
        y = np.where(steep_p, low_p[:, 1] / slope_q + (low_q[:, 0] - low_q[:, 1] / slope_q), y)
        y = np.where(steep_q, low_q[:, 1] / slope_p + (low_p[:, 0] - low_p[:, 1] / slope_p), y)
        x = np.where(steep_p, low_p[:, 1], np.where(steep_q, low_q[:, 1], x))
    # The sweep stops at the y of each corner; edges that have the same whole x there cross there.
    stop = np.where(levels < y[:, None], levels, -np.inf).max(1)
    between = np.isfinite(stop) & (np.abs(y - np.rint(y)) > 1e-9) & ~flat_p & ~flat_q
    stop = np.where(between, stop, 0)
    x_p, x_q = _x_at(low_p, slope_p, stop), _x_at(low_q, slope_q, stop)
    late = between & (x_p == x_q)
    y, x = np.where(late, stop, _half_away(y)), np.where(late, x_p, _half_away(x))
    y = np.where(flat_p, p[:, 0], np.where(flat_q, q[:, 0], y))
    x = np.where(flat_p, _x_at(low_q, slope_q, y), np.where(flat_q, _x_at(low_p, slope_p, y), x))
    return np.stack([y, x], axis=1)


def _slope(edge: _Floats) -> _Floats:
    """Change of x with y; infinite for a flat edge."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(edge[:, 0] == 0, np.inf, edge[:, 1] / edge[:, 0]))


def _x_at(low: _Floats, slope: _Floats, y: _Floats) -> _Floats:
    return np.asarray(low[:, 1] + _half_away(np.where(np.isfinite(slope), slope, 0) * (y - low[:, 0])))


def _half_away(values: _Floats) -> _Floats:
    """Round to whole numbers, halves away from zero."""
    return np.asarray(np.trunc(values + np.copysign(0.5, values)))
