"""Planes of stacks as people write them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.plane import Plane, PlaneChoice
from veriscope.errors import InputError

DEPTHS = st.none() | st.sampled_from(["max", "mean"]) | st.integers(0, 10_000)
TIMES = st.none() | st.integers(0, 10_000)


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        (None, PlaneChoice()),
        ("", PlaneChoice()),
        ("z=max", PlaneChoice(z="max")),
        (" Z = Mean , t = EACH ", PlaneChoice(z="mean", t="each")),
        ("t=3,z=middle", PlaneChoice(z="middle", t=3)),
        ("z=014", PlaneChoice(z=14)),
    ],
)
def test_what_is_written_is_understood(text: str | None, choice: PlaneChoice) -> None:
    assert PlaneChoice.parse(text) == choice


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("max", "is for max; give each of z and t once"),
        ("y=3", "is for y; give each of z and t once"),
        ("z=1,z=2", "is for z, z; give each of z and t once"),
        ("z=brightest", "z=brightest cannot be used"),
        ("z=-1", "z=-1 cannot be used"),
        ("z=1.5", "z=1.5 cannot be used"),
        ("z=", "z= cannot be used"),
        ("z=²", "z=² cannot be used"),
        ("z=each", "z=each cannot be used"),
        ("t=max", "t=max cannot be used"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_what_can(text: str, fault: str) -> None:
    with pytest.raises(InputError) as error:
        PlaneChoice.parse(text)
    assert f"plane {text!r}" in str(error.value)
    assert fault in str(error.value)
    assert "write z=max (the brightest along z)" in str(error.value)


@given(z=DEPTHS, t=TIMES)
def test_a_plane_is_read_back_from_its_text(z: Any, t: int | None) -> None:
    assert Plane.parse(str(Plane(z, t))) == Plane(z, t)


@pytest.mark.parametrize("text", ["c=1", "z", "z=top", "z=1=2", "z=1,c=0"])
def test_text_that_names_no_plane_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"plane|invalid|unpack|length"):
        Plane.parse(text)


@pytest.mark.parametrize(
    ("choice", "axes", "shape", "planes"),
    [
        (PlaneChoice(z="max"), "zyx", (4, 9, 9), ["z=max"]),
        (PlaneChoice(z="middle"), "zyx", (4, 9, 9), ["z=1"]),
        (PlaneChoice(z="middle"), "zyx", (5, 9, 9), ["z=2"]),
        (PlaneChoice(z=3), "zcyx", (4, 2, 9, 9), ["z=3"]),
        (PlaneChoice(t="each"), "tyx", (3, 9, 9), ["t=0", "t=1", "t=2"]),
        (PlaneChoice(t=2), "tcyx", (3, 2, 9, 9), ["t=2"]),
        (PlaneChoice(z="mean", t="each"), "tzyx", (2, 3, 9, 9), ["z=mean,t=0", "z=mean,t=1"]),
        # An image without an axis is taken as it is, whatever was said of others.
        (PlaneChoice(z="max", t="each"), "zyx", (4, 9, 9), ["z=max"]),
        (PlaneChoice(z="max", t="each"), "tyx", (2, 9, 9), ["t=0", "t=1"]),
    ],
)
def test_planes_that_are_wanted(
    choice: PlaneChoice, axes: str, shape: tuple[int, ...], planes: list[str]
) -> None:
    assert [str(plane) for plane in choice.planes(axes, shape, where="a.tif")] == planes


@pytest.mark.parametrize(
    ("choice", "axes", "shape", "said", "unsaid"),
    [
        (PlaneChoice(), "zyx", (3, 9, 9), ["a.tif: has 3 planes", "z=max"], ["t=each"]),
        (PlaneChoice(), "tyx", (2, 9, 9), ["a.tif: has 2 time points", "t=each"], ["z=max"]),
        (PlaneChoice(), "tzyx", (2, 3, 9, 9), ["3 planes and 2 time points", "z=max", "t=each"], []),
        (PlaneChoice(z="max"), "tzyx", (2, 3, 9, 9), ["t=each"], ["z=max"]),
        (PlaneChoice(z=3), "zyx", (3, 9, 9), ["no plane z=3; along z it has 0 to 2"], []),
        (PlaneChoice(t=7), "tyx", (2, 9, 9), ["no plane t=7; along t it has 0 to 1"], []),
    ],
)
def test_an_axis_of_which_nothing_is_said_and_a_plane_that_is_not_there(
    choice: PlaneChoice, axes: str, shape: tuple[int, ...], said: list[str], unsaid: list[str]
) -> None:
    with pytest.raises(InputError) as error:
        choice.planes(axes, shape, where="a.tif")
    message = str(error.value)
    assert [part for part in said if part not in message] == []
    assert [part for part in unsaid if part in message] == []
