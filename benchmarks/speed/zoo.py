"""Speed of model packages against bioimageio.core at its defaults, in the same run.

::

    python benchmarks/peers/make.py bioimageio-core bioimageio-core-torch      # once
    python benchmarks/speed/zoo.py --data DIR            # DIR: folder of the real data sets
    python benchmarks/speed/zoo.py --data DIR --quick    # the smallest case, without the peer
    python benchmarks/speed/zoo.py --data DIR --json FILE
    python benchmarks/speed/zoo.py --data DIR --profile  # where the time goes with tiles of fixed size

Both run the same package on one core, from an image in memory to the output of the package, pre- and
postprocessing included; the description is loaded and the session opened before. CPU time is taken, the
median of some runs, because it is disturbed little by others.

The peer is run in three ways. With ONNX Runtime, its fastest engine, in its default blocks: without blocks,
its default, it fails on packages of fixed size, because it adds the halo to the image first. And with torch,
which it prefers where it is installed, without blocks and with them; our own package has no such weights.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.core.image import Image
from veriscope.methods.networks.engines import OpenVino, Precision
from veriscope.methods.zoo.zoo_model import ZooModel
from veriscope.registry import make_method

SCHEMA = "veriscope/benchmark-zoo/1"
ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "benchmarks" / "peers"
OWN = ROOT / "src" / "veriscope" / "methods" / "networks" / "nuclei_fluorescence_package"


@dataclass(frozen=True)
class Case:
    """A package and an image."""

    name: str
    package: str
    side: int
    runs: int


CASES = (
    Case("fixed 512², image 512²", "fixed", 512, 7),  # the test tensor's own size
    Case("fixed 512², image 1024²", "fixed", 1024, 5),  # tiles of a size that cannot be chosen
    Case("fixed 512², image 2048²", "fixed", 2048, 3),
    Case("any size, image 512²", "any", 512, 5),  # tiles of our own choice
    Case("any size, image 1024²", "any", 1024, 3),
    Case("any size, image 2048²", "any", 2048, 1),
)


def rows(data: Path, *, quick: bool) -> list[dict[str, Any]]:
    """Measure all cases."""
    unet = data / "zoo" / "unet2d_nuclei_broad"
    with tempfile.TemporaryDirectory() as folder:
        packages = {"fixed": unet / "bioimageio.yaml", "any": _as_float(Path(folder) / "own")}
        return _rows(unet, packages, quick=quick)


def profile(data: Path) -> dict[str, float]:
    """Say what share of the CPU time the network has, and what another engine would need for a tile."""
    folder = data / "zoo" / "unet2d_nuclei_broad"
    method = make_method(str(folder / "bioimageio.yaml"), {"foreground": 0, "fixed_size": True})
    assert isinstance(method, ZooModel)
    method.engine.threads = 1
    field = np.load(folder / "test_input.npy")[0, 0].astype(np.float32)
    image = Image(np.tile(field, (2, 2)), "yx")
    method.outputs(image)  # opens the session
    run, inside, tile = method.engine.run, [], np.zeros(0)

    def timed(values: np.ndarray) -> Any:
        nonlocal tile
        begin = time.process_time()
        found = run(values)
        inside.append(time.process_time() - begin)
        tile = values
        return found

    method.engine.run = timed
    begin = time.process_time()
    method.outputs(image)
    total = time.process_time() - begin
    found = {"tiles": len(inside), "network_share": sum(inside) / total, "onnxruntime_tile_s": min(inside)}
    other = OpenVino()  # as the product opens it: one core per process
    if not other.installed():
        return found
    reference = np.asarray(run(tile)[0])
    content = Path(method.engine.weights).read_bytes()
    precisions: tuple[Precision, ...] = ("float32", "bfloat16")
    for precision in precisions:
        network, times = other.open(content, threads=1, precision=precision), []
        for _ in range(5):
            begin = time.process_time()
            output = network(tile)[0]
            times.append(time.process_time() - begin)
        found[f"openvino_{precision}_tile_s"] = min(times)
        found[f"openvino_{precision}_difference"] = float(np.abs(output - reference).max())
    return found


def _as_float(folder: Path) -> Path:
    """Copy our package with input of type float32: the peer would give the network uint16."""
    shutil.copytree(OWN, folder)
    path = folder / "bioimageio.yaml"
    path.write_text(path.read_text().replace("type: uint16", "type: float32"))
    return path


def _rows(unet: Path, packages: dict[str, Path], *, quick: bool) -> list[dict[str, Any]]:
    field = np.load(unet / "test_input.npy")[0, 0]
    found = []
    for case in CASES[:1] if quick else CASES:
        times = -(-case.side // len(field))
        pixels = np.tile(field, (times, times))[: case.side, : case.side]
        pixels = np.ascontiguousarray(pixels, np.float32)
        method = make_method(str(packages[case.package]), {"foreground": 0})
        assert isinstance(method, ZooModel)
        image = Image(pixels, "yx")
        (ours,) = method.outputs(image).values()  # opens the session
        cpu, wall = [], []
        for _ in range(1 if quick else case.runs):
            c, w = time.process_time(), time.perf_counter()
            method.outputs(image)
            cpu.append(time.process_time() - c)
            wall.append(time.perf_counter() - w)
        row = {
            "case": case.name,
            "cpu_s": statistics.median(cpu),
            "wall_s": statistics.median(wall),
            "runs": len(cpu),
        }
        call = (packages[case.package], method.tensor.id, pixels, case.runs)
        peer = None if quick else _peer("bioimageio-core", "blocks", *call)
        if case.package == "fixed" and not quick:
            for mode in ("whole", "blocks"):
                with_torch = _peer("bioimageio-core-torch", mode, *call)
                if with_torch is not None:
                    row[f"torch_{mode}_cpu_s"] = with_torch["peer_cpu_s"]
        if peer is not None:
            theirs = peer.pop("output")
            inner = (..., slice(96, -96), slice(96, -96))
            difference = (
                float(np.abs(theirs[inner] - ours[inner]).max()) if theirs.shape == ours.shape else None
            )
            row |= peer | {"ratio": peer["peer_cpu_s"] / row["cpu_s"], "max_difference_inside": difference}
        found.append(row)
    return found


def _peer(
    name: str, mode: str, package: Path, tensor: str, pixels: np.ndarray, runs: int
) -> dict[str, Any] | None:
    python = runpy.run_path(str(PEERS / "make.py"))["peer_python"](name)
    if python is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/image.npy", pixels)
        script = PEERS / "bioimageio_predict.py"
        line = [
            python,
            script,
            package,
            f"{folder}/image.npy",
            tensor,
            mode,
            str(runs),
            f"{folder}/out.npy",
        ]
        done = subprocess.run(line, capture_output=True, text=True, check=True)
        (said,) = [text for text in done.stdout.splitlines() if text.startswith("RESULT ")]
        about = json.loads(said.removeprefix("RESULT "))
        return {
            "peer": f"bioimageio.core {about['version']}",
            "peer_cpu_s": statistics.median(about["cpu_s"]),
            "peer_wall_s": statistics.median(about["wall_s"]),
            "output": np.load(f"{folder}/out.npy"),
        }


def main(arguments: list[str] | None = None) -> None:
    """Print a table, and JSON on request."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if options.profile:
        for key, value in profile(options.data).items():
            print(f"{key:<28}{value:>10.4g}")
        return
    if hasattr(os, "sched_setaffinity"):  # one core for both, whatever their threads are set to
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    found = rows(options.data, quick=options.quick)
    print(f"{'case':28}{'ours':>9}{'peer':>9}{'ratio':>8}   largest difference inside")
    for row in found:
        theirs = (
            f"{row['peer_cpu_s']:9.3f}{row['ratio']:8.1f}   {row['max_difference_inside']}"
            if "ratio" in row
            else ""
        )
        print(f"{row['case']:28}{row['cpu_s']:9.3f}{theirs}")
        for mode in ("whole", "blocks"):
            if seconds := row.get(f"torch_{mode}_cpu_s"):
                print(f"  {'peer with torch, ' + mode:35}{seconds:9.3f}{seconds / row['cpu_s']:8.1f}")
    if options.json:
        options.json.write_text(json.dumps({"schema": SCHEMA, "rows": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
