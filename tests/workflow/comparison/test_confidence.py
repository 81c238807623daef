"""Maps of probability beside predictions: what they say, what is refused, and what is told once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from veriscope.workflow.comparison.folders import compare_folders

Folder = Callable[..., Path]
Refusal = Callable[..., str]

LABELS = np.zeros((24, 24), np.uint16)
LABELS[2:8, 2:8] = 1
LABELS[12:20, 12:20] = 2
ONE = np.where(LABELS == 1, LABELS, 0).astype(np.uint16)
NOTHING = np.zeros_like(LABELS)


def maps(value: float, where: np.ndarray = LABELS) -> np.ndarray:
    return np.where(where > 0, value, 0).astype(np.float32)


def test_stated_and_observed_of_objects_by_hand(folder: Folder) -> None:
    """Half of the objects are right, and all were stated with 0.75."""
    found = compare_folders(
        folder("r", a=ONE, b=ONE, c=ONE),
        folder("p", a=LABELS, b=LABELS, c=LABELS),
        probabilities=folder("m", a=maps(0.75), b=maps(0.75), c=maps(0.75)),
    )["confidence"]
    assert (found["of"], found["n"]) == ("objects", 6)
    assert found["brier_score"]["value"] == pytest.approx((0.25**2 + 0.75**2) / 2)
    (bin_,) = found["reliability"]["bins"]
    assert (bin_["stated"], bin_["observed"]["value"]) == pytest.approx((0.75, 0.5))


@pytest.mark.parametrize("task", ["instance", "semantic"])
def test_images_without_objects_are_no_fault(folder: Folder, task: str) -> None:
    found = compare_folders(
        folder("r", a=NOTHING, b=NOTHING),
        folder("p", a=NOTHING, b=NOTHING),
        task=task,
        probabilities=folder("m", a=maps(0.0), b=maps(0.0)),
    )["confidence"]
    assert found["n"] == (0 if task == "instance" else 2 * LABELS.size)
    assert found["brier_score"]["value"] == (None if task == "instance" else 0)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full(LABELS.shape, np.nan, np.float32), "576 of 576 pixels are NaN or infinite"),
        (maps(np.inf), "100 of 576 pixels are NaN or infinite"),
        (maps(200.0), "values go from 0 to 200, and probabilities from 0 to 1; save the map as"),
        (maps(-0.5), "values go from -0.5 to 0"),
        (np.zeros((8, 8), np.float32), "has shape"),
    ],
)
def test_maps_that_are_no_probabilities_are_all_refused(
    folder: Folder, refusal: Refusal, pixels: np.ndarray, message: str
) -> None:
    labels, place = folder("r", a=LABELS, b=LABELS), folder("m", a=pixels, b=pixels)
    said = refusal(labels, folder("p", a=LABELS, b=LABELS), probabilities=place)
    assert said.startswith("2 of 2 maps of probabilities cannot be used:")
    assert said.count(message) == 2


def test_missing_maps_and_two_candidates_are_refused(folder: Folder, refusal: Refusal) -> None:
    labels, good = folder("r", a=LABELS, b=LABELS), folder("p", a=LABELS, b=LABELS)
    lacks = folder("m", b=maps(0.5))
    assert refusal(labels, good, probabilities=lacks) == "m: has no map of 1 images (a); add them"
    other = folder("q", a=LABELS, b=LABELS)
    assert refusal(labels, good, other, probabilities=lacks) == (
        "maps of probability belong to one candidate; compare it alone"
    )


def test_what_to_check_in_a_file_is_said_once(folder: Folder) -> None:
    """Files are read again for the maps, and their notes used to come twice."""
    merged = (LABELS > 0).astype(np.uint16) * 7
    found = compare_folders(
        folder("r", a=LABELS), folder("p", a=merged), probabilities=folder("m", a=maps(0.5))
    )
    (note,) = found["notes"]
    assert "has a single object, in 2 pieces" in note
