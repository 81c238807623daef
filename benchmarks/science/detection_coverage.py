"""Do the intervals of average precision and FROC hold? Coverage and width at nominal 95 %, simulated.

::

    python benchmarks/science/detection_coverage.py            # 400 runs per row (ten minutes)
    python benchmarks/science/detection_coverage.py --quick    # 40 runs, one population, 20 images
    python benchmarks/science/detection_coverage.py --json FILE

Images have unequal numbers of objects, of which a share is found that varies from image to image
(beta-binomial with an intraclass correlation), and unequal numbers of invented ones; scores of hits and
inventions are normal, 1.5 apart, and shifted from image to image. "Ours" is the jackknife for average
precision and the standard error of resampled images for FROC, both with t and logit scale. "Other" is the
other of the two with t and logit scale, "percentile" takes the percentiles of resampled images.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.validate.metrics.detection.average_precision import average_precision
from veriscope.validate.metrics.detection.froc import FROC_RATES, sensitivity_at_fppi
from veriscope.validate.metrics.detection.intervals import (
    WeightedStatistic,
    bootstrap_by_image,
    jackknife_by_image,
)
from veriscope.validate.metrics.detection.ranked import RankedDetections

SCHEMA = "veriscope/benchmark-detection-coverage/1"
N_POPULATION = 4000
N_RESAMPLES = 400
METHODS = ("ours", "other", "percentile")

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """A population of images: share found, its correlation, objects per image and their spread."""

    recall: float
    correlation: float
    n_objects: float
    size_cv: float
    n_invented: float


SETTINGS = (
    Setting(0.8, 0.1, 30, 0.4, 10),
    Setting(0.8, 0.1, 30, 1.0, 10),
    Setting(0.95, 0.1, 10, 0.4, 2),
    Setting(0.7, 0.3, 5, 1.0, 4),
    Setting(0.95, 0.02, 30, 0.4, 3),
)


@dataclass(frozen=True)
class Image:
    """Scores, hits and number of objects."""

    scores: FloatArray
    hits: NDArray[np.bool_]
    n_reference: int


def population(rng: np.random.Generator, setting: Setting) -> list[Image]:
    """Simulate many images."""
    sigma2 = np.log(1 + setting.size_cv**2)
    strength = (1 - setting.correlation) / setting.correlation
    images = []
    for _ in range(N_POPULATION):
        n = int(rng.poisson(rng.lognormal(np.log(setting.n_objects) - sigma2 / 2, np.sqrt(sigma2))))
        found = int(rng.binomial(n, rng.beta(setting.recall * strength, (1 - setting.recall) * strength)))
        shape = 1 / (2 * setting.correlation)
        invented = int(rng.poisson(setting.n_invented * rng.gamma(shape, 1 / shape)))
        shift = rng.normal(0, np.sqrt(setting.correlation))
        scores = np.concatenate([rng.normal(1.5 + shift, 1, found), rng.normal(shift, 1, invented)])
        images.append(Image(scores, np.arange(found + invented) < found, n))
    return images


def ranked(images: list[Image]) -> RankedDetections:
    """Put the detections of some images in order."""
    scores = np.concatenate([image.scores for image in images])
    order = np.argsort(-scores, kind="stable")
    number = np.repeat(np.arange(len(images)), [len(image.scores) for image in images])
    hits = np.concatenate([image.hits for image in images])
    n_reference = np.array([image.n_reference for image in images], dtype=np.float64)
    return RankedDetections(scores[order], hits[order], number[order], n_reference)


AP, FROC, AT_ONE = "average_precision", "froc", "sensitivity@1_fppi"


def ends(found: RankedDetections, seed: int) -> dict[str, dict[str, tuple[float, float]]]:
    """Interval of each metric and method for one draw; NaN where there is none."""

    def precision(weights: FloatArray) -> FloatArray:
        return average_precision(found, weights=weights)[:, None]

    def sensitivities(weights: FloatArray) -> FloatArray:
        at = sensitivity_at_fppi(found, rates=FROC_RATES, weights=weights)
        return np.stack([at.mean(axis=1), at[:, FROC_RATES.index(1.0)]], axis=1)

    # What images bring, as in `curve_metrics`.
    share = found.n_reference / max(float(found.n_reference.mean()), 1e-9) + 1
    k = found.n_images
    draws = np.random.default_rng(seed).multinomial(k, np.full(k, 1 / k), N_RESAMPLES).astype(float)
    intervals: dict[str, dict[str, tuple[float, float]]] = {}
    families: tuple[tuple[tuple[str, ...], WeightedStatistic, FloatArray], ...] = (
        ((AP,), precision, found.sizes),
        ((FROC, AT_ONE), sensitivities, share),
    )
    for keys, statistic, sizes in families:
        jackknife = jackknife_by_image(statistic, sizes)
        bootstrap = bootstrap_by_image(statistic, sizes, n_resamples=N_RESAMPLES, seed=seed)
        percentiles = np.nanquantile(statistic(draws), [0.025, 0.975], axis=0).T
        for i, key in enumerate(keys):
            ours, other = (jackknife[i], bootstrap[i]) if key == AP else (bootstrap[i], jackknife[i])
            intervals[key] = {
                "ours": (np.nan, np.nan) if ours.low is None else (ours.low, ours.high or 0.0),
                "other": (np.nan, np.nan) if other.low is None else (other.low, other.high or 0.0),
                "percentile": (float(percentiles[i, 0]), float(percentiles[i, 1])),
            }
    return intervals


def run(number: int, setting: Setting, k: int, *, runs: int) -> list[dict[str, Any]]:
    """Draw k images many times; give coverage and mean width of each method and metric."""
    images = population(np.random.default_rng(number), setting)
    everything = ranked(images)
    at = sensitivity_at_fppi(everything)
    truth = {
        AP: float(average_precision(everything)),
        FROC: float(at.mean()),
        AT_ONE: float(at[FROC_RATES.index(1.0)]),
    }
    rng = np.random.default_rng(100 + number)
    found: dict[str, dict[str, list[tuple[float, float]]]] = {key: {m: [] for m in METHODS} for key in truth}
    for draw in range(runs):
        sample = ranked([images[i] for i in rng.integers(0, N_POPULATION, k)])
        for key, of_methods in ends(sample, draw).items():
            for method, interval in of_methods.items():
                found[key][method].append(interval)
    rows = []
    for key, methods in found.items():
        row: dict[str, Any] = {**vars(setting), "metric": key, "k": k, "truth": truth[key], "runs": runs}
        for method, intervals in methods.items():
            low, high = np.array(intervals).T
            row[method] = {
                "coverage": float(((low <= truth[key]) & (truth[key] <= high)).mean()),
                "width": float(np.nanmean(high - low)),
                "cannot_tell": float(np.isnan(low).mean()),
            }
        rows.append(row)
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Run all rows, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int, default=400)
    options = parser.parse_args(arguments)
    runs, settings, numbers = (
        (40, SETTINGS[:1], (20,)) if options.quick else (options.runs, SETTINGS, (8, 20, 50))
    )
    print("coverage/mean width of nominal 95 % intervals")
    print(f"{'metric':<20}{'k':>4}{'truth':>9}" + "".join(f"{method:>14}" for method in METHODS))
    rows = []
    for number, setting in enumerate(settings):
        print(setting)
        for k in numbers:
            for row in run(number, setting, k, runs=runs):
                rows.append(row)
                shown = [f"{row[m]['coverage']:.3f}/{row[m]['width']:.3f}" for m in METHODS]
                print(
                    f"{row['metric']:<20}{k:>4}{row['truth']:>9.3f}" + "".join(f"{t:>14}" for t in shown),
                    flush=True,
                )
    for key in (AP, FROC, AT_ONE):
        for method in METHODS:
            covered = [row[method]["coverage"] for row in rows if row["metric"] == key]
            inside = sum(0.93 <= c <= 0.97 for c in covered)
            print(f"{key}, {method}: {inside} of {len(covered)} rows in 0.93-0.97, lowest {min(covered):.3f}")
    if options.json:
        options.json.write_text(json.dumps({"schema": SCHEMA, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
