"""The sparse contingency table of two label images."""

from __future__ import annotations

import tracemalloc
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray
from skimage.metrics import contingency_table

from veriscope.errors import PixelValueError, ShapeMismatchError
from veriscope.testing.label_images import disks, label_pairs
from veriscope.validate import contingency as module
from veriscope.validate.contingency import Contingency, contingency

Labels = NDArray[Any]


def all_label_images(length: int, n_labels: int) -> list[Labels]:
    """Every label image of one row."""
    return [np.array(row, dtype=np.uint8) for row in product(range(n_labels + 1), repeat=length)]


def count_slowly(reference: Labels, prediction: Labels) -> dict[tuple[int, int], int]:
    """Pixels shared by each pair of objects, one pixel at a time."""
    found: dict[tuple[int, int], int] = {}
    for pair in zip(reference.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        if all(pair):
            found[pair] = found.get(pair, 0) + 1
    return found


def as_dict(table: Contingency) -> dict[tuple[int, int], int]:
    return {
        (int(table.reference_ids[i]), int(table.prediction_ids[j])): int(pixels)
        for (i, j), pixels in zip(table.pairs, table.overlaps, strict=True)
    }


def check_against_slow(reference: Labels, prediction: Labels) -> None:
    table = contingency(reference, prediction)
    assert as_dict(table) == count_slowly(reference, prediction)
    for ids, areas, image in (
        (table.reference_ids, table.reference_areas, reference),
        (table.prediction_ids, table.prediction_areas, prediction),
    ):
        values, counts = np.unique(image[image > 0], return_counts=True)
        assert ids.tolist() == values.tolist()
        assert areas.tolist() == counts.tolist()
    assert table.n_pixels == reference.size


def test_every_pair_of_small_images() -> None:
    images = all_label_images(3, 2)
    for reference in images:
        for prediction in images:
            check_against_slow(reference, prediction)


@given(label_pairs())
@settings(max_examples=200, deadline=None)
def test_any_shape_and_type(pair: tuple[Labels, Labels]) -> None:
    check_against_slow(*pair)


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
@pytest.mark.parametrize("shape", [(300,), (17, 19), (3, 10, 11), (1, 1, 40, 9)])
def test_the_size_of_the_blocks_changes_nothing(
    block: int, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    monkeypatch.setattr(module, "_PENDING", 16)
    rng = np.random.default_rng(0)
    check_against_slow(rng.integers(0, 9, shape), rng.integers(0, 9, shape))


def test_many_labels_in_a_block_take_the_sorted_path() -> None:
    rng = np.random.default_rng(1)
    reference, prediction = rng.integers(0, 2000, (2, 60, 50))
    assert len(np.unique(reference)) * len(np.unique(prediction)) > module._DENSE
    check_against_slow(reference, prediction)


@pytest.mark.parametrize("top", [module._LOOKUP - 1, module._LOOKUP, 4_294_967_295, 2**63 - 1])
def test_huge_labels(top: int) -> None:
    reference = disks(3).astype(np.uint64)
    prediction = disks(3, shift=2).astype(np.uint16)
    reference[reference == 4] = top
    check_against_slow(reference, prediction)
    check_against_slow(prediction, reference)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::2, ::3],
        lambda a: a[::-1, ::-1],
        lambda a: a.T,
        np.asfortranarray,
        lambda a: a[3:40, 5:6],
        lambda a: np.broadcast_to(a[:1], a.shape),
    ],
)
def test_memory_layout_changes_nothing(view: Any) -> None:
    reference, prediction = disks(4), disks(4, shift=3)
    check_against_slow(view(reference), view(prediction))
    check_against_slow(view(reference), np.ascontiguousarray(view(prediction)))


def test_image_without_background() -> None:
    reference = np.repeat(np.arange(1, 5), 25).reshape(10, 10)
    check_against_slow(reference, reference.T)
    check_against_slow(reference, np.zeros_like(reference))


@pytest.mark.parametrize("shape", [(0,), (0, 5), (4, 0), (), (2, 2)])
def test_nothing_there(shape: tuple[int, ...]) -> None:
    table = contingency(np.zeros(shape, np.uint8), np.zeros(shape, np.int64))
    assert (table.n_reference, table.n_prediction) == (0, 0)
    assert table.pairs.shape == (0, 2)
    assert len(table.ious) == 0


def test_whole_numbers_stored_as_floating_point_are_labels() -> None:
    check_against_slow(disks(2).astype(np.float32), disks(2, shift=1))


def test_ious() -> None:
    table = contingency(np.array([1, 1, 1, 2, 0]), np.array([0, 5, 5, 5, 9]))
    assert as_dict(table) == {(1, 5): 2, (2, 5): 1}
    assert table.ious.tolist() == [2 / 4, 1 / 3]


def test_agrees_with_scikit_image() -> None:
    reference, prediction = disks(6), disks(6, shift=3)
    expected = contingency_table(reference, prediction).tocoo()
    expected_dict = {
        (int(i), int(j)): int(n)
        for i, j, n in zip(expected.row, expected.col, expected.data, strict=True)
        if i and j
    }
    assert as_dict(contingency(reference, prediction)) == expected_dict


def test_input_is_not_changed() -> None:
    reference, prediction = disks(3), disks(3, shift=1)
    reference.flags.writeable = prediction.flags.writeable = False
    before = reference.copy()
    contingency(reference, prediction)
    assert (reference == before).all()


def test_different_shapes_are_refused() -> None:
    with pytest.raises(ShapeMismatchError) as error:
        contingency(np.zeros((3, 4), int), np.zeros((4, 3), int), where="a.tif")
    assert str(error.value) == (
        "a.tif: the reference has shape (3, 4) and the prediction (4, 3); both must cover the same pixels "
        "(was one rescaled, cropped or transposed?)"
    )


def test_negative_labels_are_refused() -> None:
    with pytest.raises(PixelValueError) as error:
        contingency(np.array([0, 1]), np.array([0, -1]), where="a.tif")
    assert str(error.value) == (
        "a.tif: the prediction: has negative values; labels are 0 (background) and positive numbers"
    )


def test_labels_beyond_int64_are_refused() -> None:
    with pytest.raises(PixelValueError) as error:
        contingency(np.array([0, 2**63], dtype=np.uint64), np.array([0, 1]))
    assert str(error.value) == ("the reference: has labels above 9223372036854775807; renumber the objects")


def test_masks_and_fractions_are_refused() -> None:
    with pytest.raises(PixelValueError, match="the reference: is a mask"):
        contingency(np.array([True, False]), np.array([0, 1]))
    with pytest.raises(PixelValueError, match="the prediction: "):
        contingency(np.array([0, 1]), np.array([0.5, 1.0]))


def test_memory_is_bounded_even_for_noise() -> None:
    rng = np.random.default_rng(0)
    reference, prediction = rng.integers(0, 300, (2, 1500, 1500), dtype=np.uint16)
    tracemalloc.start()
    contingency(reference, prediction)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
