"""The benchmark of training runs in its quick form, and counts work alone as processor time."""

from __future__ import annotations

import argparse
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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


def test_peers_wait_asleep_in_as_many_threads_as_asked_for() -> None:
    script = runpy.run_path(str(SCRIPT))
    assert script["_for_peers"](2) == {
        "OMP_WAIT_POLICY": "passive",
        "OMP_NUM_THREADS": "2",
        "TF_NUM_INTRAOP_THREADS": "2",
    }


def test_a_peer_that_is_not_there_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VERISCOPE_PEERS", str(tmp_path))
    script = runpy.run_path(str(SCRIPT))
    script["main"].__globals__["_read"] = lambda folder: script["_discs"]()
    found = script["main"](["--data", str(tmp_path), "--methods", "stardist"])
    assert found["rows"][0]["missing"].endswith("python benchmarks/peers/make.py stardist")
    assert "no environment at" in capsys.readouterr().out


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


@pytest.mark.parametrize("objects", [1, 7, 20])
def test_so_many_objects_are_kept_and_the_rest_is_not_known(script: dict[str, Any], objects: int) -> None:
    whole = script["_discs"]()
    kept = script["_with_objects"](whole, objects, 0)
    assert sum(pair.n_objects for pair in kept.train) == objects
    assert (kept.val, kept.test) == (whole.val, whole.test)
    by_name = {pair.stem: pair for pair in whole.train}
    for pair in kept.train:
        before = by_name[pair.stem].labels
        assert (pair.labels[pair.labels > 0] == before[pair.labels > 0]).all()
        assert not before[pair.labels == 0].any()
    again, other = (script["_with_objects"](whole, objects, seed) for seed in (0, 5))
    assert [pair.stem for pair in again.train] == [pair.stem for pair in kept.train]
    assert [pair.stem for pair in other.train] != [pair.stem for pair in kept.train]


def test_more_objects_than_there_are_gives_all_that_crops_hold(script: dict[str, Any]) -> None:
    whole = script["_discs"]()
    kept = script["_with_objects"](whole, 10_000, 0)
    assert sum(pair.n_objects for pair in kept.train) == sum(pair.n_objects for pair in whole.train)


def test_prediction_alone_is_timed(script: dict[str, Any]) -> None:
    seen: list[object] = []
    watch = script["_Watch"](lambda image: seen.append(image) or sum(range(200_000)))
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
    assert script["_interval"](value) == text


def test_the_curve_is_judged_by_more_fields_and_no_field_both_teaches_and_judges() -> None:
    script = runpy.run_path(str(SCRIPT))
    split = script["_discs"]()
    found = script["_more_fields"](split, 0)
    assert found.val == split.val
    assert {pair.stem for pair in (*found.train, *found.test)} == {
        pair.stem for pair in (*split.train, *split.test)
    }
    assert len(found.test) > len(split.test)
    assert not {pair.group for pair in found.train} & {pair.group for pair in found.test}
    assert script["_more_fields"](split, 0).how == found.how
    few = script["_with_objects"](found, 5, 0)
    assert sum(pair.n_objects for pair in few.train) == 5
    assert few.test == found.test


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
    (folder / f"{name}_training.py").write_text(
        "import json, sys\n"
        "import numpy as np\n"
        "cases, seconds, seed = np.load(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])\n"
        "assert (seconds, seed) == (30.0, 7)\n"
        "truth = {k: v for k, v in cases.items() if k.startswith('test_labels_')}\n"
        "out = {k.replace('test_labels', 'labels'): 0 * v for k, v in truth.items()}\n"
        "out |= {k.replace('test_labels', 'told'): v for k, v in truth.items()}\n"
        "np.savez(sys.argv[4], **out)\n"
        "told = {'train_cpu_min': 0.5, 'labels': {'predict_cpu_s': 0.1}}\n"
        f"told |= {{'told': {{'predict_cpu_s': 0.2}}}} if {told} else {{}}\n"
        "print('Cellpose says RESULT too')\n"
        "print('RESULT ' + json.dumps(told))\n"
    )
    monkeypatch.setenv("VERISCOPE_PEERS", str(folder))
    function = script["_peer"]
    monkeypatch.setitem(function.__globals__, "PEERS", folder)
    options = argparse.Namespace(threads=1, cpu_minutes=0.5)
    found: dict[str, Any] = function(name, split, 7, options)
    assert found[""]["f1@0.5"]["value"] == 0
    assert not {"labels", "told"} & set(found[""])
    assert (found[""]["train_cpu_min"], found[""]["predict_cpu_s"]) == (0.5, 0.1)
    if told:
        assert found[", sizes told"]["f1@0.9"]["value"] == 1
        assert found[", sizes told"]["predict_cpu_s"] == 0.2
    return found


def test_a_peer_is_judged_with_and_without_sizes_where_it_takes_them(
    script: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    split = script["_discs"]()
    for name, told in (("stardist", False), ("cellpose", True)):
        python = tmp_path / name / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.symlink_to(sys.executable)
        assert set(peer(script, monkeypatch, tmp_path, split, name, told=told)) == (
            {"", ", sizes told"} if told else {""}
        )
