"""Metrics of tracking against py-ctcmetrics and traccuracy, on perturbed tracks, simulated and real.

Tracks are discs that move, divide, come and go, or the cells of `c2c12_timelapse`; a prediction is made from
them by errors that trackers make: objects lost, invented, merged, split or moved, tracks cut, swapped or
joined, divisions early, late, missed or invented.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.io import imread

from veriscope.validate.metrics.tracking.matching import match_tracks
from veriscope.validate.trackings import compare_sequence
from veriscope.validate.tracks import Lineage, Tracks

ROOT = Path(__file__).resolve().parents[3]
PEERS = ROOT / "benchmarks" / "peers"
DATA = Path(os.environ.get("VERISCOPE_DATA", ROOT.parent / "shared" / "data"))
TOLERANCE = 1e-9

Frames = NDArray[np.uint16]
Rows = NDArray[np.int64]
Parents = dict[int, int]


def rows(*, quick: bool) -> list[dict[str, Any]]:
    """Compare each metric with each peer that has it."""
    random = np.random.default_rng(20240821)
    cases = [make_case(random) for _ in range(8 if quick else 330)]
    cases += real_cases(random, 2 if quick else 40)
    ours = [judge(case) for case in cases]
    theirs = ask_peers(cases)
    metrics = ("det", "seg", "tra", "lnk", "chota", "hota", "division_f1@0", "division_f1@1", "division_f1@2")
    peers = {"py-ctcmetrics": "1.3.3", "traccuracy": "0.4.3"}
    found = []
    for peer, version in peers.items():
        for metric in metrics:
            if peer == "traccuracy" and metric not in {"det", "tra", "lnk", "chota", "division_f1@0"}:
                continue
            found.append(one_row(metric, peer, version, ours, theirs))
    return found


def one_row(
    metric: str,
    peer: str,
    version: str,
    ours: list[dict[str, Any]],
    theirs: list[dict[str, Any]] | None,
) -> dict[str, Any]:
    """Join the values of one metric and say what was left out."""
    row = {
        "metric": metric.partition("@")[0],
        "peer": f"{peer} {version}: {NAMES[peer][metric]}",
        "tolerance": TOLERANCE,
    }
    if theirs is None:
        return row | {"n_cases": 0, "max_difference": 0.0, "explained": "peer not installed"}
    differences, left_out, failed = [], 0, 0
    for mine, other in zip(ours, theirs, strict=True):
        value = other[peer].get(metric)
        if "error" in other[peer]:
            failed += 1
        elif not comparable(metric, peer, mine) or value is None or not np.isfinite(mine[metric]):
            left_out += 1
        else:
            differences.append(abs(mine[metric] - value))
    return row | {
        "n_cases": len(differences),
        "max_difference": float(max(differences, default=0.0)),
        "explained": "; ".join(
            [f"{left_out} left out: {EXPLAINED[peer].get(metric, 'undefined')}"] * (left_out > 0)
            + [f"{failed} on which the peer stops"] * (failed > 0)
        ),
    }


NAMES = {
    "py-ctcmetrics": {
        key: f"evaluate_sequence, {name}"
        for key, name in {
            **{key: key.upper() for key in ("det", "seg", "tra", "lnk", "chota", "hota")},
            **{f"division_f1@{i}": f"BC({i})" for i in (0, 1, 2)},
        }.items()
    },
    "traccuracy": {
        **{key: f"CTCMetrics, {key.upper()}" for key in ("det", "tra", "lnk")},
        "chota": "CHOTAMetric",
        "division_f1@0": "DivisionMetrics, frame buffer 0",
    },
}
_SPLITS = "traccuracy counts an object that covers k > 2 others as one split, the paper as k - 1"
_LINKS = "traccuracy takes links to an only child for links within a track, the paper does not"
_NO_DIVISION = "no division in the reference: py-ctcmetrics gives none, ours 0 if one was invented"
EXPLAINED = {
    "py-ctcmetrics": {f"division_f1@{i}": _NO_DIVISION for i in (0, 1, 2)},
    "traccuracy": {
        "det": _SPLITS,
        "tra": f"{_SPLITS}; {_LINKS}",
        "lnk": _LINKS,
        "division_f1@0": "traccuracy demands matches one to one and two daughters; NaN instead of 0",
    },
}


def comparable(metric: str, peer: str, mine: dict[str, Any]) -> bool:
    """Leave out cases in which a peer's definition is another."""
    if peer != "traccuracy":
        return True
    if metric in {"det", "tra"} and mine["most_covered"] > 2:
        return False
    if metric == "division_f1@0" and mine["three_daughters"]:
        return False
    return not (metric in {"tra", "lnk"} and mine["only_child"])


def judge(case: tuple[Frames, Rows, Frames, Rows]) -> dict[str, Any]:
    """Give our values of a case, and what decides whether peers define the same."""
    reference = Tracks(case[0], Lineage.from_rows(case[1]), "reference")
    prediction = Tracks(case[2], Lineage.from_rows(case[3]), "prediction")
    values: dict[str, Any] = dict(compare_sequence(reference, prediction).values)
    for tolerance in (0, 1, 2):
        found = compare_sequence(reference, prediction, division_tolerance=tolerance)
        values[f"division_f1@{tolerance}"] = found.values["division_f1"]
    covered = match_tracks(reference, prediction).covered
    values["most_covered"] = int(covered.max(initial=0))
    children = [
        np.unique(table[table > 0], return_counts=True)[1] for table in (case[1][:, 3], case[3][:, 3])
    ]
    values["only_child"] = any((counts == 1).any() for counts in children)
    values["three_daughters"] = any((counts > 2).any() for counts in children)
    return values


def ask_peers(cases: list[tuple[Frames, Rows, Frames, Rows]]) -> list[dict[str, Any]] | None:
    """Run the peers in their environment; None where it was not made."""
    python = runpy.run_path(str(PEERS / "make.py"))["peer_python"]("track-metrics")
    if python is None:
        return None
    names = ("reference", "reference_rows", "prediction", "prediction_rows")
    arrays = {
        f"{k}_{name}": array for k, case in enumerate(cases) for name, array in zip(names, case, strict=True)
    }
    with tempfile.TemporaryDirectory() as folder:
        given, result = Path(folder) / "cases.npz", Path(folder) / "result.json"
        np.savez_compressed(given, **arrays)
        subprocess.run([str(python), str(PEERS / "track_metrics.py"), str(given), str(result)], check=True)
        return list(json.loads(result.read_text()))


def make_case(random: np.random.Generator) -> tuple[Frames, Rows, Frames, Rows]:
    """Simulate a reference and a prediction with errors."""
    frames, parents = simulate(random)
    return finish(random, frames, parents)


def real_cases(random: np.random.Generator, n: int) -> list[tuple[Frames, Rows, Frames, Rows]]:
    """Make predictions with errors from the real cells; none where the data are absent."""
    folder = DATA / "c2c12_timelapse"
    if not folder.is_dir():
        return []
    frames = np.stack([imread(path) for path in sorted((folder / "labels").glob("*.tif"))])[:, ::2, ::2]
    table = np.loadtxt(folder / "tracks.csv", delimiter=",", skiprows=1, dtype=np.int64)
    parents = {int(row[0]): int(row[3]) for row in table}
    return [finish(random, frames.astype(np.uint16), parents) for _ in range(n)]


def finish(
    random: np.random.Generator, frames: Frames, parents: Parents
) -> tuple[Frames, Rows, Frames, Rows]:
    """Add errors, and give both sides tables that fit their labels."""
    damaged, changed = frames.copy(), dict(parents)
    for error in random.choice(len(ERRORS), size=random.integers(0, 7)):
        ERRORS[error](random, damaged, changed)
    if not damaged.any():
        damaged[0, :3, :3] = 1
    return *tabulate(frames, parents), *tabulate(damaged, changed)


def simulate(random: np.random.Generator, n_frames: int = 8, size: int = 56) -> tuple[Frames, Parents]:
    """Let discs move, divide, come and go."""
    frames = np.zeros((n_frames, size, size), dtype=np.uint16)
    grid = np.indices((size, size))
    alive = {k: random.uniform(6, size - 6, 2) for k in range(1, int(random.integers(3, 8)) + 1)}
    parents = dict.fromkeys(alive, 0)
    for frame in frames:
        for label, place in alive.items():
            radius = 3.5 if parents[label] else 5
            frame[((grid - place[:, None, None]) ** 2).sum(axis=0) <= radius**2] = label
        for label in list(alive):
            fate, place = random.random(), alive[label]
            if fate < 0.12:
                del alive[label]
                offset = random.normal(size=2)
                offset *= 4.5 / np.linalg.norm(offset)
                for side in (-1, 1) if fate < 0.115 else (-1, 1, 0):
                    daughter = len(parents) + 1
                    alive[daughter], parents[daughter] = np.clip(place + side * offset, 2, size - 3), label
            elif fate < 0.15:
                del alive[label]
            else:
                alive[label] = np.clip(place + random.normal(scale=1.2, size=2), 2, size - 3)
        if random.random() < 0.15:
            alive[len(parents) + 1] = random.uniform(4, size - 4, 2)
            parents[len(parents) + 1] = 0
    return frames, parents


def tabulate(frames: Frames, parents: Parents) -> tuple[Frames, Rows]:
    """Number uninterrupted tracks by when they start; parents that do not end before are dropped.

    So a parent always has the lower number, without which py-ctcmetrics loses ancestors of joined tracks.
    """
    places: dict[int, list[int]] = {}
    for number, frame in enumerate(frames):
        for label in np.unique(frame[frame > 0]).tolist():
            places.setdefault(label, []).append(number)
    runs: list[tuple[int, int, int]] = []
    for label, seen in places.items():
        breaks = np.flatnonzero(np.diff(seen) > 1) + 1
        runs += [(int(part[0]), int(part[-1]), label) for part in np.split(np.array(seen), breaks)]
    runs.sort()
    renamed, table = np.zeros_like(frames), []
    for track, (first, last, label) in enumerate(runs, start=1):
        part = slice(first, last + 1)
        renamed[part][frames[part] == label] = track
        before = [k for k, run in enumerate(runs, 1) if run[1] < first and run[2] == label]
        if not before:
            source = parents.get(label, 0)
            of_parent = [k for k, run in enumerate(runs, 1) if run[2] == source]
            before = of_parent[-1:] if of_parent and runs[of_parent[-1] - 1][1] < first else []
        table.append((track, first, last, before[-1] if before else 0))
    return renamed, np.array(table, dtype=np.int64).reshape(-1, 4)


def _labels(frame: Frames) -> NDArray[np.uint16]:
    return np.unique(frame[frame > 0])


def _pick(random: np.random.Generator, frames: Frames) -> tuple[int, int]:
    """Take an object: its frame and label; label 0 where there is none."""
    number = int(random.integers(len(frames)))
    labels = _labels(frames[number])
    return number, int(random.choice(labels)) if len(labels) else 0


def _new(frames: Frames, parents: Parents) -> int:
    return max(int(frames.max()), *parents, 0) + 1


def lose(random: np.random.Generator, frames: Frames, parents: Parents) -> None:
    """Lose an object in a frame."""
    number, label = _pick(random, frames)
    frames[number][frames[number] == label] = 0


def lose_track(random: np.random.Generator, frames: Frames, parents: Parents) -> None:
    """Lose a track."""
    _, label = _pick(random, frames)
    frames[frames == label] = 0


def invent(random: np.random.Generator, frames: Frames, parents: Parents) -> None:
    """Invent a track of some frames."""
    first, (y, x) = int(random.integers(len(frames))), random.integers(0, np.array(frames.shape[1:]) - 5)
    part = frames[first : first + int(random.integers(1, 5)), y : y + 5, x : x + 5]
    part[part == 0] = _new(frames, parents)


def merge(random: np.random.Generator, frames: Frames, parents: Parents) -> None:
    """Merge up to three objects of a frame."""
    number, label = _pick(random, frames)
    others = random.permutation(_labels(frames[number]))[: int(random.integers(1, 4))]
    frames[number][np.isin(frames[number], others)] = label


def split(random: np.random.Generator, frames: Frames, parents: Parents) -> None:
    """Split an object of a frame into two."""
    number, label = _pick(random, frames)
    places = np.argwhere(frames[number] == label)
    half = places[: int(len(places) * random.uniform(0.2, 0.8))]
    frames[number][tuple(half.T)] = _new(frames, parents) if label else 0


def swap(random: np.random.Generator, frames: Frames, parents: Parents) -> None:
    """Swap two tracks from a frame on."""
    number, one = _pick(random, frames)
    other = int(random.choice(_labels(frames[number]))) if one else 0
    later = frames[number:]
    first, second = later == one, later == other
    if one:
        later[first], later[second] = other, one


def cut(random: np.random.Generator, frames: Frames, parents: Parents) -> None:
    """Cut a track in two, with or without a link."""
    number, label = _pick(random, frames)
    new = _new(frames, parents)
    parents[new] = label if random.random() < 0.5 else 0
    frames[number:][(frames[number:] == label) & (label > 0)] = new


def forget_parent(random: np.random.Generator, frames: Frames, parents: Parents) -> None:
    """Forget where a track comes from."""
    parents[_pick(random, frames)[1]] = 0


def invent_parent(random: np.random.Generator, frames: Frames, parents: Parents) -> None:
    """Give a track a parent that it has not."""
    parents[_pick(random, frames)[1]] = _pick(random, frames)[1]


def join(random: np.random.Generator, frames: Frames, parents: Parents) -> None:
    """Take one daughter of a division for the mother."""
    _, label = _pick(random, frames)
    if parents.get(label):
        frames[frames == label] = parents[label]


def divide_late(random: np.random.Generator, frames: Frames, parents: Parents) -> None:
    """See a division some frames late."""
    _, label = _pick(random, frames)
    daughters = [child for child, parent in parents.items() if parent == label and label]
    seen = [number for number in range(len(frames)) if np.isin(frames[number], daughters).any()]
    for number in seen[: int(random.integers(1, 3))]:
        frames[number][np.isin(frames[number], daughters)] = label


def divide_early(random: np.random.Generator, frames: Frames, parents: Parents) -> None:
    """See a division one frame early."""
    _, label = _pick(random, frames)
    daughters = [child for child, parent in parents.items() if parent == label and label]
    seen = [number for number in range(len(frames)) if (frames[number] == label).any()]
    if len(daughters) > 1 and seen:
        places = np.argwhere(frames[seen[-1]] == label)
        for part, daughter in zip(np.array_split(places, len(daughters)), daughters, strict=True):
            frames[seen[-1]][tuple(part.T)] = daughter


def move(random: np.random.Generator, frames: Frames, parents: Parents) -> None:
    """Move all objects of a frame by up to three pixels."""
    number = int(random.integers(len(frames)))
    frames[number] = np.roll(frames[number], random.integers(-3, 4, 2), axis=(0, 1))


ERRORS: tuple[Callable[[np.random.Generator, Frames, Parents], None], ...] = (
    lose,
    lose_track,
    invent,
    merge,
    split,
    swap,
    cut,
    forget_parent,
    invent_parent,
    join,
    divide_late,
    divide_early,
    move,
)
