"""Train StarDist for a set processor time, then predict; with the Python of its environment.

::

    python stardist_training.py CASES.npz CPU_SECONDS SEED OUT.npz [--start FOLDER] [--keep FOLDER]

It starts from random weights, or from those that an earlier run kept. CASES.npz holds `train_image_0`,
`train_labels_0`, … and the same for `val` and `test`. The defaults of the authors: 32 rays on a grid of 2,
patches of 256 (or as large as the smallest image), flips, turns and brightness; the thresholds are chosen on
the validation images after the time. OUT.npz gets `labels_0` …; prints one JSON object with times and
version.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from csbdeep.utils import normalize
from stardist.models import Config2D, StarDist2D

WEIGHTS = "network.weights.h5"


class Stop(tf.keras.callbacks.Callback):  # type: ignore[misc]
    """Ends training when the processor time is over, and lowers the learning rate before."""

    def __init__(self, end: float, begun: float) -> None:
        super().__init__()
        self.end, self.begun, self.batches = end, begun, 0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the clock."""
        self.batches += 1
        part = (time.process_time() - self.begun) / (self.end - self.begun)
        rate = 3e-4 * (1.0 if part < 0.6 else 0.3 if part < 0.85 else 0.1)
        self.model.optimizer.learning_rate.assign(rate)
        if part >= 1:
            self.model.stop_training = True
            raise StopIteration


def augmenter(seed: int) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Flips, turns and brightness, as in the examples of the authors."""
    rng = np.random.default_rng(seed)

    def augment(image: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        turns = int(rng.integers(4))
        image, labels = np.rot90(image, turns), np.rot90(labels, turns)
        if rng.random() > 0.5:
            image, labels = image[:, ::-1], labels[:, ::-1]
        return image * rng.uniform(0.6, 2) + rng.uniform(-0.2, 0.2), labels

    return augment


def given() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("cases")
    parser.add_argument("seconds", type=float)
    parser.add_argument("seed", type=int)
    parser.add_argument("out")
    parser.add_argument("--start", type=Path, help="network that --keep made")
    parser.add_argument("--keep", type=Path, help="where the network is kept, for other runs to start from")
    return parser.parse_args()


def main() -> None:
    """Train, choose thresholds, predict."""
    options = given()
    cases, budget, seed = np.load(options.cases), options.seconds, options.seed
    tf.keras.utils.set_random_seed(seed)

    def part(name: str, kind: str) -> list[np.ndarray]:
        return [
            cases[f"{name}_{kind}_{i}"] for i in range(sum(f.startswith(f"{name}_{kind}_") for f in cases))
        ]

    begun = time.process_time()
    images, others = ([normalize(x, 1, 99.8) for x in part(name, "image")] for name in ("train", "val"))
    labels, truths = ([y.astype(np.int32) for y in part(name, "labels")] for name in ("train", "val"))
    side = min(256, *(length // 16 * 16 for image in (*images, *others) for length in image.shape))
    configuration = Config2D(
        n_rays=32,
        grid=(2, 2),
        n_channel_in=1,
        train_patch_size=(side, side),
        train_batch_size=4,
        train_epochs=10_000,
        train_steps_per_epoch=100,
        train_reduce_lr=None,
        train_tensorboard=False,
    )
    with tempfile.TemporaryDirectory() as folder:
        model = StarDist2D(configuration, name="model", basedir=folder)
        if options.start:
            model.keras_model.load_weights(str(options.start / WEIGHTS))
        model.prepare_for_training()
        stop = Stop(begun + budget, begun)
        # Saving the best by validation needs whole epochs; the last weights are taken.
        model.callbacks = [stop]
        with contextlib.suppress(StopIteration):
            model.train(
                images,
                labels,
                validation_data=(others, truths),
                augmenter=augmenter(seed),
                seed=seed,
                workers=1,
            )
        trained = time.process_time() - begun
        model.optimize_thresholds(others, truths)
        if options.keep:
            model.keras_model.save_weights(str(Path(folder) / "model" / WEIGHTS))
            shutil.copytree(Path(folder) / "model", options.keep)
        results, seconds = {}, []
        for i, image in enumerate(part("test", "image")):
            before = time.perf_counter(), time.process_time()
            results[f"labels_{i}"] = model.predict_instances(normalize(image, 1, 99.8))[0].astype(np.int32)
            seconds.append((time.perf_counter() - before[0], time.process_time() - before[1]))
    np.savez(options.out, **results)
    wall, processor = np.mean(seconds[1:] or [(0.0, 0.0)], axis=0).round(4).tolist()
    times = {"predict_s": wall, "predict_cpu_s": processor}
    told = {"train_cpu_min": round(trained / 60, 2), "labels": times}
    print("RESULT " + json.dumps(told | {"steps": stop.batches, "version": version("stardist")}))


if __name__ == "__main__":
    main()
