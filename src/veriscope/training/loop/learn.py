"""One training: from images with labels to averaged weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from veriscope.core.progress import Progress, silent
from veriscope.errors import VeriscopeError, raise_together
from veriscope.io.atomic import write_json
from veriscope.training.architectures.lora import merge
from veriscope.training.heads.base import Head, PixelHead
from veriscope.training.heads.boxes import BoxHead
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.images.augment import Sampler, TrainingImage
from veriscope.training.images.box_crops import BoxImage, BoxSampler
from veriscope.training.images.class_crops import ClassesInTurn, ClassImage, ClassSampler
from veriscope.training.images.light import Augmentation
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.images.prepare import prepare, prepare_boxes, prepare_class
from veriscope.training.loop.fit import Batches, fit
from veriscope.training.loop.lesson import Lesson
from veriscope.training.loop.steps import FitSettings, Fitted
from veriscope.training.loop.suit import suit_start
from veriscope.training.networks.build import choose_device
from veriscope.training.settings import TrainSettings

__all__ = [
    "Learned",
    "Prepared",
    "crop_side",
    "fit_settings",
    "learn",
    "make_sampler",
    "prepare_all",
    "reporter",
    "set_up_torch",
]

_NEUTRAL = 30.0
_POINTS = 400
"""Losses that are told at most."""
_LOOKS = 4
"""Batches of validation crops that are looked at."""
_MOST_SEEN = 256
"""Validation images with classes that are looked at."""
Prepared = TrainingImage | BoxImage | ClassImage
"""An image as the loop takes it: with targets of its pixels, with boxes, or with a class."""


@dataclass(frozen=True)
class Learned:
    """What a training gave.

    Parameters
    ----------
    network
        With averaged weights, on the CPU, in evaluation mode.
    state
        Where training ended.
    shown
        How well the start told objects from what lies around them in each way of showing it the images, as
        `choose_sees` says; empty where there was no choice.
    """

    network: nn.Module
    state: Fitted
    shown: Mapping[str, float] = field(default_factory=dict)


def set_up_torch(settings: TrainSettings) -> str:
    """Set threads, seed and determinism of torch, for this process.

    Parameters
    ----------
    settings
        What was asked for.

    Returns
    -------
    str
        The device that computes.
    """
    device = choose_device(settings.device, deterministic=settings.deterministic)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    torch.use_deterministic_algorithms(settings.deterministic)
    return device


def prepare_all(
    pairs: Sequence[LabelledImage], head: Head, n_channels: int, progress: Progress = silent
) -> list[Prepared]:
    """Normalise images and compute what is to be learned from each.

    Parameters
    ----------
    pairs
        The images.
    head
        Says what is to be learned.
    n_channels
        Channels that the network sees.
    progress
        Told how many are done.

    Returns
    -------
    list of TrainingImage, BoxImage or ClassImage
        In the same order.

    Raises
    ------
    InputError
        If images do not fit; all faults are listed.
    """
    found, faults = list[Prepared](), list[VeriscopeError]()
    for number, pair in enumerate(pairs):
        progress("prepare", number, len(pairs))
        try:
            found.append(_prepared(pair, head, n_channels))
        except VeriscopeError as error:
            faults.append(error)
    progress("prepare", len(pairs), len(pairs))
    raise_together(faults, what=f"{len(faults)} of {len(pairs)} images cannot be learned from")
    return found


def _prepared(pair: LabelledImage, head: Head, n_channels: int) -> Prepared:
    if isinstance(head, BoxHead):
        return prepare_boxes(pair, n_channels=n_channels)
    if isinstance(head, ClassificationHead):
        return prepare_class(pair, n_channels=n_channels, zoom=head.zoom)
    made = prepare(pair.image, pair.labels, cast("PixelHead", head), n_channels=n_channels)
    # The size of a class says nothing of the size of objects.
    return replace(made, diameter=_NEUTRAL) if head.name == "semantic" else made


def make_sampler(
    lesson: Lesson, images: Sequence[Prepared], augmentation: Augmentation, *, size: int, seed: int
) -> Batches:
    """Give what draws crops for a lesson.

    Parameters
    ----------
    lesson
        Its head says what goes with a crop.
    images
        Prepared for this head.
    augmentation
        How far images are changed.
    size
        Side of a crop in pixels.
    seed
        Of all random choices.

    Returns
    -------
    Batches
        Crops with targets.
    """
    if isinstance(lesson.head, BoxHead):
        boxed, head = cast("list[BoxImage]", list(images)), lesson.head
        return BoxSampler(boxed, len(head.classes), augmentation, size=size, zoom=head.zoom, seed=seed)
    if isinstance(lesson.head, ClassificationHead):
        return ClassSampler(cast("list[ClassImage]", list(images)), augmentation, size=size, seed=seed)
    plain = cast("list[TrainingImage]", list(images))
    return Sampler(plain, cast("PixelHead", lesson.head), augmentation, size=size, seed=seed)


def learn(
    lesson: Lesson,
    train: Sequence[Prepared],
    val: Sequence[Prepared],
    *,
    checkpoint: Path | None = None,
    share: float = 1.0,
    extra: Callable[[nn.Module, nn.Module, int], Tensor] | None = None,
    progress: Progress = silent,
    say: Callable[[str], None] | None = None,
    stage: str = "learn",
) -> Learned:
    """Train a network.

    Parameters
    ----------
    lesson
        What and how.
    train, val
        Images to learn from, and to choose the best weights by.
    checkpoint
        File from which a killed training goes on.
    share
        Part of the time or steps that may be taken.
    extra
        As for `veriscope.training.loop.fit.fit`.
    progress
        Told seconds or steps done.
    say
        Told what had to be changed on the way.
    stage
        Name of the work, for the progress.

    Returns
    -------
    Learned
        The network.
    """
    settings = lesson.settings
    begun = lesson.network()
    size = lesson.head.side if isinstance(lesson.head, ClassificationHead) else crop_side(begun, settings)
    sampler = make_sampler(lesson, train, lesson.augmentation, size=size, seed=settings.seed)
    shown: dict[str, float] = {}
    if lesson.start is not None:
        begun, shown = suit_start(lesson, train, sampler.batch(0, settings.batch)[0], say)
    network, state = fit(
        begun,
        sampler,
        lesson.head.loss,
        fit_settings(settings, rate=lesson.rate(), share=share, begun=lesson.start is not None),
        checkpoint=checkpoint,
        identity=_identity(lesson, train, val, share),
        device=lesson.device,
        report=reporter(checkpoint, progress, stage, settings, share=share),
        validate=_validation_loss(lesson, val, size),
        extra=extra,
        say=say,
    )
    network = network.to("cpu").float().eval()
    merge(network)
    return Learned(network, state, shown)


def crop_side(network: nn.Module, settings: TrainSettings) -> int:
    """Give the side of a crop that a network takes.

    Parameters
    ----------
    network
        With a stride.
    settings
        Say the side wanted.

    Returns
    -------
    int
        In pixels, that wanted or a little more.
    """
    stride = int(network.stride)  # type: ignore[arg-type]
    return -(-settings.crop // stride) * stride


def fit_settings(
    settings: TrainSettings, *, rate: float, share: float = 1.0, begun: bool = False
) -> FitSettings:
    """Give how long and how fast a network learns.

    Parameters
    ----------
    settings
        What was asked for.
    rate
        Highest learning rate.
    share
        Part of the time or steps that may be taken.
    begun
        Whether the first weights know something.

    Returns
    -------
    FitSettings
        For the loop; at least one step, and a checkpoint every 20th of the time, but for 6 s to 2 min.
    """
    minutes = settings.minutes * share
    return FitSettings(
        minutes=minutes,
        steps=None if settings.steps is None else max(1, round(settings.steps * share)),
        clock=settings.clock,
        batch=settings.batch,
        rate=rate,
        save_minutes=min(2.0, max(0.1, minutes / 20)),
        seed=settings.seed,
        begun=begun,
    )


def reporter(
    checkpoint: Path | None, progress: Progress, stage: str, settings: TrainSettings, *, share: float = 1.0
) -> Callable[[Fitted, float], None]:
    """Tell how far training is, and write its losses beside the checkpoint for whoever wants to see them.

    Parameters
    ----------
    checkpoint
        The losses go to ``progress.json`` beside it; None: nowhere.
    progress
        Told seconds or steps done.
    stage
        Name of the work.
    settings
        Say how many there are.
    share
        Part of them that may be taken.

    Returns
    -------
    callable
        Takes the state, and the part that is done.
    """
    asked = fit_settings(settings, rate=1.0, share=share)
    total = asked.steps or max(1, round(asked.minutes * 60))

    def report(state: Fitted, part: float) -> None:
        progress(stage, min(total, round(part * total)), total)
        if checkpoint is not None:
            thin = max(1, len(state.history) // _POINTS)
            told = {
                "stage": stage,
                "part": min(1.0, part),
                "minutes": round(state.minutes, 3),
                "step": state.step,
                "history": [list(point) for point in state.history[::thin]],
                "checks": [list(check) for check in state.checks],
            }
            write_json(checkpoint.with_name("progress.json"), told)

    return report


def _validation_loss(lesson: Lesson, val: Sequence[Prepared], size: int) -> Callable[[nn.Module], float]:
    """Give the loss on the same crops each time, changed by nothing but turns."""
    plain = Augmentation(
        style=lesson.augmentation.style, scale=0, elastic=0, stain=0, optics=0, camera=0, empty=0
    )
    sampler: Batches
    n = lesson.settings.batch
    if isinstance(lesson.head, ClassificationHead):
        seen = cast("list[ClassImage]", list(val))[:: -(-len(val) // _MOST_SEEN)]
        sampler, looks = ClassesInTurn(seen, size=size), -(-len(seen) // n)
    else:
        sampler, looks = make_sampler(lesson, val, plain, size=size, seed=lesson.settings.seed), _LOOKS
    batches = [sampler.batch(number, n) for number in range(looks)]

    def loss(network: nn.Module) -> float:
        was_training = network.training
        network.eval()
        with torch.no_grad():
            losses = [
                float(lesson.head.loss(network(pixels.to(lesson.device)).float(), targets.to(lesson.device)))
                for pixels, targets in batches
            ]
        network.train(was_training)
        return float(np.mean(losses))

    return loss


def _known_of(image: Prepared) -> tuple[NDArray[Any], ...]:
    if isinstance(image, ClassImage):
        return (np.asarray(image.number),)
    return (image.boxes, image.classes) if isinstance(image, BoxImage) else (image.labels,)


def _identity(lesson: Lesson, train: Sequence[Prepared], val: Sequence[Prepared], share: float) -> str:
    """Name a training by all that decides what comes out of it."""
    digest = hashlib.sha256()
    for image in (*train, *val):
        digest.update(np.ascontiguousarray(image.pixels).tobytes())
        for values in _known_of(image):
            digest.update(np.ascontiguousarray(values).tobytes())
    facts = {
        "settings": lesson.settings.deciding(),
        "augmentation": lesson.augmentation.model_dump(mode="json"),
        "head": lesson.head.name,
        "n_channels": lesson.n_channels,
        "device": lesson.device,
        "start": None if lesson.start is None else lesson.start.weights_sha256,
        "share": share,
        "images": digest.hexdigest(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
