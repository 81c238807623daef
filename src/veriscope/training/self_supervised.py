"""Networks from images alone: one that removes noise, and one to start others from."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage
from torch import nn

from veriscope.core.cost import Assumptions, footprint
from veriscope.core.progress import Progress, silent
from veriscope.core.settings import Settings
from veriscope.core.words import counted
from veriscope.errors import InputError
from veriscope.io.file_images import with_series
from veriscope.io.folders import find_images
from veriscope.io.usage import UsageMeter
from veriscope.training.heads.blind import BlindHead
from veriscope.training.images.hidden_pixels import HiddenPixels, scale_brightness
from veriscope.training.images.pairs import LabelledImage, read_unlabelled, sees_colour
from veriscope.training.images.prepare import channels_first
from veriscope.training.images.split import PARTS, Part, Split, group_images, make_split
from veriscope.training.images.split_tables import read_sheet
from veriscope.training.loop.checkpoint import GOES_ON
from veriscope.training.loop.fit import fit
from veriscope.training.loop.learn import crop_side, fit_settings, reporter, set_up_torch
from veriscope.training.loop.steps import Fitted
from veriscope.training.networks.build import make_network, usual_widths
from veriscope.training.packaging.inputs import InputImages
from veriscope.training.packaging.package import (
    PackageFacts,
    check_licence,
    check_output,
    receptive_reach,
    write_package,
)
from veriscope.training.packaging.record import SCHEMA, split_without_hashes
from veriscope.training.settings import SelfTask, TrainSettings
from veriscope.validate.ranking import Ranking, rank_values

__all__ = ["ImageNetworkSettings", "train_without_labels"]

_NARROW = (32, 64, 96)
"""Widths of the network that removes noise: noise is local, so three resolutions suffice."""


class ImageNetworkSettings(Settings):
    """How a network that gives an image is run: ``config: veriscope: image_network`` in its package."""

    architecture: Literal["unet", "vit"] = "unet"
    """Kind of network."""
    head: Literal["denoise", "masked"] = "denoise"
    """What it was made to do."""
    n_channels: int = Field(default=1, ge=1, le=16)
    """Channels that it sees and gives."""
    stride: int = Field(default=4, ge=1, le=256)
    """Pixels of which the sides of its input are multiples."""
    halo: int = Field(default=32, ge=0, le=4096)
    """Pixels beyond which nothing changes an output."""


def train_without_labels(
    images: str | Path | Sequence[str | Path],
    output: str | Path,
    settings: TrainSettings | None = None,
    *,
    task: SelfTask,
    sheet: str | Path | None = None,
    group_by: str | None = None,
    channel: str | int | None = None,
    axes: str | None = None,
    series: int | Literal["each"] | None = None,
    progress: Progress = silent,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Train a network on images without labels.

    Parameters
    ----------
    images
        Folder, files or patterns.
    output
        Folder of the package to be made.
    settings
        How long, and on what; None: the defaults.
    task
        ``n2v``: removes noise that is independent from pixel to pixel; ``masked``: learns what such images
        look like, to start from with fewer labels.
    sheet
        Sample sheet: CSV table with a row for each image, of which `group_by` names a column.
    group_by
        Pattern of names with ``{group}``, or a column of the sheet: what belongs to one field or replicate.
    channel
        Channel to learn from, where images have several.
    axes
        Axes of the files where they do not say.
    series
        Which image of files that hold several, from 0; ``each``: all; None: files hold one.
    progress
        Told how far it is.
    say
        Told what had to be changed on the way.

    Returns
    -------
    dict
        Plain values with a ``schema``, as of a training with labels; the figure is the error at hidden pixels
        of locked images, against the mean of their neighbours.

    Raises
    ------
    InputError
        If images cannot be used, or there are fewer than three groups.
    MethodError
        If training fails.
    """
    settings, output = settings or TrainSettings(), Path(output)
    check_output(output)
    check_licence(settings.licence)
    if task == "n2v" and settings.architecture != "unet":
        raise InputError(
            f"--self-supervised n2v with --architecture {settings.architecture}: noise is local, and patches "
            "blur it; leave --architecture out, or learn with --self-supervised masked"
        )
    notes: list[str] = []

    def tell(sentence: str) -> None:
        notes.append(sentence)
        if say is not None:
            say(sentence)

    with UsageMeter() as meter:
        files = with_series(find_images(images), series)
        pairs = read_unlabelled(files, channel=channel, axes=axes, progress=progress)
        samples = read_sheet(Path(sheet)) if sheet is not None else None
        grouped, groups_are = group_images(pairs, group_by, samples, is_sheet=sheet is not None)
        split = make_split(grouped, seed=settings.seed, groups_are=groups_are)
        n_channels = 3 if sees_colour(grouped) else 1
        parts: dict[Part, list[NDArray[np.float32]]] = {
            part: [scale_brightness(channels_first(pair.image, n_channels)) for pair in split.of(part)]
            for part in PARTS
        }
        work = output.with_name(f"{output.name}.unfinished")
        if (work / "checkpoint.pt").exists():
            tell(GOES_ON)
        network, state = _fit(parts, settings, task, n_channels, work / "checkpoint.pt", progress, tell)
        ranking = _judge(network, parts["test"], split.test, settings, task)
    made = footprint([meter.usage], Assumptions.from_environment(os.environ))
    inputs = InputImages.of([pair.image for pair in split.train], channel)
    facts = {
        "schema": SCHEMA,
        "task": task,
        "channel": channel,
        "split": split.to_dict(),
        "settings": settings.model_dump(mode="json"),
        "widths": list(network.widths),  # type: ignore[arg-type]
        "steps": state.step,
        "minutes": round(state.minutes, 2),
        "stopped": state.stopped,
        "figures": {name: value.to_dict() for name, value in ranking.values.items()},
        "comparison": _comparison(ranking),
        "cost": meter.usage.to_dict() | made.to_dict(),
        "notes": notes,
    }
    card = _card(task, str(images), split, facts)
    card["limits"] = (*inputs.limits(), *card["limits"])
    states = _write(network, output, settings, BlindHead(n_channels, task), card, facts, inputs)
    shutil.rmtree(work, ignore_errors=True)
    return _summary(facts, states, output, task)


def _write(
    network: nn.Module,
    output: Path,
    settings: TrainSettings,
    head: BlindHead,
    card: dict[str, Any],
    facts: dict[str, Any],
    inputs: InputImages,
) -> dict[str, Any]:
    """Package the network; say what of it was proven."""
    stride = int(network.stride)  # type: ignore[arg-type]
    plain = ImageNetworkSettings(
        architecture=settings.architecture,
        head="denoise" if head.task == "n2v" else "masked",
        n_channels=head.n_out,
        stride=stride,
        halo=receptive_reach(network, n_channels=head.n_out, stride=stride),
    )
    package = PackageFacts(
        name=output.name,
        card=card,
        inputs=inputs,
        training=facts,
        readme=_readme(output.name, card, facts),
    )
    return write_package(network, head, output, settings=plain, facts=package, key="image_network")


def _fit(
    parts: Mapping[Part, list[NDArray[np.float32]]],
    settings: TrainSettings,
    task: SelfTask,
    n_channels: int,
    checkpoint: Path,
    progress: Progress,
    say: Callable[[str], None],
) -> tuple[nn.Module, Fitted]:
    device = set_up_torch(settings)
    head = BlindHead(n_channels, task)
    network = make_network(settings.architecture, n_channels, head, widths=_widths(settings, task, device))
    size = crop_side(network, settings)
    val = HiddenPixels(parts["val"], task, size=size, seed=settings.seed)
    looks = [val.batch(number, settings.batch) for number in range(4)]

    def validate(model: nn.Module) -> float:
        with torch.no_grad():
            found = [head.loss(model(pixels.to(device)), wanted.to(device)) for pixels, wanted in looks]
        return float(torch.stack(found).mean())

    digest = hashlib.sha256(b"".join(image.tobytes() for part in parts.values() for image in part))
    average, state = fit(
        network,
        HiddenPixels(parts["train"], task, size=size, seed=settings.seed),
        head.loss,
        fit_settings(settings, rate=settings.rate or 1e-3),
        checkpoint=checkpoint,
        identity=f"{task} {json.dumps(settings.deciding(), sort_keys=True)} {digest.hexdigest()}",
        device=device,
        report=reporter(checkpoint, progress, "learn", settings),
        validate=validate,
        say=say,
    )
    return average.to("cpu").float().eval(), state


def _widths(settings: TrainSettings, task: SelfTask, device: str) -> tuple[int, ...]:
    usual = _NARROW if task == "n2v" else usual_widths(settings.architecture, device=device)
    return settings.widths or usual


def _judge(
    network: nn.Module,
    images: Sequence[NDArray[np.float32]],
    pairs: Sequence[LabelledImage],
    settings: TrainSettings,
    task: SelfTask,
) -> Ranking:
    """Compare the error at hidden pixels of locked images with that of the mean of neighbours."""
    values: dict[str, list[float]] = {"network": [], "mean of neighbours": []}
    around = np.ones((1, 3, 3)) / 8
    around[0, 1, 1] = 0
    stride = int(network.stride)  # type: ignore[arg-type]
    head = BlindHead(len(images[0]), task)
    for image in images:
        size = stride * min(max(256 // stride, 1), -(-max(image.shape[1:]) // stride))
        pixels, wanted = HiddenPixels([image], task, size=size, seed=settings.seed).batch(0, 4)
        with torch.no_grad():
            said = network(pixels)
        simple = np.stack([ndimage.convolve(one, around, mode="nearest") for one in pixels.numpy()])
        for name, found in (("network", said), ("mean of neighbours", torch.from_numpy(simple))):
            values[name].append(float(head.loss(found.float(), wanted)))
    return rank_values(
        values,
        better="lower",
        metric="squared error at hidden pixels",
        clusters=[pair.group for pair in pairs],
        bounds=(0.0, np.inf),
        unit="field group",
    )


def _comparison(ranking: Ranking) -> dict[str, Any]:
    pair = ranking.pairs[0]
    better = pair.better == "network"
    sentence = (
        "the network tells hidden pixels better than the mean of their neighbours"
        if better
        else "the network is not shown to tell hidden pixels better than the mean of their neighbours; "
        "train it longer or on more images before you use it"
    )
    told = pair.difference
    span = "no interval" if told.low is None else f"95 % interval {told.low:.2g} to {told.high:.2g}"
    return {
        "start": "mean of neighbours",
        "recommended": "new" if better else "start",
        "metric": ranking.metric,
        "values": {name: value.to_dict() for name, value in ranking.values.items()},
        "difference": told.to_dict() | {"first": pair.first, "second": pair.second},
        "p_value": pair.p_value,
        "sentence": f"{sentence}: {pair.first} minus {pair.second} {told.value:.2g} on "
        f"{counted(told.n_units, 'locked group')}, {span}",
    }


def _card(task: SelfTask, source: str, split: Split, facts: dict[str, Any]) -> dict[str, Any]:
    if task == "n2v":
        summary = "Removes noise; trained on noisy images alone by hiding pixels (Noise2Void)."
        limits: tuple[str, ...] = (
            "Removes noise that is independent from pixel to pixel; stripes and correlated noise stay.",
            "Gives relative brightness: 0 and 1 are the 1st and 99.8th percentile of the image given.",
            "Denoised images are for seeing and finding; measure intensities on the raw ones.",
        )
    else:
        summary = "Fills in hidden parts of images; made to start other networks from (masked autoencoding)."
        limits = ("Its images are of no use by themselves: start from it with veriscope train --from.",)
    settings = facts["settings"]
    return {
        "summary": summary,
        "training_data": f"{settings['data_url'] or source}: {len(split.train)} images without labels",
        "licence": settings["licence"] or "not stated",
        "limits": (*limits, facts["comparison"]["sentence"]),
    }


def _readme(name: str, card: dict[str, Any], facts: dict[str, Any]) -> str:
    limits = "\n".join(f"- {limit}" for limit in card["limits"])
    return (
        f"# {name}\n\n{card['summary']}\n\nTrained on {card['training_data']}, {facts['steps']} steps in "
        f"{facts['minutes']} min. Licence: {card['licence']}.\n\n## Limits\n{limits}\n"
    )


def _summary(facts: dict[str, Any], states: dict[str, Any], output: Path, task: SelfTask) -> dict[str, Any]:
    use = (
        f"veriscope predict {output.absolute()} IMAGES -o FOLDER"
        if task == "n2v"
        else f"veriscope train IMAGES LABELS --from {output} -o NAME"
    )
    kept = ("steps", "minutes", "stopped", "figures", "comparison", "cost", "notes")
    return {
        "schema": SCHEMA,
        "package": str(output),
        "head": "denoise" if task == "n2v" else "masked",
        "recommended": facts["comparison"]["recommended"],
        "split": split_without_hashes(facts["split"]),
        **{key: facts[key] for key in kept},
        "envelope": {},
        "learning_curve": None,
        "use": use,
        "states": {key: state["status"] for key, state in states.items()},
    }
