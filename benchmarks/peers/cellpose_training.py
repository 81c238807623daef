"""Train Cellpose 3 from scratch for a set processor time, then predict; with the Python of its environment.

::

    python cellpose_training.py CASES.npz CPU_SECONDS SEED OUT.npz

CASES.npz holds `train_image_0`, `train_labels_0`, … and the same for `val` and `test`. The number of epochs,
of one batch each, follows from the processor time that the flows and two first epochs take, which count. Each
test image is predicted with the median diameter of its own reference objects, which favours it. OUT.npz gets
`labels_0` …; prints one JSON object with times and version.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from importlib.metadata import version

import numpy as np
import torch
from cellpose import dynamics, models, train
from cellpose.utils import diameters


def main() -> None:
    """Train and predict."""
    cases, budget, seed = np.load(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (what Cellpose draws from)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))

    def part(name: str, kind: str) -> list[np.ndarray]:
        return [
            cases[f"{name}_{kind}_{i}"] for i in range(sum(f.startswith(f"{name}_{kind}_") for f in cases))
        ]

    images, labels = part("train", "image"), [y.astype(np.int32) for y in part("train", "labels")]
    begun = time.process_time()
    # Done once here instead of in every call of train_seg.
    flows = dynamics.labels_to_flows(labels, files=None, device=torch.device("cpu"))
    model = models.CellposeModel(gpu=False, pretrained_model=False)

    def run(epochs: int, rate: float) -> None:
        with tempfile.TemporaryDirectory() as folder:
            train.train_seg(
                model.net,
                train_data=images,
                train_labels=flows,
                channels=[0, 0],
                n_epochs=epochs,
                nimg_per_epoch=8,  # its learning rate rises over ten epochs, which whole ones would never end
                learning_rate=rate,
                weight_decay=1e-4,
                batch_size=8,
                SGD=True,
                min_train_masks=1,
                compute_flows=False,
                save_path=folder,
                model_name="model",
            )

    before = time.process_time()
    run(2, 0.05)
    each = (time.process_time() - before) / 2
    epochs = max(1, int((budget - (time.process_time() - begun)) / each))
    run(epochs, 0.1)
    trained = time.process_time() - begun
    results, seconds = {}, []
    for i, (image, truth) in enumerate(zip(part("test", "image"), part("test", "labels"), strict=True)):
        size = float(diameters(truth.astype(np.int32))[0]) if truth.any() else 0.0
        before = time.perf_counter()
        found = model.eval(image, channels=[0, 0], diameter=size or 17.0)[0]
        seconds.append(time.perf_counter() - before)
        results[f"labels_{i}"] = np.asarray(found, np.int32)
    np.savez(sys.argv[4], **results)
    told = {"train_cpu_min": round(trained / 60, 2), "predict_s": round(float(np.mean(seconds[1:])), 4)}
    print("RESULT " + json.dumps(told | {"steps": epochs + 2, "version": version("cellpose")}))


if __name__ == "__main__":
    main()
