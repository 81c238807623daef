"""Run `stardist.matching.matching` at many thresholds; with the Python of its environment.

::

    python stardist_instances.py CASES.npz REPEATS SECONDS

CASES.npz holds `thresholds` and pairs of label images `reference_0`, `prediction_0`, … Prints one JSON
object: `version`, and for each pair the shortest CPU time of at least so many runs and seconds, and the
values.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np
from stardist.matching import matching


def main() -> None:
    """Compile on a corner first, then time."""
    cases, repeats, at_least = np.load(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    thresholds = tuple(cases["thresholds"].tolist())
    found: list[dict[str, Any]] = []
    for number in range((len(cases.files) - 1) // 2):
        reference, prediction = cases[f"reference_{number}"], cases[f"prediction_{number}"]
        if number == 0:
            corner = (slice(0, 16),) * reference.ndim
            matching(reference[corner], prediction[corner])
        times: list[float] = []
        while len(times) < repeats or sum(times) < at_least:
            begin = time.process_time()
            results = matching(reference, prediction, thresh=thresholds)
            times.append(time.process_time() - begin)
        names = ("tp", "fp", "fn", "f1", "accuracy", "precision", "recall")
        names += ("mean_matched_score", "panoptic_quality")
        values = {name: [float(getattr(result, name)) for result in results] for name in names}
        found.append({"seconds": min(times), **values})
    print(json.dumps({"version": version("stardist"), "cases": found}))


if __name__ == "__main__":
    main()
