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
    assert refusal(labels, good, probabilities=lacks) == "m: has no map of 1 image (a); add them"
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


@pytest.mark.parametrize("shape", [(20_000, 4), (4_000, 30), (400, 300)])
def test_every_row_and_column_of_a_large_image_is_looked_at(folder: Folder, shape: tuple[int, ...]) -> None:
    """One of 20,000 pixels is not to be taken always from the first column."""
    reference = np.zeros(shape, np.uint8)
    reference[..., 0] = 1
    share = 1 / shape[-1]
    surely = np.ones(shape, np.float32)
    found = compare_folders(
        folder("r", a=reference),
        folder("p", a=reference),
        task="semantic",
        probabilities=folder("m", a=surely),
    )["confidence"]
    assert 10_000 <= found["n"] <= 60_000
    # All pixels are said to belong to the class, and those of one column do.
    assert found["brier_score"]["value"] == pytest.approx(1 - share, abs=0.01)
    columns = np.linspace(0, 1, shape[-1], dtype=np.float32)
    stated = compare_folders(
        folder("r2", a=reference),
        folder("p2", a=reference),
        task="semantic",
        probabilities=folder("m2", a=np.broadcast_to(columns, shape)),
    )["confidence"]
    truth = np.arange(shape[-1]) == 0
    assert stated["brier_score"]["value"] == pytest.approx(float(((columns - truth) ** 2).mean()), abs=0.01)


def test_confidence_of_a_few_pixels_is_that_of_all_of_them(folder: Folder) -> None:
    """Brier score and risk against their definitions."""
    rng = np.random.default_rng(5)
    truth = [(rng.random((12, 14)) < 0.3).astype(np.uint8) for _ in range(3)]
    stated = [rng.random((12, 14)).astype(np.float32) for _ in range(3)]
    found = compare_folders(
        folder("r", **{f"i{n}": mask for n, mask in enumerate(truth)}),
        folder("p", **{f"i{n}": (p > 0.5).astype(np.uint8) for n, p in enumerate(stated)}),
        task="semantic",
        probabilities=folder("m", **{f"i{n}": p for n, p in enumerate(stated)}),
    )["confidence"]
    y, p = np.concatenate(truth).ravel(), np.concatenate(stated).ravel()
    assert found["n"] == y.size
    assert found["brier_score"]["value"] == pytest.approx(float(((p - y) ** 2).mean()))
    curve = found["risk_coverage"]
    assert len(curve["risk"]) == len(curve["coverage"]) == 100
    # With all pixels kept, the risk is the share of wrong ones.
    assert curve["coverage"][-1] == 1
    assert curve["risk"][-1] == pytest.approx(float(((p >= 0.5) != y).mean()))
    assert set(found["recalibration"]) == {"platt", "isotonic"}
    alone = compare_folders(
        folder("r1", a=truth[0]),
        folder("p1", a=truth[0]),
        task="semantic",
        probabilities=folder("m1", a=stated[0]),
    )["confidence"]
    assert "recalibration" not in alone, "fitted and judged on different images, of which there is one"


def test_several_classes_have_no_map_in_common(folder: Folder, refusal: Refusal) -> None:
    said = refusal(
        folder("r", a=LABELS.astype(np.uint8)),
        folder("p", a=LABELS.astype(np.uint8)),
        task="semantic",
        probabilities=folder("m", a=maps(0.5)),
    )
    assert said == (
        "a map of probabilities is of one class, and the reference has several; compare one class at a time, "
        "or all as one with --foreground"
    )
