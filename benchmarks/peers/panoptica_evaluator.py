"""Run `panoptica.Panoptica_Evaluator` on unmatched instances; with the Python of its environment.

::

    python panoptica_evaluator.py CASES.npz REPEATS SECONDS

CASES.npz holds `thresholds` and pairs of label images `reference_0`, `prediction_0`, … Only the first
threshold is used: each further one would be another run. Prints one JSON object: `version`, and for each
pair the shortest CPU time of at least so many runs and seconds, and the values.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np

os.environ["NO_CITATION_REMINDER"] = "true"

from panoptica import InputType, NaiveThresholdMatching, Panoptica_Evaluator
from panoptica.metrics import Metric


def main() -> None:
    """Run once on a small image, so that nothing is loaded while time is taken."""
    cases, repeats, at_least = np.load(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    threshold = float(cases["thresholds"][0])
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator = Panoptica_Evaluator(
            expected_input=InputType.UNMATCHED_INSTANCE,
            instance_matcher=NaiveThresholdMatching(matching_metric=Metric.IOU, matching_threshold=threshold),
            instance_metrics=[Metric.IOU],
            global_metrics=[],
        )
        square = np.zeros((16, 16), np.int32)
        square[4:8, 4:8] = 1
        evaluator.evaluate(square, square)
        numbers = range((len(cases.files) - 1) // 2)
        found = [run(evaluator, cases, number, repeats, at_least) for number in numbers]
    print(json.dumps({"version": version("panoptica"), "cases": found}))


def run(evaluator: Any, cases: Any, number: int, repeats: int, at_least: float) -> dict[str, Any]:
    """Evaluate one pair."""
    reference, prediction = cases[f"reference_{number}"], cases[f"prediction_{number}"]
    times: list[float] = []
    while len(times) < repeats or sum(times) < at_least:
        begin = time.process_time()
        result = evaluator.evaluate(prediction, reference)["ungrouped"]
        values = {name: float(getattr(result, name)) for name in ("tp", "fp", "fn", "pq", "sq", "rq")}
        times.append(time.process_time() - begin)
    return {"seconds": min(times), **values}


if __name__ == "__main__":
    main()
