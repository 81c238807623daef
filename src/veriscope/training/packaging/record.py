"""What a trained network says of itself: for its package, its readme, and whoever asked for it."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import torch

import veriscope
from veriscope.core.cost import Assumptions, Usage, footprint
from veriscope.core.settings import Settings
from veriscope.core.words import counted
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.judging.compare import Comparison
from veriscope.training.judging.envelope import STEPS
from veriscope.training.loop.learn import Learned
from veriscope.training.loop.lesson import Lesson
from veriscope.training.packaging.package import PackageFacts
from veriscope.validate.statistics import Interval

if TYPE_CHECKING:
    from veriscope.training.job import TrainingImages

__all__ = ["SCHEMA", "Outcome", "facts_of", "split_without_hashes", "summary_of"]

SCHEMA = "veriscope/train/1"
_NO_ADDRESS = "https://private.invalid/local-data"
"""The specification demands an address of the data; .invalid is kept free for what has none (RFC 2606)."""


_CLOSED_SET = (
    "Knows these classes alone, and in the shares in which it saw them: an image of anything else is given "
    "one of them, perhaps with a high probability."
)


_OF_STACKS = (
    "For stacks. How far planes lie apart has to be known; where that is half an object or more, views from "
    "the side show next to nothing.",
    "The whole stack is held in memory, with planes as far apart as pixels, and every voxel is seen three "
    "times.",
    "Objects have no probability of their own.",
)


@dataclass(frozen=True)
class Outcome:
    """All that a training found out.

    Parameters
    ----------
    data
        The images.
    lesson
        What was learned, and how.
    learned
        The network.
    settings
        How it is to be used.
    choice
        What was tried on the validation images.
    figures
        Metrics on the locked images, the main one first.
    comparison
        With the start; None: there is none.
    envelope
        How far images may differ.
    curve
        Learning curve; None: not asked for.
    notes
        What should be known.
    """

    data: TrainingImages
    lesson: Lesson
    learned: Learned
    settings: Settings
    choice: Mapping[str, Any]
    figures: Mapping[str, Interval]
    comparison: Comparison | None
    envelope: Mapping[str, Any]
    curve: Mapping[str, Any] | None
    notes: list[str]


def facts_of(outcome: Outcome, usage: Usage, *, name: str) -> PackageFacts:
    """Give what the package says of itself.

    Parameters
    ----------
    outcome
        What was found out.
    usage
        What it took.
    name
        Of the network.

    Returns
    -------
    PackageFacts
        Card, record, evaluations, and the text for people.
    """
    card = _card(outcome)
    training = _training(outcome, usage)
    cost = training["cost"]
    details = {
        "model_parameter_count": sum(p.numel() for p in outcome.learned.network.parameters()),
        "training": {
            "training_batch_size": outcome.learned.state.batch,
            "initial_learning_rate": outcome.lesson.rate(),
            "learning_rate_schedule": "cosine, after a rise over 100 steps or a tenth of a shorter training",
            "optimizer": "torch.optim.AdamW",
            "training_duration": round(outcome.learned.state.minutes / 60, 4),
        },
        "environmental_impact": {
            "hardware_type": training["environment"]["hardware"],
            "hours_used": round(usage.wall_s / 3600, 4),
            "co2_emitted": None if cost["carbon_g"] is None else cost["carbon_g"] / 1000,
        },
    }
    return PackageFacts(
        name=name,
        card=card,
        inputs=outcome.data.inputs,
        training=training,
        evaluations=[_evaluation(outcome)],
        details=details,
        readme=_readme(name, card, training),
    )


def summary_of(
    outcome: Outcome, facts: PackageFacts, states: Mapping[str, Any], output: Path
) -> dict[str, Any]:
    """Give what whoever asked for the training wants to know.

    Parameters
    ----------
    outcome
        What was found out.
    facts
        As the package has them.
    states
        Whether the package is valid and reproduces its own output.
    output
        Folder of the package.

    Returns
    -------
    dict
        Plain values with a ``schema``.
    """
    training = dict(facts.training)
    return {
        "schema": SCHEMA,
        "package": str(output),
        "method": f"network:{output}",
        "head": outcome.lesson.head.name,
        "recommended": training["recommended"],
        "split": split_without_hashes(training["split"]),
        **{
            key: training[key]
            for key in (
                "steps",
                "minutes",
                "stopped",
                "figures",
                "comparison",
                "envelope",
                "learning_curve",
                "cost",
                "notes",
            )
        },
        "use": f"veriscope predict network:{output} IMAGES -o FOLDER",
        "states": {key: state["status"] for key, state in states.items()},
    }


def split_without_hashes(split: Mapping[str, Any]) -> dict[str, Any]:
    """Give how images were parted, for people.

    Parameters
    ----------
    split
        As `Split.to_dict` gives it.

    Returns
    -------
    dict
        The same without the hashes of pixels.
    """
    return {
        key: {k: v for k, v in value.items() if k != "pixel_sha256"} if isinstance(value, dict) else value
        for key, value in split.items()
    }


def _card(outcome: Outcome) -> dict[str, Any]:
    lesson, data = outcome.lesson, outcome.data
    main, interval = next(iter(outcome.figures.items()))
    limits = [_envelope_sentence(name, outcome.envelope) for name in outcome.envelope["changes"]]
    bright = lesson.augmentation.style == "fluorescence"
    dark = lesson.augmentation.style == "brightfield" and lesson.n_channels == 1
    if isinstance(lesson.head, ClassificationHead):
        own = _card_of_classes(outcome, lesson.head)
        limits = [*own.pop("limits"), *limits]
    else:
        train = data.split.to_dict()["train"]
        assert isinstance(train, dict)
        own = {
            "summary": f"{lesson.architecture} with a {lesson.head.name} head for {data.objects}"
            f"{', in stacks' if data.split.of_stacks else ''}, trained by its user with Veriscope.",
            "modalities": ("fluorescence",) if bright and not data.inputs.of_colours else (),
            "foreground": "bright" if bright else "dark" if dark else "either",
            "training_data": f"{data.source}: {train['images']} images, {train['objects']} objects, "
            f"{train['groups']} groups",
        }
        limits.insert(0, "Tested on images of the same source only; an audit of your own images says more.")
        if data.split.of_stacks:
            own["dimensions"] = (3,)
            limits[1:1] = _OF_STACKS
    if outcome.comparison is not None and outcome.comparison.recommended == "start":
        limits.insert(0, outcome.comparison.sentence[0].upper() + outcome.comparison.sentence[1:] + ".")
    return own | {
        "objects": (data.objects,),
        "licence": lesson.settings.licence or "not stated",
        "figures": (f"{main} {_shown(interval)} on {len(data.split.test)} locked images of the same source",),
        "limits": (*limits, *data.inputs.limits()),
    }


def _card_of_classes(outcome: Outcome, head: ClassificationHead) -> dict[str, Any]:
    """Give what is different on the card of a network that tells classes."""
    train = outcome.data.split.train
    counts = Counter(pair.kind.name for pair in train if pair.kind is not None)
    shares = ", ".join(f"{name} {counts[name]}" for name in head.classes)
    caution = str(outcome.choice["caution"])
    return {
        "summary": f"Tells {len(head.classes)} classes of images apart ({', '.join(head.classes)}), trained "
        "by its user with Veriscope.",
        "training_data": f"{outcome.data.source}: {len(train)} images ({shares}) of "
        f"{len({pair.group for pair in train})} groups",
        "modalities": (),
        "limits": [
            _CLOSED_SET,
            "Tested on images of the same source only; compare with classes of your own (veriscope compare).",
            *([f"{caution[0].upper()}{caution[1:]}."] if caution else []),
        ],
    }


def _training(outcome: Outcome, usage: Usage) -> dict[str, Any]:
    lesson, state = outcome.lesson, outcome.learned.state
    start = lesson.start
    made = footprint([usage], Assumptions.from_environment(os.environ))
    comparison = outcome.comparison
    return {
        "schema": SCHEMA,
        "split": outcome.data.split.to_dict(),
        "unlabelled_images": len(outcome.data.unlabelled),
        "channel": outcome.data.channel,
        "settings": lesson.settings.model_dump(mode="json"),
        "augmentation": lesson.augmentation.model_dump(mode="json"),
        "widths": list(lesson.widths()),
        "start": None
        if start is None
        else {
            "name": start.name,
            "weights_sha256": start.weights_sha256,
            "shown": dict(outcome.learned.shown),
        },
        "steps": state.step,
        "best_step": state.best_step,
        "minutes": round(state.minutes, 2),
        "stopped": state.stopped,
        "loss": round(state.loss, 5),
        "validation_loss": [list(check) for check in state.checks],
        "batch": state.batch,
        "choice": dict(outcome.choice),
        "figures": {key: value.to_dict() for key, value in outcome.figures.items()},
        "comparison": None if comparison is None else comparison.to_dict(),
        "recommended": "new" if comparison is None else comparison.recommended,
        "envelope": dict(outcome.envelope),
        "learning_curve": None if outcome.curve is None else dict(outcome.curve),
        "cost": usage.to_dict() | made.to_dict(),
        "environment": _environment(lesson),
        "notes": list(outcome.notes),
    }


def _environment(lesson: Lesson) -> dict[str, str]:
    gpu = torch.cuda.get_device_name() if lesson.device == "cuda" else ""
    return {
        "veriscope": veriscope.__version__,
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "onnxruntime": onnxruntime.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "hardware": gpu or f"{os.cpu_count()} cores, {platform.machine()}",
        "threads": str(torch.get_num_threads()),
    }


def _evaluation(outcome: Outcome) -> dict[str, Any]:
    """Give the figures as `bioimageio.spec` has them: rows are metrics, columns conditions."""
    figures = outcome.figures
    return {
        "dataset_id": "local-data",
        "dataset_source": outcome.lesson.settings.data_url or _NO_ADDRESS,
        "dataset_role": "test",
        "sample_count": len(outcome.data.split.test),
        "evaluation_factors": ["locked", "low", "high"],
        "evaluation_factors_long": [
            "locked images of the same source, by groups that training did not touch",
            "lower end of the 95 % interval by group",
            "upper end of the 95 % interval by group",
        ],
        "metrics": [key[:16] for key in figures],
        "metrics_long": list(figures),
        "results": [
            [_number(value.value), _number(value.low), _number(value.high)] for value in figures.values()
        ],
        "results_summary": outcome.comparison.sentence if outcome.comparison else "no start to compare with",
    }


def _number(value: float | None) -> float | str:
    return "cannot tell" if value is None or not np.isfinite(value) else round(float(value), 4)


def _shown(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return f"{interval.value:.3f} (no interval: too few groups)"
    return f"{interval.value:.3f} (95 % interval {interval.low:.3f} to {interval.high:.3f})"


def _envelope_sentence(name: str, envelope: Mapping[str, Any]) -> str:
    if envelope["changes"][name]["range"] is None:
        return f"{name.capitalize()}: no range can be told, since the network finds next to nothing."
    low, high = envelope["changes"][name]["range"]
    return (
        f"{name.capitalize()} ({STEPS[name][2]}): {envelope['metric']} falls by less than {envelope['drop']} "
        f"from {low:g} to {high:g} (on {counted(envelope['n_images'], 'locked image')}, without interval)."
    )


def _readme(name: str, card: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    rows = [
        f"| {key} | {_number(v['value'])} | {_number(v['low'])} | {_number(v['high'])} |"
        for key, v in training["figures"].items()
    ]
    comparison = training["comparison"]
    curve = training["learning_curve"]
    cost = training["cost"]
    most = cost["peak_memory_bytes"]
    memory = "not measured" if most is None else f"{most / 1e9:.2f} GB"
    lines = [
        f"# {name}",
        "",
        card["summary"],
        "",
        "## What it was trained on",
        f"{card['training_data']}. Licence: {card['licence']}. Split: {training['split']['how']}.",
        "",
        "## Figures on locked images",
        "| metric | value | low | high |",
        "| --- | --- | --- | --- |",
        *rows,
        "",
        *([f"Against its start: {comparison['sentence']}.", ""] if comparison else []),
        *([f"{curve['sentence']}.", ""] if curve else []),
        "## Limits",
        *(f"- {limit}" for limit in card["limits"]),
        *(f"- {note}" for note in training["notes"]),
        "",
        "## Making it",
        f"{training['steps']} steps in {training['minutes']} min; processor time {cost['cpu_s']} s, most "
        f"memory {memory}, energy about {cost['energy_wh']} Wh, "
        f"carbon about {cost['carbon_g']} g CO2. Seed {training['settings']['seed']}, torch "
        f"{training['environment']['torch']}.",
        "",
        "Other tools bring brightness to scale by the percentiles that bioimageio.yaml states; Veriscope "
        "takes the noise into account as well, so that empty images stay dark.",
        "",
    ]
    return "\n".join(lines)
