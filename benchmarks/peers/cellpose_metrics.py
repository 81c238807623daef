"""Run average precision and AJI of `cellpose.metrics`; with the Python of its environment.

::

    python cellpose_metrics.py CASES.npz REPEATS SECONDS

CASES.npz holds `thresholds` and pairs of label images `reference_0`, `prediction_0`, … with labels 1, 2, …
without gaps. Prints one JSON object: `version`, and for each pair the shortest CPU time of at least so many
runs and seconds (of both functions together), and the values.

The network code of Cellpose, which these functions do not use, is replaced by empty modules, so that torch
need not be installed.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from types import ModuleType
from typing import Any

import numpy as np

for name in ("torch", "cellpose.utils", "cellpose.dynamics"):
    sys.modules[name] = ModuleType(name)
sys.modules["torch"].__version__ = "none"  # type: ignore[attr-defined]

from cellpose.metrics import aggregated_jaccard_index, average_precision  # noqa: E402


def main() -> None:
    """Compile on a corner first, then time."""
    cases, repeats, at_least = np.load(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    thresholds = cases["thresholds"].tolist()
    ones = np.ones((4, 4), cases["reference_0"].dtype)
    average_precision(ones, ones, threshold=thresholds)
    aggregated_jaccard_index([ones], [ones])
    found: list[dict[str, Any]] = []
    for number in range((len(cases.files) - 1) // 2):
        reference, prediction = cases[f"reference_{number}"], cases[f"prediction_{number}"]
        times: list[float] = []
        while len(times) < repeats or sum(times) < at_least:
            begin = time.process_time()
            ap, tp, fp, fn = average_precision(reference, prediction, threshold=thresholds)
            aji = aggregated_jaccard_index([reference], [prediction])
            times.append(time.process_time() - begin)
        values = {"ap": ap.tolist(), "tp": tp.tolist(), "fp": fp.tolist(), "fn": fn.tolist()}
        found.append({"seconds": min(times), "aji": float(aji[0]), **values})
    print(json.dumps({"version": version("cellpose"), "cases": found}))


if __name__ == "__main__":
    main()
