"""Put the figures of the benchmark on the cards of the shipped networks, and into their descriptions.

    python benchmarks/science/shipped_networks.py --data DIR --json FILE
    python scripts/models/figures.py FILE

Where a rule does better than the network on a set, the card says so.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import yaml
from cards import CARDS

NETWORKS = Path(__file__).parents[2] / "src" / "veriscope" / "methods" / "networks"
COMMAND = "python benchmarks/science/shipped_networks.py --data DIR"
SETS = {
    "dsb2018_fluorescence": ("fluorescence, nuclei (BBBC038)", "https://bbbc.broadinstitute.org/BBBC038"),
    "dsb2018_histology": ("stained tissue, nuclei (BBBC038)", "https://bbbc.broadinstitute.org/BBBC038"),
    "dsb2018_brightfield": ("grey cytology, nuclei (BBBC038)", "https://bbbc.broadinstitute.org/BBBC038"),
    "t98g_phase_contrast": ("phase contrast, T98G cells (Usiigaci)", "https://github.com/oist/Usiigaci"),
    "emps_particles": ("electron micrographs of particles (EMPS)", "https://github.com/by256/emps"),
    "stardist_demo": (
        "fluorescence, StarDist's demo image (said to be of the same collection)",
        "https://github.com/stardist/stardist",
    ),
    "c2c12_timelapse": (
        "phase contrast, C2C12 cells, ten frames of one field",
        "https://github.com/yfukai/laptrack",
    ),
    "bone_marrow_points": ("H&E bone marrow, points", "https://github.com/ieee8023/countception"),
}
_POOR, _COUNT_OFF = 0.6, 0.2
"""F1 below which a network is said to be not good; relative error of a count that the limits name."""
METRICS = {
    "f1@0.5": "F1 of objects matched at IoU 0.5",
    "f1@0.7": "F1 at IoU 0.7",
    "f1@0.9": "F1 at IoU 0.9",
    "ap@0.5": "TP / (TP + FP + FN) at IoU 0.5",
}


def sentence(row: dict[str, Any], rule: dict[str, Any]) -> str:
    """Say a row in words, with the best rule beside it."""
    where = SETS[row["set"]][0]
    kind = "another laboratory, never trained on" if row["elsewhere"] else "held-out images"
    start = f"{where}: {kind}, {row['n']} images, {row['objects']:,} objects, sizes not told: "
    if "f1@0.5" not in row:
        low, high = min(row["count_errors"]), max(row["count_errors"])
        text = f"F1 of points {row['f1 of points']:.3f}, counts wrong by {low:+.0%} to {high:+.0%} per image"
        text += f"; best rule ({rule['method']}) {rule['f1 of points']:.3f}"
    else:
        text = f"F1 {said(row['f1@0.5'])}, AP {row['ap@0.5'][0]:.3f} at IoU 0.5, "
        text += f"F1 {said(row['f1@0.7'])} at 0.7, {said(row['f1@0.9'])} at 0.9; "
        text += f"best of three rules ({rule['method']}) {said(rule['f1@0.5'])} at 0.5"
    return f"{start}{text} ({COMMAND})"


def said(value: list[float | None]) -> str:
    """Give a figure with its interval."""
    middle, low, high = value
    return f"{middle:.3f}" if low is None or high is None else f"{middle:.3f} ({low:.3f} to {high:.3f})"


def main_score(row: dict[str, Any]) -> float:
    """Give the figure by which a network and a rule are compared."""
    return float(row["f1@0.5"][0] if "f1@0.5" in row else row["f1 of points"])


def evaluation(row: dict[str, Any]) -> dict[str, Any]:
    """Give a row as the format wants it."""
    points = "f1@0.5" not in row
    metrics = {"f1 of points": "F1 of points that lie in objects"} if points else METRICS
    results = [[row[key] if points else row[key][0]] for key in metrics]
    low_high = (
        "" if points else f"; 95 % interval of F1 at IoU 0.5: {said(row['f1@0.5'])}, by {row['units']} units"
    )
    return {
        "dataset_id": row["set"].replace("_", "-"),
        "dataset_source": SETS[row["set"]][1],
        "dataset_role": "independent" if row["elsewhere"] else "test",
        "sample_count": row["n"],
        "evaluation_factors": ["overall"],
        "evaluation_factors_long": [f"all images; {row['objects']} objects, pooled{low_high}"],
        "metrics": [key[:16] for key in metrics],
        "metrics_long": list(metrics.values()),
        "results": results,
    }


def limits(rows: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[str]:
    """Say where a rule does better, or nothing does well."""
    found = []
    for row, rule in rows:
        ours, theirs, where = main_score(row), main_score(rule), SETS[row["set"]][0]
        if theirs > ours:
            found.append(
                f"On {where} the rule {rule['method']} was better ({theirs:.3f} against {ours:.3f})."
            )
        if min(map(abs, row.get("count_errors", [0.0]))) > _COUNT_OFF:
            low, high = min(row["count_errors"]), max(row["count_errors"])
            found.append(f"On {where} counts were wrong by {low:+.0%} to {high:+.0%}: audit any count.")
        elif theirs <= ours < _POOR:
            found.append(f"On {where} it is not good (F1 {ours:.3f}), nor is the best rule ({theirs:.3f}).")
    return found


def update(name: str, rows: list[dict[str, Any]]) -> None:
    """Rewrite the figures of one package."""
    folder = NETWORKS / f"{name.replace('-', '_')}_package"
    path = folder / "bioimageio.yaml"
    content = yaml.safe_load(path.read_text())
    ours = [row for row in rows if row["method"] == name and "best_of" not in row]
    pairs = [
        (row, next(r for r in rows if r.get("beside") == name and r["set"] == row["set"])) for row in ours
    ]
    card = content["config"]["veriscope"]["card"]
    kept = [line for line in card.get("figures", []) if "nuclei_precision.py" in line]
    card["figures"] = [sentence(*pair) for pair in pairs] + kept
    own = (
        CARDS[name].card["limits"]
        if name in CARDS
        else [line for line in card["limits"] if not line.startswith("On ")]
    )
    card["limits"] = [*own, *limits(pairs)]
    content["config"]["bioimageio"]["evaluations"] = [evaluation(row) for row in ours]
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100))
    (folder / "README.md").write_text(readme(name, content, card, folder))


def readme(name: str, content: dict[str, Any], card: dict[str, Any], folder: Path) -> str:
    """Give the page of a package."""
    lines = [f"# {content['name']}", "", card["summary"], "", "## Training data", card["training_data"] + "."]
    lines += [
        f"Licence: {card['licence']}. How it was trained is in `bioimageio.yaml` under `config: veriscope: "
        "training`; `scripts/models/` in Veriscope's repository trains and packages it again.",
        "",
    ]
    lines += ["## Validation", *(f"- {line}" for line in card["figures"]), "", "## Limits"]
    lines += [f"- {line}" for line in card["limits"]]
    if (folder / "weights_int8.onnx").exists():
        lines += [
            "",
            "## Weights in 8 bits",
            "`weights_int8.onnx` holds the same network in 8 bits, made by "
            "`python scripts/models/quantise.py` from 24 training images; `test_output_int8.npz` is what it "
            "gives for `test_input.npy`. Veriscope uses it only if asked for (`precision=int8`).",
        ]
    lines += [
        "",
        "## Before and after the network",
        "The declared pre-processing maps percentile 1 to 0 and percentile 99.8 to 1, over the whole image. "
        "Veriscope also keeps the contrast that is stretched to 1 above eight times the noise, so that empty "
        "images stay empty; that step cannot be declared in the format. The label image is made from the "
        "outputs by `veriscope.methods.networks.dense_objects`; without Veriscope, thresholding the first "
        "channel gives objects in which touching ones are merged.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Update the packages that the file has figures of."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("results", type=Path, nargs="+", help="JSON of the benchmark")
    options = parser.parse_args()
    for file in options.results:
        result = json.loads(file.read_text())
        if result["split"] != "test" or result["quick"]:
            raise SystemExit(f"{file}: cards take the figures of the whole test split")
        for name in result["methods"]:
            update(name, result["rows"])
            print(name)


if __name__ == "__main__":
    main()
