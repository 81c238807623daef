"""What precisions other than float32 cost `nuclei-fluorescence` in accuracy, image by image.

::

    python benchmarks/science/nuclei_precision.py --data DIR               # the test split
    python benchmarks/science/nuclei_precision.py --data DIR --split val
    python benchmarks/science/nuclei_precision.py --data DIR --quick       # six test images
    python benchmarks/science/nuclei_precision.py --data DIR --json FILE

Images are those of dsb2018_fluorescence, with their references; scores are pooled over all nuclei. The
difference to float32 has its 95 % interval from the same images, with fields of view as independent units
(neighbouring tiles of one field are in one of them). bfloat16 is left out where OpenVINO is not installed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile
from numpy.typing import NDArray
from PIL import Image as PillowImage

from veriscope.core.image import Image
from veriscope.methods.networks.engines import ENGINES
from veriscope.methods.networks.network_settings import NetworkParameters
from veriscope.methods.networks.nuclei_fluorescence import NucleiFluorescence
from veriscope.validate.candidates import candidates_by_counts
from veriscope.validate.instances import compare_instances
from veriscope.validate.paired import compare_pair

SCHEMA = "veriscope/benchmark-nuclei-precision/1"
METRICS = ("f1@0.5", "ap@0.5", "f1@0.7", "pq")
CASES = (
    ("onnxruntime", "float32"),
    ("onnxruntime", "int8"),
    ("openvino", "float32"),
    ("openvino", "bfloat16"),
    ("openvino", "int8"),
)
Images = list[tuple[NDArray[Any], NDArray[Any], str]]


def read_images(data: Path, split: str, *, quick: bool) -> Images:
    """Pixels, reference labels and field of view of each image."""
    folder = data / "dsb2018_fluorescence"
    rows = pd.read_csv(folder / "split.csv").query("split == @split")
    if quick:
        rows = rows.groupby("type").head(2)
    return [
        (
            np.asarray(PillowImage.open(folder / "images" / f"{row.stem}.png")),
            tifffile.imread(folder / "labels" / f"{row.stem}.tif"),
            str(row.field_group),
        )
        for row in rows.itertuples()
    ]


def run(data: Path, *, split: str = "test", quick: bool = False) -> dict[str, Any]:
    """All rows with what is needed to repeat them."""
    images = read_images(data, split, quick=quick)
    counts, values = {}, {}
    for engine, precision in CASES:
        if not ENGINES[engine].installed():
            continue
        name = f"{engine} {precision}"
        method = NucleiFluorescence(NetworkParameters(engine=engine, precision=precision))
        labels = [method.predict(Image(pixels, "yx")).labels for pixels, _, _ in images]
        comparison = compare_instances(
            [reference for _, reference, _ in images],
            labels,
            thresholds=(0.5, 0.7),
            clusters=[field for *_, field in images],
        )
        counts[name] = comparison.units
        values[name] = {key: comparison.metrics[key].to_dict() for key in METRICS}
    first = next(iter(counts))
    rows = []
    for name in counts:
        row: dict[str, Any] = {"candidate": name, "values": values[name]}
        if name != first:
            pair = {name: counts[name], first: counts[first]}
            for key in METRICS:
                difference, p_value = compare_pair(
                    candidates_by_counts(pair, metric=key, unit="field of view"), 0, 1
                )
                row.setdefault("differences", {})[key] = difference.to_dict() | {"p_value": p_value}
        rows.append(row)
    return {
        "schema": SCHEMA,
        "split": split,
        "quick": quick,
        "n_images": len(images),
        "n_fields": len({field for *_, field in images}),
        "n_nuclei": int(sum(len(np.unique(reference)) - 1 for _, reference, _ in images)),
        "versions": {name: ENGINES[name].version() for name in ENGINES if ENGINES[name].installed()},
        "rows": rows,
    }


def print_table(result: dict[str, Any]) -> None:
    """Rows for people."""
    print("split {split}: {n_images} images, {n_fields} fields of view, {n_nuclei} nuclei".format(**result))
    for row in result["rows"]:
        print(row["candidate"])
        for key in METRICS:
            line = f"  {key:<8}{row['values'][key]['value']:.4f}"
            if "differences" in row:
                found = row["differences"][key]
                line += f"   difference {found['value']:+.4f} ({found['low']:+.4f} to {found['high']:+.4f})"
            print(line)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; write JSON on request."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=os.environ.get("VERISCOPE_DATA", beside))
    parser.add_argument("--split", choices=("test", "val"), default="test")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
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
