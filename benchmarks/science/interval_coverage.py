"""Do the intervals of metrics hold? Coverage and width at nominal 95 %, simulated and on real images.

::

    python benchmarks/science/interval_coverage.py                  # 2,000 runs per row (some minutes)
    python benchmarks/science/interval_coverage.py --quick          # 100 runs, a few rows
    python benchmarks/science/interval_coverage.py --bootstrap-t    # compares with bootstrap-t (some rows)
    python benchmarks/science/interval_coverage.py --json FILE

Five groups of populations; the truth is the metric of the whole population:

- ``objects``: images with unequal numbers of objects (mean 30, coefficient of variation 0.4 or 1.0), of
  which a share is found that varies from image to image (beta-binomial with an intraclass correlation).
- ``values``: one bounded or unbounded value per image, such as Dice, SSIM or a distance.
- ``replicates``: 2 to 6 images in each replicate that resemble each other (latent intraclass correlation
  0 to 0.3); objects and values. Replicates are the units; "by image" takes each image for one.
- ``real``: images drawn with replacement from a data set, the prediction being its references with
  touching objects merged.
- ``overlaps``: the same images, metrics of overlapping pixels.

"By object" takes every object for independent, "plain" is the jackknife-t without scale, effective units,
and bound for no spread. Seeds are the numbers of the populations; the standard error of a coverage c is
√(c (1 - c) / runs), 0.005 at 0.95 and 2,000 runs.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage, special, stats

from veriscope.validate.metrics.base import Counts, ratio
from veriscope.validate.metrics.instance.catalogue import metric_by_key
from veriscope.validate.statistics import jackknife_interval, leave_one_out
from veriscope.validate.units import count_unit

SCHEMA = "veriscope/benchmark-interval-coverage/2"
LEVEL = 0.95
REAL_SETS = ("dsb2018_fluorescence", "dsb2018_histology")
INSTANCE_KEYS = ("f1@0.5", "ap@0.5", "pq", "mean_matched_iou@0.5", "count_bias")
OVERLAP_KEYS = ("aji", "split_merge", "vi", "are")

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Population:
    """Somewhere to draw units from: sums of shape (units, images of a unit, columns); absent images are 0."""

    group: str
    name: str
    keys: tuple[str, ...]
    rows: FloatArray
    numbers: tuple[int, ...] = (8, 20, 50)
    bounds: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Statistic:
    """A metric as a function of sums."""

    function: Callable[[FloatArray], FloatArray]
    sizes: Callable[[FloatArray], FloatArray]
    bounds: tuple[float, float]


def statistic(population: Population, key: str) -> Statistic:
    """A pooled metric of objects, or the mean of values."""
    if key == "mean":
        return Statistic(lambda s: ratio(s[..., 0], s[..., 1]), lambda s: s[..., 1], population.bounds)
    keyed = metric_by_key(key, (0.5,))
    return Statistic(
        lambda sums: keyed.metric.function(Counts.from_columns(sums)),
        lambda sums: keyed.metric.sizes(Counts.from_columns(sums)),
        keyed.bounds,
    )


def objects(rng: np.random.Generator, shares: FloatArray, quality: FloatArray, size_cv: float) -> FloatArray:
    """Sums of images of which shares are found, (..., 6); `quality` is the share of predictions kept."""
    sigma2 = np.log(1 + size_cv**2)
    sizes = np.maximum(1, rng.poisson(rng.lognormal(np.log(30) - sigma2 / 2, np.sqrt(sigma2), shares.shape)))
    tp = rng.binomial(sizes, shares)
    fp = rng.poisson(sizes * (1 - quality))
    iou = 0.5 + 0.5 * rng.beta(8, 3, shares.shape)
    return np.stack([tp, fp, sizes - tp, tp * iou, sizes, tp + fp], axis=-1).astype(float)


def single_images() -> Iterator[Population]:
    """Groups ``objects`` and ``values``."""
    rng = np.random.default_rng(0)
    n = 200_000
    for share, icc in [(0.7, 0.15), (0.9, 0.02), (0.9, 0.15), (0.97, 0.02), (0.97, 0.15), (0.995, 0.02)]:
        a, b = share * (1 - icc) / icc, (1 - share) * (1 - icc) / icc
        for size_cv in (0.4, 1.0):
            rows = objects(rng, rng.beta(a, b, (n, 1)), rng.beta(a, b, (n, 1)), size_cv)
            name = f"share found {share}, ICC of objects {icc}, CV of size {size_cv}"
            yield Population("objects", name, ("recall@0.5", *INSTANCE_KEYS), rows)
    for mean, sd in [(0.8, 0.1), (0.9, 0.08), (0.97, 0.03), (0.99, 0.01), (0.99, 0.02)]:
        strength = mean * (1 - mean) / sd**2 - 1
        values = rng.beta(mean * strength, (1 - mean) * strength, n)
        yield value_population(f"bounded, mean {mean}, SD {sd}", values, (0.0, 1.0))
    failing = np.where(rng.random(n) < 0.1, rng.beta(2, 2, n), rng.beta(40, 2, n))
    yield value_population("bounded, every tenth image fails", failing, (0.0, 1.0))
    yield value_population("distance, gamma, CV 0.7", rng.gamma(2, 1, n), (0.0, np.inf))
    yield value_population("distance, lognormal, CV 0.95", rng.lognormal(0, 0.8, n), (0.0, np.inf))
    yield value_population("error, t with 3 degrees of freedom", rng.standard_t(3, n), (-np.inf, np.inf))


def value_population(name: str, values: FloatArray, bounds: tuple[float, float]) -> Population:
    """One value per image."""
    rows = np.stack([values, np.ones_like(values)], axis=-1)[:, np.newaxis]
    return Population("values", name, ("mean",), rows, bounds=bounds)


def replicates() -> Iterator[Population]:
    """Group ``replicates``: images of a replicate share part of a latent quality."""
    rng = np.random.default_rng(1)
    n, m = 50_000, 6
    numbers = (3, 5, 8, 20, 50)
    for correlation in (0.0, 0.1, 0.3):
        latent = np.sqrt(correlation) * rng.normal(size=(n, 1))
        latent = latent + np.sqrt(1 - correlation) * rng.normal(size=(n, m))
        ranks = stats.norm.cdf(latent)
        there = np.arange(m) < rng.integers(2, m + 1, (n, 1))
        for share in (0.7, 0.9, 0.97):
            shares = stats.beta.ppf(ranks, share * 9, (1 - share) * 9)
            rows = objects(rng, shares, rng.permutation(shares), 0.4) * there[..., np.newaxis]
            name = f"share found {share}, ICC of images {correlation}"
            yield Population("replicates", name, ("f1@0.5", "ap@0.5", "pq", "count_bias"), rows, numbers)
        for mean, sd in [(0.9, 0.08), (0.97, 0.03)]:
            strength = mean * (1 - mean) / sd**2 - 1
            values = stats.beta.ppf(ranks, mean * strength, (1 - mean) * strength)
            weights = there / there.sum(axis=1, keepdims=True)
            rows = np.stack([values * weights, weights], axis=-1)
            name = f"bounded, mean {mean}, SD {sd}, ICC of images {correlation}"
            yield Population("replicates", name, ("mean",), rows, numbers)


def real() -> Iterator[Population]:
    """Groups ``real`` and ``overlaps``: data sets with touching objects merged in the prediction."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    data = Path(os.environ.get("VERISCOPE_DATA", beside))
    overlaps = []
    for name in REAL_SETS:
        files = sorted((data / name / "labels").glob("*.tif"))
        rows = []
        for file in files:
            labels = tifffile.imread(file)
            rows.append(count_unit(labels, ndimage.label(labels > 0)[0], thresholds=(0.5,)).all_sums(0.5))
        if rows:
            sums = np.array(rows, dtype=float)[:, np.newaxis]
            title = f"{name}, {len(rows)} images"
            overlaps.append(Population("overlaps", title, OVERLAP_KEYS, sums))
            yield Population("real", title, INSTANCE_KEYS, sums[..., :6])
        else:
            print(f"{name}: not there, left out (set VERISCOPE_DATA)")
    yield from overlaps


def populations(*, quick: bool) -> Iterator[Population]:
    """All populations; two with few keys in the quick form."""
    if quick:
        first = next(single_images())
        yield Population(first.group, first.name, ("f1@0.5", "count_bias"), first.rows, (8,))
        shares = np.random.default_rng(1).beta(4, 1, (5_000, 1)) * np.ones(4)
        rows = objects(np.random.default_rng(2), shares, shares, 0.4)
        yield Population(
            "replicates", "share found 0.8, images of a replicate alike", ("f1@0.5",), rows, (8,)
        )
        return
    yield from single_images()
    yield from replicates()
    yield from real()


def ends(found: Statistic, images: FloatArray) -> dict[str, tuple[float, float]]:
    """Interval of each method for one draw of units, (k, images, columns); NaN where a method gives none."""
    rows = images.sum(axis=1)
    value, left_out = leave_one_out(rows, found.function)
    sizes = found.sizes(rows)
    k = len(rows)
    with np.errstate(invalid="ignore"):
        plain = np.sqrt((k - 1) / k * ((left_out - left_out.mean()) ** 2).sum())
    plain *= special.stdtrit(k - 1, (1 + LEVEL) / 2)
    intervals = {"plain": (value - plain, value + plain), "ours": interval(found, rows)}
    if rows.shape[1] == 6:
        within = min(max(value, 0.0), 1.0) if found.bounds[1] == 1 else 0.5
        reach = 1.96 * np.sqrt(within * (1 - within) / max(sizes.sum(), 1.0))
        intervals["by object"] = (value - reach, value + reach)
    if images.shape[1] > 1:
        single = images.reshape(-1, images.shape[2])
        intervals["by image"] = interval(found, single[found.sizes(single) > 0])
    return intervals


def interval(found: Statistic, rows: FloatArray) -> tuple[float, float]:
    """The package's interval."""
    value, left_out = leave_one_out(rows, found.function)
    ours = jackknife_interval(value, left_out, found.sizes(rows), level=LEVEL, bounds=found.bounds)
    return (np.nan, np.nan) if ours.low is None or ours.high is None else (ours.low, ours.high)


def bootstrap_t(found: Statistic, images: FloatArray, rng: np.random.Generator) -> tuple[float, float]:
    """Bootstrap-t by unit with 400 draws, on the logit scale where there are two bounds (Efron 1981)."""
    rows = images.sum(axis=1)
    k = len(rows)
    low, high = found.bounds
    bounded = np.isfinite(low) and np.isfinite(high)

    def moved(values: FloatArray) -> FloatArray:
        if not bounded:
            return values
        share = np.clip((values - low) / (high - low), 1e-9, 1 - 1e-9)
        return np.asarray(np.log(share / (1 - share)))

    def error(weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Statistic and jackknife standard error for the numbers of times that each unit was drawn."""
        total = weights @ rows
        left_out = moved(found.function(total[:, np.newaxis] - rows))
        mean = (weights * left_out).sum(axis=1, keepdims=True) / k
        spread = (weights * (left_out - mean) ** 2).sum(axis=1)
        return moved(found.function(total)), np.sqrt((k - 1) / k * spread)

    with np.errstate(divide="ignore", invalid="ignore"):
        (value,), (own,) = error(np.ones((1, k)))
        drawn, errors = error(rng.multinomial(k, np.full(k, 1 / k), 400).astype(float))
        t = (drawn - value) / errors
    t = t[np.isfinite(t)]
    if len(t) < 100 or not own > 0:
        return interval(found, rows)
    tail = np.quantile(t, [(1 + LEVEL) / 2, (1 - LEVEL) / 2])
    first, second = value - tail * own
    return (low + (high - low) * special.expit([first, second])) if bounded else (first, second)


def run(
    population: Population, key: str, k: int, *, runs: int, seed: int, bootstrap: bool = False
) -> dict[str, Any]:
    """Draw k units many times; give coverage and mean width of each method."""
    found = statistic(population, key)
    truth = float(found.function(population.rows.sum(axis=(0, 1))))
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[tuple[float, float]]] = {}
    for _ in range(runs):
        images = population.rows[rng.integers(0, len(population.rows), k)]
        each = ends(found, images)
        if bootstrap:
            each["bootstrap-t"] = bootstrap_t(found, images, rng)
        for method, pair in each.items():
            drawn.setdefault(method, []).append(pair)
    row: dict[str, Any] = {
        "group": population.group,
        "population": population.name,
        "metric": key,
        "k": k,
        "truth": truth,
        "runs": runs,
        "seed": seed,
    }
    for method, intervals in drawn.items():
        low, high = np.array(intervals).T
        coverage = float(((low <= truth) & (truth <= high)).mean())
        told = np.isfinite(high - low)
        row[method] = {
            "coverage": coverage,
            "standard_error": float(np.sqrt(coverage * (1 - coverage) / runs)),
            "above": float((low > truth).mean()),
            "below": float((high < truth).mean()),
            "width": float((high - low)[told].mean()) if told.any() else None,
            "cannot_tell": float(np.isnan(low).mean()),
        }
    return row


BOOTSTRAP_KEYS = ("f1@0.5", "count_bias", "mean")
METHODS = ("by object", "by image", "plain", "bootstrap-t", "ours")


def show(row: dict[str, Any]) -> str:
    """One line of the table: coverage/width of each method."""
    cells = [f"{row[m]['coverage']:.3f}/{row[m]['width'] or np.nan:.3f}" if m in row else "" for m in METHODS]
    return f"{row['metric']:<21}{row['k']:>3}{row['truth']:>8.3f}" + "".join(f"{cell:>13}" for cell in cells)


def summary(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Rows within 0.93 to 0.97, by group and number of units."""
    for group, k in sorted({(row["group"], row["k"]) for row in rows}):
        mine = [row for row in rows if (row["group"], row["k"]) == (group, k)]
        found = np.array([row["ours"]["coverage"] for row in mine])
        line = (
            f"{group:<11}{k:>3} units: {((found >= 0.93) & (found <= 0.97)).sum():>2} of {len(found):>2} "
            f"rows within, {(found < 0.93).sum()} below, {(found > 0.97).sum():>2} above; "
            f"{found.min():.3f} to {found.max():.3f}"
        )
        for method in METHODS[:-1]:
            other = [row[method]["coverage"] for row in mine if method in row]
            line += f"; {method} {min(other):.2f} to {max(other):.2f}" if other else ""
        yield line


def main(arguments: list[str] | None = None) -> None:
    """Run all rows, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--bootstrap-t", action="store_true", help="500 runs of 8 and 20 units, fewer rows")
    options = parser.parse_args(arguments)
    runs = 100 if options.quick else 500 if options.bootstrap_t else 2000
    print("coverage/mean width of nominal 95 % intervals", flush=True)
    print(f"{'metric':<21}{'k':>3}{'truth':>8}" + "".join(f"{method:>13}" for method in METHODS))
    rows = []
    for number, population in enumerate(populations(quick=options.quick)):
        print(f"{population.group}: {population.name}", flush=True)
        for key in population.keys:
            for k in population.numbers:
                if options.bootstrap_t and (
                    population.group == "replicates" or key not in BOOTSTRAP_KEYS or k == 50
                ):
                    continue
                rows.append(run(population, key, k, runs=runs, seed=number, bootstrap=options.bootstrap_t))
                print(show(rows[-1]), flush=True)
    print(*summary(rows), sep="\n")
    if options.json:
        options.json.write_text(json.dumps({"schema": SCHEMA, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
