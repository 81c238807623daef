"""Gaps and false lines: hand-made lines, and membranes of real sections."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import label
from skimage.io import imread

from veriscope.errors import InputError
from veriscope.validate.metrics.topology.lines import LineErrors, line_errors, line_gaps
from veriscope.validate.metrics.topology.matching import betti_matching

Mask = NDArray[np.bool_]


@pytest.fixture
def membrane() -> Mask:
    """A closed square of lines three pixels thick."""
    mask = np.zeros((40, 40), dtype=np.bool_)
    mask[5:35, 5:35] = True
    mask[8:32, 8:32] = False
    return mask


def test_each_gap_and_each_bridge_counts_once_whatever_its_length(membrane: Mask) -> None:
    prediction = membrane.copy()
    prediction[5:8, 12:14] = False
    prediction[5:8, 20:30] = False
    prediction[8:32, 18:21] = True
    assert line_errors(membrane, prediction) == LineErrors(gaps=2, false_lines=1)
    assert line_errors(prediction, membrane) == LineErrors(gaps=1, false_lines=2)
    assert line_gaps(membrane, prediction) == 3.0
    assert line_errors(membrane, prediction).to_dict() == {"gaps": 2, "false_lines": 1}


def test_short_stretches_and_near_ones_can_be_forgiven(membrane: Mask) -> None:
    prediction = membrane.copy()
    prediction[5:8, 12:15] = False
    assert line_errors(membrane, prediction, shortest=3).gaps == 1
    assert line_errors(membrane, prediction, shortest=4).gaps == 0
    # The middle of the gap is 2 pixels from the next pixel of the prediction, 1 µm with half-µm pixels.
    assert line_errors(membrane, prediction, tolerance=1.9).gaps == 1
    assert line_errors(membrane, prediction, tolerance=2.0).gaps == 0
    assert line_errors(membrane, prediction, tolerance=1.0, spacing=(0.5, 0.5)).gaps == 0


@pytest.mark.parametrize("step", [0.1, 0.108, 0.2, 0.325, 0.65, 1.0, 3.0])
@pytest.mark.parametrize("pixels", [1, 2, 3, 6, 7])
def test_a_distance_of_so_many_pixels_is_within_a_tolerance_of_so_many(step: float, pixels: int) -> None:
    """3 pixels of 0.1 µm are 0.30000000000000004 µm, and still within 0.3 µm."""
    reference, prediction = np.zeros((20, 12), bool), np.zeros((20, 12), bool)
    reference[5], prediction[5 + pixels] = True, True
    within, short = round(pixels * step, 9), round((pixels - 0.01) * step, 9)
    options = {"spacing": (step, step)}
    assert line_errors(reference, prediction, tolerance=within, **options) == LineErrors(0, 0)
    assert line_errors(reference, prediction, tolerance=short, **options) == LineErrors(1, 1)


def test_a_thicker_prediction_is_no_error(membrane: Mask) -> None:
    thick = np.zeros_like(membrane)
    thick[4:36, 4:36] = True
    thick[9:31, 9:31] = False
    assert line_errors(membrane, thick).gaps == 0


def test_empty_masks(membrane: Mask) -> None:
    empty = np.zeros_like(membrane)
    assert line_errors(empty, empty) == LineErrors(gaps=0, false_lines=0)
    assert line_errors(membrane, empty) == LineErrors(gaps=1, false_lines=0)
    assert line_errors(empty, membrane, tolerance=3) == LineErrors(gaps=0, false_lines=1)


def test_three_axes() -> None:
    reference = np.zeros((7, 7, 30), dtype=np.bool_)
    reference[2:5, 2:5, 1:29] = True
    prediction = reference.copy()
    prediction[:, :, 13:16] = False
    assert line_errors(reference, prediction) == LineErrors(gaps=1, false_lines=0)


def test_wrong_options_are_refused(membrane: Mask) -> None:
    with pytest.raises(
        InputError, match=r"^shortest 0 is not allowed; use a number of pixels of at least 1$"
    ):
        line_errors(membrane, membrane, shortest=0)
    with pytest.raises(InputError, match=r"^tolerance -1 is not allowed; use a finite number of at least 0"):
        line_errors(membrane, membrane, tolerance=-1)


@pytest.mark.real_data
def test_gaps_cut_into_real_membranes_are_found(data_dir: Path) -> None:
    reference = imread(data_dir / "isbi2012_em_membranes" / "masks" / "section_00.png")[:256, :256] > 0
    prediction = reference.copy()
    n_crossed = 0
    for y in (60, 130, 200):
        prediction[y : y + 6] = False
        n_crossed += label(reference[y + 3])[1]
    assert line_errors(reference, prediction) == LineErrors(gaps=n_crossed, false_lines=0)
    assert line_errors(reference, reference) == LineErrors(gaps=0, false_lines=0)
    # The gaps open closed membranes, whose holes are lost, and cut the membranes into pieces.
    found = betti_matching(reference, prediction)
    assert found.matched == (2, 8)
    assert found.errors == (15, 9)
