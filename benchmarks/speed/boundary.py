"""Speed of boundary distances against distance transforms of whole images, in the same run.

::

    python benchmarks/speed/boundary.py            # all cases, half a minute
    python benchmarks/speed/boundary.py --quick    # a small case, once
    python benchmarks/speed/boundary.py --json FILE

The floor is the usual way: boundaries by erosion, a distance transform of the whole image from either
boundary (for matched objects: of the box around each pair), looked up at the other. It gives the same
distances, which is checked. All run on one thread; CPU time is taken, the shortest of some runs.
"""

from __future__ import annotations

import argparse
import json
import platform
import runpy
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt, find_objects

from veriscope.validate.contingency import contingency
from veriscope.validate.matching import match
from veriscope.validate.metrics.instance.matched_boundary import boundary_of_matches
from veriscope.validate.metrics.semantic.boundary import boundary_distances

SCHEMA = "veriscope/benchmark-boundary/1"

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
    return {
        "case": name,
        "n_matches": matching.tp,
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
    print("| case | matches | masks | floor / ours | matched objects | floor / ours |")
    print("| --- | --- | --- | --- | --- | --- |")
    for row in rows:
        print(
            f"| {row['case']} | {row['n_matches']} | {row['masks_seconds']:.2f} s | {row['masks_ratio']:.1f} "
            f"| {row['matches_seconds']:.2f} s | {row['matches_ratio']:.1f} |"
        )
    if options.json:
        report = {"schema": SCHEMA, "machine": platform.machine(), "cases": rows}
        options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
