"""Write a trained network as the package that ships with Veriscope.

    python scripts/models/package.py generalist --run RUN/generalist --data DIR

Post-processing is chosen on the validation split; the test split is not read. `figures.py` puts the figures
of the benchmark on the card. The test tensors are made from a simulated image, so the package holds nobody's
data.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from cards import CARDS, ShippedCard
from recipes import RECIPES, Source
from train import stored

from veriscope.core.image import Image
from veriscope.methods.channels import channels_for
from veriscope.methods.networks.instance_network import InstanceNetwork
from veriscope.methods.networks.network_files import NetworkPackage
from veriscope.methods.networks.network_settings import NetworkSettings
from veriscope.training.architectures.unet import UNet
from veriscope.training.heads.flow import FlowHead
from veriscope.training.images.pairs import pixel_hash
from veriscope.training.judging.choose import choose_settings
from veriscope.training.packaging.package import PackageFacts, write_package

NETWORKS = Path(__file__).parents[2] / "src" / "veriscope" / "methods" / "networks"


def read_network(run: Path) -> tuple[UNet, dict[str, Any]]:
    """Read the averaged weights of a run, and how they came about."""
    facts = json.loads((run / "training.json").read_text())
    network = UNet(facts["n_channels"], FlowHead.n_out, norm=facts["norm"])
    network.load_state_dict(torch.load(run / "average.pt", weights_only=True))
    return network.eval(), facts


def read_validation(card: ShippedCard, data: Path) -> tuple[list[Image], list[np.ndarray], list[str]]:
    """Read the validation images, their labels, and the set of each."""
    images, labels, sets = [], [], []
    for name in card.validation:
        with (data / name / "split.csv").open(newline="") as file:
            stems = tuple(row["stem"] for row in csv.DictReader(file) if row["split"] == "val")
        for image, reference in stored(Source(name, 1.0, stems=stems), data):
            images.append(image)
            labels.append(reference)
            sets.append(name)
    return images, labels, sets


def hashes(images: list[Image]) -> dict[str, list[str]]:
    """Say which images these were, so that no one is judged on them."""
    return {"pixel_sha256": [pixel_hash(image.pixels) for image in images]}


def amend(folder: Path, name: str, card: ShippedCard, *, authors: str = "The Veriscope developers") -> None:
    """Say in the description what only shipped networks have: name, authors, citations, channels."""
    path = folder / "bioimageio.yaml"
    content = yaml.safe_load(path.read_text())
    content |= {
        "id": f"veriscope-{name}",
        "name": card.title,
        "authors": [{"name": authors}],
        "cite": list(card.cite),
        "license": card.licence,
        "tags": list(card.tags),
    }
    for axis in content["inputs"][0]["axes"]:
        if axis["type"] == "channel":
            axis["channel_names"] = list(card.channels)
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100))


def load_package(folder: Path) -> NetworkPackage:
    """Read a package that was written."""
    content = yaml.safe_load((folder / "bioimageio.yaml").read_text())
    return NetworkPackage.read(folder, content, where=folder.name)


def main() -> None:
    """Choose, export, describe, validate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name", choices=sorted(CARDS))
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--target", type=Path, help="folder to write instead of the one that ships")
    parser.add_argument("--hardware", default="not stated", help="what it was trained on, for the record")
    options = parser.parse_args()
    card = CARDS[options.name]
    network, training = read_network(options.run)
    settings = NetworkSettings(**card.settings, scale_search=True)
    counts = training["data"].items()
    trained = "; ".join(f"{key}: {one['images']} images, {one['objects']:,} objects" for key, one in counts)
    facts = {**card.card, "training_data": f"{trained} (train splits)"}
    images, labels, sets = read_validation(card, options.data)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "draft"
        write_package(network, FlowHead(), draft, settings=settings, facts=PackageFacts(card.title, facts))
        amend(draft, options.name, card)
        package = load_package(draft)
        method = InstanceNetwork.of(package, name=options.name)()
        seen = [channels_for(method, image, None) for image in images]
        choice = choose_settings(package, seen, labels, groups=sets, progress=tell)
    print(choice.settings, choice.record, sep="\n")
    learned = [
        image
        for source in RECIPES[options.name].sources
        if source.folder != "simulated"
        for image, _ in stored(source, options.data)
    ]
    training |= {
        "hardware": options.hardware,
        "choice": {"sets": list(card.validation), **choice.record},
        "split": {"train": hashes(learned), "val": hashes(images)},
    }
    target = options.target or NETWORKS / f"{options.name.replace('-', '_')}_package"
    full = PackageFacts(card.title, facts, training, details=card.details)
    print(write_package(network, FlowHead(), target, settings=choice.settings, facts=full))
    amend(target, options.name, card)


def tell(stage: str, done: int, total: int) -> None:
    """Print where it stands."""
    print(f"{stage}: {done} of {total}", flush=True)


if __name__ == "__main__":
    main()
