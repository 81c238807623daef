"""Which of the computed metrics fit, and how that is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.io.labels import write_labels
from veriscope.validate.fingerprint.items import Figure, Fingerprint
from veriscope.workflow.comparison.advice import advise, first_fitting, fits, fitting_keys, show_fingerprint
from veriscope.workflow.comparison.folders import compare_folders


def test_only_what_is_known_is_shown_with_its_figure() -> None:
    figure = Figure(item="touching", name="share of objects that touch another", value=0.25, limit=0.01)
    known = Fingerprint(
        category="instance", touching=True, measured=frozenset({"touching"}), figures=(figure,)
    )
    assert show_fingerprint(known) == [
        {
            "item": "category",
            "question": Fingerprint.describe("category"),
            "answer": "instance",
            "source": "said",
        },
        {
            "item": "touching",
            "question": "Do objects touch or overlap? (FP3.5)",
            "answer": True,
            "source": "measured",
            "measured_as": "share of objects that touch another",
            "figure": 0.25,
            "limit": 0.01,
        },
    ]
    overridden = show_fingerprint(known.override(touching=False))[1]
    assert (overridden["answer"], overridden["source"], overridden["figure"]) == (False, "said", 0.25)


@pytest.mark.parametrize("category", ["instance", "semantic", "detection", "classification", "tracking"])
def test_advice_names_metrics_with_rules_and_what_it_follows_from(category: str) -> None:
    found = advise(Fingerprint.parse({"category": category}, where="test"))
    assert found["category"] == category
    assert found["metrics"]
    for item in found["metrics"]:
        assert {"key", "rule", "reason"} <= set(item)
    assert found["fingerprint"][0]["answer"] == category


def advice_of(*keys: str, criterion: str = "mask_iou") -> dict[str, Any]:
    criteria = [{"key": criterion, "rule": "S8"}, {"key": "greedy", "rule": "S9"}]
    return {"category": "instance", "metrics": [{"key": key} for key in keys], "criteria": criteria}


def test_the_first_recommended_metric_that_is_there_ranks() -> None:
    advice = advice_of("pq", "f1", "nsd")
    assert first_fitting(advice, ["nsd", "f1@0.5", "f1@0.7"], otherwise="iou") == "f1@0.5"
    assert first_fitting(advice, ["iou"], otherwise="iou") == "iou"
    found_only = advice_of("mean_matched_iou@0.5", "dice")
    computed = ["mean_matched_iou@0.5", "dice[a]", "f1@0.5"]
    assert first_fitting(found_only, computed, otherwise="f1@0.5") == "f1@0.5"


def test_metrics_by_another_criterion_were_not_computed() -> None:
    assert fitting_keys(advice_of("f1", "count_bias")) == ["f1", "count_bias"]
    assert fitting_keys(advice_of("f1", "count_bias", criterion="centre_distance")) == ["count_bias"]


def test_thresholds_and_classes_of_what_is_recommended() -> None:
    assert fits("f1@0.7", ["f1"])
    assert fits("f1@0.5", ["f1@0.5"])
    assert not fits("f1@0.7", ["f1@0.5"])
    assert fits("dice[2]", ["nsd", "dice"])
    assert not fits("iou", ["mean_matched_iou"])


def test_answers_change_the_advice_and_what_is_counted(tmp_path: Path) -> None:
    line = np.zeros((30, 30), np.uint16)
    line[14:17, 2:28] = 1
    broken = line.copy()
    broken[:, 12:15] = 0
    write_labels(tmp_path / "labels" / "a.tif", line)
    write_labels(tmp_path / "predicted" / "a.tif", broken)
    folders = (tmp_path / "labels", tmp_path / "predicted")
    plain = compare_folders(*folders, task="semantic")
    found = compare_folders(*folders, task="semantic", answers={"tubular": True, "connections_matter": True})
    assert "line_gaps" not in plain["metrics_per_image"]
    assert found["metrics_per_image"]["line_gaps"]["value"] == 1
    advised = {item["key"] for item in found["advice"]["metrics"]}
    assert {"centreline_dice", "betti_matching_error", "line_gaps"} <= advised
    assert not advised <= {item["key"] for item in plain["advice"]["metrics"]}
