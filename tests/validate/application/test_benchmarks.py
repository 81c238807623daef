"""The benchmarks of the checks run, and show what the page about them says."""

from __future__ import annotations

import importlib.util
import json
import runpy
import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "benchmarks" / "science"


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def test_the_model_with_the_better_overlap_turns_the_effect_around(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VERISCOPE_DATA", str(tmp_path))  # simulated part only
    script = load("biology_over_overlap", monkeypatch)
    path = tmp_path / "out.json"
    script.main(["--quick", "--json", str(path)])
    better, worse = json.loads(path.read_text())["simulated"][0]["models"]
    assert better["iou"] > worse["iou"] + 0.1
    assert better["kept"] < 0 < 0.8 < worse["kept"] < 1.25
    assert (better["comparison_status"], worse["statuses"]["effect"]) == ("fails", "holds")
    assert "dsb2018_fluorescence: not there, left out" in capsys.readouterr().out


@pytest.mark.real_data
def test_real_nuclei_are_judged(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    script = load("biology_over_overlap", monkeypatch)
    result = script.real_study(data_dir, quick=True)
    assert (result["n_images"], len(result["models"])) == (6, 4)
    mask, objects = result["models"][0], result["models"][2]
    assert mask["iou"] > objects["iou"]
    count = sum(mask["reference"])
    assert abs(sum(objects["prediction"]) - count) < abs(sum(mask["prediction"]) - count)


def test_simulated_links_are_part_of_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    networks = load("_networks", monkeypatch)
    script = load("biology_over_overlap", monkeypatch)
    numpy = script.np
    first, again = (networks.simulate_network("fused", numpy.random.default_rng(3)) for _ in range(2))
    assert (first.mask == again.mask).all() and (first.pixels == again.pixels).all()
    assert first.mask.shape == (256, 256)
    # Tubules keep a distance, so a threshold at half the light of a link can still be right.
    n = len(script.sizes(script.pieces(first.mask)))
    assert 5 < n < 25


def test_intervals_and_verdicts_of_the_quick_form_are_as_stated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load("application_coverage", monkeypatch)
    row = script.run(script.Study(4, 4), runs=40, seed=1)
    for column in ("bias", "relative bias", "difference kept", "ratio kept", "slope"):
        assert row[column] > 0.82, column
    for column in script.COLUMNS:
        if column.startswith("wrong"):
            assert row[column] < 0.2, column
    assert capsys.readouterr().out == ""


def test_checks_agree_with_independent_implementations() -> None:
    rows = runpy.run_path(str(FOLDER / "metric_agreement" / "application.py"))["rows"](quick=True)
    assert [row["metric"] for row in rows] == [
        "equivalence",
        "differential_bias",
        "effect",
        "limits",
        "null_control",
    ]
    for row in rows:
        assert row["n_cases"] > 4 and row["max_difference"] < row["tolerance"], row
