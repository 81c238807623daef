"""Does a ranking name a winner only where there is one? False claims among equals, power, planning.

::

    python benchmarks/science/ranking.py            # 2,000 runs per row, 1,000 of power (some minutes)
    python benchmarks/science/ranking.py --quick    # 60 runs, a few rows
    python benchmarks/science/ranking.py --json FILE

Candidates meet the same simulated images, whose difficulty they share. Images come in replicates (wells)
of 2 to 6 in which a candidate's own luck is correlated (0 to 0.3); the replicates are the units. Kinds:

- ``f1``: counts of objects (mean 30 in an image), pooled F1.
- ``dice``: one bounded value per image, about 0.9, skewed as such values are.
- ``distance``: one value per image, lognormal, lower is better.
- ``failures``: bounded values; all candidates fail now and then, each on other images.
- ``unlike``: two candidates of one mean: the first fails rarely, the second is always a little worse.

Tables: **equals**, share of runs in which any candidate is called better than another (nominal: at most
0.05), and the same with images as units ("by image") and without adjustment ("each pair"); how often the
first has more than 0.95 of the bootstrap draws, which is no test. **different**, power: share of runs in
which a candidate that is better is called so, and in which a worse one is (wrong). **planning**, how often
the interval of `n_needed` contains the true number, and how often this true number separates.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from veriscope.validate.candidates import Better, Candidates, candidates_by_values
from veriscope.validate.metrics.base import ratio
from veriscope.validate.power import units_to_separate
from veriscope.validate.ranking import rank_candidates
from veriscope.validate.stability import rank_stability

SCHEMA = "veriscope/benchmark-ranking/1"
LEVEL = 0.95
KINDS = ("f1", "dice", "distance", "failures", "unlike")
NUMBERS = (8, 20, 50)
SLOW_RUNS = 500  # for what is shown for comparison only

FloatArray = NDArray[np.float64]


def quantile(distribution: Any, luck: FloatArray) -> FloatArray:
    """Value of a distribution at standard normal luck, from a fine table, since SciPy's is slow."""
    return np.asarray(np.interp(luck, *_table(distribution.args, distribution.dist.name)))


@cache
def _table(args: tuple[float, ...], name: str) -> tuple[FloatArray, FloatArray]:
    grid = np.linspace(-6, 6, 4001)
    return grid, np.asarray(getattr(stats, name).ppf(stats.norm.cdf(grid), *args))


def latent(rng: np.random.Generator, wells: NDArray[np.intp], m: int, correlation: float) -> FloatArray:
    """Standard normal luck of each candidate on each image, (m, n); two thirds is shared by all."""
    n = len(wells)
    own = np.sqrt(correlation) * rng.normal(size=(m, wells.max() + 1))[:, wells]
    own += np.sqrt(1 - correlation) * rng.normal(size=(m, n))
    return np.asarray(np.sqrt(2 / 3) * rng.normal(size=n) + np.sqrt(1 / 3) * own)


def draw(
    rng: np.random.Generator, kind: str, k: int, m: int, correlation: float, shift: Sequence[float]
) -> tuple[Candidates, Candidates]:
    """Candidates on k replicates, and the same with images taken for units; `shift` makes some better."""
    wells = np.repeat(np.arange(k), rng.integers(2, 7, k))
    luck = latent(rng, wells, m, correlation) + np.asarray(shift).reshape(-1, 1)
    names = tuple(f"candidate {i}" for i in range(m))
    if kind == "f1":
        by_well = pooled_f1(rng, names, luck, wells)
        return by_well, replace(by_well, clusters=None)
    share = stats.norm.cdf(luck)
    better: Better = "higher"
    if kind == "dice":
        values = quantile(stats.beta(11.7, 1.3), luck)
    elif kind == "distance":
        values, better = np.exp(-0.6 * luck), "lower"
    elif kind == "failures":
        values = np.where(rng.random(luck.shape) < 0.1, 0.3 * rng.random(luck.shape), 0.9 + 0.1 * share)
    else:
        fails = rng.random(len(wells)) < 0.1
        values = np.stack([np.where(fails, 0.4, 0.9), np.full(len(wells), 0.85)]) + 0.05 * (share - 0.5)
    table = dict(zip(names, values, strict=True))
    return (
        candidates_by_values(table, better=better, clusters=wells.tolist()),
        candidates_by_values(table, better=better),
    )


def pooled_f1(
    rng: np.random.Generator, names: tuple[str, ...], luck: FloatArray, wells: NDArray[np.intp]
) -> Candidates:
    """Candidates by 2 TP and the numbers of objects of both sides in each image."""
    sizes = 1 + rng.poisson(rng.lognormal(np.log(30) - 0.08, 0.4, luck.shape[1]))
    tp = rng.binomial(sizes, quantile(stats.beta(12, 3), luck))
    fp = rng.poisson(0.1 * sizes, tp.shape)
    return Candidates(
        metric="f1@0.5",
        better="higher",
        names=names,
        rows=np.stack([2.0 * tp, sizes + tp + fp], axis=-1),
        clusters=wells,
        function=lambda sums: ratio(sums[..., 0], sums[..., 1]),
        sizes=lambda sums: np.asarray(sums[..., 1]),
        bounds=(0.0, 1.0),
        aggregation="pooled",
        unit="replicate",
    )


def equals(kind: str, k: int, m: int, correlation: float, *, runs: int, seed: int) -> dict[str, Any]:
    """How often any of m equal candidates is called better than another."""
    rng = np.random.default_rng(seed)
    claimed = by_image = each = sure = 0
    for run in range(runs):
        wells, images = draw(rng, kind, k, m, correlation, [0.0] * m)
        ranking = rank_candidates(wells, level=LEVEL)
        claimed += any(pair.better for pair in ranking.pairs)
        each += any(pair.p_value is not None and pair.p_value < 1 - LEVEL for pair in ranking.pairs)
        if run >= SLOW_RUNS:
            continue
        by_image += any(pair.better for pair in rank_candidates(images, level=LEVEL).pairs)
        sure += rank_stability(wells, n_draws=200, seed=run).candidates[0].probability_first > 0.95
    return {
        "table": "equals",
        "kind": kind,
        "k": k,
        "candidates": m,
        "correlation": correlation,
        "runs": runs,
        "seed": seed,
        "false_claim": claimed / runs,
        "standard_error": float(np.sqrt(claimed / runs * (1 - claimed / runs) / runs)),
        "by_image": by_image / min(runs, SLOW_RUNS),
        "each_pair": each / runs,
        "first_in_95_percent_of_draws": sure / min(runs, SLOW_RUNS),
    }


def different(
    kind: str, k: int, m: int, correlation: float, effect: float, *, runs: int, seed: int
) -> dict[str, Any]:
    """How often the first of m candidates, better by `effect` of its luck, is called so."""
    rng = np.random.default_rng(seed)
    right = first = wrong = 0
    for _ in range(runs):
        wells, _images = draw(rng, kind, k, m, correlation, [effect] + [0.0] * (m - 1))
        ranking = rank_candidates(wells, level=LEVEL)
        told = [(pair.better, pair.first, pair.second) for pair in ranking.pairs if pair.better]
        right += any(better == "candidate 0" for better, _, _ in told)
        wrong += any(better != "candidate 0" and "candidate 0" in pair for better, *pair in told)
        first += ranking.groups[0] == ("candidate 0",)
    return {
        "table": "different",
        "kind": kind,
        "k": k,
        "candidates": m,
        "correlation": correlation,
        "effect": effect,
        "runs": runs,
        "seed": seed,
        "called_better_than_one": right / runs,
        "alone_in_first_group": first / runs,
        "wrong": wrong / runs,
    }


def planning(kind: str, k: int, correlation: float, effect: float, *, runs: int, seed: int) -> dict[str, Any]:
    """Whether the number of units that is planned from k units is the true one, and separates."""
    rng = np.random.default_rng(seed)
    large, _ = draw(rng, kind, 20_000, 2, correlation, [effect, 0.0])
    (known,) = units_to_separate(large)
    needed = known.n_needed
    assert needed is not None
    inside = unlimited = enough = 0
    planned, detectable = [], []
    for _ in range(runs):
        wells, _images = draw(rng, kind, k, 2, correlation, [effect, 0.0])
        (plan,) = units_to_separate(wells, level=LEVEL)
        low, high = plan.n_needed_low or 0, plan.n_needed_high or np.inf
        inside += low <= needed <= high
        unlimited += plan.n_needed_high is None
        planned.append(plan.n_needed or np.inf)
        detectable.append(plan.detectable_difference or np.nan)
        enough += bool(
            rank_candidates(draw(rng, kind, needed, 2, correlation, [effect, 0.0])[0]).pairs[0].better
        )
    low, middle, high = np.quantile(planned, [0.1, 0.5, 0.9], method="nearest")
    standardised = abs(float(np.diff(large.function(large.independent_rows.sum(axis=1)))[0]))
    return {
        "table": "planning",
        "kind": kind,
        "k": k,
        "correlation": correlation,
        "effect": effect,
        "runs": runs,
        "seed": seed,
        "true_number": needed,
        "true_difference": standardised,
        "interval_contains_it": inside / runs,
        "without_upper_end": unlimited / runs,
        "planned_10_50_90": [
            float(number) if np.isfinite(number) else None for number in (low, middle, high)
        ],
        "separated_with_true_number": enough / runs,
        "median_detectable_difference": float(np.nanmedian(detectable)),
    }


def rows(*, quick: bool) -> Iterator[dict[str, Any]]:
    """All rows, seeds counted up."""
    runs = 60 if quick else 2000
    seed = 0
    for kind in KINDS[:2] if quick else KINDS:
        for m in (2,) if kind == "unlike" else (3,) if quick else (2, 5):
            for correlation in (0.3,) if quick else (0.0, 0.1, 0.3) if m == 2 else (0.0, 0.3):
                for k in NUMBERS[:1] if quick else NUMBERS:
                    yield equals(kind, k, m, correlation, runs=runs, seed=seed)
                    seed += 1
    for kind in KINDS[:1] if quick else KINDS[:3]:
        for m in (2,) if quick else (2, 5):
            for effect in (1.0,) if quick else (0.2, 0.5):
                for k in NUMBERS[:1] if quick else NUMBERS:
                    yield different(kind, k, m, 0.1, effect, runs=min(runs, 1000), seed=seed)
                    seed += 1
    for kind in ("dice",) if quick else ("f1", "dice", "distance"):
        for k in (8,) if quick else (8, 20, 50):
            for effect in (0.5,) if quick else (0.2, 0.5):
                yield planning(kind, k, 0.1, effect, runs=min(runs, 1000), seed=seed)
                seed += 1


def show(row: dict[str, Any]) -> str:
    """One line of the table."""
    names = [name for name in row if name not in ("table", "runs", "seed", "standard_error")]
    cells = [
        f"{name} {row[name]:.3f}" if isinstance(row[name], float) else f"{name} {row[name]}" for name in names
    ]
    return f"{row['table']:<10}" + ", ".join(cells)


def main(arguments: list[str] | None = None) -> None:
    """Run all rows, print them, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(arguments)
    found = []
    for row in rows(quick=options.quick):
        found.append(row)
        print(show(row), flush=True)
    for kind in KINDS:
        claims = [row["false_claim"] for row in found if row["table"] == "equals" and row["kind"] == kind]
        if claims:
            print(f"{kind}: false claims among equals in {min(claims):.3f} to {max(claims):.3f} of the runs")
    if options.json:
        options.json.write_text(json.dumps({"schema": SCHEMA, "rows": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
