"""Small and improbable objects go, the others keep their order and their numbers close up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from veriscope.methods.networks.objects import in_reading_order, keep_objects, keep_probable, mean_inside

LABELS = np.array([[1, 0, 3, 3], [0, 0, 3, 2], [0, 0, 2, 2]], np.int32)

label_images = hnp.arrays(
    np.int32, hnp.array_shapes(min_dims=2, max_dims=3, max_side=7), elements=st.integers(0, 6)
)


def spared(data: st.DataObject, labels: np.ndarray) -> np.ndarray | None:
    size = int(labels.max(initial=0)) + 1
    return data.draw(st.none() | hnp.arrays(bool, size, elements=st.booleans()))


def test_small_objects_go_and_the_others_are_renumbered() -> None:
    kept = keep_objects(LABELS, smallest_area=2)
    np.testing.assert_array_equal(kept, [[0, 0, 2, 2], [0, 0, 2, 1], [0, 0, 1, 1]])
    assert keep_objects(LABELS, smallest_area=1).max() == 3
    assert keep_objects(LABELS, smallest_area=4).max() == 0


@given(labels=label_images, smallest=st.integers(1, 12), data=st.data())
def test_areas_by_definition(labels: np.ndarray, smallest: int, data: st.DataObject) -> None:
    spare, before = spared(data, labels), labels.copy()
    found = keep_objects(labels, smallest_area=smallest, spare=spare)
    kept = [
        number
        for number in range(1, int(labels.max()) + 1)
        if (labels == number).any()
        and ((labels == number).sum() >= smallest or (spare is not None and spare[number]))
    ]
    expected = np.zeros(labels.shape, np.int32)
    for number, old in enumerate(kept, start=1):
        expected[labels == old] = number
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(labels, before)
    assert found.dtype == np.int32


@given(
    labels=hnp.arrays(
        np.int32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=7), elements=st.integers(0, 5)
    ),
    chances=hnp.arrays(np.float32, 5, elements=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])),
    threshold=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    data=st.data(),
)
def test_probabilities_stay_with_their_objects(
    labels: np.ndarray, chances: np.ndarray, threshold: float, data: st.DataObject
) -> None:
    spare = data.draw(st.none() | hnp.arrays(bool, 6, elements=st.booleans()))
    if spare is not None:
        spare[0] = False
    found, left = keep_probable(labels, chances, threshold=threshold, spare=spare)
    kept = [n for n in range(1, 6) if chances[n - 1] >= threshold or (spare is not None and spare[n])]
    assert left.tolist() == [chances[n - 1] for n in kept]
    for number, old in enumerate(kept, start=1):
        np.testing.assert_array_equal(found == number, labels == old)
    np.testing.assert_array_equal(found > 0, np.isin(labels, kept))


@given(labels=label_images, seed=st.integers(0, 99))
def test_means_are_those_of_scipy(labels: np.ndarray, seed: int) -> None:
    values = np.random.default_rng(seed).random(labels.shape).astype(np.float32)
    top = int(labels.max())
    found = mean_inside(values, labels)
    assert (found.shape, found.dtype) == ((top,), np.float32)
    present = [number for number in range(1, top + 1) if (labels == number).any()]
    expected = ndimage.mean(values.astype(np.float64), labels, present) if present else []
    np.testing.assert_allclose(found[[number - 1 for number in present]], expected, rtol=1e-6)


def test_a_mean_over_many_pixels_is_not_rounded_on_the_way() -> None:
    labels = np.ones((1000, 2000), np.int32)
    values = np.full(labels.shape, 0.1, np.float32)
    assert mean_inside(values, labels)[0] == pytest.approx(0.1, rel=1e-6)


@pytest.mark.parametrize("shape", [(4, 4), (0, 3), (1, 1)])
def test_no_objects_give_empty_tables(shape: tuple[int, int]) -> None:
    nothing = np.zeros(shape, np.int32)
    assert mean_inside(np.ones(shape, np.float32), nothing).shape == (0,)
    labels, chances = keep_probable(nothing, np.zeros(0, np.float32), threshold=0.5)
    assert (labels.shape, len(chances)) == (shape, 0)
    assert keep_objects(nothing, smallest_area=1).shape == shape


@given(
    hnp.arrays(np.int32, hnp.array_shapes(min_dims=2, max_dims=3, max_side=6), elements=st.integers(0, 9)),
    st.booleans(),
)
def test_objects_are_numbered_as_they_are_met_row_by_row(labels: np.ndarray, turned: bool) -> None:
    labels = labels.T if turned else labels
    before = labels.copy()
    found = in_reading_order(labels)
    met: list[int] = []
    for number in labels.ravel():
        if number and number not in met:
            met.append(int(number))
    expected = np.zeros(10, np.int32)
    expected[met] = np.arange(1, len(met) + 1)
    np.testing.assert_array_equal(found, expected[before])
    np.testing.assert_array_equal(labels, before)
    assert found.dtype == np.int32
