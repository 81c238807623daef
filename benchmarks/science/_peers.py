"""StarDist and Cellpose train and predict, each by a script with the Python of its own environment."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _figures import SIZES_TOLD, figures
from numpy.typing import NDArray

from veriscope.training.images.pairs import pixel_hash
from veriscope.training.images.split import Split
from veriscope.training.judging.judge import InstanceJudge

PEERS = Path(__file__).parents[1] / "peers"
PASSIVE = {"OMP_WAIT_POLICY": "passive"}
"""Threads that wait for others sleep instead of turning in circles."""


@dataclass(frozen=True)
class Budget:
    """Minutes of processor time, threads, and the seed."""

    minutes: float
    threads: int
    seed: int


def judge_peer(
    name: str, split: Split, budget: Budget, *, start: Path | None = None
) -> dict[str, dict[str, Any]]:
    """Train a peer and judge what it predicts, where it takes sizes also with these told."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.npz"
        words = ["--start", str(start)] if start else []
        told = run_peer(name, split, budget, out, words)
        if "missing" in told:
            return {"": told}
        ways = {"": "labels", SIZES_TOLD: "told"}
        times = {way: told.pop(key) for way, key in ways.items() if key in told}
        with np.load(out) as found:
            return {
                way: judged([found[f"{ways[way]}_{i}"] for i in range(len(split.test))], split) | told | spent
                for way, spent in times.items()
            }


def run_peer(name: str, split: Split, budget: Budget, out: Path, words: Sequence[str]) -> dict[str, Any]:
    """Run the script of a peer, which writes its predictions to a file, and give what it says."""
    root = Path(os.environ.get("VERISCOPE_PEERS", PEERS / "environments"))
    python = root / name / "bin" / "python"
    if not python.exists():
        return {"missing": f"no environment at {python}: python benchmarks/peers/make.py {name}"}
    with tempfile.TemporaryDirectory() as folder:
        cases = Path(folder) / "cases.npz"
        arrays = {}
        for part in ("train", "val", "test"):
            for number, pair in enumerate(split.of(part)):
                arrays[f"{part}_image_{number}"] = pair.image.pixels
                arrays[f"{part}_labels_{number}"] = np.maximum(pair.labels, 0).astype(np.uint16)
        np.savez(cases, **arrays)
        script = str(PEERS / f"{name}_training.py")
        given = [str(cases), str(budget.minutes * 60), str(budget.seed), str(out), *words]
        bounds = os.environ | bounded(budget.threads)
        done = subprocess.run([str(python), script, *given], capture_output=True, text=True, env=bounds)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    told: dict[str, Any] = json.loads(done.stdout.rsplit("RESULT ", 1)[1])
    return told


def judged(predictions: Sequence[NDArray[Any]], split: Split) -> dict[str, Any]:
    """Judge label images of the test images."""
    by_image = {pair.sha256: labels for pair, labels in zip(split.test, predictions, strict=True)}
    return figures(InstanceJudge().count(lambda image: by_image[pixel_hash(image.pixels)], split.test))


def bounded(threads: int) -> dict[str, str]:
    """Environment that bounds threads, and keeps those that wait from counting as work."""
    return PASSIVE | {"OMP_NUM_THREADS": str(threads), "TF_NUM_INTRAOP_THREADS": str(threads)}
