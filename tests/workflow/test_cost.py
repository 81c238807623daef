"""What a study has cost: the sums over its record, old entries and repeated work among them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from veriscope.core.cost import Assumptions, Usage
from veriscope.errors import InputError
from veriscope.io.record import Record
from veriscope.io.usage import UsageMeter, WorkerUsage
from veriscope.workflow.cost import run_cost
from veriscope.workflow.study import Study


def steps_of(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["step"]: row for row in found["steps"]}


def test_every_step_of_a_study_is_counted(finished: Study) -> None:
    found = finished.cost()
    assert found["schema"] == "veriscope/cost/1"
    steps = steps_of(found)
    entries = [entry for entry in Record(finished.path).entries() if "wall_s" in entry]
    assert {"predict", "measure", "validate", "estimate", "verdict"} <= set(steps)
    assert steps["predict"]["n_steps"] == 16, "8 images, 2 candidates"
    predicted = [entry for entry in entries if entry["step"] == "predict"]
    assert steps["predict"]["cpu_s"] == pytest.approx(sum(entry["cost"]["cpu_s"] for entry in predicted))
    stores = [finished.path / image.path for image in finished.images]
    size = sum(file.stat().st_size for store in stores for file in store.rglob("*") if file.is_file())
    assert steps["predict"]["bytes_read"] == 2 * size, "each image is read by each candidate"
    total = found["total"]
    assert total["n_steps"] == len(entries)
    assert total["n_unmeasured"] == 0
    assert total["wall_s"] == pytest.approx(sum(entry["wall_s"] for entry in entries))
    assert total["peak_memory_bytes"] == max(entry["cost"]["peak_memory_bytes"] for entry in entries)
    assert total["gpu_s"] is None
    assert total["energy_wh"] > 0
    json.dumps(found)


def test_the_report_shows_the_cost_of_what_came_before(finished: Study) -> None:
    record = json.loads((finished.path / "report/report.json").read_text())
    assert record["cost"]["schema"] == "veriscope/cost/1"
    assert "predict" in steps_of(record["cost"])
    assert {row["name"] for row in record["cost"]["assumptions"]} == set(Assumptions.model_fields)
    assert "What it cost" in (finished.path / "report/index.html").read_text(encoding="utf-8")


def test_work_done_again_counts_each_time(done_study: Study) -> None:
    before = steps_of(done_study.cost())["predict"]
    done_study.run()
    assert steps_of(done_study.cost())["predict"] == before, "nothing was done"
    (done_study.path / "predictions/log-spots" / f"{done_study.images[0].image_id}.json").unlink()
    done_study.run(only=["log-spots"])
    after = steps_of(done_study.cost())["predict"]
    assert after["n_steps"] == before["n_steps"] + 1
    assert after["cpu_s"] > before["cpu_s"]


def test_records_of_older_versions_give_their_time(done_study: Study) -> None:
    record = done_study.path / "record.jsonl"
    entries = Record(done_study.path).entries()
    for entry in entries:
        entry.pop("cost", None)
    record.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    found = Study(done_study.path).cost()
    assert found["total"]["wall_s"] > 0
    assert found["total"]["n_unmeasured"] == found["total"]["n_steps"]
    assert (found["total"]["cpu_s"], found["total"]["energy_wh"]) == (None, None)
    assert [run.n_done for run in Study(done_study.path).run()] == [0, 0], "and they are still current"


def test_assumptions_come_from_the_environment(done_study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERISCOPE_CARBON_G_PER_KWH", "0")
    found = done_study.cost()
    assert found["total"]["carbon_g"] == 0
    assert found["total"]["energy_wh"] > 0
    monkeypatch.setenv("VERISCOPE_CARBON_G_PER_KWH", "many")
    with pytest.raises(InputError, match="carbon_g_per_kwh: Input should be a valid number"):
        done_study.report()


def test_a_run_is_described_with_its_estimate() -> None:
    worker = WorkerUsage("another computer", (1,), Usage(wall_s=1.0, cpu_s=3600.0, peak_memory_bytes=0))
    with UsageMeter() as meter:
        UsageMeter.add_workers([worker])
    found = run_cost(meter, Assumptions(core_power_w=10, memory_gb=0, pue=1.5, carbon_g_per_kwh=100))
    assert found.pop("workers") == {"n_workers": 1, "cpu_s": 3600.0, "peak_memory_bytes": 0}
    assert found == meter.usage.to_dict() | {"energy_wh": 15.0, "carbon_g": 1.5}
