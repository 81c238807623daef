"""Train the network of `blood-cells` on the public BCCD images (MIT licence).

    python scripts/models/train_boxes.py --data DIR --output RUN/blood-cells --minutes 25

Only the train split is read. Killed, it goes on from its checkpoint.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from train import show

from veriscope.io.images import read_image
from veriscope.methods.networks.normalise import normalise_channels
from veriscope.training.architectures.boxes import BoxNetwork
from veriscope.training.heads.boxes import BoxHead
from veriscope.training.images.box_crops import BoxImage, BoxSampler
from veriscope.training.images.light import Augmentation
from veriscope.training.images.prepare import channels_first
from veriscope.training.loop.fit import fit
from veriscope.training.loop.steps import FitSettings

CLASSES = ("RBC", "WBC", "Platelets")
ZOOM = 0.5
"""Pixels of the network per pixel of the training images; red cells are then about 50 wide."""
AUGMENTATION = Augmentation(style="brightfield", scale=0.3, stain=0.6)


def read_boxes(data: Path, split: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Give boxes and classes of every image of a split."""
    table = pd.read_csv(data / "boxes.csv")
    table = table[table["split"] == split]
    return {
        str(name): (
            rows[["ymin", "xmin", "ymax", "xmax"]].to_numpy(float),
            np.array([CLASSES.index(kind) for kind in rows["class"]]),
        )
        for name, rows in table.groupby("image")
    }


def main() -> None:
    """Train for the time given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--seed", type=int, default=20262)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    folder = arguments.data / "bccd_blood_detection"
    arguments.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    boxes = read_boxes(folder, "train")
    images = []
    for name, (places, classes) in boxes.items():
        pixels = normalise_channels(channels_first(read_image(folder / "images" / name), 3))
        # Images with rare classes are drawn more often.
        images.append(BoxImage(pixels, places, classes, 1.0 + 0.5 * float((classes == 2).any())))
    sampler = BoxSampler(images, len(CLASSES), AUGMENTATION, size=224, zoom=ZOOM, seed=arguments.seed)
    settings = FitSettings(minutes=arguments.minutes, rate=1.5e-3, batch=4, seed=arguments.seed)
    average, state = fit(
        BoxNetwork(3, len(CLASSES)),
        sampler,
        BoxHead(CLASSES, zoom=ZOOM).loss,
        settings,
        checkpoint=arguments.output / "checkpoint.pt",
        report=show,
    )
    torch.save(average.state_dict(), arguments.output / "average.pt")
    facts = {
        "data": {"bccd_blood_detection": {"images": len(images), "split": "train"}},
        "objects": int(sum(len(classes) for _, classes in boxes.values())),
        "settings": settings.model_dump(),
        "augmentation": AUGMENTATION.model_dump(),
        "zoom": ZOOM,
        "steps": state.step,
        "minutes": round(state.minutes, 1),
        "loss": round(state.loss, 4),
        "torch": torch.__version__,
    }
    (arguments.output / "training.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
