"""MicroSSIM of pairs of images by its authors' package; run with the Python of its environment.

::

    python micro_ssim_values.py PAIRS.npz

The arrays are named ``r0, p0, r1, p1, …``. Prints one JSON object: the version, and the value of each pair.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version

import numpy as np
from microssim import MicroSSIM


def main() -> None:
    """Fit and score each pair by itself."""
    values = []
    with np.load(sys.argv[1]) as pairs:
        for number in range(len(pairs.files) // 2):
            reference, prediction = pairs[f"r{number}"], pairs[f"p{number}"]
            metric = MicroSSIM().fit(reference, prediction)
            # The release fits its scale with windows weighted alike and scores with Gaussian ones; its
            # repository has mended that since, with windows weighted alike for both.
            values.append(float(metric.score(reference, prediction, gaussian_weights=False)))
    print(json.dumps({"version": version("microssim"), "values": values}))


if __name__ == "__main__":
    main()
