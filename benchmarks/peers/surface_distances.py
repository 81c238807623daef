"""Run `surface_distance.compute_surface_distances` on masks and matches; with the Python of its environment.

::

    python surface_distances.py CASE.npz REPEATS

CASE.npz holds label images `reference` and `prediction`, `pairs` of labels that match, and the `spacing`.
Prints one JSON object: `version`, the shortest CPU times for the masks of all objects and for each match,
taken from the box around both its objects, and the averages of the distances found.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from scipy.ndimage import find_objects

warnings.simplefilter("ignore")  # it uses names that scipy has moved

from surface_distance import (  # noqa: E402
    compute_average_surface_distance,
    compute_robust_hausdorff,
    compute_surface_distances,
)


def report(reference: Any, prediction: Any, spacing: list[float]) -> tuple[float, float, float]:
    """Average distances of both directions, and the 95th percentile of the Hausdorff distance."""
    distances = compute_surface_distances(reference, prediction, spacing)
    return (
        *compute_average_surface_distance(distances),
        compute_robust_hausdorff(distances, 95),
    )


def of_matches(reference: Any, prediction: Any, pairs: Any, spacing: list[float]) -> list[Any]:
    """Report on each match by itself."""
    boxes = find_objects(reference), find_objects(prediction)
    found = []
    for first, second in pairs.tolist():
        sides = zip(boxes[0][first - 1], boxes[1][second - 1], strict=True)
        box = tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in sides)
        found.append(report(reference[box] == first, prediction[box] == second, spacing))
    return found


def shortest(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Shortest CPU time of some runs, and the last result."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        result = work()
        times.append(time.process_time() - begin)
    return min(times), result


def main() -> None:
    """Time both tasks."""
    case, repeats = np.load(sys.argv[1]), int(sys.argv[2])
    reference, prediction = case["reference"], case["prediction"]
    spacing = case["spacing"].tolist()
    masks = shortest(lambda: report(reference > 0, prediction > 0, spacing), repeats)
    matches = shortest(lambda: of_matches(reference, prediction, case["pairs"], spacing), repeats)
    found = {
        "version": version("surface-distance"),
        "masks_seconds": masks[0],
        "masks": masks[1],
        "matches_seconds": matches[0],
        "matches": matches[1],
    }
    print(json.dumps(found, default=float))


if __name__ == "__main__":
    main()
