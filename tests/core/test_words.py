"""Numbers and names in messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.words import counted, few, joined

names = st.text("ab/\\", max_size=4)


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ("image",), "0 images"),
        (1, ("image",), "1 image"),
        (2, ("image",), "2 images"),
        (1, ("box has", "boxes have"), "1 box has"),
        (12, ("box has", "boxes have"), "12 boxes have"),
    ],
)
def test_one_thing_is_not_several(number: int, words: tuple[str, ...], text: str) -> None:
    assert counted(number, *words) == text


@given(st.lists(st.text("ab", min_size=1), max_size=9), st.integers(1, 9))
def test_every_name_is_written_or_counted(given_names: list[str], most: int) -> None:
    text = few(given_names, most)
    if len(given_names) <= most:
        assert text == ", ".join(given_names)
    else:
        assert text == f"{', '.join(given_names[:most])} and {len(given_names) - most} more"


@given(names, names, names, names)
def test_two_things_never_share_a_name(group: str, name: str, other_group: str, other: str) -> None:
    same = (group, name) == (other_group, other)
    assert (joined(group, name) == joined(other_group, other)) is same


def test_names_without_strokes_stay_readable() -> None:
    assert joined("control", "dish 1") == "control/dish 1"
    assert joined("a/b", "c") == r"a\/b/c"
    assert joined("a", "b/c") == r"a/b\/c"
