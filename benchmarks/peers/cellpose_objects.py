"""From Cellpose's outputs to labels with Cellpose 3; with the Python of its environment.

::

    python cellpose_objects.py CASES.npz REPEATS OUT.npz

CASES.npz holds `flow_0` (2, y, x) and `probability_0`, … OUT.npz gets `ends_0` and `labels_0`; prints one
JSON object: `version`, and for each case the shortest CPU and wall-clock times of both steps.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from cellpose import dynamics

warnings.filterwarnings("ignore", message="Sparse invariant checks")


def main() -> None:
    """Run every case so many times; compiled functions are called once before."""
    cases, repeats = np.load(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(1)
    results: dict[str, np.ndarray] = {}
    found: list[dict[str, Any]] = []
    for number in range(sum(name.startswith("flow_") for name in cases.files)):
        flow, inside = cases[f"flow_{number}"], cases[f"probability_{number}"] > 0
        places = np.nonzero(inside)
        dynamics.follow_flows(flow * inside / 5.0, inds=places, niter=1)
        times: list[list[float]] = []
        for _ in range(repeats):
            marks = [(time.process_time(), time.perf_counter())]
            ends = dynamics.follow_flows(flow * inside / 5.0, inds=places, niter=200)
            marks.append((time.process_time(), time.perf_counter()))
            labels = dynamics.get_masks_torch(torch.from_numpy(ends).int(), places, inside.shape)
            marks.append((time.process_time(), time.perf_counter()))
            times.append(
                [b - a for before, after in pairwise(marks) for a, b in zip(before, after, strict=True)]
            )
        best = np.min(times, axis=0)
        results |= {f"ends_{number}": ends, f"labels_{number}": labels}
        found.append(
            dict(zip(("follow_cpu", "follow_wall", "cluster_cpu", "cluster_wall"), best, strict=True))
        )
    np.savez(sys.argv[3], **results)
    print("RESULT " + json.dumps({"version": version("cellpose"), "cases": found}))


if __name__ == "__main__":
    main()
