"""Accuracy and speed of the networks that ship with Veriscope, beside the best rule.

::

    python benchmarks/science/shipped_networks.py --data DIR               # test splits, all networks
    python benchmarks/science/shipped_networks.py --data DIR --network nuclei-histology
    python benchmarks/science/shipped_networks.py --data DIR --split val   # for choices
    python benchmarks/science/shipped_networks.py --data DIR --quick       # two images of each set
    python benchmarks/science/shipped_networks.py --data DIR --json FILE

Object sizes are not told. Scores are pooled over the objects of a set; AP is TP / (TP + FP + FN); intervals
(95 %) are by field of view where the set names fields, else by image: objects of one image are no independent
witnesses. Sets marked *elsewhere* come from other laboratories or microscopes than the training images, and
no image of them was used for training or choices.

The rule beside each network is, of three, the one with the best F1 *on these very images* and with the
channel that suits it (hematoxylin in colour images): it is shown in too good a light, and a network has to
beat that.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.io.images import read_image
from veriscope.io.labels import read_labels
from veriscope.methods.base import Method
from veriscope.methods.channels import channels_for
from veriscope.registry import make_method
from veriscope.validate.instances import compare_instances

SCHEMA = "veriscope/benchmark-shipped-networks/1"
METRICS = ("f1@0.5", "f1@0.7", "f1@0.9", "ap@0.5", "precision@0.5", "recall@0.5", "pq")
RULES = ("otsu-watershed", "local-threshold-watershed", "log-spots")
SETS = {
    "nuclei-fluorescence": ("dsb2018_fluorescence", "stardist_demo"),
    "nuclei-histology": ("dsb2018_histology", "bone_marrow_points"),
    "cells-phase-contrast": ("t98g_phase_contrast", "c2c12_timelapse"),
    "generalist": (
        "dsb2018_fluorescence",
        "dsb2018_histology",
        "dsb2018_brightfield",
        "t98g_phase_contrast",
        "emps_particles",
        "stardist_demo",
        "c2c12_timelapse",
        "bone_marrow_points",
    ),
}
"""Sets that each network is tried on."""
ELSEWHERE = ("c2c12_timelapse", "bone_marrow_points")
"""Not StarDist's demo image: it is said to be of the collection that dsb2018_fluorescence comes from."""
GOALS = {"f1@0.5": 0.92, "ap@0.5": 0.85, "f1@0.7": 0.88, "f1@0.9": 0.50}
"""Of nuclei-fluorescence on the test split."""
PEERS = {
    "StarDist 0.9": {"f1@0.5": 0.876, "f1@0.7": 0.590, "f1@0.9": 0.040, "ap@0.5": 0.779},
    "Cellpose 3.1, told the diameters": {"f1@0.5": 0.903, "f1@0.7": 0.863, "f1@0.9": 0.467, "ap@0.5": 0.822},
}
"""Trained on the training split of dsb2018_fluorescence for 8.5 minutes on two cores; on its test split."""


@dataclass(frozen=True, eq=False)
class Case:
    """An image with labels, or with points (y, x) on the objects."""

    image: Image
    labels: NDArray[Any] | None
    points: NDArray[np.float64] | None = None
    field: str | None = None


def read_set(data: Path, name: str, split: str, *, quick: bool) -> list[Case]:
    """Read the images of a set that belong to a split; of sets without one, those never trained on."""
    folder = data / name
    rows: list[dict[str, str]]
    if (folder / "split.csv").exists():
        with (folder / "split.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["split"] == split]
    elif split != "test":
        return []
    else:
        kept = kept_out(folder, name)
        rows = [{"stem": path.stem} for path in sorted((folder / "images").iterdir()) if path.stem in kept]
    if name == "bone_marrow_points":
        return [points_case(folder, row["stem"]) for row in rows[: 2 if quick else None]]
    cases = []
    for row in rows[: 2 if quick else None]:
        (path,) = (folder / "images").glob(f"{row['stem']}.*")
        labels = read_labels(folder / "labels" / f"{row['stem']}.tif")
        cases.append(Case(read_image(path), labels, field=row.get("field_group")))
    return cases


def kept_out(folder: Path, name: str) -> set[str]:
    """Stems of a set without split that no network was trained on."""
    stems = {path.stem for path in (folder / "images").iterdir()}
    if name == "stardist_demo":
        return {"img2d"}
    if name == "emps_particles":
        sys.path.insert(0, str(Path(__file__).parents[2] / "scripts" / "models"))
        from recipes import PARTICLES

        return stems - set(PARTICLES)
    return stems


def points_case(folder: Path, stem: str) -> Case:
    """Read an image whose objects are known as points."""
    (path,) = (folder / "images").glob(f"{stem}.*")
    table = pd.read_csv(folder / "points.csv")
    rows = table[table["image"] == path.name]
    return Case(read_image(path), None, rows[["y", "x"]].to_numpy(float))


def predict(method: Method, cases: list[Case], channel: str | None) -> tuple[list[NDArray[np.int32]], float]:
    """Labels of all images, and seconds."""
    method.predict(channels_for(method, cases[0].image, channel))
    begin = time.perf_counter()
    labels = [method.predict(channels_for(method, case.image, channel)).labels for case in cases]
    return labels, time.perf_counter() - begin


def score(cases: list[Case], predictions: list[NDArray[np.int32]]) -> dict[str, Any]:
    """Pooled metrics with intervals; of points, the share found and the error of the count."""
    if cases[0].points is not None:
        return score_points(cases, predictions)
    fields = [case.field for case in cases]
    found = compare_instances(
        [case.labels for case in cases],
        predictions,
        clusters=fields if all(fields) else None,
        unit="field of view" if all(fields) else "image",
    )
    row: dict[str, Any] = {"n": len(cases), "objects": sum(unit.n_reference for unit in found.units)}
    row["units"] = len(set(fields)) if all(fields) else len(cases)
    for key in METRICS:
        value = found.metrics[key]
        row[key] = [plain(part) for part in (value.value, value.low, value.high)]
    return row


def score_points(cases: list[Case], predictions: list[NDArray[np.int32]]) -> dict[str, Any]:
    """An object is right if it holds a point that no other object holds; each counts once."""
    hits, points, objects, errors = 0, 0, 0, []
    for case, labels in zip(cases, predictions, strict=True):
        assert case.points is not None
        y, x = np.clip(np.rint(case.points).astype(int).T, 0, np.array(labels.shape)[:, None] - 1)
        under = labels[y, x]
        hits += len(np.unique(under[under > 0]))
        points += len(case.points)
        objects += int(labels.max())
        errors.append((int(labels.max()) - len(case.points)) / len(case.points))
    row: dict[str, Any] = {"n": len(cases), "objects": points, "units": len(cases)}
    row |= {"precision": plain(hits / max(objects, 1)), "recall": plain(hits / points)}
    row |= {"f1 of points": plain(2 * hits / (objects + points)), "found": objects}
    return row | {"count_errors": [round(error, 3) for error in errors]}


def plain(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 4)


def main_score(row: dict[str, Any]) -> float:
    value = row["f1@0.5"][0] if "f1@0.5" in row else row["f1 of points"]
    return float(value or 0)


def best_rule(cases: list[Case]) -> dict[str, Any]:
    """The rule with the best F1 on these images."""
    rows = []
    for name in RULES:
        channel = "hematoxylin" if cases[0].image.is_rgb else None
        labels, seconds = predict(make_method(name), cases, channel)
        rows.append({"method": name, **score(cases, labels), "seconds": round(seconds, 2)})
    return max(rows, key=main_score) | {"best_of": len(RULES)}


def evaluate(data: Path, networks: list[str], split: str, *, quick: bool) -> list[dict[str, Any]]:
    """One row for each network and set, and one for the best rule on the set."""
    rows: list[dict[str, Any]] = []
    rules: dict[str, dict[str, Any]] = {}
    for network in networks:
        method = make_method(network)
        for name in SETS[network]:
            cases = read_set(data, name, split, quick=quick)
            if not cases:
                continue
            labels, seconds = predict(method, cases, None)
            what = {"set": name, "elsewhere": name in ELSEWHERE}
            rows.append({"method": network, **what, **score(cases, labels), "seconds": round(seconds, 2)})
            if name not in rules:
                rules[name] = best_rule(cases)
            rows.append({**rules[name], **what, "beside": network})
            print_row(rows[-2])
            print_row(rows[-1])
    return rows


def print_row(row: dict[str, Any]) -> None:
    name = f"  best of {row['best_of']}: {row['method']}" if "best_of" in row else row["method"]
    text = f"{name:<42} {row['set']:<22} n {row['n']:>3} objects {row['objects']:>5}  "
    if "f1@0.5" not in row:
        text += f"points: F1 {row['f1 of points']:.3f}, count errors {row['count_errors']}"
    else:
        for key in ("f1@0.5", "f1@0.7", "f1@0.9", "ap@0.5"):
            value, low, high = row[key]
            interval = "" if low is None or high is None else f" ({low:.3f}-{high:.3f})"
            text += f"{key} {value:.3f}{interval}  "
    print(f"{text} {row['seconds']:.1f} s", flush=True)


def run(
    data: Path, *, networks: list[str] | None = None, split: str = "test", quick: bool = False
) -> dict[str, Any]:
    """All rows with what is needed to repeat them."""
    names = networks or list(SETS)
    rows = evaluate(data, names, split, quick=quick)
    first = next((row for row in rows if row["method"] == "nuclei-fluorescence"), None)
    return {
        "schema": SCHEMA,
        "split": split,
        "quick": quick,
        "methods": {name: make_method(name).describe() for name in names},
        "rows": rows,
        "goals": GOALS,
        "goals_reached": {key: first[key][0] >= goal for key, goal in GOALS.items()} if first else {},
        "peers_on_dsb2018_fluorescence": PEERS,
        "seed": "none: nothing here is random",
        "machine": {
            "python": platform.python_version(),
            "system": platform.platform(),
            "cores": os.cpu_count(),
        },
    }


def main(arguments: list[str] | None = None) -> int:
    """Print the rows; write JSON on request."""
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
    parser.add_argument(
        "--network", action="append", choices=sorted(SETS), help="default: all; may be repeated"
    )
    parser.add_argument("--split", choices=("test", "val"), default="test")
    parser.add_argument("--quick", action="store_true", help="two images of each set")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        parser.error(f"no data sets in {options.data}; give --data DIR or set VERISCOPE_DATA")
    result = run(options.data, networks=options.network, split=options.split, quick=options.quick)
    if result["goals_reached"]:
        print("goals:", result["goals_reached"])
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
