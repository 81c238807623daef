"""The benchmark of the app's server runs, and finds nothing lost."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "speed" / "web.py"


@pytest.mark.slow
def test_quick_form(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VERISCOPE_CACHE", str(tmp_path))  # the benchmark sets its own
    spec = importlib.util.spec_from_file_location("web_benchmark", PATH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "web_benchmark", module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec.loader.exec_module(module)

    found = module.run(quick=True)

    cases = {case["case"]: case for case in found["cases"]}
    assert len(cases) == 7 and all(case["n_errors"] == 0 for case in cases.values())
    annotators = cases["20 annotators"]
    assert (annotators["lost_strokes"], annotators["lost_versions"]) == (0, 0)
    assert annotators["n"] == 20 * 2 * 5
