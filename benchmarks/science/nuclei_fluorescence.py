"""Accuracy and speed of `nuclei-fluorescence` on images whose reference is known.

::

    python benchmarks/science/nuclei_fluorescence.py --data DIR            # the test split
    python benchmarks/science/nuclei_fluorescence.py --data DIR --split val
    python benchmarks/science/nuclei_fluorescence.py --data DIR --quick    # three test images
    python benchmarks/science/nuclei_fluorescence.py --data DIR --json FILE

The images are those of dsb2018_fluorescence. Scores are pooled over all objects of a row; AP is
TP / (TP + FP + FN). The method is not told object sizes.
The peers were trained on the same split for about 8.5 minutes and timed on two cores, each in an environment
of its own; Cellpose was told the true mean diameter of every image.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile
from numpy.typing import NDArray
from PIL import Image as PillowImage

from veriscope.core.image import Image
from veriscope.methods.networks.nuclei_fluorescence import NucleiFluorescence
from veriscope.validate.instances import compare_instances

SCHEMA = "veriscope/benchmark-nuclei-fluorescence/1"
METRICS = ("f1@0.5", "ap@0.5", "precision@0.5", "recall@0.5", "f1@0.7", "pq")
GOALS = {"f1@0.5": 0.90, "ap@0.5": 0.82, "f1@0.7": 0.85}
PEERS = {
    "StarDist 0.9": {"f1@0.5": 0.876, "ap@0.5": 0.779, "f1@0.7": 0.590, "seconds": 8},
    "Cellpose 3.1, told the diameters": {"f1@0.5": 0.903, "ap@0.5": 0.822, "f1@0.7": 0.863, "seconds": 164},
}
Case = tuple[str, NDArray[Any], NDArray[Any]]
"""Type of image, pixels, reference labels."""


def read_split(data: Path, split: str, *, quick: bool) -> list[Case]:
    """Images of one split; when quick, the first of each type."""
    folder = data / "dsb2018_fluorescence"
    rows = pd.read_csv(folder / "split.csv").query("split == @split")
    if quick:
        rows = rows.groupby("type").head(1)
    return [
        (
            str(row.type),
            np.asarray(PillowImage.open(folder / "images" / f"{row.stem}.png")),
            tifffile.imread(folder / "labels" / f"{row.stem}.tif"),
        )
        for row in rows.itertuples()
    ]


def read_elsewhere(data: Path) -> list[Case]:
    """The demo image of StarDist, from another laboratory; nothing was chosen by it."""
    folder = data / "stardist_demo"
    pixels, labels = (tifffile.imread(folder / kind / "img2d.tif") for kind in ("images", "labels"))
    return [("stardist_demo/img2d", pixels, labels)]


def evaluate(cases: list[Case]) -> list[dict[str, Any]]:
    """One row for all images of a list, and one for each type among them."""
    method = NucleiFluorescence()
    method.predict(Image(cases[0][1], "yx"))
    begin = time.perf_counter()
    predictions = [method.predict(Image(pixels, "yx")).labels for _, pixels, _ in cases]
    seconds = time.perf_counter() - begin
    kinds = sorted({kind for kind, *_ in cases})
    groups = (
        [("all", set(kinds)), *((kind, {kind}) for kind in kinds)]
        if len(kinds) > 1
        else [(kinds[0], set(kinds))]
    )
    rows = []
    for name, members in groups:
        chosen = [i for i, case in enumerate(cases) if case[0] in members]
        comparison = compare_instances(
            [cases[i][2] for i in chosen], [predictions[i] for i in chosen], thresholds=(0.5, 0.7)
        )
        row: dict[str, Any] = {"images": name, "n": len(chosen)}
        row["nuclei"] = sum(unit.n_reference for unit in comparison.units)
        row |= {key: round(float(comparison.metrics[key].value or 0), 4) for key in METRICS}
        row["seconds"] = round(seconds, 2) if len(chosen) == len(cases) else None
        rows.append(row)
    return rows


def run(data: Path, *, split: str = "test", quick: bool = False) -> dict[str, Any]:
    """All rows with what is needed to repeat them."""
    rows = evaluate(read_split(data, split, quick=quick)) + evaluate(read_elsewhere(data))
    return {
        "schema": SCHEMA,
        "split": split,
        "quick": quick,
        "method": NucleiFluorescence().describe(),
        "rows": rows,
        "goals": GOALS,
        "goals_reached": {key: rows[0][key] >= goal for key, goal in GOALS.items()},
        "peers_on_test": PEERS,
        "machine": {
            "python": platform.python_version(),
            "system": platform.platform(),
            "cores": os.cpu_count(),
        },
    }


def print_table(result: dict[str, Any]) -> None:
    """Rows for people."""
    columns = ["images", "n", "nuclei", *METRICS, "seconds"]
    peers = [{"images": name, **figures} for name, figures in result["peers_on_test"].items()]
    table = pd.DataFrame(result["rows"] + peers, columns=columns)
    print(f"split {result['split']}, peers on the test split")
    print(table.to_string(index=False, na_rep="", float_format=lambda value: f"{value:.3f}"))
    print("goals:", ", ".join(f"{key} ≥ {goal:.2f}" for key, goal in result["goals"].items()))


def main(arguments: list[str] | None = None) -> int:
    """Print the table; write JSON on request."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("VERISCOPE_DATA", beside),
        help="root of the data sets; $VERISCOPE_DATA, else shared/data beside the repository",
    )
    parser.add_argument("--split", choices=("test", "val"), default="test")
    parser.add_argument("--quick", action="store_true", help="one image of each type")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        parser.error(f"no data sets in {options.data}; give --data DIR or set VERISCOPE_DATA")
    result = run(options.data, split=options.split, quick=options.quick)
    print_table(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
