"""Betti numbers of masks by GUDHI; run with the Python of its environment.

::

    python betti_gudhi.py MASKS.npz

Prints one JSON object: the version, and the Betti numbers of each array, in order, with pixels as cubes
(``full``: neighbours across corners) and as corners (``face``: neighbours across faces).
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version

import gudhi
import numpy as np


def main() -> None:
    """Take the mask as the part of the image with value 0, all else has value 1."""
    with np.load(sys.argv[1]) as masks:
        arrays = [masks[name] for name in sorted(masks.files, key=int)]
    found: dict[str, list[list[int]]] = {"full": [], "face": []}
    for array in arrays:
        values = np.where(array, 0.0, 1.0)
        for name, complex_ in (
            ("full", gudhi.CubicalComplex(top_dimensional_cells=values)),
            ("face", gudhi.CubicalComplex(vertices=values)),
        ):
            complex_.compute_persistence()
            betti = complex_.persistent_betti_numbers(0.0, 0.0)
            found[name].append([int(number) for number in betti[: array.ndim]])
    print(json.dumps({"version": version("gudhi"), **found}))


if __name__ == "__main__":
    main()
