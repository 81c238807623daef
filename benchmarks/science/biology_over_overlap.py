"""The model with the better overlap gives the wrong biology: simulated networks, and real nuclei.

::

    python benchmarks/science/biology_over_overlap.py            # 10 simulated studies, real images if there
    python benchmarks/science/biology_over_overlap.py --quick    # one simulated study, six real images
    python benchmarks/science/biology_over_overlap.py --json FILE

Simulated: mitochondria-like networks (`_networks.py`), fused and fragmented; the question is how many pieces
a field has. Both models threshold the smoothed image. That of *A* was chosen on training images for the best
overlap, that of *B* for the right number of pieces (of equals, the one with the best overlap). Real: images
of nuclei that the network of the package was not trained on, in sparse and crowded fields
(dsb2018_fluorescence, 256 x 256, splits val and test); the questions are how many nuclei an image has and how
large they are. *A* is the network's mask with touching nuclei as one, *B* its separate nuclei with outlines
drawn one pixel too tight. *B* is made so on purpose; the network, the images and the references are real.
Fields are called crowded if they have more nuclei than the middle one.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile
from _networks import CONDITIONS, FRAGMENTED, FUSED, Network, simulate_network
from numpy.typing import NDArray
from PIL import Image as PillowImage
from scipy import ndimage
from skimage.segmentation import find_boundaries

from veriscope.core.image import Image
from veriscope.methods.networks.nuclei_fluorescence import NucleiFluorescence
from veriscope.validate.application.report import ApplicationReport, check_application
from veriscope.validate.application.settings import ApplicationSettings

SCHEMA = "veriscope/benchmark-biology-over-overlap/1"
TOLERANCE = 0.1
THRESHOLDS = np.arange(16.0, 44.0, 1.0)
N_DISHES, N_FIELDS, N_TRAINING = 4, 4, 8
Array = NDArray[Any]
Table = dict[str, list[Any]]


def overlap(reference: Array, prediction: Array) -> dict[str, float]:
    """IoU and Dice of two masks."""
    both, either = float((reference & prediction).sum()), float((reference | prediction).sum())
    return {"iou": both / max(either, 1), "dice": 2 * both / max(both + either, 1)}


def sizes(labels: Array, smallest: int = 5) -> Array:
    """Areas of the objects, without specks."""
    areas = np.bincount(labels.ravel())[1:]
    return areas[areas >= smallest]


def pieces(mask: Array) -> Array:
    """Label touching pixels (also over corners) as one piece."""
    return np.asarray(ndimage.label(mask, np.ones((3, 3)))[0])


def smooth(network: Network) -> Array:
    """What the thresholds are for."""
    return np.asarray(ndimage.gaussian_filter(network.pixels, 1.0))


def choose_thresholds(rng: np.random.Generator) -> dict[str, float]:
    """Choose the threshold of each model on training fields of both conditions."""
    fields = [simulate_network(name, rng) for name in CONDITIONS for _ in range(N_TRAINING)]
    found = []
    for field in fields:
        smoothed, number = smooth(field), len(sizes(pieces(field.mask)))
        masks = [smoothed > threshold for threshold in THRESHOLDS]
        found.append(
            [(overlap(field.mask, mask)["iou"], abs(len(sizes(pieces(mask))) - number)) for mask in masks]
        )
    iou, miscount = np.mean(found, axis=0).T
    least = miscount == miscount.min()
    return {
        "A": float(THRESHOLDS[np.argmax(iou)]),
        "B": float(THRESHOLDS[np.argmax(np.where(least, iou, -1))]),
    }


def simulated_study(seed: int) -> dict[str, Any]:
    """One study: thresholds chosen, then four dishes of four fields for each condition."""
    rng = np.random.default_rng(seed)
    thresholds = choose_thresholds(rng)
    tables: dict[str, Table] = {name: defaultdict(list) for name in thresholds}
    for condition in CONDITIONS:
        for dish in range(N_DISHES):
            of_dish = {"abundance": rng.lognormal(0, 0.1), "brightness": rng.lognormal(0, 0.05)}
            for field in range(N_FIELDS):
                network = simulate_network(condition, rng, **of_dish)
                for name, threshold in thresholds.items():
                    mask = smooth(network) > threshold
                    row = {
                        "unit": f"{condition}-{dish}-{field}",
                        "group": condition,
                        "replicate": f"{condition}-{dish}",
                        "reference": len(sizes(pieces(network.mask))),
                        "prediction": len(sizes(pieces(mask))),
                        **overlap(network.mask, mask),
                    }
                    add(tables[name], row)
    settings = ApplicationSettings(control=FUSED, unit="field", replicate="dish")
    models = [
        {"threshold": thresholds[name], **judged(name, "pieces per field", table, settings)}
        for name, table in tables.items()
    ]
    return {"seed": seed, "models": models}


def add(table: Table, row: dict[str, Any]) -> None:
    """Append one unit."""
    for column, value in row.items():
        table[column].append(value)


def judged(name: str, quantity: str, table: Table, settings: ApplicationSettings) -> dict[str, Any]:
    """Overlap and all checks of one model."""
    report = check_application(
        table, quantity=quantity, tolerance=TOLERANCE, relative=True, settings=settings
    )
    iou, dice = (float(np.mean(table[key])) for key in ("iou", "dice"))
    return {"model": name, "iou": iou, "dice": dice, "report": report.to_dict(), **summary(report)}


def summary(report: ApplicationReport) -> dict[str, Any]:
    """What the table shows of a report."""
    effect = report.check("effect")
    return {
        "quantity": report.quantity,
        "reference": [group.reference for group in report.groups],
        "prediction": [group.prediction for group in report.groups],
        "kept": effect.figure.interval.value if effect.figure else float("nan"),
        "value_status": report.value_status,
        "comparison_status": report.comparison_status,
        "statuses": {check.name: check.status for check in report.checks},
    }


def real_images(data: Path, *, quick: bool) -> Iterator[tuple[str, str, Array, Array]]:
    """Name, field, pixels and reference of images that the network was not trained on."""
    folder = data / "dsb2018_fluorescence"
    rows = pd.read_csv(folder / "split.csv").query("type == 'fluo_256' and split != 'train'")
    for row in (rows.head(6) if quick else rows).itertuples():
        pixels = np.asarray(PillowImage.open(folder / "images" / f"{row.stem}.png"))
        if pixels.ndim == 3:
            pixels = pixels[..., 0]
        yield (
            str(row.stem),
            str(row.field_group),
            pixels,
            tifffile.imread(folder / "labels" / f"{row.stem}.tif"),
        )


def tighter(labels: Array) -> Array:
    """Draw every outline one pixel further in."""
    return np.where(find_boundaries(labels, mode="inner"), 0, labels)


MODELS: dict[str, Callable[[Array], Array]] = {"A": lambda labels: pieces(labels > 0), "B": tighter}
QUANTITIES: dict[str, Callable[[Array], float]] = {
    "nuclei per image": lambda areas: float(len(areas)),
    "mean area of nuclei, px": lambda areas: float(areas.mean()),
}


def real_study(data: Path, *, quick: bool) -> dict[str, Any]:
    """Both questions on real nuclei; a field (of neighbouring images) is the replicate."""
    network = NucleiFluorescence()
    tables: dict[tuple[str, str], Table] = {
        (name, quantity): defaultdict(list) for name in MODELS for quantity in QUANTITIES
    }
    counts: dict[str, list[int]] = defaultdict(list)
    for stem, field, pixels, reference in real_images(data, quick=quick):
        labels = network.predict(Image(pixels, "yx")).labels
        counts[field].append(len(sizes(reference)))
        for (name, quantity), table in tables.items():
            predicted = MODELS[name](labels)
            measure = QUANTITIES[quantity]
            found = [sizes(each) for each in (reference, predicted)]
            row = {"unit": stem, "replicate": field, **overlap(reference > 0, predicted > 0)}
            row["reference"], row["prediction"] = (measure(a) if len(a) else np.nan for a in found)
            add(table, row)
    numbers = {field: float(np.mean(of_field)) for field, of_field in counts.items()}
    middle = float(np.median(list(numbers.values())))
    settings = ApplicationSettings(control="sparse", replicate="field", missing="leave out")
    models = []
    for (name, quantity), table in tables.items():
        crowded = [numbers[field] > middle for field in table["replicate"]]
        table["group"] = ["crowded" if yes else "sparse" for yes in crowded]
        models.append(judged(name, quantity, table, settings))
    return {"n_images": sum(map(len, counts.values())), "n_fields": len(counts), "models": models}


def print_model(model: dict[str, Any]) -> None:
    """One line of a table."""
    groups = [group["name"] for group in model["report"]["groups"]]
    values = "; ".join(
        f"{group} {r:.1f} -> {p:.1f}"
        for group, r, p in zip(groups, model["reference"], model["prediction"], strict=True)
    )
    print(
        f"{model['model']}  IoU {model['iou']:.3f}  Dice {model['dice']:.3f}  {model['quantity']}: {values}  "
        f"effect kept {model['kept']:.2f}  value {model['value_status']}, "
        f"comparison {model['comparison_status']}"
    )


def print_checks(model: dict[str, Any]) -> None:
    """All sentences of one report."""
    for check in model["report"]["checks"]:
        print(f"    {check['name']:<18}{check['status']:<15}{check['sentence']}")


def print_spread(studies: list[dict[str, Any]]) -> None:
    """Mean and range over studies."""
    for position, name in enumerate("AB"):
        models = [study["models"][position] for study in studies]
        columns = {
            "IoU": [model["iou"] for model in models],
            f"pieces, {FUSED} (truth)": [model["reference"][0] for model in models],
            f"pieces, {FUSED}": [model["prediction"][0] for model in models],
            f"pieces, {FRAGMENTED} (truth)": [model["reference"][1] for model in models],
            f"pieces, {FRAGMENTED}": [model["prediction"][1] for model in models],
            "effect kept": [model["kept"] for model in models],
        }
        print(f"{name}: mean (smallest to largest) of {len(models)} studies")
        for label, values in columns.items():
            print(f"    {label:<28}{np.mean(values):8.3f} ({min(values):.3f} to {max(values):.3f})")
        for check in models[0]["statuses"]:
            said = [model["statuses"][check] for model in models]
            told = ", ".join(f"{status} {said.count(status)}" for status in dict.fromkeys(said))
            print(f"    {check:<28}{told}")


def main(arguments: list[str] | None = None) -> None:
    """Run both parts, print tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(arguments)
    studies = [simulated_study(seed) for seed in range(1 if options.quick else 10)]
    print(f"Simulated networks, seed 0: {N_DISHES} dishes of {N_FIELDS} fields per condition")
    for model in studies[0]["models"]:
        print_model(model)
        print_checks(model)
    print_spread(studies)
    result: dict[str, Any] = {"schema": SCHEMA, "tolerance": TOLERANCE, "simulated": studies, "real": None}
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    data = Path(os.environ.get("VERISCOPE_DATA", beside))
    if (data / "dsb2018_fluorescence").is_dir():
        result["real"] = real_study(data, quick=options.quick)
        print(f"Real nuclei: {result['real']['n_images']} images of {result['real']['n_fields']} fields")
        for model in result["real"]["models"]:
            print_model(model)
            print_checks(model)
    else:
        print("dsb2018_fluorescence: not there, left out (set VERISCOPE_DATA)")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
