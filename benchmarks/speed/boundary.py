"""Speed of boundary distances against distance transforms and surface-distance, in the same run.

::

    python benchmarks/peers/make.py surface-distance   # once; without it this peer is left out
    python benchmarks/speed/boundary.py            # all cases, a minute
    python benchmarks/speed/boundary.py --quick    # a small case, once
    python benchmarks/speed/boundary.py --json FILE

The floor is the usual way: boundaries by erosion, a distance transform of the whole image from either
boundary (for matched objects: of the box around each pair), looked up at the other. It gives the same
distances, which is checked.

surface-distance gets what is best for it: the same boxes around each pair. Both report average distances
and the 95th percentile; ours also the Hausdorff distance. The definitions differ: its surface elements
are corners between pixels and weigh by length (area), ours are boundary pixels that all weigh the same.
So values differ by parts of a pixel; the largest difference of an average distance is shown in pixels. In
both the distance is that to the nearest element of the other boundary.

All run on one thread; CPU time is taken, the shortest of some runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import runpy
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt, find_objects

from veriscope.validate.contingency import contingency
from veriscope.validate.matching import Matching, match
from veriscope.validate.metrics.instance.boundary_table import BoundaryTable, boundary_table
from veriscope.validate.metrics.instance.matched_boundary import boundary_of_matches
from veriscope.validate.metrics.semantic.boundary import (
    BoundaryDistances,
    assd,
    boundary_distances,
    hausdorff,
    hausdorff_percentile,
    masd,
)

SCHEMA = "veriscope/benchmark-boundary/2"
PEERS = Path(__file__).resolve().parents[1] / "peers"

# A camera image and a stack: name, shape, number of objects, spacing in µm.
CASES = (
    ("2048² / 3,000", (2048, 2048), 3000, (0.5, 0.5)),
    ("100×256×256 / 30", (100, 256, 256), 30, (2.0, 0.5, 0.5)),
)
QUICK = (("256² / 30", (256, 256), 30, (0.5, 0.5)),)

Distances = tuple[NDArray[Any], NDArray[Any]]


def transforms(reference: NDArray[Any], prediction: NDArray[Any], spacing: Sequence[float]) -> Distances:
    """Boundary distances of two masks by distance transforms."""
    first = reference & ~binary_erosion(reference)
    second = prediction & ~binary_erosion(prediction)
    outward = distance_transform_edt(~second, sampling=spacing)[first]
    return outward, distance_transform_edt(~first, sampling=spacing)[second]


def transforms_of_matches(
    reference: NDArray[Any], prediction: NDArray[Any], pairs: NDArray[Any], spacing: Sequence[float]
) -> list[Distances]:
    """Boundary distances of each match by distance transforms of the box around both objects."""
    found = []
    boxes = find_objects(reference), find_objects(prediction)
    for first, second in pairs:
        sides = zip(boxes[0][first - 1], boxes[1][second - 1], strict=True)
        box = tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in sides)
        found.append(transforms(reference[box] == first, prediction[box] == second, spacing))
    return found


def report_of_masks(
    reference: NDArray[Any], prediction: NDArray[Any], spacing: Sequence[float]
) -> tuple[BoundaryDistances, tuple[float, ...]]:
    """Boundary distances of two masks with what is told of them."""
    distances = boundary_distances(reference, prediction, spacing=spacing)
    told = (masd(distances), assd(distances), hausdorff(distances), hausdorff_percentile(distances))
    return distances, told


def time_peer(
    reference: NDArray[Any],
    prediction: NDArray[Any],
    matching: Matching,
    spacing: Sequence[float],
    repeats: int,
) -> dict[str, Any] | None:
    """Run surface-distance in its own environment, if there is one."""
    python = runpy.run_path(str(PEERS / "make.py"))["peer_python"]("surface-distance")
    if python is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "case.npz"
        np.savez(file, reference=reference, prediction=prediction, pairs=matching.pairs, spacing=spacing)
        output = subprocess.run(
            [str(python), str(PEERS / "surface_distances.py"), str(file), str(repeats)],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        ).stdout
    found: dict[str, Any] = json.loads(output)
    return found


def compare_peer(
    peer: dict[str, Any] | None,
    seconds: tuple[float, float],
    distances: BoundaryDistances,
    table: BoundaryTable,
    spacing: Sequence[float],
) -> dict[str, Any]:
    """How much longer the peer takes, and how far its average distances are from ours, in pixels."""
    if peer is None:
        return {"surface_distance": "not installed"}
    ours = np.array([distances.from_reference.mean(), distances.from_prediction.mean()])
    averages = np.array([values[:2] for values in peer["matches"]]).mean(axis=1)
    return {
        "surface_distance": peer["version"],
        "masks_peer_ratio": peer["masks_seconds"] / seconds[0],
        "matches_peer_ratio": peer["matches_seconds"] / seconds[1],
        "both_peer_ratio": (peer["masks_seconds"] + peer["matches_seconds"]) / sum(seconds),
        "masks_difference_px": float(np.abs(ours - peer["masks"][:2]).max() / min(spacing)),
        "matches_difference_px": float(np.abs(table.masd - averages).max() / min(spacing)),
    }


def best_time(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Shortest CPU time of some runs, and the last result."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        result = work()
        times.append(time.process_time() - begin)
    return min(times), result


def run_case(
    name: str, shape: tuple[int, ...], n_objects: int, spacing: tuple[float, ...], *, repeats: int
) -> dict[str, Any]:
    """Measure both ways on one pair of images, and check that they agree."""
    matching_benchmark = runpy.run_path(str(Path(__file__).with_name("matching.py")))
    reference, prediction = matching_benchmark["make_pair"](
        matching_benchmark["Case"](name, shape, n_objects)
    )
    masks = reference > 0, prediction > 0
    matching = match(contingency(reference, prediction))
    ours, found = best_time(lambda: boundary_distances(*masks, spacing=spacing), repeats)
    floor, expected = best_time(lambda: transforms(*masks, spacing), repeats)
    assert np.allclose(found.from_reference, expected[0]) and np.allclose(found.from_prediction, expected[1])
    each, by_match = best_time(
        lambda: boundary_of_matches(reference, prediction, matching, spacing=spacing), repeats
    )
    each_floor, each_expected = best_time(
        lambda: transforms_of_matches(reference, prediction, matching.pairs, spacing), repeats
    )
    for one, (outward, inward) in zip(by_match.distances, each_expected, strict=True):
        assert np.allclose(one.from_reference, outward) and np.allclose(one.from_prediction, inward)
    told, _ = best_time(lambda: report_of_masks(*masks, spacing), repeats)
    each_told, table = best_time(
        lambda: boundary_table(reference, prediction, matching, spacing=spacing), repeats
    )
    peer = time_peer(reference, prediction, matching, spacing, repeats)
    return {
        "case": name,
        "n_matches": matching.tp,
        "masks_report_seconds": told,
        "matches_report_seconds": each_told,
        **compare_peer(peer, (told, each_told), found, table, spacing),
        "masks_seconds": ours,
        "masks_ratio": floor / ours,
        "matches_seconds": each,
        "matches_ratio": each_floor / each,
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Speed of boundary distances.")
    parser.add_argument("--quick", action="store_true", help="a small case, once")
    parser.add_argument("--json", type=Path, help="file to write the results to")
    options = parser.parse_args(arguments)
    rows = [
        run_case(*case, repeats=1 if options.quick else 3) for case in (QUICK if options.quick else CASES)
    ]
    print(
        "Ours: distances alone against the floor; then with what is told of them, against surface-distance."
    )
    print("| case | matches | masks | floor | matched objects | floor | peer: masks | matches | both |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for row in rows:
        peer = [row.get(f"{name}_peer_ratio") for name in ("masks", "matches", "both")]
        shown = [row["surface_distance"] if ratio is None else f"{ratio:.1f}×" for ratio in peer]
        print(
            f"| {row['case']} | {row['n_matches']} "
            f"| {row['masks_seconds']:.2f} s | {row['masks_ratio']:.1f}× "
            f"| {row['matches_seconds']:.2f} s | {row['matches_ratio']:.1f}× | {' | '.join(shown)} |"
        )
    if options.json:
        report = {"schema": SCHEMA, "machine": platform.machine(), "cases": rows}
        options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
