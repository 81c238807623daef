"""Do the checks of a biological measurement err as seldom as they say? Simulated studies with known truth.

::

    python benchmarks/science/application_coverage.py            # 1,000 studies per row (some minutes)
    python benchmarks/science/application_coverage.py --quick    # 60 studies, two rows
    python benchmarks/science/application_coverage.py --json FILE

A study has two groups of k replicates of m images. References and errors vary between replicates and
between the images of one, each normally distributed, in half of the rows with a heavy tail (t with 4
degrees of freedom). Intervals: share of studies in which they hold the truth; verdicts: share of studies in
which they are wrong, where the truth is as bad as can be (an error as large as the tolerance for
"equivalent", none for "the error depends on the group"). "By image" is what comes out if images are
taken for independent.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.validate.agreement import bland_altman
from veriscope.validate.application.effect_size import Effect, difference_kept, ratio_kept, standardised_kept
from veriscope.validate.application.null_control import check_null_control
from veriscope.validate.application.report import check_application
from veriscope.validate.application.settings import ApplicationSettings
from veriscope.validate.application.table import read_table
from veriscope.validate.statistics import Interval

SCHEMA = "veriscope/benchmark-application-coverage/1"
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Study:
    """What is simulated; standard deviations between replicates and between images of one."""

    replicates: int
    images: int
    heavy: bool = False
    bias: float = 5.0
    control: float = 50.0
    effect: float = 15.0
    between: float = 4.0
    within: float = 4.0
    error_between: float = 2.0
    error_within: float = 3.0

    @property
    def name(self) -> str:
        """Short name."""
        return f"{self.replicates} x {self.images}{' heavy' if self.heavy else ''}"

    def noise(self, rng: np.random.Generator, *shape: int) -> FloatArray:
        """Draw noise of standard deviation 1."""
        return rng.standard_t(4, shape) / np.sqrt(2) if self.heavy else rng.standard_normal(shape)

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """Draw one table."""
        k, m = 2 * self.replicates, self.images
        truth = (
            self.control + np.repeat([0.0, self.effect], self.replicates) + self.between * self.noise(rng, k)
        )
        reference = truth[:, None] + self.within * self.noise(rng, k, m)
        error = self.bias + self.error_between * self.noise(rng, k)[:, None]
        prediction = reference + error + self.error_within * self.noise(rng, k, m)
        replicate = np.repeat(np.arange(k), m)
        return {
            "unit": np.arange(k * m),
            "group": np.where(replicate < self.replicates, "control", "treated"),
            "replicate": replicate,
            "reference": reference.ravel(),
            "prediction": prediction.ravel(),
        }


def covers(interval: Interval, truth: float) -> float:
    """Whether an interval holds the truth; NaN if it has no ends."""
    if interval.low is None or interval.high is None:
        return float("nan")
    return float(interval.low <= truth <= interval.high)


def judge(study: Study, table: dict[str, Any], seed: int) -> dict[str, float]:
    """Whether each interval and verdict is right for one study."""
    settings = ApplicationSettings(n_permutations=199, seed=seed)
    report = check_application(table, quantity="count", tolerance=study.bias, settings=settings)
    figures = {figure.label: figure.interval for check in report.checks for figure in check.figures}
    mean_reference = study.control + study.effect / 2
    single = study.error_between**2 + study.error_within**2
    spread = study.between**2 + study.within**2 + study.effect**2 / 4
    slope = single / 2 / (spread + single / 4)
    by_image = bland_altman(table["reference"], table["prediction"]).mean_difference
    means = [
        np.array([table[side][table["replicate"] == i].mean() for i in range(2 * study.replicates)])
        for side in ("reference", "prediction")
    ]
    k = study.replicates
    effect = Effect(means[0][:k], means[1][:k], means[0][k:], means[1][k:])
    ratio = (study.control + study.effect + study.bias) / (study.control + study.bias)
    ratio /= (study.control + study.effect) / study.control
    variance = study.between**2 + study.within**2 / study.images
    error = study.error_between**2 + study.error_within**2 / study.images
    equivalence = report.check("equivalence").status
    honest = replace(study, error_between=0.0)
    return {
        "bias": covers(figures["mean error"], study.bias),
        "bias, by image": covers(by_image, study.bias),
        "relative bias": covers(
            figures["mean error as a share of the reference"], study.bias / mean_reference
        ),
        "upper limit": covers(figures["upper limit of agreement"], study.bias + 1.959964 * np.sqrt(single)),
        "slope": covers(figures["slope of the error over the value"], slope),
        "difference kept": covers(difference_kept(effect, level=0.95), 1.0),
        "ratio kept": covers(ratio_kept(effect, level=0.95), ratio),
        "standardised kept": covers(
            standardised_kept(effect, level=0.95), float(np.sqrt(variance / (variance + error)))
        ),
        "wrongly equivalent": float(equivalence == "holds"),
        "wrongly not equivalent": float(equivalence == "fails"),
        "wrongly differential": float(report.check("differential_bias").status == "fails"),
        "wrong effect": float(report.check("effect").status == "fails"),
        "wrong null control": float(judge_null(honest, seed, settings) == "fails"),
    }


def judge_null(study: Study, seed: int, settings: ApplicationSettings) -> str:
    """Status of the null control where errors do not depend on the replicate."""
    table = read_table(study.draw(np.random.default_rng([1, seed])))
    return check_null_control(table, tolerance=study.bias, relative=False, settings=settings).status


def run(study: Study, *, runs: int, seed: int) -> dict[str, Any]:
    """Simulate many studies; give the mean of each column over those that could tell."""
    rng = np.random.default_rng(seed)
    found = defaultdict(list)
    for number in range(runs):
        for column, value in judge(study, study.draw(rng), number).items():
            found[column].append(value)
    row: dict[str, Any] = {"study": study.name, "runs": runs}
    for column, values in found.items():
        known = np.array(values)[~np.isnan(values)]
        row[column] = float(known.mean()) if len(known) else None
        row[f"{column}, cannot tell"] = 1 - len(known) / len(values)
    return row


COLUMNS = (
    "bias",
    "bias, by image",
    "relative bias",
    "upper limit",
    "slope",
    "difference kept",
    "ratio kept",
    "standardised kept",
    "wrongly equivalent",
    "wrongly not equivalent",
    "wrongly differential",
    "wrong effect",
    "wrong null control",
)


def main(arguments: list[str] | None = None) -> None:
    """Run all rows, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(arguments)
    shapes = [(3, 4), (4, 4), (6, 4), (12, 3)]
    studies = [Study(k, m, heavy) for heavy in (False, True) for k, m in shapes]
    if options.quick:
        studies = [studies[1], studies[6]]
    rows = [run(study, runs=60 if options.quick else 1000, seed=n) for n, study in enumerate(studies)]
    names = [row["study"] for row in rows]
    print("replicates per group x images (nominal: coverage 0.95, wrong verdicts at most 0.05)")
    print(f"{'':<24}" + "".join(f"{name:>13}" for name in names))
    for column in COLUMNS:
        shown = ["-" if row[column] is None else f"{row[column]:.3f}" for row in rows]
        print(f"{column:<24}" + "".join(f"{text:>13}" for text in shown))
    if options.json:
        options.json.write_text(json.dumps({"schema": SCHEMA, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
