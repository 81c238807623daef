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
