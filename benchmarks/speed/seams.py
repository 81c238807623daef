"""Seam errors and time of prediction in parts: ours and StarDist's, each against itself.

::

    python benchmarks/peers/make.py stardist      # once
    python benchmarks/speed/seams.py              # 2048², StarDist with a network trained here (minutes)
    python benchmarks/speed/seams.py --side 1024
    python benchmarks/speed/seams.py --quick      # 512², without the peer
    python benchmarks/speed/seams.py --equal-size # ours with an equally small network, too
    python benchmarks/speed/seams.py --json FILE

An image of simulated nuclei, and some objects as long as folds and fibres are, is predicted at once and in
parts of 512 pixels; StarDist's by `predict_instances_big`. What differs is the seams' doing: an object of the
whole that is not there with the same pixels is *changed* if the best of the parts has an IoU above 0.5 with
it, else *lost* (cut, merged, left out); an object of the parts without such a partner is *extra*. No truth is
needed. StarDist's network is trained here on simulated nuclei (a folder of it in VERISCOPE_STARDIST_MODEL is
used instead); ours is the one that comes along, four times as large and of twice the resolution. With
--equal-size one of as many parameters is trained here, too, on the same images and as many crops. CPU time
counts all threads.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.datasets.scene import SceneSettings, build_scene
from veriscope.errors import MethodError, MissingPackageError
from veriscope.io.labels import read_labels, write_labels
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.io.tiff_writer import write_tiff
from veriscope.predict.image import predict_image
from veriscope.registry import make_method

SCHEMA = "veriscope/benchmark-seams/1"
PEERS = Path(__file__).resolve().parents[2] / "benchmarks" / "peers"
METHODS: tuple[tuple[str, dict[str, str]], ...] = (
    ("otsu-watershed", {}),
    ("nuclei-fluorescence", {}),
    ("nuclei-fluorescence", {"precision": "bfloat16"}),
)
TILE, STEPS = 512, 160
SMALL = (16, 32, 48, 64, 64)
"""Widths of a network of ours that has about as many parameters as StarDist's."""
SETTINGS: tuple[dict[str, int], ...] = (
    {"block_size": 512, "min_overlap": 32, "context": 32},
    {"block_size": 512, "min_overlap": 96, "context": 96},
    {"block_size": 512, "min_overlap": 128, "context": 128},
    {"block_size": 1024, "min_overlap": 128, "context": 128},
)
HEADER = f"{'case':<52}{'objects':>8}{'same':>7}{'changed':>9}{'lost':>6}{'extra':>7}{'CPU s':>9}{'ratio':>7}"
LINE = "{case:<52}{objects:>8}{same:>7}{changed:>9}{lost:>6}{extra:>7}{cpu_s:>9.1f}{ratio:>7.2f}"


def scene(side: int, seed: int, *, long_ones: int = 0) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Nuclei 12 µm wide at 0.5 µm per pixel, and some bars of 150 to 400 pixels."""
    rng = np.random.default_rng(seed)
    settings = SceneSettings(height_px=side, width_px=side, density_per_mm2=2600.0)
    found = build_scene(settings, rng)
    bright = 400.0 * (found.labels > 0) * found.depth**0.3
    y, x = np.indices((side, side))
    for _ in range(long_ones):
        angle, length = rng.uniform(0, np.pi), rng.uniform(150, 400)
        dy, dx = y - rng.uniform(0, side), x - rng.uniform(0, side)
        along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
        bright[(abs(along) < length / 2) & (abs(across) < 9)] = 400
    light = 30 + ndimage.gaussian_filter(bright, 1.2)
    return rng.poisson(light).astype(np.uint16), found.labels.astype(np.int32)


def differences(whole: NDArray[Any], parts: NDArray[Any]) -> dict[str, int]:
    """Objects of the whole that are the same, changed or lost in the parts, and those that are extra."""
    pairs = np.stack([whole.ravel(), parts.ravel()])[:, (whole.ravel() > 0) | (parts.ravel() > 0)]
    (first, second), common = np.unique(pairs, axis=1, return_counts=True)
    mine, theirs = np.bincount(whole.ravel()), np.bincount(parts.ravel())
    both = (first > 0) & (second > 0)
    first, second, common = first[both], second[both], common[both]
    iou = common / (mine[first] + theirs[second] - common)
    partnered = iou > 0.5
    same = int(np.count_nonzero(iou == 1))
    n_whole, n_parts = np.count_nonzero(mine[1:]), np.count_nonzero(theirs[1:])
    changed = int(np.count_nonzero(partnered)) - same
    return {
        "objects": int(n_whole),
        "same": same,
        "changed": changed,
        "lost": int(n_whole) - same - changed,
        "extra": int(n_parts) - same - changed,
    }


def ours(
    folder: Path, pixels: NDArray[Any], methods: tuple[tuple[str, dict[str, str]], ...], own: int
) -> list[dict[str, Any]]:
    """Predict with our methods."""
    write_ome_zarr(folder / "image.ome.zarr", Image(pixels, "yx"))
    rows = []
    for name, parameters in methods:
        labels, took = {}, {}
        called = " ".join([name.replace(f"network:{folder}/", "network as "), *parameters.values()])
        try:
            make_method(name, parameters).make_ready()
        except (MethodError, MissingPackageError) as error:
            print(f"{called}: not on this machine: {error}")
            continue
        for kind, tile in (("whole", max(pixels.shape)), ("parts", own)):
            method = make_method(name, parameters)
            method.limit_threads(1)
            target = folder / f"{called}-{kind}.ome.zarr"
            begin = time.process_time()
            found = predict_image(method, folder / "image.ome.zarr", target, tile=tile)
            took[kind] = time.process_time() - begin
            labels[kind] = read_labels(found["labels"])
        row = {"case": f"veriscope {called}, tile {own}", "cpu_s": took["parts"]}
        row |= {"ratio": took["parts"] / took["whole"]} | differences(labels["whole"], labels["parts"])
        print(LINE.format(**row), flush=True)
        rows.append(row)
    return rows


def training_scenes() -> list[tuple[NDArray[np.uint16], NDArray[np.int32]]]:
    """The images that networks learn from here, and their labels."""
    return [scene(256, seed) for seed in range(10)]


def small_network(folder: Path) -> str:
    """Train a network of ours that is as small as StarDist's; gives the name of the method."""
    from veriscope.training.settings import TrainSettings
    from veriscope.training.supervised import train_files

    for number, (pixels, labels) in enumerate(training_scenes()):
        write_tiff(folder / f"images/{number}.tif", Image(pixels, "yx"))
        write_labels(folder / f"labels/{number}.tif", labels)
    settings = TrainSettings(widths=SMALL, steps=STEPS, batch=4, crop=128, threads=1)
    train_files(folder / "images", folder / "labels", folder / "small", settings, objects="nucleus")
    return f"network:{folder / 'small'}"


def stardist(folder: Path, pixels: NDArray[Any]) -> list[dict[str, Any]]:
    """Predict with the peer, if it is there."""
    python = runpy.run_path(str(PEERS / "make.py"))["peer_python"]("stardist")
    if python is None:
        print("stardist: not there; make it with benchmarks/peers/make.py stardist")
        return []
    script = [str(python), str(PEERS / "stardist_big.py")]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    model = Path(os.environ.get("VERISCOPE_STARDIST_MODEL", folder / "model"))
    if not model.exists():
        images, labels = (np.stack(items) for items in zip(*training_scenes(), strict=True))
        np.savez(folder / "training.npz", images=images, labels=labels)
        command = [*script, "train", str(folder / "training.npz"), str(model), str(STEPS)]
        subprocess.run(command, check=True, capture_output=True, env=environment)
    np.save(folder / "image.npy", pixels)
    (folder / "settings.json").write_text(json.dumps(SETTINGS))
    arguments = (folder / "image.npy", model, folder / "settings.json", folder / "out.npz")
    command = [*script, "predict", *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    about = json.loads(line.removeprefix("RESULT "))
    results = np.load(folder / "out.npz")
    rows = []
    for number, options in enumerate(SETTINGS):
        cpu = about["times"][f"big_{number}"]["cpu_s"]
        text = ", ".join(f"{key.split('_')[-1]} {value}" for key, value in options.items())
        row: dict[str, Any] = {"case": f"stardist {about['version']}, {text}", "cpu_s": cpu}
        row |= {"ratio": cpu / about["times"]["whole"]["cpu_s"], "parameters": about["parameters"]}
        row |= differences(results["whole"], results[f"big_{number}"])
        print(LINE.format(**row), flush=True)
        rows.append(row)
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--equal-size", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    side = 512 if options.quick else options.side
    pixels, _ = scene(side, seed=100, long_ones=side // 100)
    print(f"{side}² pixels; ratio: CPU time of parts to that of the whole")
    print(HEADER)
    with tempfile.TemporaryDirectory() as name:
        methods, tile = (METHODS[:1], side // 2) if options.quick else (METHODS, TILE)
        rows = ours(Path(name), pixels, methods, tile)
        if options.equal_size:
            rows += ours(Path(name), pixels, ((small_network(Path(name)), {}),), tile)
        rows += [] if options.quick else stardist(Path(name), pixels)
    if options.json:
        record = {"schema": SCHEMA, "side": side, "tile": TILE, "rows": rows}
        options.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
