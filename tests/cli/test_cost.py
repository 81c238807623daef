"""`veriscope run` tells what it cost, and what that rests on."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile

from .conftest import Veriscope


@pytest.fixture
def study(veriscope: Veriscope, tmp_path: Path) -> Path:
    tifffile.imwrite(tmp_path / "a.tif", np.random.default_rng(1).integers(0, 99, (40, 48), np.uint8))
    path = tmp_path / "s"
    assert veriscope("new", path, "--images", tmp_path / "a.tif", "--method", "log-spots", "-q").code == 0
    return path


def test_run_tells_its_cost(veriscope: Veriscope, study: Path) -> None:
    cost = veriscope("run", study, "--json").json["cost"]
    this_run, so_far = cost["this_run"], cost["study"]
    assert this_run["wall_s"] >= so_far["total"]["wall_s"] > 0
    assert this_run["peak_memory_bytes"] >= so_far["total"]["peak_memory_bytes"]
    assert [step["step"] for step in so_far["steps"]] == ["predict", "measure"]
    again = veriscope("run", study, "--json").json["cost"]
    assert again["study"] == so_far, "nothing was done"

    shown = veriscope("run", study, "-q").out
    assert re.search(
        r"^this run: [0-9.]+ s, [0-9.]+ s of processor time, no GPU, at most \d+ MB", shown, re.M
    )
    assert re.search(r"^all work so far: .*; (about|less than) [0-9.]+ Wh, .* g CO2$", shown, re.M)
    assert "core 12 W, power of memory 0.3725 W/GB" in shown
    assert "GPU 200 W" not in shown, "no GPU was used"


def test_assumptions_that_are_no_numbers_stop_before_the_work(
    veriscope: Veriscope, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERISCOPE_PUE", "0.9")
    said = veriscope("run", study, "--json")
    assert said.code == 1
    assert "pue: Input should be greater than or equal to 1 (got '0.9')" in said.message
    assert not list((study / "predictions").rglob("*.json"))
