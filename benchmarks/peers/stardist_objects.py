"""From dense star-convex outputs to labels with StarDist; with the Python of its environment.

::

    python stardist_objects.py CASES.npz REPEATS OUT.npz

CASES.npz holds `probability_0`, `distances_0`, `settings_0` (threshold, overlap), … in 2D or 3D, and for 3D
`spacing_0`. OUT.npz gets `points_0`, `distances_0` and `labels_0`; prints one JSON object: `version`, and
for each case the shortest CPU and wall-clock times of both steps.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import numpy as np
from stardist import Rays_GoldenSpiral
from stardist.geometry import polygons_to_label, polyhedron_to_label
from stardist.nms import non_maximum_suppression, non_maximum_suppression_3d


def main() -> None:
    """Run every case so many times."""
    cases, repeats = np.load(sys.argv[1]), int(sys.argv[2])
    results: dict[str, np.ndarray] = {}
    found: list[dict[str, Any]] = []
    for number in range(sum(name.startswith("probability_") for name in cases.files)):
        probability, distances = cases[f"probability_{number}"], cases[f"distances_{number}"]
        threshold, overlap = cases[f"settings_{number}"]
        options = {"prob_thresh": threshold, "nms_thresh": overlap}
        rays = None
        if probability.ndim == 3:
            rays = Rays_GoldenSpiral(distances.shape[-1], anisotropy=cases[f"spacing_{number}"])
        times: list[list[float]] = []
        for _ in range(repeats):
            marks = [(time.process_time(), time.perf_counter())]
            if rays is None:
                points, scores, kept = non_maximum_suppression(distances, probability, **options)
                marks.append((time.process_time(), time.perf_counter()))
                labels = polygons_to_label(kept, points, probability.shape, prob=scores)
            else:
                points, scores, kept = non_maximum_suppression_3d(distances, probability, rays, **options)
                marks.append((time.process_time(), time.perf_counter()))
                labels = polyhedron_to_label(
                    kept, points, rays, probability.shape, prob=scores, verbose=False
                )
            marks.append((time.process_time(), time.perf_counter()))
            times.append(
                [b - a for before, after in pairwise(marks) for a, b in zip(before, after, strict=True)]
            )
        best = np.min(times, axis=0)
        results |= {f"points_{number}": points, f"labels_{number}": labels, f"distances_{number}": kept}
        found.append(dict(zip(("suppress_cpu", "suppress_wall", "draw_cpu", "draw_wall"), best, strict=True)))
    np.savez(sys.argv[3], **results)
    print("RESULT " + json.dumps({"version": version("stardist"), "cases": found}))


if __name__ == "__main__":
    main()
