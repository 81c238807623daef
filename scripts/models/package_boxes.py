"""Choose the threshold of `blood-cells` on the validation split and write its package.

    python scripts/models/package_boxes.py RUN/blood-cells --data DIR --hardware "one core of …"

The test split is not read.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import yaml
from train_boxes import CLASSES, ZOOM, read_boxes

from veriscope.io.images import read_image
from veriscope.methods.networks.box_network import BoxNetwork as BoxMethod
from veriscope.methods.networks.box_network import BoxParameters
from veriscope.methods.networks.network_files import NetworkPackage
from veriscope.methods.networks.network_settings import NetworkSettings
from veriscope.training.architectures.boxes import BoxNetwork
from veriscope.training.heads.boxes import BoxHead
from veriscope.training.packaging.package import PackageFacts, receptive_reach, write_package
from veriscope.validate.detections import DetectionSettings, compare_detections
from veriscope.validate.localise.objects import Criterion, Detections

TARGET = Path(__file__).parents[2] / "src/veriscope/methods/networks/blood_cells_package"
LOWEST = 0.15
README = """# Cells in stained blood smears

Finds red cells, white cells and platelets with their boxes in colour photographs of stained blood smears.
Trained on the train split of BCCD (MIT licence) by `scripts/models/train_boxes.py`; the threshold was chosen
on its validation split.

The output has 7 channels: the score that a red cell, a white cell or a platelet is centred here; the
logarithm of height and width of its box in pixels of the network; and where in its cell of 4 x 4 pixels the
centre lies.
"""
CARD = {
    "summary": "Red cells, white cells and platelets in stained blood smears, with boxes and classes.",
    "objects": ("red blood cell", "white blood cell", "platelet"),
    "modalities": ("brightfield",),
    "channels": "three channels: red, green, blue",
    "foreground": "dark",
    "training_data": "BCCD, 205 images of the train split with 2,804 boxes (87 images for choices)",
    "licence": "MIT",
    "citation": "Shenggan/BCCD_Dataset; the architecture follows Zhou X, Wang D, Krähenbühl P. Objects as "
    "points. arXiv:1904.07850 (2019)",
    "figures": (
        "72 held-out images of the same collection, 945 boxes, IoU 0.5: F1 0.767 (95 % interval 0.732 to "
        "0.799), average precision over classes 0.833 (0.788 to 0.870); F1 of white cells 0.973, "
        "platelets 0.800, red cells 0.745 (python benchmarks/science/blood_cells.py)",
    ),
    "limits": (
        "The references lack some cells at borders and in clumps, so precision is underestimated.",
        "Sizes from half to twice those trained on are looked for; give the diameter of red cells otherwise.",
        "Trained on one collection of one stain; other stains and magnifications are untested.",
        "Labels are the ellipses in the boxes, not outlines: measure counts with them, not shapes.",
        "The whole image is held in memory.",
    ),
}


def settings_of(network: BoxNetwork, threshold: float) -> NetworkSettings:
    """Say how the network is used."""
    return NetworkSettings(
        architecture="boxes",
        head="boxes",
        n_channels=3,
        rgb="refuse",
        stride=network.stride,
        halo=receptive_reach(network, n_channels=3, stride=network.stride),
        best_diameter=50.0,
        diameters=(60.0, 160.0),
        threshold=threshold,
        classes=CLASSES,
        step=BoxNetwork.step,
        zoom=ZOOM,
        overlap=0.45,
    )


def choose_threshold(folder: Path, data: Path) -> tuple[float, dict[str, float]]:
    """Give the threshold with the best F1 at IoU 0.5 on the validation split."""
    content = yaml.safe_load((folder / "bioimageio.yaml").read_text(encoding="utf-8"))

    class Candidate(BoxMethod, package=NetworkPackage.read(folder, content, where="candidate")):
        name = "candidate"

    method = Candidate(BoxParameters(threshold=LOWEST))
    references, found = [], []
    for image, (places, classes) in read_boxes(data / "bccd_blood_detection", "val").items():
        result = method.predict(read_image(data / "bccd_blood_detection" / "images" / image))
        assert result.boxes is not None and result.probabilities is not None
        references.append(Detections(boxes=places, classes=[CLASSES[kind] for kind in classes]))
        found.append((result.boxes, result.probabilities))
    scores = {}
    for threshold in np.arange(LOWEST, 0.61, 0.05):
        kept = []
        for boxes, chances in found:
            sure = np.nonzero(chances >= threshold)[0]
            names = [boxes.class_of(index) for index in sure]
            kept.append(Detections(boxes=boxes.edges[sure], scores=chances[sure], classes=names))
        judged = compare_detections(references, kept, DetectionSettings(Criterion("box_iou", 0.5)))
        key = next(name for name in judged.metrics if name.startswith("f1"))
        scores[f"{threshold:.2f}"] = round(float(judged.metrics[key].value), 4)
        print(f"threshold {threshold:.2f}  F1 {scores[f'{threshold:.2f}']:.3f}", flush=True)
    best = max(scores, key=lambda name: scores[name])
    return float(best), scores


def main() -> None:
    """Package with a low threshold, choose, and package again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--target", type=Path, default=TARGET)
    parser.add_argument("--hardware", default="not stated")
    arguments = parser.parse_args()
    network = BoxNetwork(3, len(CLASSES))
    network.load_state_dict(torch.load(arguments.run / "average.pt", weights_only=True))
    training = json.loads((arguments.run / "training.json").read_text()) | {"hardware": arguments.hardware}
    head = BoxHead(CLASSES)
    facts = PackageFacts("blood cells", CARD, training=training, readme=README)
    write_package(network, head, arguments.target, settings=settings_of(network, LOWEST), facts=facts)
    threshold, scores = choose_threshold(arguments.target, arguments.data)
    training |= {"threshold chosen on the validation split": scores}
    facts = PackageFacts("blood cells", CARD, training=training, readme=README)
    states = write_package(
        network, head, arguments.target, settings=settings_of(network, threshold), facts=facts
    )
    print(json.dumps(states, indent=1))


if __name__ == "__main__":
    main()
