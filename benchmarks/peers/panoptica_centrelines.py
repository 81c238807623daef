"""Centre-line Dice of masks by panoptica; run with the Python of its environment.

::

    python panoptica_centrelines.py CASES.npz

CASES.npz holds masks `reference_N` and `prediction_N`, neither empty. Prints one JSON object: `version`, and
`values`, NaN where a skeleton is empty or neither meets the other mask.
"""

from __future__ import annotations

import json
import sys
import warnings
from importlib.metadata import version

import numpy as np
from panoptica.metrics.cldice import _compute_centerline_dice

warnings.simplefilter("ignore")  # it divides 0 by 0 where skeletons vanish


def main() -> None:
    """Compute the metric of every case."""
    with np.load(sys.argv[1]) as cases:
        values = [
            float(_compute_centerline_dice(cases[f"reference_{number}"], cases[f"prediction_{number}"]))
            for number in range(len(cases.files) // 3)
        ]
    print(json.dumps({"version": version("panoptica"), "values": values}))


if __name__ == "__main__":
    main()
