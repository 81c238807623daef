"""Predict an image with StarDist, at once and in blocks; with the Python of its environment.

::

    python stardist_big.py train TRAINING.npz MODEL_FOLDER STEPS
    python stardist_big.py predict IMAGE.npy MODEL_FOLDER SETTINGS.json OUT.npz

TRAINING.npz holds `images` and `labels` (n, y, x). SETTINGS.json is a list of keyword arguments of
`predict_instances_big`. The image is normalised once, as a whole, so that blocks do not differ by that.
OUT.npz gets `whole` and `big_0`, …; prints one JSON object: `version`, `parameters` of the network, and CPU
and wall-clock times in seconds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from csbdeep.utils import normalize
from stardist.models import Config2D, StarDist2D


def train(data: str, folder: str, steps: int) -> None:
    """Train a small network from scratch."""
    tf.keras.utils.set_random_seed(0)
    stored = np.load(data)
    images = [normalize(image, 1, 99.8) for image in stored["images"]]
    labels = list(stored["labels"].astype(np.int32))
    config = Config2D(
        n_rays=32,
        grid=(2, 2),
        unet_n_depth=3,
        unet_n_filter_base=16,
        net_conv_after_unet=64,
        train_patch_size=(128, 128),
        train_batch_size=4,
        train_epochs=4,
        train_steps_per_epoch=steps // 4,
        train_tensorboard=False,
    )
    model = StarDist2D(config, name=Path(folder).name, basedir=str(Path(folder).parent))
    model.train(images[:-2], labels[:-2], validation_data=(images[-2:], labels[-2:]))
    model.optimize_thresholds(images[-2:], labels[-2:])


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Run something; CPU and wall-clock time in seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    found = work()
    return found, {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}


def predict(image: str, folder: str, settings: str, output: str) -> None:
    """Predict at once and in blocks."""
    model = StarDist2D(None, name=Path(folder).name, basedir=str(Path(folder).parent))
    pixels = normalize(np.load(image), 1, 99.8)
    model.predict_instances(pixels[:256, :256])  # the first call compiles
    (whole, _), took = timed(lambda: model.predict_instances(pixels))
    results, times = {"whole": whole}, {"whole": took}
    for number, options in enumerate(json.loads(Path(settings).read_text())):
        (big, _), took = timed(
            lambda options=options: model.predict_instances_big(
                pixels, axes="YX", show_progress=False, **options
            )
        )
        results[f"big_{number}"], times[f"big_{number}"] = big, took
    np.savez_compressed(output, **results)
    about = {"version": version("stardist"), "parameters": model.keras_model.count_params(), "times": times}
    print("RESULT " + json.dumps(about))


if __name__ == "__main__":
    if sys.argv[1] == "train":
        train(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        predict(*sys.argv[2:6])
