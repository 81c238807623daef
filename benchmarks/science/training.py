"""Networks trained on the same images in the same processor time: ours, StarDist, Cellpose 3.

    python benchmarks/science/training.py --data DIR --cpu-minutes 10 --seeds 0 1 2 --json out.json
    python benchmarks/science/training.py --data DIR --methods ours --cpu-minutes 4
    python benchmarks/science/training.py --data DIR --fine-tune dsb2018_histology --objects 50 100 200
    python benchmarks/science/training.py --data DIR --fine-tune dsb2018_histology --objects 50 100 \\
        --methods ours-start ours cellpose-start stardist-start --peer-starts DIR --json curve.json
    python benchmarks/science/training.py --compare ours.json cellpose.json
    python benchmarks/science/training.py --quick

Each method gets the train and val split of dsb2018_fluorescence, and so many minutes of processor time (all
threads and child processes added; imports not counted) from raw images to a trained network; choosing on the
validation images comes on top, for all. The test split is predicted without and, but for StarDist, with the
median diameter of the reference objects of each image told.

`--fine-tune` draws the curve over annotated objects: whole tiles of 128 pixels, the same for all methods. It
is judged by every second field of the training images too, from which nothing is learned then (a test split
of three fields tells little), and by two images of each field, since Cellpose takes seconds for one. Peers
get the tiles cut out, in grey, as optical density so that nuclei shine as in what their starts know; ours
has to find that out, and sees colours. What peers start from is trained once, by the same script on `--set`,
and kept in `--peer-starts`; with `--start trained` ours too starts from one that learned for as long, and not
from one that ships. With `--objects 0` ours-start is judged untrained. Points that the file of
`--json` has are not made again: a run may be stopped.

Metrics are pooled over the test images, intervals are by field group. Where peers ran too, what ours has
over them comes with the interval of the paired difference (_paired.py); `--compare` makes it from files of
runs that were made apart. Seconds to predict an image are of processors (the JSON has those on the wall
too), without the first image, for which libraries get ready. Peers run in their own environments
(benchmarks/peers/make.py). Threads that wait sleep (OMP_WAIT_POLICY=passive), or their waiting would count
as processor time. `--quick` uses simulated discs, seconds and no peers.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from _annotated import handed_to_peers, judging_fields, n_annotated, with_objects
from _figures import figures, show
from _ours import judge_ours, train_ours
from _paired import against_peers, earlier, lines
from _peers import PASSIVE, Budget, judge_peer, run_peer
from _points import Points
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.io.atomic import write_text
from veriscope.training.images.pairs import LabelledImage, pixel_hash, read_pairs
from veriscope.training.images.split import Split, group_images, make_split
from veriscope.training.images.split_tables import read_split
from veriscope.training.judging.judge import InstanceJudge
from veriscope.training.networks.known import find_network
from veriscope.training.packaging.run import start_predictor
from veriscope.training.settings import TrainSettings

SCHEMA = "veriscope/benchmark-training/1"
START = "nuclei-fluorescence"
METHODS = ("ours", "ours-start", "stardist", "cellpose")
TRAINED = "trained"
"""A start of ours that is trained for as long as those of the peers."""
PEERS_FROM_STARTS = ("stardist-start", "cellpose-start")


def main(given: Sequence[str] | None = None) -> dict[str, Any]:
    """Train, predict the test split, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of the data sets")
    parser.add_argument("--set", default="dsb2018_fluorescence", help="data set to train on")
    parser.add_argument("--methods", nargs="+", choices=METHODS + PEERS_FROM_STARTS)
    parser.add_argument("--cpu-minutes", type=float, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fine-tune", help="data set for the curve over annotated objects")
    parser.add_argument(
        "--start", default=START, help=f"of the curve; {TRAINED!r}: for as long as the peers'"
    )
    parser.add_argument("--objects", type=int, nargs="+", default=[25, 50, 100, 200])
    parser.add_argument("--images-per-field", type=int, default=2, help="that judge the curve")
    parser.add_argument("--peer-starts", type=Path, help="folder that keeps what peers start from")
    parser.add_argument("--peer-start-minutes", type=float, default=8, help="of processors to train these")
    parser.add_argument("--peers-see", choices=["light", "density"], default="density")
    parser.add_argument("--compare", type=Path, nargs="+", help="files of earlier runs; nothing is run")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(given)
    if options.compare:
        found = earlier(options.compare)
        if "set" in found:
            print(*Points.of(found).summary(), sep="\n")
        return _kept(found, options)
    if options.fine_tune:
        return _curve(options)
    if set(options.methods or ()) & set(PEERS_FROM_STARTS):
        parser.error("peers start from networks of theirs in the curve of --fine-tune only")
    return _kept({"schema": SCHEMA, "cpu_minutes": options.cpu_minutes, "rows": _compare(options)}, options)


def _kept(found: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Add and print what ours has over peers, and write the file that was asked for."""
    found["paired"] = against_peers(found["rows"])
    for line in lines(found["paired"]):
        print(line)
    if options.json:
        write_text(options.json, json.dumps(found, indent=1) + "\n")
    return found


def _compare(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Each method with each seed on the whole train split."""
    split = _discs() if options.quick else _read(options.data / options.set)
    settings = {"threads": options.threads, "minutes": options.cpu_minutes}
    methods = options.methods or METHODS
    if options.quick:
        settings |= {"steps": 20, "widths": (8, 16), "crop": 64, "batch": 2}
        methods = ["ours"]
    rows = []
    for seed in options.seeds:
        for name in methods:
            started = time.perf_counter()
            if name.startswith("ours"):
                start = START if name == "ours-start" else None
                found = judge_ours(
                    split, TrainSettings.parse(settings | {"seed": seed, "start": start}, where=name)
                )
            else:
                found = judge_peer(name, split, _budget(options, seed))
            rows += [
                _told({"method": name + way, "seed": seed, **row}, started) for way, row in found.items()
            ]
    return rows


def _curve(options: argparse.Namespace) -> dict[str, Any]:
    """Each method with so many annotated objects; points that the file of results has are not made again."""
    read = _read(options.data / options.fine_tune)
    names = {"schema": SCHEMA, "cpu_minutes": options.cpu_minutes, "set": options.fine_tune}
    names |= {"start": options.start, "images_per_field": options.images_per_field}
    names |= {"peers_see": options.peers_see}
    points = Points(options.json, names)
    for seed in options.seeds:
        whole = judging_fields(read, seed, images_per_field=options.images_per_field)
        for objects, name in product(options.objects, options.methods or ["ours-start", "ours"]):
            if points.has(name, seed, objects):
                continue
            started = time.perf_counter()
            split = with_objects(whole, objects, seed)
            asked = {"asked": name, "seed": seed, "of": objects, "objects": n_annotated(split)}
            asked |= {"fields": len({pair.group for pair in whole.test}), "images": len(whole.test)}
            found = _point(name, split, seed, options) if objects else _untrained(name, split, options)
            rows = [{"method": name + way, **asked, **row} for way, row in found.items()]
            points.keep([_told(row, started) for row in rows])
    for line in points.summary():
        print(line)
    return points.to_dict()


def _untrained(name: str, split: Split, options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Judge our start as it is."""
    if name != "ours-start":
        raise SystemExit(f"{name} with 0 objects: only ours-start is judged untrained")
    predict = start_predictor(find_network(_our_start(options)))
    return {"": figures(InstanceJudge().count(predict, split.test))}


def _point(name: str, split: Split, seed: int, options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Train a method on what is annotated; one whose name ends in -start begins with a trained network."""
    peer, _, start = name.partition("-")
    if not split.train:
        raise SystemExit("no tile of the training images has so few objects: give more --objects")
    if peer != "ours":
        known = _peer_start(peer, options) if start else None
        handed = handed_to_peers(split, options.peers_see)
        return judge_peer(peer, handed, _budget(options, seed), start=known)
    settings = TrainSettings(
        minutes=options.cpu_minutes,
        threads=options.threads,
        seed=seed,
        start=_our_start(options) if start else None,
    )
    return judge_ours(split, settings)


def _our_start(options: argparse.Namespace) -> str:
    """Give the network that ours starts from; one with as many minutes as theirs is trained once."""
    if options.start != TRAINED:
        return str(options.start)
    folder, new = _kept_start("ours", options)
    if new:
        minutes = {"minutes": options.peer_start_minutes, "threads": options.threads}
        with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
            made = Path(beside) / "ours"
            _, told = train_ours(_learning(options), TrainSettings(seed=0, **minutes), made)
            made.rename(folder)
        print(f"ours: trained to start from: {told}", flush=True)
    return str(folder)


def _peer_start(name: str, options: argparse.Namespace) -> Path:
    """Give the network that a peer starts from; one that is not there is trained and kept."""
    file, new = _kept_start(name, options)
    if new:
        with tempfile.TemporaryDirectory() as folder:
            budget = Budget(options.peer_start_minutes, options.threads, seed=0)
            told = run_peer(name, _learning(options), budget, Path(folder) / "out.npz", ["--keep", str(file)])
        print(f"{name}: trained to start from: {told}", flush=True)
    return file


def _kept_start(name: str, options: argparse.Namespace) -> tuple[Path, bool]:
    """Say where a start is kept, and whether it has to be trained yet."""
    if options.peer_starts is None:
        raise SystemExit(f"{name}: say where networks to start from are kept: --peer-starts DIR")
    options.peer_starts.mkdir(parents=True, exist_ok=True)
    file: Path = options.peer_starts.absolute() / name
    return file, not file.exists()


def _learning(options: argparse.Namespace) -> Split:
    """Give what starts learn from."""
    read = _read(options.data / options.set)
    return Split(read.train, read.val, (), read.how)


def _budget(options: argparse.Namespace, seed: int) -> Budget:
    return Budget(options.cpu_minutes, options.threads, seed)


def _read(folder: Path) -> Split:
    table = read_split(folder / "split.csv")
    pairs = read_pairs(folder / "images", folder / "labels", partial=True)
    grouped, sentence = group_images([pair for pair in pairs if pair.stem in table], None, table)
    return make_split(grouped, table=table, groups_are=sentence)


def _discs() -> Split:
    """Simulated discs, for the quick form."""
    pairs = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        light = np.zeros((96, 96))
        for y in range(12, 96, 24):
            for x in range(12, 96, 24):
                light[y + int(rng.integers(-3, 4)), x + int(rng.integers(-3, 4))] = 1
        labels, _ = ndimage.label(ndimage.distance_transform_edt(light == 0) < 7)
        pixels = rng.poisson(200 + 800 * (labels > 0)).astype(np.uint16)
        name = f"discs{seed}"
        pairs.append(
            LabelledImage(name, Image(pixels, "yx"), labels.astype(np.int32), name, pixel_hash(pixels))
        )
    return make_split(pairs)


def _told(row: dict[str, Any], started: float) -> dict[str, Any]:
    row["wall_min"] = round((time.perf_counter() - started) / 60, 2)
    print(show(row), flush=True)
    return row


if __name__ == "__main__":
    # Read when the library of threads is loaded, which the imports above have done.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | PASSIVE)
    main()
