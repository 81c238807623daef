"""Choose the post-processing on the validation split, and calibrate the probability of an object.

    python scripts/nuclei_fluorescence/choose.py RUN/average-053.pt --data DIR/dsb2018_fluorescence

Prints the pooled scores of three ways to separate touching nuclei, by the same network's heads: watershed
from the peaks of the distance, watershed from cores without contact, and the flow to the centre. Then fits
P(object has a match at IoU 0.5) = sigmoid(a · logit(mean foreground probability) + b). The test split is
not read.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
import torch
from network import NucleiNetwork
from numpy.typing import NDArray
from PIL import Image as PillowImage
from scipy import ndimage
from skimage.morphology import reconstruction
from skimage.segmentation import watershed
from sklearn.linear_model import LogisticRegression

from veriscope.methods.networks.flow import follow_flow
from veriscope.methods.networks.normalise import normalise_percentiles
from veriscope.methods.networks.objects import keep_objects, mean_inside
from veriscope.validate.contingency import contingency
from veriscope.validate.instances import compare_instances
from veriscope.validate.matching import match

Array = NDArray[np.float32]
Labels = NDArray[np.int32]


def by_distance(dense: Array, foreground: NDArray[np.bool_], *, height: float = 0.3) -> Labels:
    """Watershed of the distance, from peaks at least `height` above the saddle to the next."""
    distance = ndimage.gaussian_filter(np.clip(dense[1], 0, 1.2), 0.7)
    dome = distance - reconstruction(np.maximum(distance - height, 0), distance)
    seeds, _ = ndimage.label((dome > height / 2) & foreground)
    return np.asarray(watershed(-distance, seeds, mask=foreground), np.int32)


def by_contact(dense: Array, foreground: NDArray[np.bool_]) -> Labels:
    """Watershed of the distance, from the connected cores that touch no other nucleus."""
    seeds, _ = ndimage.label((dense[1] > 0.6) & (dense[2] < 0.5) & foreground)
    return np.asarray(watershed(-dense[1], seeds, mask=foreground), np.int32)


def by_flow(dense: Array, foreground: NDArray[np.bool_]) -> Labels:
    """Give pixels that flow to one place one label."""
    return follow_flow(foreground, dense[3:5] / np.maximum(np.hypot(*dense[3:5]), 1e-3), merge=2.5)


def dense_outputs(checkpoint: Path, data: Path) -> list[tuple[Array, Labels]]:
    """Run the network on the validation split; probabilities in channels 0 and 2."""
    network = NucleiNetwork().eval()
    network.load_state_dict(torch.load(checkpoint, weights_only=True))
    cases = []
    with (data / "split.csv").open(newline="") as file:
        stems = [row["stem"] for row in csv.DictReader(file) if row["split"] == "val"]
    for stem in stems:
        pixels = normalise_percentiles(np.asarray(PillowImage.open(data / "images" / f"{stem}.png")))
        height, width = pixels.shape
        padded = np.pad(pixels, ((0, -height % 16), (0, -width % 16)), mode="symmetric")
        with torch.no_grad():
            out = network(torch.from_numpy(padded)[None, None])[0, :, :height, :width]
        out[[0, 2]] = torch.sigmoid(out[[0, 2]])
        labels = tifffile.imread(data / "labels" / f"{stem}.tif").astype(np.int32)
        cases.append((out.numpy(), labels))
    return cases


def finish(labels: Labels, dense: Array, *, least_mean: float) -> Labels:
    """Drop small objects and those whose mean probability is low."""
    kept = keep_objects(labels, smallest_area=20)
    sure = np.concatenate([[False], mean_inside(dense[0], kept) >= least_mean])
    return keep_objects(np.where(sure[kept], kept, 0).astype(np.int32), smallest_area=1)


def compare(cases: list[tuple[Array, Labels]]) -> None:
    """Print a line for each way and each pair of thresholds."""
    ways: dict[str, Callable[[Array, NDArray[np.bool_]], Labels]] = {
        "distance": by_distance,
        "contact": by_contact,
        "flow": by_flow,
    }
    grid = itertools.product(ways.items(), (0.4, 0.5), (0.0, 0.8))
    for (name, separate), threshold, least_mean in grid:
        begin = time.perf_counter()
        predictions = [
            finish(separate(dense, dense[0] > threshold), dense, least_mean=least_mean) for dense, _ in cases
        ]
        seconds = time.perf_counter() - begin
        metrics = compare_instances(
            [labels for _, labels in cases], predictions, thresholds=(0.5, 0.7)
        ).metrics
        scores = "  ".join(f"{key} {metrics[key].value:.3f}" for key in ("f1@0.5", "ap@0.5", "f1@0.7", "pq"))
        print(f"{name:16s} pixel > {threshold}  object > {least_mean}  {scores}  {seconds:.1f} s", flush=True)


def calibrate(cases: list[tuple[Array, Labels]], *, threshold: float = 0.5) -> None:
    """Fit and print the two numbers of the calibration."""
    means, matched = [], []
    for dense, reference in cases:
        labels = keep_objects(by_flow(dense, dense[0] > threshold), smallest_area=20)
        if labels.any():
            means.append(mean_inside(dense[0], labels))
            hit = np.zeros(int(labels.max()) + 1, bool)
            hit[match(contingency(reference, labels), threshold=0.5).pairs[:, 1]] = True
            matched.append(hit[1:])
    mean = np.clip(np.concatenate(means), 1e-4, 1 - 1e-4)
    fit = LogisticRegression(C=1e4).fit(np.log(mean / (1 - mean))[:, None], np.concatenate(matched))
    slope, intercept = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    even = 1 / (1 + np.exp(intercept / slope))
    print(f"objects {len(mean)}  a {slope:.3f}  b {intercept:.3f}  even odds at a mean of {even:.3f}")


def main() -> None:
    """Compare, then calibrate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    cases = dense_outputs(arguments.checkpoint, arguments.data)
    compare(cases)
    calibrate(cases)


if __name__ == "__main__":
    main()
