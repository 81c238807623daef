"""Speed and memory of the full instance report against peers in the same run.

::

    python benchmarks/peers/make.py stardist-matching cellpose-metrics panoptica   # environments, once
    python benchmarks/speed/metrics.py                 # all cases (some minutes, 2 GB for the peers)
    python benchmarks/speed/metrics.py --quick         # a small case, once
    python benchmarks/speed/metrics.py --json FILE

Ours is `instance_report` and its metrics: ten IoU thresholds from 0.5 to 0.95, PQ, AJI, splits and
merges, VI, adapted Rand error, and for each object its match, IoU, Dice and overlap. Peers do less:

- `stardist.matching.matching` at the ten thresholds,
- `cellpose.metrics.average_precision` at the ten thresholds and `aggregated_jaccard_index`,
- `panoptica.Panoptica_Evaluator` at one threshold, with the IoU of each match.

TP, FP and FN of every peer are compared with ours. Large images are too much for the peers (their tables
of all references by all predictions take tens of GB); there the floor is what no report can do without:
reading both arrays (from files in memory) and building the table of overlaps. All run on one thread; CPU
time is taken, the shortest of some runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import runpy
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.validate.contingency import contingency
from veriscope.validate.instance_report import REPORT_THRESHOLDS, InstanceReport, instance_report

SCHEMA = "veriscope/benchmark-metrics/1"
MATCHING = runpy.run_path(str(Path(__file__).with_name("matching.py")))
PEERS = Path(__file__).resolve().parents[1] / "peers"
SCRIPTS = {
    "stardist-matching": "stardist_instances.py",
    "cellpose-metrics": "cellpose_metrics.py",
    "panoptica": "panoptica_evaluator.py",
}
LIMIT = 2e9  # bytes of a table of all references by all predictions; beyond, peers are not run
QUICK = (MATCHING["Case"]("256² / 30", (256, 256), 30),)
CASES = (
    MATCHING["Case"]("2048² / 3,000", (2048, 2048), 3000),  # one camera image: the case of the goal
    MATCHING["Case"]("8192² / 50,000", (8192, 8192), 50_000),  # a stitched well
)


def full_report(reference: Any, prediction: Any) -> tuple[InstanceReport, dict[str, float]]:
    """The report with all its metrics computed."""
    report = instance_report(reference, prediction)
    return report, report.metrics


def time_peer(name: str, reference: Any, prediction: Any, repeats: int) -> dict[str, Any] | str:
    """Run a peer in its own environment; a string says why it was not run."""
    if 8 * (int(reference.max()) + 1) * (int(prediction.max()) + 1) > LIMIT:
        return "not run: table too large"
    python = runpy.run_path(str(PEERS / "make.py"))["peer_python"](name)
    if python is None:
        return "not installed"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cases.npz"
        np.savez(file, thresholds=REPORT_THRESHOLDS, reference_0=reference, prediction_0=prediction)
        output = subprocess.run(
            [str(python), str(PEERS / SCRIPTS[name]), str(file), str(repeats), "0"],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
        ).stdout
    found = json.loads(output)
    return {"version": found["version"], **found["cases"][0]}


def check_same(report: InstanceReport, peer: dict[str, Any]) -> None:
    """Stop if a peer counts other objects than we do."""
    for name in ("tp", "fp", "fn"):
        theirs = np.atleast_1d(peer[name])
        assert np.array_equal(theirs, getattr(report.counts, name)[: len(theirs)]), name


def run_case(case: Any, *, repeats: int) -> dict[str, Any]:
    """Measure ours, the floor, and the peers on one pair of images."""
    reference, prediction = MATCHING["make_pair"](case)
    best_time: Callable[..., tuple[float, Any]] = MATCHING["best_time"]
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        files = [Path(folder) / f"{name}.npy" for name in ("reference", "prediction")]
        for file, labels in zip(files, (reference, prediction), strict=True):
            np.save(file, labels)
        floor, _ = best_time(lambda: contingency(*map(np.load, files)), repeats=repeats)
        from_files, _ = best_time(lambda: full_report(*map(np.load, files)), repeats=repeats)
    seconds, (report, metrics) = best_time(lambda: full_report(reference, prediction), repeats=repeats)
    peers = {}
    for name in SCRIPTS:
        peers[name] = time_peer(name, reference, prediction, repeats)
        if isinstance(peers[name], dict):
            check_same(report, peers[name])
            peers[name] = {key: peers[name][key] for key in ("version", "seconds")}
            peers[name]["ratio"] = peers[name]["seconds"] / seconds
    ratios = [peer["ratio"] for peer in peers.values() if isinstance(peer, dict)]
    return {
        "case": case.name,
        "n_objects": case.n_objects,
        "seconds": seconds,
        "floor_seconds": floor,
        "from_files_seconds": from_files,
        "over_floor": from_files / floor,
        "memory_mb": MATCHING["peak_memory"](lambda: full_report(reference, prediction)),
        "peers": peers,
        "smallest_ratio": min(ratios, default=None),
        "metrics": {key: metrics[key] for key in ("f1@0.5", "pq", "aji", "split_merge", "vi", "are")},
    }


def show(row: dict[str, Any]) -> str:
    """One line of the table."""
    shown = [
        f"{peer['ratio']:.0f}×" if isinstance(peer, dict) else str(peer) for peer in row["peers"].values()
    ]
    return (
        f"| {row['case']} | {row['seconds'] * 1e3:.1f} ms | {row['over_floor']:.2f} "
        f"| {row['memory_mb']:.1f} MB | {' | '.join(shown)} |"
    )


def main(arguments: list[str] | None = None) -> None:
    """Run the cases, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a small case, once")
    parser.add_argument("--json", type=Path, help="file to write the results to")
    options = parser.parse_args(arguments)
    print("Floor: reading both arrays and building the table of overlaps. Peers: their CPU time / ours.")
    print(f"| case | full report | reading and report / floor | memory | {' | '.join(SCRIPTS)} |")
    print(f"| --- | --- | --- | --- | {' | '.join('---' for _ in SCRIPTS)} |")
    rows = []
    for case in QUICK if options.quick else CASES:
        rows.append(run_case(case, repeats=1 if options.quick else 3))
        print(show(rows[-1]), flush=True)
    if options.json:
        machine = {
            "machine": platform.machine(),
            "python": platform.python_version(),
            "numpy": np.__version__,
        }
        options.json.write_text(json.dumps({"schema": SCHEMA, **machine, "cases": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
