"""Intervals of curves by image: clusters, what cannot be told, and whether they cover."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.errors import InputError
from veriscope.validate.metrics.detection.intervals import bootstrap_by_image, jackknife_by_image

ROOT = Path(__file__).parents[4]
FOUND = np.array([8.0, 3.0, 5.0, 9.0, 2.0, 7.0])
SIZES = np.array([10.0, 9.0, 8.0, 11.0, 4.0, 7.0])


def recall(weights: Any) -> Any:
    return ((weights @ FOUND) / (weights @ SIZES))[:, None]


def test_both_are_the_standard_error_of_a_ratio() -> None:
    (jackknife,) = jackknife_by_image(recall, SIZES)
    (bootstrap,) = bootstrap_by_image(recall, SIZES, n_resamples=4000)
    assert jackknife.value == bootstrap.value == FOUND.sum() / SIZES.sum()
    assert jackknife.low is not None and jackknife.high is not None
    assert bootstrap.low is not None and bootstrap.high is not None
    assert bootstrap.high - bootstrap.low == pytest.approx(jackknife.high - jackknife.low, rel=0.25)
    assert bootstrap.method == "bootstrap standard error, t on the logit scale"
    assert bootstrap_by_image(recall, SIZES) == bootstrap_by_image(recall, SIZES)
    assert bootstrap_by_image(recall, SIZES) != bootstrap_by_image(recall, SIZES, seed=1)


def test_clusters_are_left_out_and_drawn_whole() -> None:
    wells = ["a", "a", "b", "b", "c", "c"]
    sums = np.eye(3).repeat(2, axis=1)

    def by_well(weights: Any) -> Any:
        return ((weights @ (sums @ FOUND)) / (weights @ (sums @ SIZES)))[:, None]

    assert jackknife_by_image(recall, SIZES, clusters=wells) == jackknife_by_image(by_well, sums @ SIZES)
    assert bootstrap_by_image(recall, SIZES, clusters=wells) == bootstrap_by_image(by_well, sums @ SIZES)
    with pytest.raises(InputError, match="1 clusters are given for 6 units; give one for each"):
        jackknife_by_image(recall, SIZES, clusters=["a"])


def test_what_cannot_be_told() -> None:
    for function in (jackknife_by_image, bootstrap_by_image):
        (one,) = function(lambda weights: np.full((len(weights), 1), 0.5), np.ones(1))
        assert (one.value, one.low, one.method) == (0.5, None, "cannot tell: 1 image")
        (same,) = function(lambda weights: np.ones((len(weights), 1)), np.ones(5))
        assert (same.value, same.high) == (1, 1)
        assert same.low == pytest.approx(0.025 ** (1 / 5))

    def hangs_on_one(weights: Any) -> Any:
        return np.where(weights[:, :1] > 0, 0.4, np.nan)

    assert bootstrap_by_image(hangs_on_one, np.ones(4))[0].low is None
    with pytest.raises(InputError, match="n_resamples 1 is not allowed"):
        bootstrap_by_image(recall, SIZES, n_resamples=1)


def test_intervals_cover_in_the_quick_benchmark(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "science" / "detection_coverage.py"))
    script["main"](["--quick", "--json", str(tmp_path / "c.json")])
    rows = json.loads((tmp_path / "c.json").read_text())["rows"]
    assert {row["metric"] for row in rows} == {"average_precision", "froc", "sensitivity@1_fppi"}
    assert all(row["ours"]["coverage"] >= 0.8 for row in rows)  # 40 runs: 0.8 is 4 standard errors off


def test_quick_agreement_with_other_implementations() -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "science" / "metric_agreement" / "detection.py"))
    rows = script["rows"](quick=True)
    assert {row["metric"] for row in rows} >= {
        "coco_average_precision",
        "average_precision",
        "froc",
        "f_beta",
    }
    off = [row for row in rows if row["max_difference"] > row["tolerance"]]
    assert not off
    assert all(row["n_cases"] >= 8 for row in rows if "not installed" not in row["explained"])
