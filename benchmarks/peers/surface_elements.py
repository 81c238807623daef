"""Metrics of boundaries by surface-distance, from given distances and from masks; run in its environment.

::

    python surface_elements.py CASES.npz

CASES.npz holds masks `reference_N` and `prediction_N`, neither empty, and their `spacing_N`; distances of
surface elements, ascending, `there_N` and `back_N`; and one `percentile` and `tolerance` per case. Prints one
JSON object: `version`, and per metric one value per case. All but `hausdorff_of_masks` take the distances
given, every element with area 1; that one takes the masks and the package's own elements.
"""

from __future__ import annotations

import json
import sys
import warnings
from importlib.metadata import version
from typing import Any

import numpy as np

warnings.simplefilter("ignore")  # it uses names that scipy has moved

from surface_distance import (  # noqa: E402
    compute_average_surface_distance,
    compute_robust_hausdorff,
    compute_surface_dice_at_tolerance,
    compute_surface_distances,
)


def report(there: Any, back: Any, percentile: float, tolerance: float) -> dict[str, float]:
    """Compute the metrics from distances."""
    distances = {
        "distances_gt_to_pred": there,
        "distances_pred_to_gt": back,
        "surfel_areas_gt": np.ones(len(there)),
        "surfel_areas_pred": np.ones(len(back)),
    }
    means = compute_average_surface_distance(distances)
    return {
        "hausdorff": compute_robust_hausdorff(distances, 100),
        "hausdorff_percentile": compute_robust_hausdorff(distances, percentile),
        "masd": (means[0] + means[1]) / 2,
        "assd": (means[0] * len(there) + means[1] * len(back)) / (len(there) + len(back)),
        "nsd": compute_surface_dice_at_tolerance(distances, tolerance),
    }


def main() -> None:
    """Compute every metric of every case."""
    rows = []
    with np.load(sys.argv[1]) as cases:
        settings = zip(cases["percentile"].tolist(), cases["tolerance"].tolist(), strict=True)
        for number, (percentile, tolerance) in enumerate(settings):
            row = report(cases[f"there_{number}"], cases[f"back_{number}"], percentile, tolerance)
            masks = cases[f"reference_{number}"], cases[f"prediction_{number}"]
            own = compute_surface_distances(*masks, cases[f"spacing_{number}"].tolist())
            rows.append({**row, "hausdorff_of_masks": compute_robust_hausdorff(own, 100)})
    columns = {key: [float(row[key]) for row in rows] for key in rows[0]}
    print(json.dumps({"version": version("surface-distance"), **columns}))


if __name__ == "__main__":
    main()
