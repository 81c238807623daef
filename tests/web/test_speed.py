"""The browser benchmark runs in its quick form, and its figures can be true.

How fast is for a benchmark on an idle computer to say; here bounds only tell a broken measurement.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "speed" / "web_browser.py"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def benchmark(node: str) -> Any:
    spec = importlib.util.spec_from_file_location("web_browser_benchmark", PATH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def found(benchmark: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VERISCOPE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(sys, "path", list(sys.path))
        result = benchmark.run(quick=True)
    assert not result["faults"], result["faults"]
    return result


def test_the_image_is_seen_after_its_metadata_were_asked_for(found: Any) -> None:
    image = found["image"]
    assert image["side"] == 2048 and image["made_s"] >= 0
    for name in ("own_pyramid", "no_pyramid", "again"):
        assert 0 < image[name]["metadata_ms"] < image[name]["shown_ms"]
        assert image[name]["chunks_before"] >= 1


def test_a_stroke_is_drawn_over_many_objects(found: Any) -> None:
    stroke = found["painting"]
    assert stroke["objects"] >= 400
    assert stroke["n"] > 3 and 0 < stroke["median_ms"] <= stroke["p95_ms"] <= stroke["max_ms"]
    # No more frames than a screen shows, and no more positions than were sent.
    assert 0 < stroke["per_second"] < 70
    assert 0 < stroke["moves_seen"] <= stroke["moves_sent"] + 1


def test_the_table_is_filtered(found: Any) -> None:
    table = found["table"]
    assert table["rows"] == 2000
    assert table["n"] == 2 and table["median_ms"] > 0


def test_its_words_name_figure_and_goal(found: Any, benchmark: Any) -> None:
    said = "\n".join(benchmark.lines(found))
    for part in ("image 2,048²", "goal 2,000 ms", "goal 30 frames/s", "goal 100 ms", "load of the computer"):
        assert part in said
