"""Exit codes, and one JSON object from every verb whatever goes wrong."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import typer

from veriscope.cli import app as commands
from veriscope.cli import main
from veriscope.errors import StudyError

from .conftest import Veriscope


def _all_verbs() -> dict[str, Any]:
    """Every verb by the words that call it."""
    found = {}
    for name, verb in typer.main.get_command(commands.app).commands.items():  # type: ignore[attr-defined]
        found[name] = verb
        found |= {f"{name} {inner}": item for inner, item in getattr(verb, "commands", {}).items()}
    return found


VERBS = _all_verbs()
WITH_JSON = [name for name, verb in VERBS.items() if any("--json" in item.opts for item in verb.params)]


def test_every_verb_but_the_server_gives_json() -> None:
    assert set(VERBS) - set(WITH_JSON) == {"serve"}


@pytest.mark.parametrize("name", WITH_JSON)
def test_wrong_usage_is_one_json_object_where_json_was_asked_for(veriscope: Veriscope, name: str) -> None:
    said = veriscope(*name.split(), "--no-such-option", "--json")
    assert (said.code, said.err) == (2, "")
    assert said.json["error"] == "UsageError"
    assert "--no-such-option" in said.message
    assert said.message.endswith(f"See veriscope {name} --help")


@pytest.mark.parametrize("name", VERBS)
def test_wrong_usage_in_words_goes_to_stderr(veriscope: Veriscope, name: str) -> None:
    said = veriscope(*name.split(), "--no-such-option")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"Usage: veriscope {name} ")
    assert "No such option" in said.err


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (("predict", "--json"), "Missing argument"),
        (("predict", "log-spots", "x", "-o", "y", "--tile", "3", "--json"), "Invalid value for '--tile'"),
        (("run", "s", "--workers", "none", "--json"), "Invalid value for '--workers'"),
        (("predikt", "--json"), "No such command 'predikt'"),
        (("new", "s", "--images", "x", "--group-by", "wells", "--json"), "'wells' is not one of"),
    ],
)
def test_what_was_wrong_stands_in_the_message(veriscope: Veriscope, line: tuple[str, ...], part: str) -> None:
    said = veriscope(*line)
    assert (said.code, said.err) == (2, "")
    assert part in said.message


@pytest.mark.parametrize("name", VERBS)
@pytest.mark.parametrize(
    ("words", "what"), [(("-o", ""), "-o"), (("--output=",), "--output"), (("a", ""), "an argument")]
)
def test_an_empty_word_is_refused_and_not_taken_for_the_folder_one_is_in(
    veriscope: Veriscope,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    words: tuple[str, ...],
    what: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    said = veriscope(*name.split(), *words, "--json")
    assert (said.code, said.err) == (2, "")
    assert said.message.startswith(f"{what} is empty, as when a variable of the shell is not set; give a")
    assert veriscope(*name.split(), *words).err.startswith(f"Error: {what} is empty")
    assert not list(tmp_path.iterdir())


def test_a_word_may_end_with_a_sign_of_equality_where_that_is_a_value(
    veriscope: Veriscope, tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((20, 20), np.uint8))
    line = ("predict", "log-spots", tmp_path / "a.tif", "-o", tmp_path / "out", "--json")
    assert veriscope(*line, "-p", "diameter=").code == 0


def test_no_verb_at_all_shows_the_help(veriscope: Veriscope) -> None:
    said = veriscope()
    assert said.code in (0, 2)
    assert "predict" in said.out + said.err


@pytest.mark.parametrize("json_asked", [True, False])
@pytest.mark.parametrize(
    ("raised", "code", "kind", "message"),
    [
        (StudyError("it is not there"), 1, "StudyError", "it is not there"),
        (
            OSError(28, "No space left on device", "p/file"),
            1,
            "OSError",
            "p/file: No space left on device. Mend that and run the same again; what was finished is kept",
        ),
        (
            MemoryError("Unable to allocate 237. GiB for an array"),
            1,
            "MemoryError",
            "memory ran out (Unable to allocate 237. GiB for an array). Give smaller images or tiles "
            "(--tile), fewer --workers, or use a larger computer, and run the same again; what was finished "
            "is kept",
        ),
        (
            KeyboardInterrupt(),
            130,
            "Interrupted",
            "Stopped. What was finished is kept; the same command goes on from there.",
        ),
    ],
    ids=["refused", "disk full", "memory full", "Ctrl-C"],
)
def test_each_way_to_fail_has_its_exit_code_and_its_object(
    veriscope: Veriscope,
    monkeypatch: pytest.MonkeyPatch,
    raised: BaseException,
    code: int,
    kind: str,
    message: str,
    json_asked: bool,
) -> None:
    def fail(*given: Any, **options: Any) -> Any:
        raise raised

    monkeypatch.setattr("veriscope.workflow.describe.describe_images", fail)
    said = veriscope("info", "images", *(["--json"] if json_asked else []))
    assert said.code == code
    if json_asked:
        assert said.err == ""
        assert (said.json["error"], said.message) == (kind, message)
    else:
        assert said.out == ""
        assert message in said.err


def test_a_pipe_that_was_closed_ends_without_a_word(
    veriscope: Veriscope, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "argv", ["veriscope", "metrics", "dice"])
    monkeypatch.setattr(sys, "stdout", Closed())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("json_asked", [True, False])
def test_letters_that_a_pipe_lacks_are_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, json_asked: bool
) -> None:
    """Sizes are in µm with ×; Windows pipes cp1252, a bare server ascii: it was a traceback there."""
    tifffile.imwrite(tmp_path / "a.tif", np.ones((20, 30), np.uint8))
    pipe = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    line = ["veriscope", "info", str(tmp_path / "a.tif"), "--spacing", "0.5", *(["--json"] * json_asked)]
    monkeypatch.setattr(sys, "argv", line)
    monkeypatch.setattr(sys, "stdout", pipe)
    with pytest.raises(SystemExit) as stop:
        main()
    pipe.flush()
    written = pipe.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    assert stop.value.code in (None, 0)
    if json_asked:
        assert json.loads(written)["images"][0]["spacing"] == "0.5 × 0.5 µm"
    else:
        assert "20" in written
