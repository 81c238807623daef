"""Verbs on other tools and packages hand on what they were given, and tell what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from veriscope.errors import InputError
from veriscope.workflow import models, tool_training
from veriscope.zoo import environments

from .conftest import Veriscope


class Recorded:
    """Stands for a function: keeps what it was called with, and gives or raises what a test says."""

    def __init__(self, found: Any) -> None:
        self.found = found
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __call__(self, *given: Any, **options: Any) -> Any:
        options.pop("progress", None)
        self.calls.append((given, options))
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def record(monkeypatch: pytest.MonkeyPatch, room: Any, name: str, found: Any) -> Recorded:
    made = Recorded(found)
    monkeypatch.setattr(room, name, made)
    return made


TRAINED = {
    "schema": "veriscope/tool-train/1",
    "version": "3.1",
    "files": ["a", "b"],
    "held_out": ["c", "d", "e"],
}


def test_a_tool_is_trained_with_its_own_options(
    veriscope: Veriscope, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = record(monkeypatch, tool_training, "train_tool", TRAINED)
    words = ("-p", "epochs=50", "-p", "rate=0.1", "--channel", "1", "-q")
    said = veriscope("models", "train", "cellpose", "images", "labels", "-o", tmp_path / "m", *words)
    assert said.code == 0
    assert made.calls == [
        (
            ("cellpose", "images", "labels", tmp_path / "m"),
            {"channel": "1", "settings": {"epochs": 50, "rate": 0.1}},
        )
    ]
    assert said.out.splitlines() == [
        f"cellpose 3.1 was trained: {tmp_path / 'm'}",
        "  on 2 images; 3 others chose weights and thresholds, so they say nothing of how good it is: an "
        "audit of your images does",
        f"Use it: veriscope predict cellpose:{tmp_path / 'm'} IMAGES -o FOLDER",
    ]
    assert veriscope("models", "train", "cellpose", "i", "l", "-o", "m", "--json").json == TRAINED


def test_an_option_that_cannot_be_read_trains_nothing(
    veriscope: Veriscope, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = record(monkeypatch, tool_training, "train_tool", TRAINED)
    said = veriscope("models", "train", "cellpose", "i", "l", "-o", "m", "-p", "epochs", "--json")
    assert (said.code, said.message) == (
        1,
        "parameter 'epochs' cannot be read; write NAME=VALUE, such as diameter=20",
    )
    assert made.calls == []


INSTALLED: dict[str, Any] = {
    "schema": "veriscope/tool-install/1",
    "tool": "stardist",
    "version": "0.9",
    "folder": "envs/stardist",
    "made": True,
    "test": {"text": "12 discs of 12"},
    "weights": ["2D_versatile_fluo"],
}


@pytest.mark.parametrize(
    ("tool", "changed", "lines"),
    [
        (
            "stardist",
            {},
            [
                "stardist 0.9 is ready in envs/stardist",
                "  tested: 12 discs of 12",
                "  weights: 2D_versatile_fluo",
                "Use it: veriscope predict stardist:MODEL IMAGES -o FOLDER (MODEL: a name or a path)",
            ],
        ),
        (
            "stardist",
            {"made": False, "test": {}, "weights": []},
            [
                "stardist 0.9 was there already in envs/stardist",
                "Use it: veriscope predict stardist:MODEL IMAGES -o FOLDER (MODEL: a name or a path)",
            ],
        ),
    ],
)
def test_an_environment_is_told_with_its_test_and_what_to_do_with_it(
    veriscope: Veriscope,
    monkeypatch: pytest.MonkeyPatch,
    tool: str,
    changed: dict[str, Any],
    lines: list[str],
) -> None:
    made = record(monkeypatch, environments, "install_tool", INSTALLED | changed)
    said = veriscope("models", "install", tool, "--download", "a", "--download", "b", "-q")
    assert (said.code, said.out.splitlines()) == (0, lines)
    assert made.calls == [((tool,), {"download": ["a", "b"], "program": None})]
    veriscope("models", "install", tool, "--program", "/opt/x", "--json")
    assert made.calls[1] == ((tool,), {"download": (), "program": "/opt/x"})


def test_a_runtime_of_packages_is_used_by_adding_one(
    veriscope: Veriscope, monkeypatch: pytest.MonkeyPatch
) -> None:
    from veriscope.methods.external.find import RUNTIMES

    tool = sorted(RUNTIMES)[0]
    record(monkeypatch, environments, "install_tool", INSTALLED | {"tool": tool})
    last = veriscope("models", "install", tool, "-q").out.splitlines()[-1]
    assert last == "Use it: veriscope models add PACKAGE (one with such weights)"


@pytest.mark.parametrize(
    ("verb", "room", "function", "schema"),
    [
        ("uninstall", environments, "uninstall_tool", "veriscope/tool-remove/1"),
        ("remove", models, "remove_from_models", "veriscope/model-remove/1"),
    ],
)
def test_what_was_removed_is_told_and_what_could_not_be_is_an_error(
    veriscope: Veriscope, monkeypatch: pytest.MonkeyPatch, verb: str, room: Any, function: str, schema: str
) -> None:
    made = record(monkeypatch, room, function, None)
    assert veriscope("models", verb, "[mine]").out == "[mine] was removed\n"
    assert veriscope("models", verb, "mine", "--json").json == {"schema": schema, "removed": "mine"}
    assert made.calls == [(("[mine]",), {}), (("mine",), {})]
    made.found = InputError("mine: was not installed; see veriscope models")
    said = veriscope("models", verb, "mine", "--json")
    assert (said.code, said.message) == (1, "mine: was not installed; see veriscope models")


EXPORTED: dict[str, Any] = {
    "schema": "veriscope/model-export/1",
    "package": "out/mine.zip",
    "bytes": 2_340_000,
    "left_out": ["weights in torchscript"],
    "states": {"format_valid": {"status": "yes"}, "output_reproduced": {"status": "no", "text": "off by 2"}},
    "code": [{"file": "net.py", "callable": "Net", "sha256": "ab12"}],
    "would_run": ["runs weights.onnx"],
    "files": {"rdf.yaml": "cd34"},
}


def test_an_export_tells_what_was_proven_what_would_run_and_what_was_left_out(
    veriscope: Veriscope, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = record(monkeypatch, models, "export_model", EXPORTED)
    words = ("--evaluation", "a.json", "--evaluation", "b.json", "--spacing", "0.5", "-q")
    said = veriscope("models", "export", "mine", "-o", "out/mine.zip", *words)
    assert said.code == 0
    assert made.calls == [
        (
            ("mine", Path("out/mine.zip")),
            {"evaluations": [Path("a.json"), Path("b.json")], "spacing": {"y": 0.5, "x": 0.5}},
        )
    ]
    assert said.out.splitlines() == [
        "out/mine.zip was written (2.3 MB)",
        "  format valid: yes",
        "  output reproduced: no (off by 2)",
        "  runs weights.onnx",
        "  Python code: net.py (Net), SHA-256 ab12",
        "  file: rdf.yaml cd34",
        "  left out, because it is not here: weights in torchscript",
    ]
    assert veriscope("models", "export", "mine", "-o", "o.zip", "--json").json == EXPORTED
    assert made.calls[1][1] == {"evaluations": (), "spacing": None}


@pytest.mark.parametrize("spacing", ["0", "-1", "a", "z=1,z=2"])
def test_a_pixel_size_that_cannot_be_exports_nothing(
    veriscope: Veriscope, monkeypatch: pytest.MonkeyPatch, spacing: str
) -> None:
    made = record(monkeypatch, models, "export_model", EXPORTED)
    said = veriscope("models", "export", "mine", "-o", "o.zip", "--spacing", spacing, "--json")
    assert said.code == 1 and said.message.startswith(f"spacing {spacing!r} ")
    assert made.calls == []
