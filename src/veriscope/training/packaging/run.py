"""Running a network that was trained, the way users will."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from torch import nn

from veriscope.core.image import Image
from veriscope.core.progress import Progress, silent
from veriscope.methods.networks.box_network import BoxNetwork
from veriscope.methods.networks.class_network import ClassNetwork
from veriscope.methods.networks.instance_network import InstanceNetwork
from veriscope.methods.networks.network_files import NetworkPackage
from veriscope.methods.networks.network_settings import NetworkSettings
from veriscope.methods.networks.normalise import normalise_channels
from veriscope.methods.networks.onnx import OnnxNetwork
from veriscope.methods.networks.stack_network import StackNetwork
from veriscope.registry import make_method
from veriscope.training.heads.base import Head
from veriscope.training.heads.boxes import BoxHead
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.images.prepare import channels_first, seen_by
from veriscope.training.images.split import Split
from veriscope.training.judging.choose import choose_settings
from veriscope.training.judging.choose_boxes import choose_threshold
from veriscope.training.judging.choose_in_space import choose_in_space
from veriscope.training.judging.judge import ClassJudge, InstanceJudge, Judge, Predict, predict_with
from veriscope.training.judging.judge_boxes import BoxJudge
from veriscope.training.judging.judge_classes import ImageClassJudge
from veriscope.training.loop.lesson import Lesson
from veriscope.training.networks.build import box_sizes, median_size
from veriscope.training.networks.known import KnownNetwork
from veriscope.training.packaging.package import PackageFacts, write_package

__all__ = ["choose_on_validation", "judge_of", "make_candidate", "package_predictor", "start_predictor"]


def judge_of(head: Head) -> Judge:
    """Give the judge that suits a head.

    Parameters
    ----------
    head
        What the network says.

    Returns
    -------
    Judge
        Of classes for a semantic head, of boxes where these are found, of classes of images where these are
        told, else of objects.
    """
    if head.name == "boxes":
        return BoxJudge()
    if isinstance(head, ClassificationHead):
        return ImageClassJudge(head.classes)
    return ClassJudge(head.n_out) if head.name == "semantic" else InstanceJudge()


def make_candidate(
    lesson: Lesson,
    network: nn.Module,
    split: Split,
    folder: Path,
    *,
    stride: int,
    halo: int,
    rgb: str = "luminance",
) -> NetworkPackage:
    """Package a network with nothing chosen yet.

    Parameters
    ----------
    lesson
        What was learned.
    network
        Trained, on the CPU.
    split
        Its training images say the sizes.
    folder
        Where the package is made.
    stride, halo
        Of the network.
    rgb
        What it is to see of a colour image where no channel is chosen, if it sees one channel.

    Returns
    -------
    NetworkPackage
        Proven to run.
    """
    has_objects = lesson.head.name not in ("semantic", "classification")
    small, large = median_size(split.train) if has_objects else (8.0, 60.0)
    plain = {
        "architecture": lesson.architecture,
        "head": lesson.head.name,
        "dimensions": 3 if split.of_stacks else 2,
        "n_channels": lesson.n_channels,
        "sees": getattr(network, "sees", "light"),
        "rgb": rgb,
        "stride": stride,
        "halo": halo,
        "best_diameter": round(float(np.clip((small * large) ** 0.5, 8, 200)), 1),
        "diameters": (round(max(2.0, 0.7 * small), 1), round(1.4 * large, 1)),
    }
    if isinstance(lesson.head, BoxHead):
        plain |= _box_settings(lesson.head, network, split)
    if isinstance(lesson.head, ClassificationHead):
        head = lesson.head
        plain |= {"classes": head.classes, "zoom": head.zoom, "smallest_side": head.side}
    settings = NetworkSettings.parse(plain, where="what the network needs to be used")
    facts = PackageFacts("candidate", {"summary": "candidate"})
    write_package(network, lesson.head, folder, settings=settings, facts=facts)
    return _read(folder)


def _box_settings(head: BoxHead, network: nn.Module, split: Split) -> dict[str, Any]:
    """Say what a network for boxes needs beside: sizes are those of the first kind of objects."""
    sizes = box_sizes(split.train)
    low, middle, high = np.percentile(sizes, (5, 50, 95)).tolist() if len(sizes) else [30.0] * 3
    return {
        "classes": head.classes,
        "step": int(network.step),  # type: ignore[arg-type]
        "zoom": head.zoom,
        "best_diameter": round(float(np.clip(middle * head.zoom, 2, 1000)), 1),
        "diameters": (round(max(2.0, low), 1), round(max(3.0, high), 1)),
    }


def choose_on_validation(
    package: NetworkPackage, split: Split, progress: Progress = silent
) -> tuple[NetworkPackage, dict[str, Any]]:
    """Choose on the validation images how outputs become objects.

    Parameters
    ----------
    package
        Candidate.
    split
        Its validation images choose.
    progress
        Told how far the choice is.

    Returns
    -------
    package, record
        With what was chosen, and what was tried; for classes there is nothing to choose of how they are told.
    """
    if package.settings.head in ("semantic", "classification"):
        return package, {}
    if package.settings.head == "boxes":
        boxed = choose_threshold(package, split.val, progress)
        return replace(package, settings=boxed.settings), boxed.record
    if package.settings.dimensions == 3:
        in_space = choose_in_space(package, split.val, progress)
        return replace(package, settings=in_space.settings), in_space.record
    images = [seen_by(pair.image, package.settings.n_channels) for pair in split.val]
    found = choose_settings(package, images, [pair.labels for pair in split.val], progress=progress)
    return replace(package, settings=found.settings), found.record


def package_predictor(package: NetworkPackage, *, stacks: bool | None = None) -> Predict:
    """Give what a package predicts, as its users will have it.

    Parameters
    ----------
    package
        Of the network.
    stacks
        Whether it is used on stacks; None: as it says itself.

    Returns
    -------
    callable
        Labels of an image; or classes, a prediction with boxes, or probabilities of classes where its head
        gives these.
    """
    if package.settings.head == "semantic":
        return _classes(package)
    if package.settings.head == "boxes":
        method = BoxNetwork.of(package, name="network")()
        return lambda image: method.predict(seen_by(image, package.settings.n_channels))
    if package.settings.head == "classification":
        teller = ClassNetwork.of(package, name="network")()
        return lambda image: teller.classify(seen_by(image, package.settings.n_channels))
    in_space = package.settings.dimensions == 3 if stacks is None else stacks
    return predict_with((StackNetwork if in_space else InstanceNetwork).of(package, name="network")())


def _read(folder: Path) -> NetworkPackage:
    content = yaml.safe_load((folder / "bioimageio.yaml").read_text(encoding="utf-8"))
    return NetworkPackage.read(folder, content, where=str(folder))


def start_predictor(start: KnownNetwork, *, stacks: bool = False) -> Predict:
    """Give what the network started from predicts.

    Parameters
    ----------
    start
        The network.
    stacks
        Whether it is used on stacks, whatever it learned from.

    Returns
    -------
    callable
        Labels or classes of an image.
    """
    if start.settings:
        return package_predictor(_read(start.folder), stacks=stacks)
    return predict_with(make_method(start.method))


def _classes(package: NetworkPackage) -> Predict:
    settings = package.settings
    network = OnnxNetwork(
        package.weights("float32"),
        stride=settings.stride,
        halo=settings.halo,
        examples=lambda: package.examples("float32"),
    )

    def predict(image: Image) -> NDArray[np.int32]:
        dense = network.run(normalise_channels(channels_first(image, settings.n_channels)))
        return np.asarray(dense.argmax(0), np.int32)

    return predict
