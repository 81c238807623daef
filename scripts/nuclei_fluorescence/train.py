"""Train the `nuclei-fluorescence` network on a CPU for a set time.

    python scripts/nuclei_fluorescence/train.py --data DIR/dsb2018_fluorescence --output RUN --minutes 55

Only images with ``split == train`` are read. The learning rate follows a cosine over the time given; an
exponential moving average of the weights is saved every few minutes, and is what gets packaged.
"""

from __future__ import annotations

import argparse
import copy
import csv
import json
import time
from pathlib import Path

import numpy as np
import tifffile
import torch
from augment import Sampler, TrainingImage
from network import NucleiNetwork
from PIL import Image as PillowImage
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from veriscope.methods.networks.normalise import normalise_percentiles
from veriscope.training.targets import dense_targets


def read_training_images(data: Path) -> list[TrainingImage]:
    """Read the train split; its three types of image are drawn about equally often."""
    with (data / "split.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "train"]
    share = {"fluo_256": 0.42, "fluo_360_large_nuclei": 0.20, "fluo_520x696": 0.38}
    counts = {kind: sum(row["type"] == kind for row in rows) for kind in share}
    images = []
    for row in rows:
        pixels = np.asarray(PillowImage.open(data / "images" / f"{row['stem']}.png"))
        labels = tifffile.imread(data / "labels" / f"{row['stem']}.tif").astype(np.int32)
        images.append(
            TrainingImage(
                normalise_percentiles(pixels),
                labels,
                dense_targets(labels),
                float(row["median_diameter_px"]),
                share[row["type"]] / counts[row["type"]],
            )
        )
    return images


class _Stream(IterableDataset):  # type: ignore[type-arg]
    """Endless batches, made in a worker process of its own."""

    def __init__(self, images: list[TrainingImage], *, size: int, batch: int, seed: int) -> None:
        self.images, self.size, self.batch, self.seed = images, size, batch, seed

    def __iter__(self):  # type: ignore[no-untyped-def]
        torch.set_num_threads(1)
        sampler = Sampler(self.images, size=self.size, seed=self.seed)
        while True:
            yield sampler.batch(self.batch)


def loss_of(output: Tensor, targets: Tensor) -> tuple[Tensor, list[float]]:
    """Sum the losses of the heads over the pixels whose targets are known."""
    known = targets[:, 5]
    foreground = targets[:, 0] * known
    n_known, n_inside = known.sum() + 1, foreground.sum() + 1
    bce = functional.binary_cross_entropy_with_logits(output[:, 0], targets[:, 0], reduction="none")
    probability = torch.sigmoid(output[:, 0]) * known
    dice = 1 - (2 * (probability * foreground).sum() + 1) / (probability.sum() + foreground.sum() + 1)
    distance = (output[:, 1] - targets[:, 1]).abs() * known
    weight = known * (1 + 4 * targets[:, 2])
    contact = functional.binary_cross_entropy_with_logits(output[:, 2], targets[:, 2], reduction="none")
    flow = (output[:, 3:5] - targets[:, 3:5]).square().sum(1)
    terms = [
        (bce * known).sum() / n_known,
        0.5 * dice,
        0.5 * (distance.sum() / n_known + (distance * foreground).sum() / n_inside),
        0.5 * (contact * weight).sum() / n_known,
        0.5 * ((flow * foreground).sum() / n_inside + 0.2 * (flow * known).sum() / n_known),
    ]
    return torch.stack(terms).sum(), [float(term.detach()) for term in terms]


def main() -> None:
    """Train for the time given and save checkpoints of the averaged weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=55)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=20181)
    parser.add_argument("--save-minutes", type=float, default=5)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(arguments.seed)
    torch.set_flush_denormal(True)
    images = read_training_images(arguments.data)
    stream = _Stream(images, size=arguments.size, batch=arguments.batch, seed=arguments.seed)
    batches = iter(DataLoader(stream, batch_size=None, num_workers=1, prefetch_factor=6))
    network = NucleiNetwork().to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).eval()
    optimiser = torch.optim.AdamW(network.parameters(), lr=arguments.rate, weight_decay=0.01)
    start, saved, step, means = time.time(), 0.0, 0, np.zeros(5)
    while (minutes := (time.time() - start) / 60) < arguments.minutes:
        part = minutes / arguments.minutes
        rate = arguments.rate * min(1, (step + 1) / 100) * (0.5 * (1 + np.cos(np.pi * part)) + 0.01)
        for group in optimiser.param_groups:
            group["lr"] = rate
        pixels, targets = next(batches)
        with torch.autocast("cpu", torch.bfloat16):
            output = network(pixels.contiguous(memory_format=torch.channels_last))
        loss, terms = loss_of(output.float(), targets)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        update_average(average, network, decay=min(0.998, (step + 1) / (step + 10)))
        step += 1
        means += (np.array(terms) - means) / min(step, 100)
        if step % 50 == 0:
            print(
                f"{minutes:6.2f} min  step {step}  loss {means.sum():.4f}  {np.round(means, 4)}", flush=True
            )
        if minutes - saved > arguments.save_minutes:
            saved = minutes
            save(average, arguments, step, minutes)
    save(average, arguments, step, arguments.minutes)


@torch.no_grad()
def update_average(average: NucleiNetwork, network: NucleiNetwork, *, decay: float) -> None:
    """Move the averaged weights and batch statistics a little towards those of the network."""
    for old, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.lerp_(new, 1 - decay)
        else:
            old.copy_(new)


def save(average: NucleiNetwork, arguments: argparse.Namespace, step: int, minutes: float) -> None:
    """Write the averaged weights and how they came about."""
    torch.save(average.state_dict(), arguments.output / f"average-{round(minutes):03d}.pt")
    facts = {key: str(value) if isinstance(value, Path) else value for key, value in vars(arguments).items()}
    facts |= {"data": arguments.data.name, "output": arguments.output.name}
    facts |= {"steps": step, "minutes_so_far": round(minutes, 1), "torch": torch.__version__, "n_images": 150}
    (arguments.output / "training.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
