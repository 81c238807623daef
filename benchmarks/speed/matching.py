"""Speed and memory of matching two label images, against peers in the same run.

::

    python benchmarks/peers/make.py stardist-matching   # once; without it this peer is left out
    python benchmarks/speed/matching.py                 # all cases (two minutes, 4 GB for the peers)
    python benchmarks/speed/matching.py --quick         # the smallest case, once
    python benchmarks/speed/matching.py --json FILE

Compared are equal tasks: our table of overlaps against `skimage.metrics.contingency_table` and
`np.unique` of pairs (no areas, no matching), and our table plus matching at IoU 0.5 against
`stardist.matching.matching`. Every peer's result is compared with ours. All run on one thread, and CPU
time is taken, so that other work on the machine disturbs little.
"""

from __future__ import annotations

import argparse
import json
import platform
import runpy
import subprocess
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import skimage
from numpy.typing import NDArray
from skimage.metrics import contingency_table

from veriscope.validate.contingency import Contingency, contingency
from veriscope.validate.matching import Matching, match

SCHEMA = "veriscope/benchmark-matching/1"
PEERS = Path(__file__).resolve().parents[1] / "peers"
STARDIST_LIMIT = 9e9  # bytes; beyond, it is not run

Labels = NDArray[Any]


@dataclass(frozen=True)
class Case:
    """A pair of images to match."""

    name: str
    shape: tuple[int, ...]
    n_objects: int


CASES = (
    Case("256² / 30", (256, 256), 30),  # one tile of an audit: fixed costs show
    Case("2048² / 3,000", (2048, 2048), 3000),  # one camera image, the case of the goal
    Case("64×512×512 / 1,000", (64, 512, 512), 1000),  # a stack
    Case("8192² / 50,000", (8192, 8192), 50_000),  # a stitched well
)


def make_pair(case: Case, *, seed: int = 0) -> tuple[Labels, Labels]:
    """Round objects on a jittered grid; in the prediction moved, resized, and every 20th left out."""
    rng = np.random.default_rng(seed)
    spacing = (prod(case.shape) / case.n_objects) ** (1 / len(case.shape))
    steps = [max(1, round(length / spacing)) for length in case.shape]
    while prod(steps) < case.n_objects:
        steps[int(np.argmax(np.divide(case.shape, steps)))] += 1
    sides = np.divide(case.shape, steps)
    chosen = np.sort(rng.permutation(prod(steps))[: case.n_objects])
    centres = (np.stack(np.unravel_index(chosen, steps), axis=1) + 0.5) * sides
    centres += rng.uniform(-0.1, 0.1, centres.shape) * sides
    radii = rng.uniform(0.35, 0.55, case.n_objects) * sides.min()
    reference = _draw(case.shape, centres, radii, np.arange(1, case.n_objects + 1))
    found = np.arange(case.n_objects) % 20 != 7
    moved = centres + rng.normal(0, 0.04, centres.shape) * sides
    resized = radii * rng.uniform(0.85, 1.1, case.n_objects)
    numbers = rng.permutation(int(found.sum())) + 1
    return reference, _draw(case.shape, moved[found], resized[found], numbers)


def _draw(
    shape: tuple[int, ...], centres: NDArray[Any], radii: NDArray[Any], numbers: NDArray[Any]
) -> Labels:
    labels = np.zeros(shape, dtype=np.int32)
    for centre, radius, number in zip(centres, radii, numbers, strict=True):
        start = np.maximum(np.floor(centre - radius), 0).astype(int)
        stop = np.minimum(np.ceil(centre + radius) + 1, shape).astype(int)
        grid = np.ogrid[tuple(map(slice, start, stop))]
        distance2 = sum((along - c) ** 2 for along, c in zip(grid, centre, strict=True))
        labels[tuple(map(slice, start, stop))][distance2 <= radius**2] = number
    return labels


def best_time(work: Callable[[], Any], *, repeats: int, at_least: float = 0.0) -> tuple[float, Any]:
    """Shortest CPU time of some runs that take so many seconds together, and the last result."""
    times: list[float] = []
    while len(times) < repeats or (sum(times) < at_least and len(times) < 2000):
        begin = time.process_time()
        result = work()
        times.append(time.process_time() - begin)
    return min(times), result


def peak_memory(work: Callable[[], Any]) -> float:
    """Largest memory allocated during the work, beyond what there was, in MB."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def unique_pairs(reference: Labels, prediction: Labels) -> tuple[Labels, Labels]:
    """Overlaps by sorting all pixels."""
    keys = reference.ravel().astype(np.int64)
    keys *= int(prediction.max()) + 1
    keys += prediction.ravel()
    return np.unique(keys, return_counts=True)


def check_same(ours: Contingency, reference_table: Any, unique: tuple[Labels, Labels]) -> None:
    """Stop if a peer finds other overlaps than we do."""
    rows = ours.reference_ids[ours.pairs[:, 0]]
    columns = ours.prediction_ids[ours.pairs[:, 1]]
    expected = np.asarray(reference_table[rows, columns]).ravel()
    assert (expected == ours.overlaps).all()
    keys = rows * (int(ours.prediction_ids.max()) + 1) + columns
    assert (unique[1][np.searchsorted(unique[0], keys)] == ours.overlaps).all()


def time_stardist(
    reference: Labels, prediction: Labels, table: Contingency, repeats: int, at_least: float
) -> dict[str, Any] | str:
    """Run the peer in its own environment; a string says why it was not run."""
    # Its table of overlaps has a 64-bit number for every reference and every prediction.
    needed = 8 * (int(table.reference_ids.max()) + 1) * (int(table.prediction_ids.max()) + 1)
    if needed > STARDIST_LIMIT:
        return f"needs {needed / 1e9:.0f} GB"
    python = runpy.run_path(str(PEERS / "make.py"))["peer_python"]("stardist-matching")
    if python is None:
        return "not installed"
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / "reference.npy", Path(folder) / "prediction.npy"]
        for file, labels in zip(files, (reference, prediction), strict=True):
            np.save(file, labels)
        command = [str(python), str(PEERS / "time_stardist_matching.py"), *map(str, files)]
        command += [str(repeats), str(at_least)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, Any] = json.loads(output)
    return found


def run_case(case: Case, *, repeats: int, at_least: float) -> dict[str, Any]:
    """Measure ours and the peers on one pair of images."""
    reference, prediction = make_pair(case)

    def work() -> tuple[Contingency, Matching]:
        table = contingency(reference, prediction)
        return table, match(table, threshold=0.5)

    def timed(task: Callable[[], Any], times: int = repeats) -> tuple[float, Any]:
        return best_time(task, repeats=times, at_least=at_least)

    table_seconds, table = timed(lambda: contingency(reference, prediction))
    match_seconds, (_, matching) = timed(work)
    huge = [np.where(labels > 0, labels + np.uint32(4_000_000_000), 0) for labels in (reference, prediction)]
    huge_seconds, huge_table = timed(lambda: contingency(*huge))
    assert (huge_table.overlaps == table.overlaps).all()
    peer_repeats = repeats if reference.size <= 2**22 else 1
    skimage_seconds, skimage_table = timed(lambda: contingency_table(reference, prediction), peer_repeats)
    unique_seconds, unique = timed(lambda: unique_pairs(reference, prediction), peer_repeats)
    check_same(table, skimage_table.tocsr(), unique)
    stardist = time_stardist(reference, prediction, table, peer_repeats, at_least)
    row = {
        "case": case.name,
        "n_objects": case.n_objects,
        "n_pairs": len(table.pairs),
        "tp": matching.tp,
        "table_seconds": table_seconds,
        "match_seconds": match_seconds,
        "huge_labels_seconds": huge_seconds,
        "memory_mb": peak_memory(work),
        "huge_labels_memory_mb": peak_memory(lambda: contingency(*huge)),
        "skimage_seconds": skimage_seconds,
        "skimage_ratio": skimage_seconds / table_seconds,
        "unique_seconds": unique_seconds,
        "unique_ratio": unique_seconds / table_seconds,
        "stardist": stardist,
    }
    if isinstance(stardist, dict):
        assert stardist["tp"] == matching.tp
        row["stardist_ratio"] = stardist["seconds"] / match_seconds
    return row


def show(row: dict[str, Any]) -> str:
    """One line of the table."""
    stardist = row["stardist"]
    shown = f"{row['stardist_ratio']:.1f}×" if "stardist_ratio" in row else stardist
    return (
        f"{row['case']:<20}{row['table_seconds'] * 1e3:>8.1f} ms{row['match_seconds'] * 1e3:>8.1f} ms"
        f"{row['memory_mb']:>7.1f} MB{row['huge_labels_memory_mb']:>8.1f} MB"
        f"{row['skimage_ratio']:>9.1f}×{row['unique_ratio']:>9.1f}×{shown:>15}"
    )


def main(arguments: list[str] | None = None) -> None:
    """Run the cases, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(arguments)
    print(
        "ours: table of overlaps, table + matching, memory beyond the inputs, the same with labels near 2³²"
    )
    print("peers: their time divided by ours (skimage, np.unique: table; stardist: table + matching)")
    print(
        f"{'case':<20}{'table':>11}{'matching':>11}{'memory':>10}{'huge':>11}"
        f"{'skimage':>10}{'unique':>10}{'stardist':>15}"
    )
    rows = []
    for case in CASES[: 1 if options.quick else None]:
        rows.append(run_case(case, repeats=1 if options.quick else 3, at_least=0.0 if options.quick else 0.5))
        print(show(rows[-1]), flush=True)
    if options.json:
        versions = {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "skimage": skimage.__version__,
        }
        record = {"schema": SCHEMA, "versions": versions, "cases": rows}
        options.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
