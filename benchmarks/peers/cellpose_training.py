"""Train Cellpose 3 for a set processor time, then predict; with the Python of its environment.

::

    python cellpose_training.py CASES.npz CPU_SECONDS SEED OUT.npz [--start FILE] [--keep FILE]

It starts from random weights, or from those that an earlier run kept. CASES.npz holds `train_image_0`,
`train_labels_0`, … and the same for `val` and `test`. What its authors' `train_seg` does by default is meant
for hours on a GPU. What lets it learn in minutes on a processor, all of it by options of its own unless said
otherwise:

- crops of 112 pixels (`bsize`) instead of 224, as many in a batch (8). A step takes about a ninth of the
  time, since so few pixels fit the caches, so it does several hundred of them. With the few dozen of large
  crops the running means of its batch normalisation are not yet those of its weights, and it finds next to
  nothing;
- `SGD=True` with a learning rate of 0.1 and a weight decay of 1e-4, as in the authors' examples of training;
- epochs of one batch (`nimg_per_epoch`): its learning rate rises over ten epochs, whatever their length, and
  in ten minutes there are not many of all images;
- a learning rate that is halved ten times at the end, as it does itself in long trainings, but by the clock
  (the last quarter of the time): how many steps fit in is not known before. The optimiser looks at the
  clock, and ends the training; the budget is used up to a step;
- images are rescaled to its mean diameter of 30 pixels by their true diameters, as it does by default (with
  17 pixels, as in its models of nuclei, it was no better on validation images);
- flows are computed once; weights in the order of memory that processors prefer, and numbers too small for
  the normal range taken for 0, both by options of torch.

OUT.npz gets `labels_0` …, predicted with the mean diameter of the training images, as it does with a model of
one's own, and `told_0` …, predicted with the median diameter of the reference objects of each test image.
Prints one JSON object with times and version.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cellpose import dynamics, models, train
from cellpose.utils import diameters


class TimedSGD(torch.optim.SGD):
    """Lowers the learning rate by the clock, and ends the training with it."""

    begun, end, steps = 0.0, 0.0, 0

    def step(self, closure: Any = None) -> Any:
        """Learn from a batch as Cellpose says, but slower in the last quarter of the time."""
        part = (time.process_time() - TimedSGD.begun) / (TimedSGD.end - TimedSGD.begun)
        for group in self.param_groups:
            # Cellpose sets it anew at the beginning of each epoch, which is one batch.
            group["lr"] *= 0.5 ** int(max(0.0, part - 0.75) * 40)
        TimedSGD.steps += 1
        done = super().step(closure)
        if part >= 1:
            raise StopIteration
        return done


def train_for(
    seconds: float, images: list[np.ndarray], labels: list[np.ndarray], start: Path | None
) -> models.CellposeModel:
    """Train; making the flows and preparing the images counts."""
    TimedSGD.begun = time.process_time()
    TimedSGD.end = TimedSGD.begun + seconds
    # Done once here instead of in every call of train_seg.
    flows = dynamics.labels_to_flows(labels, files=None, device=torch.device("cpu"))
    known = str(start) if start else False
    model = models.CellposeModel(gpu=False, pretrained_model=known, mkldnn=False)
    model.net = model.net.to(memory_format=torch.channels_last)
    train.torch.optim.SGD = TimedSGD
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(StopIteration):
        train.train_seg(
            model.net,
            train_data=images,
            train_labels=flows,
            channels=[0, 0],
            n_epochs=100_000,
            nimg_per_epoch=8,
            batch_size=8,
            bsize=112,
            learning_rate=0.1,
            weight_decay=1e-4,
            SGD=True,
            min_train_masks=1,
            compute_flows=False,
            save_every=200_000,
            save_path=folder,
            model_name="model",
        )
    # As it is by default, for prediction.
    model.net.mkldnn = True
    return model


def given() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("cases")
    parser.add_argument("seconds", type=float)
    parser.add_argument("seed", type=int)
    parser.add_argument("out")
    parser.add_argument("--start", type=Path, help="weights that --keep made")
    parser.add_argument("--keep", type=Path, help="where the weights are kept, for other runs to start from")
    return parser.parse_args()


def main() -> None:
    """Train and predict."""
    options = given()
    cases, budget, seed = np.load(options.cases), options.seconds, options.seed
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (what Cellpose draws from)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    torch.set_flush_denormal(True)

    def part(name: str, kind: str) -> list[np.ndarray]:
        return [
            cases[f"{name}_{kind}_{i}"] for i in range(sum(f.startswith(f"{name}_{kind}_") for f in cases))
        ]

    images, labels = part("train", "image"), [y.astype(np.int32) for y in part("train", "labels")]
    begun = time.process_time()
    model = train_for(budget, images, labels, options.start)
    trained = time.process_time() - begun
    if options.keep:
        model.net.save_model(str(options.keep))
    told: dict[str, Any] = {"train_cpu_min": round(trained / 60, 2), "steps": TimedSGD.steps}
    results: dict[str, np.ndarray] = {}
    usual = float(model.net.diam_labels.item())
    for key in ("labels", "told"):
        seconds = []
        for i, (image, truth) in enumerate(zip(part("test", "image"), part("test", "labels"), strict=True)):
            size = float(diameters(truth.astype(np.int32))[0]) if key == "told" and truth.any() else 0.0
            before = time.perf_counter(), time.process_time()
            found = model.eval(image, channels=[0, 0], diameter=size or usual)[0]
            seconds.append((time.perf_counter() - before[0], time.process_time() - before[1]))
            results[f"{key}_{i}"] = np.asarray(found, np.int32)
        wall, processor = np.mean(seconds[1:] or [(0.0, 0.0)], axis=0).round(4).tolist()
        told[key] = {"predict_s": wall, "predict_cpu_s": processor}
    np.savez(options.out, **results)
    print("RESULT " + json.dumps(told | {"version": version("cellpose")}))


if __name__ == "__main__":
    main()
