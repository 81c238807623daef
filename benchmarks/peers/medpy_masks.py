"""Overlap and boundary distances of masks by MedPy; run with the Python of its environment.

::

    python medpy_masks.py CASES.npz

CASES.npz holds masks `reference_N` and `prediction_N`, neither empty, and their `spacing_N`. Prints one JSON
object: `version`, and per metric one value per case.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version

import numpy as np
from medpy.metric.binary import asd, assd, dc, hd, jc


def main() -> None:
    """Compute every metric of every case."""
    found: dict[str, list[float]] = {key: [] for key in ("dice", "iou", "hausdorff", "masd", "assd")}
    with np.load(sys.argv[1]) as cases:
        for number in range(len(cases.files) // 3):
            reference, prediction = cases[f"reference_{number}"], cases[f"prediction_{number}"]
            spacing = tuple(cases[f"spacing_{number}"].tolist())
            there = asd(prediction, reference, voxelspacing=spacing)
            back = asd(reference, prediction, voxelspacing=spacing)
            found["dice"].append(dc(prediction, reference))
            found["iou"].append(jc(prediction, reference))
            found["hausdorff"].append(hd(prediction, reference, voxelspacing=spacing))
            found["masd"].append((there + back) / 2)
            found["assd"].append(assd(prediction, reference, voxelspacing=spacing))
    print(json.dumps({"version": version("medpy"), **found}, default=float))


if __name__ == "__main__":
    main()
