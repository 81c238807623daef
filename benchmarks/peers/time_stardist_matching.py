"""Time `stardist.matching.matching` on two label images; run with the Python of its environment.

::

    python time_stardist_matching.py REFERENCE.npy PREDICTION.npy REPEATS SECONDS

Prints one JSON object: the shortest CPU time of at least so many runs and seconds, and the number of
matches.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from stardist.matching import matching


def main() -> None:
    """Compile on a corner first, then time."""
    reference, prediction = np.load(sys.argv[1]), np.load(sys.argv[2])
    corner = (slice(0, 16),) * reference.ndim
    matching(reference[corner], prediction[corner])
    repeats, at_least = int(sys.argv[3]), float(sys.argv[4])
    times: list[float] = []
    while len(times) < repeats or sum(times) < at_least:
        begin = time.process_time()
        result = matching(reference, prediction, thresh=0.5)
        times.append(time.process_time() - begin)
    print(json.dumps({"seconds": min(times), "tp": int(result.tp)}))


if __name__ == "__main__":
    main()
