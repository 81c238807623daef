"""Do the intervals of metrics hold? Coverage and width at nominal 95 %, simulated and on real images.

::

    python benchmarks/science/interval_coverage.py            # 2,000 runs per row (two minutes)
    python benchmarks/science/interval_coverage.py --quick    # 100 runs, a few rows
    python benchmarks/science/interval_coverage.py --json FILE

Simulated: images with unequal numbers of objects (mean 30, coefficient of variation 0.4 or 1.0), of which
a share is found that varies from image to image (beta-binomial with an intraclass correlation). Real:
images drawn with replacement from a data set, the prediction being its references with touching objects
merged; the truth is the metric of all images. "By object" takes every object for independent, "plain" is
the jackknife-t without logit scale, effective units, and bound for no spread.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage, special

from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.instance.catalogue import KeyedMetric, metric_by_key
from veriscope.validate.statistics import jackknife_interval, leave_one_out
from veriscope.validate.units import count_unit

SCHEMA = "veriscope/benchmark-interval-coverage/1"
LEVEL = 0.95
REAL_SETS = ("dsb2018_fluorescence", "dsb2018_histology")

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Population:
    """Somewhere to draw images from: rows of sums, as in `metrics.base.Counts`."""

    name: str
    keys: tuple[str, ...]
    rows: FloatArray


def simulated(rng: np.random.Generator, *, share: float, correlation: float, size_cv: float) -> Population:
    """A large population of images."""
    n = 200_000
    sigma2 = np.log(1 + size_cv**2)
    sizes = np.maximum(1, rng.poisson(rng.lognormal(np.log(30) - sigma2 / 2, np.sqrt(sigma2), n)))
    strength = (1 - correlation) / correlation
    a, b = share * strength, (1 - share) * strength
    tp = rng.binomial(sizes, rng.beta(a, b, n))
    fp = rng.poisson(sizes * (1 - rng.beta(a, b, n)))
    iou = 0.5 + 0.5 * rng.beta(8, 3, n)
    rows = np.stack([tp, fp, sizes - tp, tp * iou, sizes, tp + fp], axis=1).astype(float)
    name = f"simulated, recall {share}, ICC {correlation}, CV of size {size_cv}"
    return Population(name, ("recall@0.5", "f1@0.5", "count_bias"), rows)


def real(data: Path, name: str) -> Population | None:
    """All images of a data set, with touching objects merged in the prediction."""
    files = sorted((data / name / "labels").glob("*.tif"))
    if not files:
        return None
    rows = []
    for file in files:
        labels = tifffile.imread(file)
        rows.append(count_unit(labels, ndimage.label(labels > 0)[0], thresholds=(0.5,)).row(0.5))
    return Population(f"{name}, {len(rows)} images", ("f1@0.5", "ap@0.5", "pq", "count_bias"), np.array(rows))


def populations(*, quick: bool) -> Iterator[Population]:
    """All populations; real ones where the data are."""
    rng = np.random.default_rng(0)
    cells = [(0.7, 0.15), (0.9, 0.02), (0.9, 0.15), (0.97, 0.02), (0.97, 0.15), (0.995, 0.02)]
    for share, correlation in cells[:1] if quick else cells:
        for size_cv in (0.4,) if quick else (0.4, 1.0):
            yield simulated(rng, share=share, correlation=correlation, size_cv=size_cv)
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    data = Path(os.environ.get("VERISCOPE_DATA", beside))
    for name in () if quick else REAL_SETS:
        population = real(data, name)
        if population is not None:
            yield population
        else:
            print(f"{name}: not there, left out (set VERISCOPE_DATA)")


def ends(keyed: KeyedMetric, rows: FloatArray) -> dict[str, tuple[float, float]]:
    """Interval of each method for one draw; NaN where a method gives none."""
    value, left_out = leave_one_out(rows, lambda sums: keyed.metric.function(Counts.from_columns(sums)))
    sizes = keyed.metric.sizes(Counts.from_columns(rows))
    ours = jackknife_interval(value, left_out, sizes, level=LEVEL, bounds=keyed.bounds)
    k = len(rows)
    plain = np.sqrt((k - 1) / k * ((left_out - left_out.mean()) ** 2).sum())
    plain *= special.stdtrit(k - 1, (1 + LEVEL) / 2)
    within = min(max(value, 0.0), 1.0) if keyed.metric.high == 1 else 0.5
    objects = 1.96 * np.sqrt(within * (1 - within) / max(sizes.sum(), 1.0))
    none = (np.nan, np.nan)
    return {
        "by object": (value - objects, value + objects),
        "plain": (value - plain, value + plain),
        "ours": none if ours.low is None or ours.high is None else (ours.low, ours.high),
    }


def run(population: Population, key: str, k: int, *, runs: int, seed: int) -> dict[str, Any]:
    """Draw k images many times; give coverage and mean width of each method."""
    keyed = metric_by_key(key, (0.5,))
    truth = float(keyed.metric.function(Counts.from_columns(population.rows.sum(axis=0))))
    rng = np.random.default_rng(seed)
    found: dict[str, list[tuple[float, float]]] = {}
    for _ in range(runs):
        draw = population.rows[rng.integers(0, len(population.rows), k)]
        for method, interval in ends(keyed, draw).items():
            found.setdefault(method, []).append(interval)
    row: dict[str, Any] = {"population": population.name, "metric": key, "k": k, "truth": truth, "runs": runs}
    for method, intervals in found.items():
        low, high = np.array(intervals).T
        row[method] = {
            "coverage": float(((low <= truth) & (truth <= high)).mean()),
            "width": float(np.nanmean(high - low)),
            "cannot_tell": float(np.isnan(low).mean()),
        }
    return row


def main(arguments: list[str] | None = None) -> None:
    """Run all rows, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(arguments)
    runs, numbers = (100, (8,)) if options.quick else (2000, (8, 20, 50))
    print("coverage/mean width of nominal 95 % intervals", flush=True)
    print(f"{'metric':<12}{'k':>4}{'truth':>9}{'by object':>14}{'plain':>14}{'ours':>14}")
    rows = []
    for number, population in enumerate(populations(quick=options.quick)):
        print(population.name, flush=True)
        for key in population.keys:
            for k in numbers:
                row = run(population, key, k, runs=runs, seed=number)
                rows.append(row)
                shown = [
                    f"{row[m]['coverage']:.3f}/{row[m]['width']:.3f}" for m in ("by object", "plain", "ours")
                ]
                print(f"{key:<12}{k:>4}{row['truth']:>9.3f}" + "".join(f"{text:>14}" for text in shown))
    coverages = [row["ours"]["coverage"] for row in rows]
    inside = sum(0.93 <= coverage <= 0.97 for coverage in coverages)
    print(
        f"ours: {inside} of {len(rows)} rows within 0.93-0.97, "
        f"{sum(coverage < 0.93 for coverage in coverages)} below, lowest {min(coverages):.3f}"
    )
    if options.json:
        options.json.write_text(json.dumps({"schema": SCHEMA, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
