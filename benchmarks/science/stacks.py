"""Nuclei in stacks: the network for planes on all three views, beside the rules.

::

    python benchmarks/science/stacks.py --data DIR
    python benchmarks/science/stacks.py --data DIR --json FILE
    python benchmarks/science/stacks.py --data DIR --quick      # the smaller of the two stacks

Two stacks are all there is, so there are no intervals, and the threshold of the network was chosen on them.
Object sizes are not told; how far planes lie apart is, to all methods: as far as pixels in the mouse embryo,
and twice as far in StarDist's demo stack, whose nuclei are twice as long in pixels along y and x as along z.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from veriscope.core.image import Image
from veriscope.io.images import read_image
from veriscope.io.labels import read_labels
from veriscope.registry import make_method
from veriscope.validate.instances import compare_instances

SCHEMA = "veriscope/benchmark-stacks/1"
METHODS = ("nuclei-stacks", "otsu-watershed", "local-threshold-watershed", "log-spots")
STACKS = {"stardist_demo/img3d": 2.0, "mouse_embryo_nuclei_3d/8_cell_stage": 1.0}
"""Distance of planes in pixels, by stack."""
METRICS = ("f1@0.5", "f1@0.7", "ap@0.5")


def read_case(data: Path, name: str) -> tuple[Image, Any]:
    """Read a stack, with the distance of its planes, and its labels."""
    folder, stem = name.split("/")
    spacing = {"z": STACKS[name], "y": 1.0, "x": 1.0}
    image = read_image(data / folder / "images" / f"{stem}.tif", axes="zyx", spacing=spacing)
    return image, read_labels(data / folder / "labels" / f"{stem}.tif")


def run(data: Path, *, quick: bool) -> dict[str, Any]:
    """Judge every method on every stack."""
    rows = []
    for name in list(STACKS)[: 1 if quick else None]:
        image, labels = read_case(data, name)
        for method in METHODS:
            begin = time.process_time()
            found = make_method(method).predict(image).labels
            took = time.process_time() - begin
            scores = compare_instances([labels], [found]).metrics
            row = {"stack": name, "method": method, "n_found": int(found.max()), "n_true": int(labels.max())}
            row |= {metric: scores[metric].value for metric in METRICS}
            rows.append(row | {"cpu_s": round(took, 1)})
    return {"schema": SCHEMA, "rows": rows}


def main() -> None:
    """Print the table, and write it where that is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = run(given.data, quick=given.quick)
    for row in found["rows"]:
        scores = "  ".join(f"{metric} {row[metric]:.3f}" for metric in METRICS)
        print(
            f"{row['stack']:36} {row['method']:26} {row['n_found']:3} of {row['n_true']:3}  {scores}  "
            f"{row['cpu_s']:.1f} CPU-s"
        )
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
