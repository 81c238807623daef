"""The benchmark of packages runs in its quick form."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.real_data
def test_the_quick_form(
    data_dir: Path,
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("os.sched_setaffinity", lambda *_: None, raising=False)
    main = runpy.run_path(str(ROOT / "benchmarks" / "speed" / "zoo.py"))["main"]
    main(["--data", str(data_dir), "--quick", "--json", str(tmp_path / "out.json")])
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["schema"] == "veriscope/benchmark-zoo/1"
    (row,) = found["rows"]
    assert row["cpu_s"] > 0
    assert row["case"] in capsys.readouterr().out


@pytest.mark.real_data
def test_where_the_time_goes(
    data_dir: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its OpenVINO is the product's: a second core in a process can end it in a segmentation fault."""
    openvino = pytest.importorskip("openvino")
    monkeypatch.setattr("os.sched_setaffinity", lambda *_: None, raising=False)
    made = []
    monkeypatch.setattr(openvino, "Core", lambda kind=openvino.Core: made.append(kind()) or made[-1])
    benchmark = runpy.run_path(str(ROOT / "benchmarks" / "speed" / "zoo.py"))
    benchmark["main"](["--data", str(data_dir), "--profile"])
    assert len(made) <= 1, "the product keeps one core per process"
    lines = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert float(lines["tiles"]) > 1 and 0.5 < float(lines["network_share"]) <= 1
    assert float(lines["openvino_float32_difference"]) < 1e-3
    assert float(lines["onnxruntime_tile_s"]) > 0


def test_the_quick_form_of_seams(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Parts of a field of nuclei, with some objects as long as fibres, give the objects of the whole."""
    main = runpy.run_path(str(ROOT / "benchmarks" / "speed" / "seams.py"))["main"]
    main(["--quick", "--json", str(tmp_path / "out.json")])
    found = json.loads((tmp_path / "out.json").read_text())
    assert (found["schema"], found["side"]) == ("veriscope/benchmark-seams/1", 512)
    (row,) = found["rows"]
    assert row["objects"] > 50 and row["same"] == row["objects"]
    assert (row["changed"], row["lost"], row["extra"]) == (0, 0, 0)
    assert row["case"] in capsys.readouterr().out
