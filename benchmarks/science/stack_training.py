"""Training on stacks: from scratch and from `nuclei-stacks`, on simulated stacks, judged on locked ones.

::

    python benchmarks/science/stack_training.py --minutes 5 --seeds 0 1 --json FILE
    python benchmarks/science/stack_training.py --data DIR      # and what they find in the two real stacks
    python benchmarks/science/stack_training.py --quick         # a few steps, to see that it runs

The minutes are those of all processor cores together. Twelve stacks are learned from, three choose, and six
are locked; each is simulated apart, so intervals are by stack. Two networks are compared on the same locked
stacks, paired. Figures on simulated stacks say which way of training is better, and nothing of real nuclei.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from veriscope.registry import make_method
from veriscope.training.settings import TrainSettings
from veriscope.training.supervised import train_files
from veriscope.validate.instances import compare_instances

sys.path.insert(0, str(Path(__file__).parent))
from simulated_stacks import write_stacks
from stacks import STACKS, read_case

SCHEMA = "veriscope/benchmark-stack-training/1"
PARTS = {"train": 12, "val": 3, "test": 6}
STARTS = {"from scratch": None, "from nuclei-stacks": "nuclei-stacks"}
METRICS = ("f1@0.5", "f1@0.7", "ap@0.5")


def write_split(path: Path, parts: dict[str, int]) -> None:
    """Say the part of each stack, in the order in which they are simulated."""
    names = [part for part, n in parts.items() for _ in range(n)]
    rows = [f"stack{number:02},{part}" for number, part in enumerate(names)]
    path.write_text("\n".join(["stem,split", *rows]) + "\n")


def run(
    seed: int, options: dict[str, Any], parts: dict[str, int], data: Path | None, **size: int
) -> list[dict[str, Any]]:
    """Train from both starts on stacks of one seed, and judge."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_stacks(folder, sum(parts.values()), seed=seed, **size)
        write_split(folder / "split.csv", parts)
        for label, start in STARTS.items():
            settings = TrainSettings.parse(options | {"seed": seed, "start": start}, where="benchmark")
            outcome = train_files(
                folder / "images",
                folder / "labels",
                folder / "network",
                settings,
                split=folder / "split.csv",
                objects="nucleus",
            )
            row = {"network": label, "seed": seed, "steps": outcome["steps"], "figures": outcome["figures"]}
            row |= {"comparison": outcome["comparison"], "cost": outcome["cost"]}
            found.append(row | {"real": {} if data is None else on_real(outcome["method"], data)})
            print(told(found[-1]), flush=True)
    return found


def on_real(method: str, data: Path) -> dict[str, dict[str, float]]:
    """Judge a network on the two real stacks, of which it has seen nothing."""
    scores = {}
    for name in STACKS:
        image, labels = read_case(data, name)
        metrics = compare_instances([labels], [make_method(method).predict(image).labels]).metrics
        scores[name] = {metric: metrics[metric].value for metric in METRICS}
    return scores


def shown(figure: dict[str, Any]) -> str:
    """Say a figure with its interval, where there is one."""
    span = "" if figure["low"] is None else f" ({figure['low']:.3f} to {figure['high']:.3f})"
    return f"{figure['value']:.3f}{span}"


def told(row: dict[str, Any]) -> str:
    """Say a row for people."""
    figures = "  ".join(f"{metric} {shown(row['figures'][metric])}" for metric in METRICS)
    real = "".join(f"\n    {name}: f1@0.5 {scores['f1@0.5']:.3f}" for name, scores in row["real"].items())
    compared = f"\n    {row['comparison']['sentence']}" if row["comparison"] else ""
    return f"{row['network']}, seed {row['seed']}, {row['steps']} steps: {figures}{compared}{real}"


def main() -> None:
    """Train, and print a line for each network."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    options: dict[str, Any] = {"minutes": given.minutes, "clock": "processor"}
    parts, size = PARTS, dict[str, int]()
    if given.quick:
        options, parts = {"steps": 3, "crop": 64, "batch": 2}, dict.fromkeys(PARTS, 1)
        size = {"side": 48, "planes": 12, "wanted": 12}
    rows = [row for seed in given.seeds for row in run(seed, options, parts, given.data, **size)]
    if given.json:
        given.json.write_text(
            json.dumps({"schema": SCHEMA, "minutes": given.minutes, "rows": rows}, indent=1)
        )


if __name__ == "__main__":
    main()
