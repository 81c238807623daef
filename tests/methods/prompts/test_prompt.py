"""Prompts: what points at an object, and how decoders read it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.methods.prompts.prompt import MOST_POINTS, Prompt, PromptPoint


def test_points_are_written_as_x_and_y_with_the_padding_that_decoders_expect() -> None:
    prompt = Prompt((PromptPoint(10, 20), PromptPoint(0, 63, inside=False)))
    coordinates, labels = prompt.arrays((4.0, 4.0))
    assert (coordinates.dtype, labels.dtype) == (np.float32, np.float32)
    np.testing.assert_allclose(coordinates, [[[81.5, 41.5], [253.5, 1.5], [0, 0]]])
    np.testing.assert_array_equal(labels, [[1, 0, -1]])


def test_a_box_comes_last_as_two_corners_and_needs_no_padding() -> None:
    coordinates, labels = Prompt((PromptPoint(3, 4),), (2, 0, 8, 16)).arrays((2.0, 2.0))
    np.testing.assert_allclose(coordinates, [[[8.5, 6.5], [-0.5, 3.5], [31.5, 15.5]]])
    np.testing.assert_array_equal(labels, [[1, 2, 3]])


def test_a_prompt_grows_click_by_click_from_what_first_shows_the_object() -> None:
    out, first, second = PromptPoint(1, 1, inside=False), PromptPoint(2, 2), PromptPoint(3, 3)
    assert Prompt((out, first, second)).steps() == (Prompt((out, first)), Prompt((out, first, second)))
    box = (0.0, 0.0, 5.0, 5.0)
    assert Prompt((out, first), box).steps() == (
        Prompt((), box), Prompt((out,), box), Prompt((out, first), box)
    )  # fmt: skip
    assert Prompt().steps() == Prompt((out,)).steps() == ()


@given(y=st.floats(-0.5, 299.5), x=st.floats(-0.5, 199.5), scale=st.floats(0.1, 16.0, allow_subnormal=False))
def test_half_pixels_are_kept_at_every_scale(y: float, x: float, scale: float) -> None:
    coordinates, _ = Prompt((PromptPoint(y, x),)).arrays((scale, scale))
    back = (coordinates[0, 0].astype(float) + 0.5) / scale - 0.5
    np.testing.assert_allclose(back, (x, y), atol=1e-3)


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        (Prompt(), "nothing shows where the object is; give a point inside it, or a box around it"),
        (Prompt((PromptPoint(1, 1, inside=False),)), "nothing shows where the object is"),
        (
            Prompt((PromptPoint(30, 5),)),
            "the point y = 30, x = 5 lies outside the image of 30 x 40 pixels; give points inside it",
        ),
        (Prompt((PromptPoint(float("nan"), 5),)), "the point y = nan, x = 5 lies outside"),
        (Prompt((PromptPoint(5, -0.6),)), "lies outside"),
        (
            Prompt(box=(5, 5, 5, 9)),
            "the box y 5 to 5, x 5 to 9 is empty or leaves the image of 30 x 40 pixels; give y0 < y1 and "
            "x0 < x1 inside it",
        ),
        (Prompt(box=(0, 0, 31, 9)), "is empty or leaves"),
        (Prompt(box=(0, 0, float("inf"), 9)), "is empty or leaves"),
        (Prompt((PromptPoint(1, 1),) * (MOST_POINTS + 1)), "65 points are too many; give at most 64"),
    ],
)
def test_what_points_at_nothing_is_refused(prompt: Prompt, says: str) -> None:
    with pytest.raises(InputError) as caught:
        prompt.check((30, 40))
    assert says in str(caught.value)


def test_the_edges_of_the_image_belong_to_it() -> None:
    Prompt((PromptPoint(-0.5, -0.5), PromptPoint(29.5, 39.5)), (0, 0, 30, 40)).check((30, 40))
