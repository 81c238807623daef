"""What Cellpose 3 keeps of objects that its flow gave; with the Python of its environment.

::

    python cellpose_cleaning.py CASES.npz OUT.npz

CASES.npz holds `flow` (2, y, x), `labels` (y, x) without gaps, `largest` and `smallest`; OUT.npz gets the
`errors` and `kept`. Numbers are made free of gaps between the two steps: Cellpose's second one takes
the places of small objects in a list for their numbers.
"""

from __future__ import annotations

import sys

import fastremap
import numpy as np
import torch
from cellpose import dynamics, metrics, utils


def main() -> None:
    """Do both steps."""
    cases = np.load(sys.argv[1])
    flow, labels = cases["flow"].astype(np.float32), cases["labels"].astype(np.int32)
    errors, _ = metrics.flow_error(labels, flow, torch.device("cpu"))
    good = dynamics.remove_bad_flow_masks(labels.copy(), flow, threshold=float(cases["largest"]))
    good, _ = fastremap.renumber(good)
    kept = utils.fill_holes_and_remove_small_masks(good, min_size=int(cases["smallest"]))
    np.savez_compressed(sys.argv[2], errors=errors, kept=kept)


if __name__ == "__main__":
    main()
