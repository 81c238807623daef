"""What is measured from label images: sizes, touching, pieces, imbalance, empties, invalid outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from veriscope.errors import AxesError, InputError, PixelValueError
from veriscope.validate.fingerprint.items import Fingerprint
from veriscope.validate.fingerprint.measured import LIMITS, measure_fingerprint
from veriscope.validate.fingerprint.recommend import recommend


def field(*boxes: tuple[int, int, int, int], shape: tuple[int, int] = (100, 100)) -> np.ndarray:
    labels = np.zeros(shape, dtype=np.int32)
    for number, (y, x, height, width) in enumerate(boxes, start=1):
        labels[y : y + height, x : x + width] = number
    return labels


def value(fingerprint: Fingerprint, item: str) -> float:
    (found,) = [figure.value for figure in fingerprint.figures if figure.item == item]
    return found


APART = field((5, 5, 20, 20), (5, 40, 20, 20), (50, 5, 20, 20))
EMPTY = field()


def test_large_separate_objects_trigger_nothing() -> None:
    found = measure_fingerprint([APART], [APART])

    assert [item for item in LIMITS if getattr(found, item)] == []
    assert found.measured == set(LIMITS) - {"dependent_cases"}
    assert value(found, "small_structures") == pytest.approx(2 * np.sqrt(400 / np.pi))
    assert value(found, "size_variability") == 1
    assert value(found, "class_imbalance") == pytest.approx(0.12)


def test_sizes_are_taken_over_all_images() -> None:
    found = measure_fingerprint([APART, field((1, 1, 3, 3), (9, 9, 3, 3), (20, 20, 3, 3))])

    assert found.small_structures and found.size_variability
    assert value(found, "small_structures") == pytest.approx(2 * np.sqrt(9 / np.pi))
    assert value(found, "size_variability") == pytest.approx(400 / 9)
    assert value(found, "class_imbalance") == pytest.approx(1227 / 20000)
    assert found.class_imbalance


def test_volumes_have_the_diameter_of_a_ball() -> None:
    labels = np.zeros((12, 12, 12), dtype=np.uint16)
    labels[1:11, 1:11, 1:11] = 7

    assert value(measure_fingerprint([labels]), "small_structures") == pytest.approx(12.407, abs=1e-3)


def test_objects_that_share_a_side_touch() -> None:
    side = field((10, 10, 20, 20), (10, 30, 20, 20), (60, 60, 20, 20))
    corner = field((10, 10, 20, 20), (30, 30, 20, 20))

    assert value(measure_fingerprint([side]), "touching") == pytest.approx(2 / 3)
    assert recommend(measure_fingerprint([side])).category == "instance"
    assert not measure_fingerprint([corner]).touching


def test_pieces_of_one_object_are_found_also_beside_another() -> None:
    labels = field((10, 10, 20, 20), (10, 30, 20, 20))
    labels[60:70, 60:70] = 2
    joined = field((10, 10, 20, 20))
    joined[30:40, 30:40] = 1

    assert value(measure_fingerprint([labels]), "disconnected") == 0.5
    assert not measure_fingerprint([joined]).disconnected


def test_empty_images_are_counted_on_both_sides() -> None:
    found = measure_fingerprint([APART, EMPTY, APART, APART], [EMPTY, EMPTY, APART, EMPTY])

    assert value(found, "reference_may_be_empty") == 0.25 and found.reference_may_be_empty
    assert value(found, "prediction_may_be_empty") == 0.75 and found.prediction_may_be_empty


def test_without_objects_their_items_stay_assumed() -> None:
    found = measure_fingerprint([EMPTY])

    assert found.source("small_structures") == "assumed"
    assert found.measured == {"reference_may_be_empty"}


@pytest.mark.parametrize(
    "prediction",
    [
        np.full((100, 100), np.nan),
        APART.astype(bool),
        -APART,
        APART[:50],
        (np.arange(10000) % 256).astype(np.uint8).reshape(100, 100),
    ],
    ids=["NaN", "mask", "negative", "other size", "wrapped around at 8 bits"],
)
def test_predictions_that_cannot_be_used_are_counted(prediction: Any) -> None:
    found = measure_fingerprint([APART, APART], [prediction, APART])

    assert found.invalid_outputs and value(found, "invalid_outputs") == 0.5
    assert not found.prediction_may_be_empty


def test_images_of_one_well_are_dependent() -> None:
    assert measure_fingerprint([APART, APART], clusters=["a", "a"]).dependent_cases
    apart = measure_fingerprint([APART, APART], clusters=["a", "b"])
    assert not apart.dependent_cases and apart.source("dependent_cases") == "measured"


def test_what_is_said_overrides_what_is_measured_and_the_figure_stays() -> None:
    found = measure_fingerprint([EMPTY, APART], reference_may_be_empty=False, tubular=True)

    assert not found.reference_may_be_empty
    assert found.source("reference_may_be_empty") == found.source("tubular") == "said"
    assert value(found, "reference_may_be_empty") == 0.5


def test_scores_are_noted() -> None:
    assert measure_fingerprint([APART], scores_available=True).source("scores_available") == "measured"


@pytest.mark.parametrize(
    ("references", "predictions", "clusters", "message"),
    [
        ([], None, None, "there is no reference; a fingerprint is measured from at least one label image"),
        ([APART], [], None, "only 0 predictions for more references; give one of each per image"),
        ([APART], [APART, APART], None, "only 1 references for more predictions; give one of each per image"),
        ([APART], None, ["a", "b"], "2 clusters for 1 images; give one per image"),
    ],
)
def test_numbers_of_images_must_agree(
    references: list[Any], predictions: Any, clusters: Any, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        measure_fingerprint(references, predictions, clusters=clusters)
    assert str(caught.value) == message


def test_references_must_be_label_images() -> None:
    with pytest.raises(PixelValueError, match="reference 2: is a mask"):
        measure_fingerprint([APART, APART > 0])
    with pytest.raises(AxesError, match=r"reference 1: has 4 axes; a fingerprint is measured on \(y, x\)"):
        measure_fingerprint([np.zeros((2, 2, 2, 2), dtype=np.uint8)])


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 5)),
    st.permutations(range(1, 6)),
)
def test_numbers_and_orientation_of_objects_change_nothing(labels: np.ndarray, order: list[int]) -> None:
    renumbered = np.array([0, *(100 * number for number in order)])[labels]
    plain = measure_fingerprint([labels], [labels])

    assert measure_fingerprint([renumbered.T], [renumbered.T]) == plain
    assert measure_fingerprint([np.flip(labels)], [labels[::-1, ::-1]]) == plain
