"""Run a model package with bioimageio.core on one image, for benchmarks/speed/zoo.py."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np


def main() -> None:
    """Arguments: description, image (.npy, 2D), input, mode (whole or blocks), runs, output."""
    description, image, tensor, mode, runs, output = sys.argv[1:7]
    from bioimageio.core import create_prediction_pipeline
    from bioimageio.core.digest_spec import create_sample_for_model
    from bioimageio.spec import load_model_description

    try:
        import torch

        torch.set_num_threads(1)
    except ModuleNotFoundError:
        pass
    started = time.process_time()
    model = load_model_description(description, perform_io_checks=False)
    pipeline = create_prediction_pipeline(model)
    opening = time.process_time() - started
    pixels = np.load(image)
    cpu, wall = [], []
    found: Any = None
    with pipeline:
        for _ in range(int(runs)):
            c, w = time.process_time(), time.perf_counter()
            sample = create_sample_for_model(model, inputs={tensor: pixels[None, None]}, sample_id="image")
            if mode == "blocks":
                found = pipeline.predict_sample_with_blocking(sample)
            else:
                found = pipeline.predict_sample_without_blocking(sample)
            cpu.append(time.process_time() - c)
            wall.append(time.perf_counter() - w)
    (member,) = found.members.values()
    np.save(output, np.asarray(member.data))
    about = {"version": version("bioimageio.core"), "opening_cpu_s": opening, "cpu_s": cpu, "wall_s": wall}
    print("RESULT " + json.dumps(about))


if __name__ == "__main__":
    main()
