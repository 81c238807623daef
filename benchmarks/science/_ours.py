"""A network of Veriscope's own in the training benchmark: trained for so long, kept, judged."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _figures import SIZES_TOLD, figures

from veriscope.core.image import Image
from veriscope.io.usage import processor_seconds
from veriscope.methods.networks.instance_network import InstanceNetwork
from veriscope.methods.networks.network_files import NetworkPackage
from veriscope.methods.networks.network_settings import NetworkParameters
from veriscope.training.architectures.unet import WIDTHS
from veriscope.training.heads.flow import FlowHead
from veriscope.training.images.pairs import pixel_hash, sees_colour
from veriscope.training.images.prepare import median_diameter
from veriscope.training.images.split import Split
from veriscope.training.judging.judge import InstanceJudge, Predict, predict_with
from veriscope.training.loop.learn import learn, prepare_all, set_up_torch
from veriscope.training.loop.lesson import Lesson
from veriscope.training.networks.build import fitting_augmentation
from veriscope.training.networks.known import find_network
from veriscope.training.packaging.package import receptive_reach
from veriscope.training.packaging.run import choose_on_validation, make_candidate, package_predictor
from veriscope.training.settings import TrainSettings


def judge_ours(split: Split, settings: TrainSettings) -> dict[str, dict[str, Any]]:
    """Train, and judge without and with the sizes told."""
    with tempfile.TemporaryDirectory() as folder:
        package, cost = train_ours(split, settings, Path(folder) / "p")
        package, _ = choose_on_validation(package, split)
        predict = package_predictor(package)
        predict(split.test[0].image)
        watch = Watch(predict)
        rows = InstanceJudge().count(watch, split.test)
        told = InstanceJudge().count(_with_sizes(package, split), split.test)
    return {"": figures(rows) | cost | watch.per_image(), SIZES_TOLD: figures(told) | cost}


def train_ours(split: Split, settings: TrainSettings, folder: Path) -> tuple[NetworkPackage, dict[str, Any]]:
    """Train into a folder, and say what it cost; the time to prepare the images counts too."""
    device = set_up_torch(settings)
    start = find_network(settings.start) if settings.start else None
    begun = processor_seconds()
    n_channels = 3 if sees_colour((*split.train, *split.val, *split.test)) else 1
    head = FlowHead()
    train, val = (prepare_all(part, head, n_channels) for part in (split.train, split.val))
    used = (processor_seconds() - begun) / 60
    left = {"minutes": max(0.05, settings.minutes - used), "clock": "processor"}
    lesson = Lesson(
        head,
        n_channels,
        settings.model_copy(update=left),
        device,
        start,
        fitting_augmentation(split.train, head, n_channels=n_channels),
    )
    learned = learn(lesson, train, val, progress=_show)
    trained = (processor_seconds() - begun) / 60
    stride = int(getattr(learned.network, "stride", 16))
    halo = receptive_reach(learned.network, n_channels=n_channels, stride=stride)
    package = make_candidate(lesson, learned.network, split, folder, stride=stride, halo=halo)
    sizes = {"widths": list(settings.widths or WIDTHS), "steps": learned.state.step}
    return package, {"train_cpu_min": round(trained, 2), **sizes}


def _with_sizes(package: NetworkPackage, split: Split) -> Predict:
    """Predict each test image with the median diameter of its own reference objects."""
    method = InstanceNetwork.of(package, name="network")
    diameters = {pair.sha256: median_diameter(pair.labels) for pair in split.test}

    def predict(image: Image) -> Any:
        told = NetworkParameters(diameter=diameters[pixel_hash(image.pixels)])
        return predict_with(method(told))(image)

    return predict


class Watch:
    """Predicts, and adds up the time that it takes, on the wall and of processors."""

    def __init__(self, predict: Predict) -> None:
        self.predict, self.wall, self.processor, self.n = predict, 0.0, 0.0, 0

    def __call__(self, image: Image) -> Any:
        wall, processor = time.perf_counter(), processor_seconds()
        found = self.predict(image)
        self.wall += time.perf_counter() - wall
        self.processor += processor_seconds() - processor
        self.n += 1
        return found

    def per_image(self) -> dict[str, float]:
        """Give the mean time of an image, in seconds."""
        return {
            "predict_s": round(self.wall / self.n, 4),
            "predict_cpu_s": round(self.processor / self.n, 4),
        }


def _show(stage: str, done: int, total: int) -> None:
    print(f"\r{stage} {done}/{total} ", end="", file=sys.stderr, flush=True)
