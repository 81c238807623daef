"""How often intervals of calibration errors and Brier scores hold, and what chance alone makes of ECE.

::

    python benchmarks/science/calibration_coverage.py            # about two minutes
    python benchmarks/science/calibration_coverage.py --quick    # some seconds, few repeats

Images of 40 cases each state probabilities that hold, or are too sure by a power; images may deviate from
each other on the logit scale. The truth is that of 4,000 images. Prints a table; `--json FILE` writes it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from veriscope.validate.confidence.brier import brier_interval
from veriscope.validate.confidence.calibration_error import (
    CalibrationError,
    calibration_error_by_unit,
    class_wise_error_by_unit,
)
from veriscope.validate.metrics.classification.calibration import (
    brier_score,
    class_wise_calibration_error,
    expected_calibration_error,
)
from veriscope.validate.statistics import Interval

CASES = 40
BINS: dict[str, Any] = {"n_bins": 10, "binning": "mass"}

FloatArray = NDArray[np.float64]


def simulate(
    seed: int, *, n_images: int, power: float, spread: float
) -> tuple[NDArray[np.int64], FloatArray, list[int]]:
    """Draw outcomes and stated probabilities of three classes."""
    random = np.random.default_rng(seed)
    logits = random.normal(scale=1.2, size=(n_images, CASES, 3))
    shifted = special.softmax(logits + spread * random.normal(size=(n_images, 1, 3)), axis=2)
    classes = (random.random((n_images, CASES, 1)) > shifted.cumsum(axis=2)[:, :, :-1]).sum(axis=2)
    stated = special.softmax(power * logits, axis=2).reshape(-1, 3)
    return classes.ravel(), stated, np.repeat(np.arange(n_images), CASES).tolist()


def holds(interval: Interval, truth: float) -> bool:
    """Whether an interval has the truth."""
    return interval.low is not None and interval.high is not None and interval.low <= truth <= interval.high


def measure(*, n_images: int, power: float, spread: float, repeats: int) -> dict[str, Any]:
    """Repeat one setting."""
    classes, stated, _ = simulate(10**6, n_images=4000, power=power, spread=spread)
    truth = {
        "ece": expected_calibration_error(classes == 1, stated[:, 1], **BINS),
        "class_wise": class_wise_calibration_error(classes, stated, **BINS),
        "brier": brier_score(classes, stated),
    }
    errors: dict[str, list[CalibrationError]] = {"ece": [], "class_wise": []}
    brier = []
    for seed in range(repeats):
        classes, stated, units = simulate(seed, n_images=n_images, power=power, spread=spread)
        errors["ece"].append(calibration_error_by_unit(classes == 1, stated[:, 1], units=units, **BINS))
        errors["class_wise"].append(class_wise_error_by_unit(classes, stated, units=units, **BINS))
        brier.append(holds(brier_interval(classes, stated, units=units), truth["brier"]))
    row: dict[str, Any] = {"n_images": n_images, "power": power, "spread": spread, "repeats": repeats}
    for key, found in errors.items():
        row[key] = {
            "truth": truth[key],
            "seen": float(np.mean([each.seen for each in found])),
            "if_calibrated": float(np.mean([each.if_calibrated for each in found])),
            "without_bias": float(np.mean([each.error.value for each in found])),
            "coverage": float(np.mean([holds(each.error, truth[key]) for each in found])),
            "shown": float(np.mean([each.shown for each in found])),
        }
    return row | {"brier": {"coverage": float(np.mean(brier))}}


def main(arguments: list[str] | None = None) -> None:
    """Measure all settings and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    settings = [(n, p, s) for p in (1.0, 1.3, 2.0) for s in (0.0, 0.4) for n in (8, 30)]
    rows = [
        measure(n_images=n, power=power, spread=spread, repeats=20 if options.quick else 200)
        for n, power, spread in ([(8, 1.0, 0.4), (15, 2.0, 0.4)] if options.quick else settings)
    ]
    print(
        "| images | power | spread | true ECE | seen | if calibrated | without bias "
        "| ECE holds | class-wise holds | Brier holds |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for row in rows:
        ece = row["ece"]
        values = [ece[key] for key in ("truth", "seen", "if_calibrated", "without_bias")]
        shares = [ece["coverage"], row["class_wise"]["coverage"], row["brier"]["coverage"]]
        cells = [f"{value:.3f}" for value in values] + [f"{share:.1%}" for share in shares]
        print(f"| {row['n_images']} | {row['power']:g} | {row['spread']:g} | {' | '.join(cells)} |")
    if options.json:
        options.json.write_text(json.dumps({"rows": rows}, indent=1))


if __name__ == "__main__":
    main()
