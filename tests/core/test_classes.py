"""The class of an image: as it is known, and as a method states it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.classes import ClassProbabilities, ImageClass
from veriscope.errors import InputError, PixelValueError, ShapeMismatchError

NAMES = ("ring", "disc", "rod")


@pytest.mark.parametrize(("number", "name"), list(enumerate(NAMES)))
def test_a_class_has_a_name(number: int, name: str) -> None:
    assert ImageClass(number, NAMES).name == name
    assert ImageClass(number, NAMES) == ImageClass(number, NAMES) != ImageClass(number, (*NAMES, "more"))


@pytest.mark.parametrize(("number", "names"), [(3, NAMES), (-1, NAMES), (0, ())])
def test_a_number_without_a_name_is_refused(number: int, names: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as error:
        ImageClass(number, names)
    assert str(error.value) == f"class {number} is not one of {len(names)} names; count them from 0"


@given(st.lists(st.floats(0.001, 1000), min_size=1, max_size=6))
def test_shares_of_any_weights_are_probabilities_and_the_largest_is_the_class(weights: list[float]) -> None:
    values = np.array(weights) / np.sum(weights)
    names = tuple(f"c{number}" for number in range(len(weights)))
    stated = ClassProbabilities(names, values)
    assert stated.values[stated.number] == values.max()
    assert stated.name == names[int(np.argmax(values))]


def test_of_equally_probable_classes_the_first_is_taken() -> None:
    assert ClassProbabilities(NAMES, np.array([0.2, 0.4, 0.4])).name == "disc"
    assert ClassProbabilities(("only",), np.array([1.0])).number == 0


@pytest.mark.parametrize("off", [0.0, 9e-5, -9e-5])
def test_a_sum_may_be_off_by_what_rounding_makes_it(off: float) -> None:
    assert ClassProbabilities(("a", "b"), np.array([0.5, 0.5 + off])).details == {}


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([0.5, 0.6, 0.1], "0.5, 0.6, 0.1"),
        ([-0.1, 0.6, 0.5], "-0.1, 0.6, 0.5"),
        ([1.5, -0.25, -0.25], "1.5, -0.25, -0.25"),
        ([0.0, 0.0, 0.0], "0, 0, 0"),
        ([np.nan, 0.5, 0.5], "nan, 0.5, 0.5"),
        ([np.inf, 0.0, 0.0], "inf, 0, 0"),
        ([0.3, 0.3, 0.3998], "0.3, 0.3, 0.3998"),
    ],
)
def test_what_are_no_probabilities_is_refused_with_the_numbers(values: list[float], shown: str) -> None:
    with pytest.raises(PixelValueError) as error:
        ClassProbabilities(NAMES, np.array(values))
    assert str(error.value) == (
        f"{shown} are no probabilities of classes: each has to be from 0 to 1, and together 1"
    )


@pytest.mark.parametrize(("names", "values"), [(NAMES, [0.5, 0.5]), (("a", "b"), [[0.5, 0.5]]), ((), [])])
def test_each_class_has_one_probability(names: tuple[str, ...], values: list[float]) -> None:
    array = np.array(values)
    with pytest.raises(ShapeMismatchError) as error:
        ClassProbabilities(names, array)
    assert str(error.value) == (
        f"probabilities of shape {array.shape} do not fit {len(names)} classes; needed is one for each"
    )


def test_details_are_not_shared() -> None:
    one, other = (ClassProbabilities(("a",), np.ones(1)) for _ in range(2))
    one.details["tiles"] = 3
    assert other.details == {}
