"""What is told of metrics of tracking holds for the functions."""

from __future__ import annotations

import numpy as np
import pytest

from veriscope.validate.metrics.description import Description
from veriscope.validate.metrics.tracking.catalogue import DESCRIPTIONS, TRACKING_METRICS
from veriscope.validate.metrics.tracking.sums import TrackingSums

FUNCTIONS = {metric.key: metric.function for metric in TRACKING_METRICS}
NAMES = list(TrackingSums.__dataclass_fields__)


def sums(**given_sums: float) -> TrackingSums:
    return TrackingSums.from_columns(np.array([given_sums.get(name, 0) for name in NAMES], float))


NOTHING = sums()
ALL_MISSED = sums(n_vertices=6, n_edges=4, missed=6, missing=4, divisions_missed=1)
ALL_INVENTED = sums(invented=6, divisions_invented=1)
PERFECT = sums(
    n_vertices=6,
    n_edges=4,
    matches=6,
    sum_iou=6,
    lineage_association=6,
    track_association=6,
    divisions_found=1,
)


@pytest.mark.parametrize("each", DESCRIPTIONS, ids=lambda each: each.key)
def test_the_empty_case_is_the_one_that_is_told(each: Description) -> None:
    function = FUNCTIONS[each.key]
    assert np.isnan(function(NOTHING))
    assert function(ALL_MISSED) == 0
    if each.empty.startswith("no object on either side") or "on one side only: 0" in each.empty:
        assert function(ALL_INVENTED) == 0
    else:
        assert np.isnan(function(ALL_INVENTED))


@pytest.mark.parametrize("each", DESCRIPTIONS, ids=lambda each: each.key)
def test_what_is_perfect_has_the_best_value(each: Description) -> None:
    assert FUNCTIONS[each.key](PERFECT) == each.best == each.high == 1
    assert each.tasks == ("tracking",)
    assert each.direction == "higher is better"
