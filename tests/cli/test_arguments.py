"""How pixel sizes, images of a file and parameters are read from a command line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.cli.arguments import parse_parameters, parse_series, parse_spacing
from veriscope.errors import InputError

SIZES = st.floats(min_value=1e-6, max_value=1e6)


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        (None, None),
        ("0.5", {"y": 0.5, "x": 0.5}),
        (" 0.5 ", {"y": 0.5, "x": 0.5}),
        ("z=2,y=0.5,x=0.25", {"z": 2.0, "y": 0.5, "x": 0.25}),
        ("Y = 1e-1 , X = 2", {"y": 0.1, "x": 2.0}),
        ("z=2", {"z": 2.0}),
    ],
)
def test_a_pixel_size_is_one_number_or_one_for_each_axis(text: str, sizes: dict[str, float]) -> None:
    assert parse_spacing(text) == sizes


@given(st.dictionaries(st.sampled_from("zyx"), SIZES, min_size=1))
def test_sizes_by_axis_are_read_as_they_were_written(sizes: dict[str, float]) -> None:
    assert parse_spacing(",".join(f"{axis}={size!r}" for axis, size in sizes.items())) == sizes


@pytest.mark.parametrize(
    "text", ["", "small", "0,5", "y=", "y=0.5;x=0.5", "y=0.5,,x=0.5", "y=0.5=x", "0.5 µm"]
)
def test_what_is_no_pixel_size_is_refused_with_how_to_write_it(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_spacing(text)
    assert str(caught.value) == f"spacing {text!r} cannot be read; write 0.5 or z=2,y=0.5,x=0.5 (µm)"


@pytest.mark.parametrize(
    ("text", "axes"), [("q=3", "q"), ("y=1,x=1,c=1", "y, x, c"), ("y=1,y=2,x=1", "y, y, x"), ("=1", "")]
)
def test_other_axes_and_an_axis_given_twice_are_refused(text: str, axes: str) -> None:
    """They used to be passed over in silence, and the images were taken as uncalibrated."""
    with pytest.raises(InputError) as caught:
        parse_spacing(text)
    assert str(caught.value) == (
        f"spacing {text!r} is for {axes}; give each of z, y, x once: write 0.5 or z=2,y=0.5,x=0.5 (µm)"
    )


@pytest.mark.parametrize("text", ["0", "-0.5", "nan", "inf", "y=0.5,x=0"])
def test_a_pixel_has_a_size_above_zero(text: str) -> None:
    with pytest.raises(InputError, match=r"is not above 0; write 0\.5 or z=2,y=0\.5,x=0\.5 \(µm\)"):
        parse_spacing(text)


@pytest.mark.parametrize(
    ("items", "values"),
    [
        (None, {}),
        ([], {}),
        (["diameter=20", "foreground=dark"], {"diameter": 20, "foreground": "dark"}),
        (["a=0.5", "b=true", "c=null", "d="], {"a": 0.5, "b": True, "c": None, "d": None}),
        (["e=[0.6, 1]"], {"e": [0.6, 1]}),
        ([" a =x=y"], {"a": "x=y"}),
    ],
)
def test_parameters_are_read_as_yaml_reads_values(items: list[str] | None, values: dict[str, Any]) -> None:
    assert parse_parameters(items) == values


@pytest.mark.parametrize("item", ["diameter", "=20", ""])
def test_a_parameter_without_name_or_value_is_refused(item: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_parameters(["a=1", item])
    assert str(caught.value) == f"parameter {item!r} cannot be read; write NAME=VALUE, such as diameter=20"


@pytest.mark.parametrize("value", ["a: b: c", "{", "[1, 2", "2024-13-01", "'open", "*nobody", "\t1"])
def test_a_value_that_yaml_cannot_read_is_refused_with_what_is_allowed(value: str) -> None:
    """It used to end in a traceback."""
    with pytest.raises(InputError) as caught:
        parse_parameters([f"diameter={value}"])
    assert str(caught.value) == (
        f"parameter {f'diameter={value}'!r} cannot be read; write NAME=VALUE with a number, a word, true, "
        "false, null or a list such as [1, 2]"
    )


def test_a_parameter_given_twice_is_refused_rather_than_the_first_passed_over() -> None:
    with pytest.raises(InputError) as caught:
        parse_parameters(["diameter=20", "foreground=dark", "diameter=30"])
    assert str(caught.value) == "parameter diameter is given twice; give it once"


@pytest.mark.parametrize(("text", "wanted"), [(None, None), ("each", "each"), ("0", 0), ("12", 12)])
def test_an_image_of_a_file_is_a_number_or_each(text: str | None, wanted: int | str | None) -> None:
    assert parse_series(text) == wanted


@pytest.mark.parametrize("text", ["", "all", "-1", "1.5", "²", "1,2", "Each"])
def test_what_is_no_image_of_a_file_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_series(text)
    assert str(caught.value) == f"--series {text!r} is no image of a file; write a number from 0, or each"
