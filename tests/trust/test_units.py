"""What an audit hands over is checked: one wrong number among the draws would bend the whole answer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError, VeriscopeError
from veriscope.trust.units import DrawnUnits

N = 6


def given(**changes: Any) -> dict[str, Any]:
    """Sound draws, some of them changed; `below` adds a denominator."""
    options: dict[str, Any] = {
        "probability": np.full(N, 0.1),
        "reference": np.arange(N, dtype=float),
        "prediction": np.ones(N),
        "predicted_total": 12.0,
    }
    return options | changes


def below(**changes: Any) -> dict[str, Any]:
    return {
        "reference_denominator": np.ones(N),
        "prediction_denominator": np.ones(N),
        "predicted_total_denominator": 10.0,
    } | changes


def test_draws_with_and_without_a_denominator() -> None:
    assert (DrawnUnits(**given()).n, DrawnUnits(**given()).is_ratio) == (N, False)
    assert DrawnUnits(**given(**below())).is_ratio
    none = np.zeros(0)
    assert DrawnUnits(none, none, none, 0.0).n == 0, "before the first tile is annotated"


@pytest.mark.parametrize("left_out", list(below()))
def test_a_part_of_a_denominator_is_refused(left_out: str) -> None:
    with pytest.raises(InputError) as caught:
        DrawnUnits(**given(**below(**{left_out: None})))
    assert str(caught.value) == (
        "a denominator needs all three: reference_denominator, prediction_denominator and "
        "predicted_total_denominator; for a known area give known_denominator alone"
    )


@pytest.mark.parametrize("name", ["probability", "reference", "prediction", "reference_denominator"])
@pytest.mark.parametrize("shape", [(N - 1,), (N, 1), ()])
def test_each_draw_has_one_value(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeMismatchError, match="give one value per draw"):
        DrawnUnits(**given(**below(), **{} if name.endswith("denominator") else {name: np.full(shape, 0.1)})
                   | ({name: np.full(shape, 0.1)} if name.endswith("denominator") else {}))  # fmt: skip


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "name",
    ["reference", "prediction", "prediction_denominator", "predicted_total", "predicted_total_denominator",
     "known_denominator"],
)  # fmt: skip
def test_a_value_that_is_none_is_refused_wherever_it_stands(name: str, value: float) -> None:
    options = given(**below())
    if isinstance(options.get(name), np.ndarray):
        options[name] = options[name].copy()
        options[name][-1] = value
    else:
        options[name] = value
    with pytest.raises(PixelValueError, match="a value of a drawn tile or a total is NaN or infinite"):
        DrawnUnits(**options)


@pytest.mark.parametrize(
    ("p", "shown"), [([0.0], "0 to 0.1"), ([-0.1], "-0.1 to 0.1"), ([1.5], "0.1 to 1.5")]
)
def test_probabilities_are_above_0_and_at_most_1(p: list[float], shown: str) -> None:
    with pytest.raises(PixelValueError) as caught:
        DrawnUnits(**given(probability=np.array([0.1] * (N - 1) + p)))
    assert str(caught.value) == f"draw probabilities from {shown}; each must be above 0 and at most 1"


@pytest.mark.parametrize("area", [0.0, -2.0])
def test_an_area_of_nothing_is_refused(area: float) -> None:
    with pytest.raises(VeriscopeError, match=f"known_denominator {area:g} is not above 0"):
        DrawnUnits(**given(known_denominator=area))
