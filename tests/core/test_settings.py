"""Options refuse what they do not know, and say everything that is wrong at once."""

from __future__ import annotations

from typing import Self

import pytest
from pydantic import Field, ValidationError, model_validator

from veriscope.core.settings import Settings
from veriscope.errors import InputError


class Inner(Settings):
    low: float = 0.0
    high: float = 1.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}")
        return self


class Options(Settings):
    diameter: float = Field(gt=0)
    """Diameter in pixels."""
    span: Inner = Inner()


class NoOptions(Settings):
    pass


def test_values_are_read_and_defaults_kept() -> None:
    options = Options.parse({"diameter": "12.5"}, where="method spots")
    assert options == Options(diameter=12.5, span=Inner(low=0, high=1))


@pytest.mark.parametrize("value", ["nan", float("nan"), float("inf"), "-inf"])
def test_numbers_are_finite_also_where_no_limit_is_given(value: object) -> None:
    with pytest.raises(InputError, match=r"- high: Input should be a finite number \(got '?-?(nan|inf)'?\)"):
        Inner.parse({"high": value}, where="method spots")


def test_settings_never_change() -> None:
    with pytest.raises(ValidationError, match="Instance is frozen"):
        Inner().low = 3.0


def test_options_describe_themselves() -> None:
    assert Options.model_json_schema()["properties"]["diameter"]["description"] == "Diameter in pixels."


def test_all_faults_are_listed_with_their_places() -> None:
    with pytest.raises(InputError) as caught:
        Options.parse({"diameter": -1, "span": {"low": "x"}, "colour": 3}, where="method spots")
    assert str(caught.value) == (
        "method spots: wrong options\n"
        "  - diameter: Input should be greater than 0 (got -1)\n"
        "  - span.low: Input should be a valid number, unable to parse string as a number (got 'x')\n"
        "  - colour: Extra inputs are not permitted (got 3)\n"
        "Options are: diameter, span"
    )


def test_options_are_named_as_the_user_knows_them() -> None:
    called = {"diameter": "--size", "span": "--span"}
    with pytest.raises(InputError) as caught:
        Options.parse({"diameter": -1, "span": {"low": "x"}}, where="verb", called=called)
    assert str(caught.value) == (
        "verb: wrong options\n"
        "  - --size: Input should be greater than 0 (got -1)\n"
        "  - --span.low: Input should be a valid number, unable to parse string as a number (got 'x')\n"
        "Options are: --size, --span"
    )
    assert Options.parse({"diameter": 2}, where="verb", called=called) == Options(diameter=2)


def test_what_is_missing_or_wrong_as_a_whole_is_said_without_repeating_all_options() -> None:
    with pytest.raises(InputError) as caught:
        Options.parse({"span": {"low": 3, "high": 2}}, where="method spots")
    assert str(caught.value) == (
        "method spots: wrong options\n"
        "  - diameter: Field required\n"
        "  - span: low 3 is above high 2\n"
        "Options are: diameter, span"
    )


def test_a_group_that_is_wrong_as_a_whole_needs_no_place() -> None:
    with pytest.raises(InputError) as caught:
        Inner.parse({"low": 3}, where="the span")
    assert str(caught.value) == ("the span: wrong options\n  - low 3 is above high 1\nOptions are: low, high")


def test_where_there_are_no_options_that_is_said() -> None:
    with pytest.raises(InputError) as caught:
        NoOptions.parse({"a": 1}, where="method plain")
    assert str(caught.value) == (
        "method plain: wrong options\n  - a: Extra inputs are not permitted (got 1)\nOptions are: none"
    )
