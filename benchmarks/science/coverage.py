"""Do the intervals cover? Repeated audits of real data whose every tile is known.

    python benchmarks/science/coverage.py [--quick] [--json FILE] [--audits 4000] [--seed 0]

Each row: how often a nominal 90 % interval covers the true value of the whole data set, and its mean
width relative to that value, over repeated audits of n tiles:

- ``model``: the model's word; no interval, so its relative error is shown.
- ``labels``: references of a simple random sample, t interval.
- ``ppi``, ``ppi++``: the same sample with predictions, normal interval (PPI++ fits the slope).
- ``ours``: `veriscope.trust`, tiles drawn by the same predictor.
- ``picked``: ours, with the predictor chosen anew in each audit as the one whose counts were nearest
  to the references, tiles drawn by the mean over both predictors. Same figures in both rows.

Predictors: ``good`` splits touching objects, ``bad`` does not; on blood smears, whose boxes are
incomplete, both are nearly useless. ``failing`` is exact but finds nothing in one image of twenty.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _tile_tables import DATA_SETS, OBJECT_SUMS, load
from scipy.stats import norm
from scipy.stats import t as student

from veriscope.trust.correction import (
    calibrated_terms,
    corrected_terms,
    exact_share,
    fitted_slope,
    mean_and_influence,
    ratio_and_influence,
)
from veriscope.trust.interval import Unseen, mean_interval, ratio_interval
from veriscope.trust.sampling import EVEN_SHARE, draw_probability, mean_share

LEVEL = 0.9
PREDICTORS = ("good", "bad", "failing")
METHODS = ("labels", "ppi", "ppi++", "ours", "picked")
MEASURES: dict[str, tuple[str, str | None]] = {
    "count": ("count", None),
    "mean area": ("area", "count"),
    "mean intensity": ("intensity", "count"),
    "fraction large": ("large", "count"),
}


@dataclass(frozen=True)
class Plan:
    """How often to audit, from which seed, and with which even share of the draw probability."""

    audits: int
    seed: int
    even_share: float = EVEN_SHARE


@dataclass(frozen=True)
class Row:
    """Coverage and relative width of each way to estimate, for one data set, predictor, measure and n."""

    data: str
    predictor: str
    measure: str
    n: int
    tiles: int
    correlation: float
    truth: float
    model_error: float
    coverage: dict[str, float]
    width: dict[str, float]

    @property
    def width_to_labels(self) -> float:
        """Width of ours over that of labels only."""
        return self.width["ours"] / self.width["labels"]


@dataclass(frozen=True)
class Population:
    """One data set seen by one predictor: sums of every tile."""

    table: pd.DataFrame

    def sums(self, who: str, measure: str) -> tuple[np.ndarray, np.ndarray | None]:
        """Numerator and denominator of every tile by ``ref`` or ``pred``."""
        above, below = MEASURES[measure]
        column = self.table[f"{who}_{above}"].to_numpy(float)
        return column, None if below is None else self.table[f"{who}_{below}"].to_numpy(float)

    def value(self, who: str, measure: str) -> float:
        """The measure over all tiles."""
        above, below = self.sums(who, measure)
        return float(above.sum() / (1.0 if below is None else below.sum()))


def terms(population: Population, measure: str, index: np.ndarray, p: np.ndarray, slope: float | str) -> Any:
    """Terms (audits, n) of numerator and denominator, of a slope, of PPI++'s, or of the package."""
    out = []
    for y, m in zip(population.sums("ref", measure), population.sums("pred", measure), strict=True):
        if y is None or m is None:
            out.append(None)
            continue
        drawn = y[index], m[index], p[index]
        if slope == "own":
            out.append(calibrated_terms(*drawn, float(m.sum())))
            continue
        weight = fitted_slope(*drawn) if slope == "fitted" else slope
        out.append(corrected_terms(*drawn, float(m.sum()), slope=weight))
    return out


def common_practice(above: Any, below: Any, quantile: float) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric interval of a mean or a linearised ratio."""
    value, influence = mean_and_influence(above) if below is None else ratio_and_influence(above, below)
    n = influence.shape[-1]
    half = quantile * np.sqrt((influence**2).sum(axis=-1) / (n - 1) / n)
    return value - half, value + half


def ours(population: Population, measure: str, index: np.ndarray, p: np.ndarray) -> tuple[Any, Any]:
    """Intervals of the package, for all audits at once."""
    above, below = terms(population, measure, index, p, "own")
    unseen_above, unseen_below = terms(population, measure, index, p, 0.0)
    (yn, yd), (mn, md) = population.sums("ref", measure), population.sums("pred", measure)
    pairs = [(yn[index], mn[index])]
    if yd is not None and md is not None:
        pairs.append((yd[index], md[index]))
    unseen = Unseen(exact_share(*pairs), unseen_above, unseen_below)
    if below is None:
        found = mean_interval(above, level=LEVEL, unseen=unseen)
    else:
        found = ratio_interval(above, below, level=LEVEL, unseen=unseen)
    return found.low, found.high


def picked(
    rivals: list[Population], measure: str, n: int, plan: Plan, rng: np.random.Generator
) -> tuple[Any, Any]:
    """Ours with the predictor that each audit itself found nearest in counts."""
    sizes = mean_share([rival.table["pred_count"].to_numpy(float) for rival in rivals])
    p = draw_probability(sizes, even_share=plan.even_share)
    index = rng.choice(len(p), size=(plan.audits, n), p=p)
    errors, lows, highs = [], [], []
    for rival in rivals:
        reference, prediction = (rival.table[f"{who}_count"].to_numpy(float) for who in ("ref", "pred"))
        errors.append((np.abs(reference - prediction)[index] / p[index]).sum(axis=1))
        low, high = ours(rival, measure, index, p)
        lows.append(low)
        highs.append(high)
    best = np.argmin(errors, axis=0)[np.newaxis]
    return tuple(np.take_along_axis(np.array(ends), best, axis=0)[0] for ends in (lows, highs))


def assess(ends: tuple[Any, Any], truth: float) -> tuple[float, float]:
    """Coverage and mean relative width; an unbounded interval covers, and is not in the width."""
    low, high = ends
    finite = np.isfinite(low) & np.isfinite(high)
    covered = (low <= truth) & (truth <= high)
    width = float((high - low)[finite].mean() / abs(truth)) if finite.any() else float("inf")
    return float(covered.mean()), width


def audit_row(
    name: str, predictor: str, populations: dict[str, Population], measure: str, n: int, plan: Plan
) -> Row:
    """Run all ways to estimate on repeated audits of one population."""
    population = populations[predictor]
    key = [
        plan.seed,
        n,
        list(DATA_SETS).index(name),
        PREDICTORS.index(predictor),
        list(MEASURES).index(measure),
    ]
    rng = np.random.default_rng(key)
    size = len(population.table)
    truth = population.value("ref", measure)
    simple, even = rng.integers(0, size, (plan.audits, n)), np.full(size, 1 / size)
    t_quantile, z_quantile = float(student.ppf(0.95, n - 1)), float(norm.ppf(0.95))
    p = draw_probability(population.table["pred_count"].to_numpy(float), even_share=plan.even_share)
    index = rng.choice(size, size=(plan.audits, n), p=p)
    ends = {
        "labels": common_practice(*terms(population, measure, simple, even, 0.0), t_quantile),
        "ppi": common_practice(*terms(population, measure, simple, even, 1.0), z_quantile),
        "ppi++": common_practice(*terms(population, measure, simple, even, "fitted"), z_quantile),
        "ours": ours(population, measure, index, p),
        "picked": picked([populations["good"], populations["bad"]], measure, n, plan, rng),
    }
    found = {method: assess(pair, truth) for method, pair in ends.items()}
    above_ref, above_pred = population.sums("ref", measure)[0], population.sums("pred", measure)[0]
    return Row(
        data=name,
        predictor=predictor,
        measure=measure,
        n=n,
        tiles=size,
        correlation=float(np.corrcoef(above_ref, above_pred)[0, 1]),
        truth=truth,
        model_error=population.value("pred", measure) / truth - 1,
        coverage={method: found[method][0] for method in METHODS},
        width={method: found[method][1] for method in METHODS},
    )


def failing(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """A predictor that is exact, but finds nothing in one image of twenty."""
    images = table["image"].unique()
    lost = np.random.default_rng([seed, 99]).permutation(images)[: max(1, len(images) // 20)]
    out = table.copy()
    for column in OBJECT_SUMS:
        if f"ref_{column}" in out:
            out[f"pred_{column}"] = out[f"ref_{column}"].where(~out["image"].isin(lost), 0.0)
    return out


def run(data: list[str], sizes: list[int], plan: Plan) -> Iterator[Row]:
    """All rows, data set by data set."""
    for name in data:
        tables = {predictor: load(name, predictor) for predictor in ("good", "bad")}
        tables["failing"] = failing(tables["good"], plan.seed)
        populations = {predictor: Population(table) for predictor, table in tables.items()}
        for predictor in PREDICTORS:
            for measure in DATA_SETS[name].measures:
                for n in sizes:
                    yield audit_row(name, predictor, populations, measure, n, plan)


def show(rows: list[Row], audits: int) -> str:
    """The table as text."""
    error = 100 * np.sqrt(LEVEL * (1 - LEVEL) / audits)
    lines = [
        f"coverage % / relative width of nominal {LEVEL:.0%} intervals; {audits} audits per row, "
        f"Monte-Carlo error ±{error:.1f}",
        f"{'data':13}{'predictor':10}{'measure':16}{'n':>3} {'r':>5} {'model':>7}"
        + "".join(f"{method:>13}" for method in METHODS)
        + "  ours/labels",
    ]
    for row in rows:
        cells = "".join(f"{100 * row.coverage[m]:7.1f}/{row.width[m]:5.3g}" for m in METHODS)
        lines.append(
            f"{row.data:13}{row.predictor:10}{row.measure:16}{row.n:3d} {row.correlation:5.2f} "
            f"{100 * row.model_error:+6.1f}%{cells} {row.width_to_labels:9.2f}"
        )
    return "\n".join([*lines, *verdict(rows)])


def verdict(rows: list[Row]) -> list[str]:
    """What the rows say about the goals, in lines."""
    lines = []
    for n in sorted({row.n for row in rows}):
        for kind in (("good", "bad"), ("failing",)):
            own = [row for row in rows if row.n == n and row.predictor in kind]
            cover = np.array([row.coverage["ours"] for row in own])
            inside = int(((cover >= 0.88) & (cover <= 0.92)).sum())
            lines.append(
                f"n={n} {'/'.join(kind)}: ours within 88–92 % in {inside} of {len(own)} rows "
                f"(lowest {100 * cover.min():.1f}, highest {100 * cover.max():.1f}); "
                + ", ".join(f"{m} lowest {100 * min(r.coverage[m] for r in own):.1f}" for m in METHODS[:3])
            )
    strong = [row for row in rows if row.correlation >= 0.95 and row.predictor != "failing"]
    if strong:
        worst = max(row.width_to_labels for row in strong)
        lines.append(f"where r >= 0.95: width at most {worst:.2f} of labels only ({len(strong)} rows)")
    return lines


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Run the benchmark, print the table, write JSON if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="histology only, 400 audits, n = 10")
    parser.add_argument("--audits", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", nargs="+", choices=list(DATA_SETS), default=list(DATA_SETS))
    parser.add_argument("--even-share", type=float, default=EVEN_SHARE, help="of the draw probability")
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    data, sizes, audits = options.data, [10, 20, 40], options.audits
    if options.quick:
        data, sizes, audits = ["histology"], [10], 400
    rows = list(run(data, sizes, Plan(audits, options.seed, options.even_share)))
    print(show(rows, audits))
    print(f"{time.perf_counter() - started:.0f} s, seed {options.seed}")
    result = {
        "schema": "veriscope/benchmark-coverage/1",
        "level": LEVEL,
        "audits": audits,
        "seed": options.seed,
        "even_share": options.even_share,
        "rows": [asdict(row) | {"width_to_labels": row.width_to_labels} for row in rows],
    }
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))
    return result


if __name__ == "__main__":
    main()
