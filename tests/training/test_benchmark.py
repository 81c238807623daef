"""The benchmark of training runs in its quick form, and counts work alone as processor time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import write_peer

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "science" / "training.py"


def test_the_quick_form_trains_and_judges(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    words = ["--quick", "--threads", "1", "--seeds", "3", "--json", str(tmp_path / "out.json")]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *words], capture_output=True, text=True, env=environment, timeout=600
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["schema"] == "veriscope/benchmark-training/1"
    row, told = found["rows"]
    assert (row["method"], row["seed"], row["widths"]) == ("ours", 3, [8, 16])
    assert 0 < row["steps"] <= 20
    for key in ("f1@0.5", "f1@0.7", "f1@0.9", "ap@0.5"):
        assert 0 <= row[key]["value"] <= 1
        assert row[key]["unit"] == "field group"
    assert 0 < row["train_cpu_min"] < 5
    assert (told["method"], told["steps"]) == ("ours, sizes told", row["steps"])
    assert row["predict_s"] > 0
    assert 0 < row["predict_cpu_s"] < 60
    assert "ours" in done.stdout and "CPU-min" in done.stdout and "CPU-s per image" in done.stdout


def test_peers_wait_asleep_in_as_many_threads_as_asked_for(script: dict[str, Any]) -> None:
    assert script["judge_peer"].__globals__["bounded"](2) == {
        "OMP_WAIT_POLICY": "passive",
        "OMP_NUM_THREADS": "2",
        "TF_NUM_INTRAOP_THREADS": "2",
    }


def test_a_peer_that_is_not_there_is_said(
    script: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VERISCOPE_PEERS", str(tmp_path))
    monkeypatch.setitem(script["main"].__globals__, "_read", lambda folder: script["_discs"]())
    found = script["main"](["--data", str(tmp_path), "--methods", "stardist"])
    assert found["rows"][0]["missing"].endswith("python benchmarks/peers/make.py stardist")
    assert "no environment at" in capsys.readouterr().out


def test_prediction_alone_is_timed(script: dict[str, Any]) -> None:
    seen: list[object] = []
    watch = script["judge_ours"].__globals__["Watch"](lambda image: seen.append(image) or sum(range(200_000)))
    assert watch("a") == watch("b") == sum(range(200_000))
    assert seen == ["a", "b"]
    told = watch.per_image()
    assert 0 < told["predict_cpu_s"] <= told["predict_s"] + 0.02
    assert told["predict_s"] == round(watch.wall / 2, 4)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"value": 0.5, "low": 0.25, "high": 0.75}, "0.500 (0.250–0.750)"),
        ({"value": 0.5, "low": None, "high": None}, "0.500"),
        ({"value": None, "low": None, "high": None}, "—"),
    ],
)
def test_figures_stand_with_their_interval(script: dict[str, Any], value: dict[str, Any], text: str) -> None:
    assert script["show"].__globals__["show_interval"](value) == text


def peer(
    script: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    split: Any,
    name: str,
    *,
    told: bool,
) -> dict[str, Any]:
    """Run a peer that gives the reference where sizes are told, else nothing."""
    write_peer(folder, name, told=told)
    monkeypatch.setenv("VERISCOPE_PEERS", str(folder))
    function = script["judge_peer"]
    monkeypatch.setitem(function.__globals__, "PEERS", folder)
    found: dict[str, Any] = function(name, split, script["Budget"](0.5, threads=1, seed=7))
    assert found[""]["f1@0.5"]["value"] == 0
    assert not {"labels", "told"} & set(found[""])
    assert (found[""]["train_cpu_min"], found[""]["predict_cpu_s"]) == (0.5, 0.1)
    assert json.loads((folder / f"{name}.jsonl").read_text()) == {
        "train": len(split.train),
        "test": len(split.test),
        "words": ["30.0", "7"],
    }
    if told:
        assert found[", sizes told"]["f1@0.9"]["value"] == 1
        assert found[", sizes told"]["predict_cpu_s"] == 0.2
    return found


def test_a_peer_is_judged_with_and_without_sizes_where_it_takes_them(
    script: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    split = script["_discs"]()
    for name, told in (("stardist", False), ("cellpose", True)):
        assert set(peer(script, monkeypatch, tmp_path, split, name, told=told)) == (
            {"", ", sizes told"} if told else {""}
        )
