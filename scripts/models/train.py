"""Train a network that ships with Veriscope, on public images under CC0, MIT or BSD licences only.

    python scripts/models/train.py generalist --data DIR --output RUN/generalist --minutes 40

Only the train split of each set is read. Killed, it goes on from its checkpoint. `package.py` makes the
package of what this leaves.
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from recipes import RECIPES, Recipe, Source

from veriscope.datasets.simulate import simulate_image
from veriscope.io.images import read_image
from veriscope.io.labels import read_labels
from veriscope.training.architectures.unet import UNet
from veriscope.training.heads.flow import FlowHead
from veriscope.training.images.augment import Sampler, TrainingImage
from veriscope.training.images.prepare import prepare
from veriscope.training.loop.fit import fit
from veriscope.training.loop.steps import FitSettings, Fitted
from veriscope.training.networks.start import load_weights


@dataclass(frozen=True)
class Sources:
    """What was read, for the record."""

    images: list[TrainingImage]
    counts: dict[str, dict[str, int]]


def read_sources(recipe: Recipe, data: Path) -> Sources:
    """Read the training images of a recipe."""
    images, counts = [], {}
    for source in recipe.sources:
        pairs = simulated(source) if source.folder == "simulated" else stored(source, data)
        made = [
            prepare(image, labels, FlowHead(), n_channels=recipe.n_channels, weight=source.share / len(pairs))
            for image, labels in pairs
        ]
        images += made
        objects = sum(int(one.labels.max()) for one in made)
        counts[source.folder] = {"images": len(made), "objects": objects}
        print(source.folder, counts[source.folder], flush=True)
    return Sources(images, counts)


def stored(source: Source, data: Path) -> list[tuple]:  # type: ignore[type-arg]
    """Read the pairs of a folder that belong to the train split, or are named by the recipe."""
    folder = data / source.folder
    stems = source.stems
    if not stems:
        with (folder / "split.csv").open(newline="") as file:
            stems = tuple(row["stem"] for row in csv.DictReader(file) if row["split"] == "train")
    pairs = []
    for stem in stems:
        (path,) = (folder / "images").glob(f"{stem}.*")
        pairs.append((read_image(path), read_labels(folder / "labels" / f"{stem}.tif")))
    return pairs


def simulated(source: Source) -> list[tuple]:  # type: ignore[type-arg]
    """Simulate images of fluorescent nuclei."""
    made = [simulate_image(seed=1000 + number) for number in range(source.n_simulated)]
    return [(one.image, one.labels) for one in made]


def main() -> None:
    """Train for the time given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name", choices=sorted(RECIPES))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="ONNX file to start from instead of the recipe's")
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--seed", type=int, default=20261)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    recipe = RECIPES[arguments.name]
    arguments.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    read = read_sources(recipe, arguments.data)
    head = FlowHead()
    start = arguments.start or recipe.start
    network = UNet(recipe.n_channels, head.n_out, norm=start is None)
    if start is not None:
        load_weights(network, start)
    sampler = Sampler(read.images, head, recipe.augmentation, size=192, seed=arguments.seed)
    settings = FitSettings(
        minutes=arguments.minutes, rate=2e-3 if start is None else 6e-4, seed=arguments.seed
    )
    average, state = fit(
        network, sampler, head.loss, settings, checkpoint=arguments.output / "checkpoint.pt", report=show
    )
    torch.save(average.state_dict(), arguments.output / "average.pt")
    facts = {
        "recipe": arguments.name,
        "start": start.parent.name if start else "random weights",
        "data": read.counts,
        "settings": settings.model_dump(),
        "augmentation": recipe.augmentation.model_dump(),
        "n_channels": recipe.n_channels,
        "norm": start is None,
        "steps": state.step,
        "minutes": round(state.minutes, 1),
        "loss": round(state.loss, 4),
        "torch": torch.__version__,
    }
    (arguments.output / "training.json").write_text(json.dumps(facts, indent=1) + "\n")


def show(state: Fitted, part: float) -> None:
    """Print where training stands."""
    print(f"{state.minutes:6.2f} min  {part:4.0%}  step {state.step}  loss {state.loss:.4f}", flush=True)


if __name__ == "__main__":
    main()
