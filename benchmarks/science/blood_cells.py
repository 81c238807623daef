"""What `blood-cells` finds on the test split of BCCD, and how far stated scores go.

    python benchmarks/science/blood_cells.py [--data DIR] [--quick] [--json FILE]

72 images that training and the choice of the threshold never saw; intervals by image. The references lack
some cells, so precision is underestimated.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from veriscope.methods.networks.blood_cells import BloodCells
from veriscope.predict.folder import predict_folder
from veriscope.workflow.comparison.folders import compare_folders

KEYS = ("f1", "precision", "recall", "average_precision", "coco_average_precision", "count_bias")


def measure(data: Path, *, quick: bool) -> dict[str, Any]:
    """Predict and judge; quick takes six images."""
    source = data / "bccd_blood_detection"
    table = pd.read_csv(source / "boxes.csv")
    table = table[table["split"] == "test"]
    names = sorted(table["image"].unique())[: 6 if quick else None]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "images").mkdir()
        for name in names:
            shutil.copy(source / "images" / name, folder / "images" / name)
        table[table["image"].isin(names)].to_csv(folder / "boxes.csv", index=False)
        predict_folder(BloodCells(), folder / "images", folder / "out")
        judged = compare_folders(folder / "boxes.csv", folder / "out" / "boxes.csv", task="detection")
    rows = {"all": judged["metrics"], **judged["per_class"]}
    return {
        "n_images": len(names),
        "n_boxes": int(table["image"].isin(names).sum()),
        "rows": {kind: {key: values[key] for key in KEYS if key in values} for kind, values in rows.items()},
    }


def show(found: dict[str, Any]) -> None:
    """Print a table."""
    print(f"{found['n_images']} images, {found['n_boxes']} boxes; IoU 0.5, 95 % intervals by image")
    for kind, values in found["rows"].items():
        for key, value in values.items():
            print(f"{kind:10s} {key:24s} {value['value']:6.3f}  {value['low']:6.3f} to {value['high']:6.3f}")


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("VERISCOPE_DATA", beside))
    parser.add_argument("--quick", action="store_true", help="six images")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    found = measure(Path(options.data), quick=options.quick)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
