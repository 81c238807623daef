"""F1 of the rule-based methods on held-out fluorescence images, object sizes not told.

::

    python benchmarks/science/rules_fluorescence.py --data DIR         # 50 images, 2,388 nuclei
    python benchmarks/science/rules_fluorescence.py --data DIR --quick # 5 images
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image as Picture

from veriscope.core.image import Image
from veriscope.registry import make_method
from veriscope.validate.instances import compare_instances

METHODS = ("otsu-watershed", "local-threshold-watershed", "log-spots")
METRICS = ("f1@0.5", "f1@0.7")


def held_out(data: Path) -> list[tuple[Image, np.ndarray]]:
    """Read images and references of the test split of the Data Science Bowl's fluorescence images."""
    folder = data / "dsb2018_fluorescence"
    rows = [line.split(",") for line in (folder / "split.csv").read_text().splitlines()]
    pairs = []
    for stem in (row[0] for row in rows if row[1] == "test"):
        pixels = np.asarray(Picture.open(folder / "images" / f"{stem}.png"))
        grey = pixels if pixels.ndim == 2 else pixels[..., 0]
        pairs.append((Image(grey, "yx", name=stem), tifffile.imread(folder / "labels" / f"{stem}.tif")))
    return pairs


def main(arguments: list[str] | None = None) -> None:
    """Predict, compare, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(arguments)
    pairs = held_out(options.data)[: 5 if options.quick else None]
    references = [reference for _, reference in pairs]
    rows = []
    for name in METHODS:
        method = make_method(name)
        found = compare_instances(references, [method.predict(image).labels for image, _ in pairs])
        rows.append({"method": name, "n_images": len(pairs)} | {k: found.metrics[k].value for k in METRICS})
        print(f"{name:<28}" + "".join(f"{key} {rows[-1][key]:.3f}   " for key in METRICS))
    if options.json:
        record = {"schema": "veriscope/benchmark-rules-fluorescence/1", "rows": rows}
        options.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
