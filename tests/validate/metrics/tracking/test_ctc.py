"""DET, SEG, TRA and LNK from sums: by hand, their limits, and where nothing is to be mended."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.validate.metrics.tracking.catalogue import TRACKING_METRICS
from veriscope.validate.metrics.tracking.ctc import WEIGHTS, det, lnk, seg, tra
from veriscope.validate.metrics.tracking.sums import TrackingSums

NAMES = list(TrackingSums.__dataclass_fields__)


def sums(**given_sums: float) -> TrackingSums:
    return TrackingSums.from_columns(np.array([given_sums.get(name, 0) for name in NAMES], float))


def test_the_weights_are_those_of_the_cell_tracking_challenge() -> None:
    assert WEIGHTS == {
        "splits": 5,
        "missed": 10,
        "invented": 1,
        "redundant": 1,
        "missing": 1.5,
        "wrong": 1,
    }


def test_costs_by_hand() -> None:
    """20 objects and 16 links; one error of each kind and two inventions."""
    found = sums(
        n_vertices=20,
        n_edges=16,
        splits=1,
        missed=1,
        invented=2,
        redundant=1,
        missing=3,
        wrong=1,
        sum_iou=15.5,
    )
    assert det(found) == pytest.approx(1 - (5 + 10 + 2) / 200)
    assert lnk(found) == pytest.approx(1 - (1 + 3 * 1.5 + 1) / 24)
    assert tra(found) == pytest.approx(1 - (17 + 6.5) / 224)
    assert seg(found) == pytest.approx(15.5 / 20)


@pytest.mark.parametrize(
    ("error", "of_det", "of_lnk"),
    [
        ("splits", 5 / 100, 0),
        ("missed", 10 / 100, 0),
        ("invented", 1 / 100, 0),
        ("redundant", 0, 1 / 12),
        ("missing", 0, 1.5 / 12),
        ("wrong", 0, 1 / 12),
    ],
)
def test_each_error_shows_where_it_belongs(error: str, of_det: float, of_lnk: float) -> None:
    found = sums(n_vertices=10, n_edges=8, **{error: 1})
    assert det(found) == pytest.approx(1 - of_det)
    assert lnk(found) == pytest.approx(1 - of_lnk)
    assert tra(found) == pytest.approx(1 - (of_det * 100 + of_lnk * 12) / 112)


COUNTS = st.fixed_dictionaries({name: st.integers(0, 30) for name in ("n_vertices", "n_edges", *WEIGHTS)})


@given(COUNTS)
def test_they_lie_between_nothing_saved_and_nothing_to_mend(counts: dict[str, int]) -> None:
    found = sums(**counts)
    for function in (det, lnk, tra):
        value = function(found)
        assert np.isnan(value) or 0 <= value <= 1
    # TRA lies between DET and LNK: its cost and its scratch are the sums of theirs.
    values = [float(function(found)) for function in (det, lnk)]
    if counts["n_vertices"] and counts["n_edges"] and min(values) > 0:
        assert min(values) - 1e-12 <= tra(found) <= max(values) + 1e-12


@given(COUNTS, st.sampled_from(list(WEIGHTS)))
def test_one_error_more_never_helps(counts: dict[str, int], error: str) -> None:
    worse = sums(**counts | {error: counts[error] + 1})
    for function in (det, lnk, tra):
        before, after = function(sums(**counts)), function(worse)
        assert np.isnan(before) or after <= before + 1e-12


@pytest.mark.parametrize(
    ("given_sums", "values"),
    [
        ({}, (np.nan, np.nan, np.nan, np.nan)),
        ({"invented": 3}, (0, np.nan, 0, np.nan)),
        ({"redundant": 2}, (np.nan, 0, 0, np.nan)),
        ({"n_vertices": 4, "sum_iou": 4}, (1, np.nan, 1, 1)),
        ({"n_vertices": 4, "missed": 4}, (0, np.nan, 0, 0)),
        ({"n_vertices": 1, "invented": 11, "sum_iou": 1}, (0, np.nan, 0, 1)),
    ],
)
def test_where_there_was_nothing_to_do(given_sums: dict[str, float], values: tuple[float, ...]) -> None:
    found = [float(function(sums(**given_sums))) for function in (det, lnk, tra, seg)]
    assert found == pytest.approx(list(values), nan_ok=True)


@pytest.mark.parametrize("metric", TRACKING_METRICS, ids=lambda metric: metric.key)
def test_sequences_are_added_up_and_looked_at_all_at_once(metric: Any) -> None:
    rows = np.random.default_rng(3).integers(1, 9, (5, len(NAMES))).astype(float)
    rows[:, 0] += 40
    rows[:, 1] += 30
    together = metric.function(TrackingSums.from_columns(rows))
    assert together.shape == (5,)
    for row, value in zip(rows, together, strict=True):
        assert metric.function(TrackingSums.from_columns(row)) == pytest.approx(value)
    pooled = metric.function(TrackingSums.from_columns(rows.sum(axis=0)))
    assert together.min() <= pooled <= together.max()
    assert (metric.sizes(TrackingSums.from_columns(rows)) > 0).all()
    assert metric.sizes(sums()) == 0
