"""What is told of metrics of connectedness holds for the functions."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.validate.metrics.description import Description
from veriscope.validate.metrics.topology.catalogue import DESCRIPTIONS

MASKS = hnp.arrays(np.bool_, (2, 6, 7))


def function(each: Description) -> Any:
    module, name = each.function.rsplit(".", 1)
    return getattr(import_module(f"veriscope.validate.{module}"), name)


@pytest.mark.parametrize("each", DESCRIPTIONS, ids=lambda each: each.key)
def test_empty_and_perfect_masks_have_the_values_that_are_told(each: Description) -> None:
    nothing, two = np.zeros((9, 9), bool), np.zeros((9, 9), bool)
    two[1:3, 1:3], two[5:8, 5:8] = True, True
    metric = function(each)
    assert metric(nothing, nothing) == metric(two, two) == each.best == each.low == 0
    assert metric(two, nothing) == metric(nothing, two) == 2  # all features of the other
    assert each.direction == "lower is better"


@pytest.mark.parametrize("each", DESCRIPTIONS, ids=lambda each: each.key)
@given(MASKS)
@settings(max_examples=25, deadline=None)
def test_errors_are_whole_numbers_that_do_not_depend_on_the_side(
    each: Description, masks: NDArray[np.bool_]
) -> None:
    metric = function(each)
    there, back = metric(masks[0], masks[1]), metric(masks[1], masks[0])
    assert there == back >= 0
    assert isinstance(there, float) and there == round(there)
