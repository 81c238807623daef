"""Commands that messages show can be copied into a shell."""

from __future__ import annotations

import shlex
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.commands import command


def test_plain_names_stay_as_they_are() -> None:
    assert command("run", Path("out/my-study_2.v1")) == "veriscope run out/my-study_2.v1"
    assert command("audit", ".", "--tiles", "20") == "veriscope audit . --tiles 20"


@given(st.lists(st.text(min_size=1), min_size=1))
def test_a_shell_understands_any_name(words: list[str]) -> None:
    assert shlex.split(command(*words)) == ["veriscope", *words]


def test_spaces_umlauts_and_apostrophes() -> None:
    assert command("run", Path("Zellen größe")) == "veriscope run 'Zellen größe'"
    assert shlex.split(command("run", "anna's cells"))[-1] == "anna's cells"
