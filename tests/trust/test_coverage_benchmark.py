from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "science"


@pytest.fixture
def coverage(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> ModuleType:
    monkeypatch.setenv("VERISCOPE_DATA", str(data_dir))
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("coverage_benchmark", FOLDER / "coverage.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "coverage_benchmark", module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.real_data
def test_intervals_cover_on_real_histology(
    coverage: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "coverage.json"
    coverage.main(["--quick", "--json", str(path)])
    result = json.loads(path.read_text())
    rows = {(row["predictor"], row["measure"]): row for row in result["rows"]}
    assert len(rows) == 12
    for (predictor, _), row in rows.items():
        if predictor != "failing":
            assert 0.83 < row["coverage"]["ours"] < 0.97  # 400 audits: ±0.015, three times
    assert "ours within 88–92 %" in capsys.readouterr().out
