"""Speed of the steps from dense outputs to objects against their originals, on the same outputs in one run.

::

    python benchmarks/peers/make.py stardist cellpose    # once
    python benchmarks/speed/instances.py                 # all cases, with the peers that are there
    python benchmarks/speed/instances.py --quick         # small cases without peers: do all steps still run?
    python benchmarks/speed/instances.py --json FILE

Dense outputs are made from simulated touching objects with smooth errors as networks make them, the same for
all. Times are the CPU time of one process on one thread, the shortest of some runs, from arrays to arrays;
compiled functions are called once before. Each row says whether the results are the same: polygons that are
kept by one and not the other, pixels that end elsewhere, pixels with another label.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed
from threadpoolctl import threadpool_limits

from veriscope.methods.networks.cellpose_dynamics import cluster_ends, follow_interpolated
from veriscope.methods.networks.seeded_watershed import seeded_watershed
from veriscope.methods.networks.star_convex import find_polygons, polygons_to_labels
from veriscope.training.heads.flow_targets import dense_targets
from veriscope.training.heads.star_targets import plane_directions, star_distances, star_probability

SCHEMA = "veriscope/benchmark-instances/1"
PEERS = Path(__file__).resolve().parents[1] / "peers"
THRESHOLD, OVERLAP = 0.5, 0.4


@dataclass(frozen=True)
class Case:
    """A simulated image."""

    name: str
    side: int
    radius: float
    covered: float
    runs: int


CASES = (
    Case("nuclei, 384²", 384, 10, 0.25, 3),  # a usual field
    Case("nuclei in contact, 512²", 512, 10, 0.7, 3),  # most competition
    Case("large nuclei, 512²", 512, 30, 0.5, 3),  # long paths, many candidates per object
)


@dataclass(frozen=True, eq=False)
class Outputs:
    """What networks would say of one image."""

    probability: np.ndarray
    distances: np.ndarray
    flow: np.ndarray
    logit: np.ndarray
    labels: np.ndarray


def simulate(case: Case, *, seed: int = 0) -> Outputs:
    """Draw ellipses, each pixel to the nearest, and spoil the targets a little."""
    rng = np.random.default_rng(seed)
    n = int(case.covered * case.side**2 / (np.pi * case.radius**2))
    labels = np.zeros((case.side, case.side), np.int32)
    nearest = np.ones(labels.shape, np.float32)
    for number in range(1, n + 1):
        centre, axes = rng.uniform(0, case.side, 2), case.radius * rng.uniform(0.7, 1.3, 2)
        low = np.maximum(centre - 1.3 * case.radius - 1, 0).astype(int)
        window = tuple(slice(a, int(b)) for a, b in zip(low, centre + 1.3 * case.radius + 2, strict=True))
        y, x = np.indices(labels[window].shape) + low[:, None, None] - centre[:, None, None]
        turn = rng.uniform(0, np.pi)
        away = ((y * np.cos(turn) - x * np.sin(turn)) / axes[0]) ** 2
        away = away + ((y * np.sin(turn) + x * np.cos(turn)) / axes[1]) ** 2
        mine = away < nearest[window]
        labels[window][mine], nearest[window][mine] = number, away[mine]
    distances = star_distances(labels, plane_directions(32))
    smooth = ndimage.gaussian_filter(rng.standard_normal(labels.shape).astype(np.float32), 4)
    error = 1 + 0.5 * smooth[..., None] + 0.03 * rng.standard_normal(distances.shape, np.float32)
    probability = star_probability(labels) + 0.02 * rng.standard_normal(labels.shape)
    targets = dense_targets(labels)
    flow = ndimage.gaussian_filter(targets[3:5], (0, 0.7, 0.7)) + rng.normal(0, 0.06, (2, *labels.shape))
    logit = 8 * targets[0] - 4 + rng.standard_normal(labels.shape)
    return Outputs(
        _distinct(np.clip(probability, 0, 1)),
        np.maximum(distances * error, 1e-3).astype(np.float32),
        (5 * flow).astype(np.float32),
        logit.astype(np.float32),
        labels,
    )


def _distinct(probability: np.ndarray) -> np.ndarray:
    """Make all candidates differ, since StarDist's order of equal ones is not defined."""
    flat = probability.ravel().astype(np.float64)
    order = np.argsort(flat, kind="stable")
    flat[order] = np.maximum.accumulate(flat[order] + 4e-7 * np.arange(len(flat)))
    return (flat / max(flat.max(), 1)).astype(np.float32).reshape(probability.shape)


def rows(case: Case, *, quick: bool) -> list[dict[str, Any]]:
    """Measure all steps of one case."""
    outputs = simulate(case)
    runs = 1 if quick else case.runs
    found: list[dict[str, Any]] = []

    def note(step: str, seconds: float, peer: str, theirs: float | None, differing: int | None) -> None:
        row = {"case": case.name, "step": step, "cpu_s": seconds, "peer": peer, "peer_cpu_s": theirs}
        row |= {"ratio": None if theirs is None else theirs / seconds, "differing": differing}
        found.append(row)

    star = None if quick else _peer("stardist", "stardist_objects.py", case.runs, **_star_case(outputs))
    seconds, polygons = _timed(
        lambda: find_polygons(outputs.probability, outputs.distances, threshold=THRESHOLD, overlap=OVERLAP),
        runs,
    )
    drawing, labels = _timed(lambda: polygons_to_labels(polygons, outputs.labels.shape), runs)
    if star is None:
        note(f"star: choose ({len(polygons)} kept)", seconds, "StarDist", None, None)
        note("star: draw", drawing, "StarDist", None, None)
    else:
        ours, theirs = ({tuple(p) for p in q.tolist()} for q in (polygons.points, star["points_0"]))
        kept = f"star: choose ({len(theirs)} kept)"
        note(kept, seconds, star["name"], star["suppress_cpu"], len(ours ^ theirs))
        pixels = int((labels != star["labels_0"]).sum())
        note("star: draw", drawing, star["name"], star["draw_cpu"], pixels)

    inside = outputs.logit > 0
    unit = outputs.flow * inside / np.float32(5)
    pose = (
        None
        if quick
        else _peer(
            "cellpose", "cellpose_objects.py", case.runs, flow_0=outputs.flow, probability_0=outputs.logit
        )
    )
    seconds, ends = _timed(lambda: follow_interpolated(unit, np.nonzero(inside)), runs)
    joining, labels = _timed(lambda: cluster_ends(ends, inside), runs)
    name, times, differing = "Cellpose", (None, None), (None, None)
    if pose is not None:
        name, times = pose["name"], (pose["follow_cpu"], pose["cluster_cpu"])
        differing = int((ends != pose["ends_0"]).any(0).sum()), int((labels != pose["labels_0"]).sum())
    note(f"flow: follow ({inside.sum()} pixels)", seconds, name, times[0], differing[0])
    note(f"flow: join ({labels.max()} objects)", joining, name, times[1], differing[1])

    depth = -ndimage.gaussian_filter(ndimage.distance_transform_edt(inside), 1)
    seeds = np.where(outputs.probability > 0.9, ndimage.label(outputs.probability > 0.9)[0], 0)
    seconds, labels = _timed(lambda: seeded_watershed(depth, seeds, inside), runs)
    theirs_s, theirs_labels = _timed(lambda: watershed(depth, seeds, mask=inside), runs)
    note("watershed from seeds", seconds, "scikit-image", theirs_s, int((labels != theirs_labels).sum()))
    return found


def _star_case(outputs: Outputs) -> dict[str, np.ndarray]:
    settings = np.array([THRESHOLD, OVERLAP])
    return {"probability_0": outputs.probability, "distances_0": outputs.distances, "settings_0": settings}


def _timed(call: Callable[[], Any], runs: int) -> tuple[float, Any]:
    best, result = np.inf, None
    for _ in range(runs + 1):  # the first one imports
        started = time.process_time()
        result = call()
        best = min(best, time.process_time() - started)
    return max(best, 1e-9), result


def _peer(name: str, script: str, runs: int, **arrays: np.ndarray) -> dict[str, Any] | None:
    """Run a script with the peer's own Python; None where it was not made."""
    python = runpy.run_path(str(PEERS / "make.py"))["peer_python"](name)
    if python is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/cases.npz", **arrays)  # type: ignore[arg-type]
        line = [python, PEERS / script, f"{folder}/cases.npz", str(runs), f"{folder}/out.npz"]
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
        done = subprocess.run(line, capture_output=True, text=True, check=False, env=os.environ | one)
        if done.returncode:
            raise RuntimeError(f"{script} failed:\n{done.stderr[-2000:]}")
        (said,) = [text for text in done.stdout.splitlines() if text.startswith("RESULT ")]
        about = json.loads(said.removeprefix("RESULT "))
        with np.load(f"{folder}/out.npz") as file:
            return {"name": f"{name} {about['version']}", **about["cases"][0], **file}


def main(arguments: list[str] | None = None) -> None:
    """Print a table, and JSON on request."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if hasattr(os, "sched_setaffinity") and not options.quick:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cases = (Case("nuclei, 96²", 96, 8, 0.5, 1),) if options.quick else CASES
    with threadpool_limits(1):
        found = [row for case in cases for row in rows(case, quick=options.quick)]
    print(f"{'case':26}{'step':30}{'ours, s':>9}{'peer, s':>9}{'ratio':>7}{'differ':>8}  peer")
    for row in found:
        numbers = [
            "" if row[key] is None else f"{row[key]:{form}}"
            for key, form in (("peer_cpu_s", ".4f"), ("ratio", ".1f"), ("differing", "d"))
        ]
        print(
            f"{row['case']:26}{row['step']:30}{row['cpu_s']:9.4f}"
            f"{numbers[0]:>9}{numbers[1]:>7}{numbers[2]:>8}  {row['peer']}"
        )
    if options.json:
        options.json.write_text(json.dumps({"schema": SCHEMA, "rows": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
