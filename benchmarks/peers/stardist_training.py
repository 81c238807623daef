"""Train StarDist for a set processor time, then predict; with the Python of its environment.

::

    python stardist_training.py CASES.npz CPU_SECONDS SEED OUT.npz

CASES.npz holds `train_image_0`, `train_labels_0`, … and the same for `val` and `test`. The defaults of the
authors: 32 rays on a grid of 2, patches of 256, flips, turns and brightness; the thresholds are chosen on the
validation images after the time. OUT.npz gets `labels_0` …; prints one JSON object with times and version.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import tensorflow as tf
from csbdeep.utils import normalize
from stardist.models import Config2D, StarDist2D


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


def main() -> None:
    """Train, choose thresholds, predict."""
    cases, budget, seed = np.load(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    tf.keras.utils.set_random_seed(seed)

    def part(name: str, kind: str) -> list[np.ndarray]:
        return [
            cases[f"{name}_{kind}_{i}"] for i in range(sum(f.startswith(f"{name}_{kind}_") for f in cases))
        ]

    begun = time.process_time()
    images, others = ([normalize(x, 1, 99.8) for x in part(name, "image")] for name in ("train", "val"))
    labels, truths = ([y.astype(np.int32) for y in part(name, "labels")] for name in ("train", "val"))
    configuration = Config2D(
        n_rays=32,
        grid=(2, 2),
        n_channel_in=1,
        train_patch_size=(256, 256),
        train_batch_size=4,
        train_epochs=10_000,
        train_steps_per_epoch=100,
        train_reduce_lr=None,
        train_tensorboard=False,
    )
    with tempfile.TemporaryDirectory() as folder:
        model = StarDist2D(configuration, name="model", basedir=folder)
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
        results, seconds = {}, []
        for i, image in enumerate(part("test", "image")):
            before = time.perf_counter(), time.process_time()
            results[f"labels_{i}"] = model.predict_instances(normalize(image, 1, 99.8))[0].astype(np.int32)
            seconds.append((time.perf_counter() - before[0], time.process_time() - before[1]))
    np.savez(sys.argv[4], **results)
    wall, processor = np.mean(seconds[1:], axis=0).round(4).tolist()
    times = {"predict_s": wall, "predict_cpu_s": processor}
    told = {"train_cpu_min": round(trained / 60, 2), "labels": times}
    print("RESULT " + json.dumps(told | {"steps": stop.batches, "version": version("stardist")}))


if __name__ == "__main__":
    main()
