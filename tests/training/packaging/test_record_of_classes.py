"""What a network that tells classes says of itself, and what the record says of starts and limits."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from torch import nn

from veriscope.core.classes import ImageClass
from veriscope.core.cost import Usage
from veriscope.core.image import Image
from veriscope.methods.networks.network_settings import NetworkSettings
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.images.light import Augmentation
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.images.split import Split
from veriscope.training.job import TrainingImages
from veriscope.training.loop.learn import Learned
from veriscope.training.loop.lesson import Lesson
from veriscope.training.loop.steps import Fitted
from veriscope.training.packaging.record import Outcome, facts_of, split_without_hashes
from veriscope.training.settings import TrainSettings
from veriscope.validate.statistics import Interval

NAMES = ("disc", "ring")
USAGE = Usage(wall_s=60, cpu_s=90)


def kind(number: int, name: str, group: str) -> LabelledImage:
    whole = np.ones((4, 4), np.int32)
    image = Image(np.zeros((4, 4), np.uint8), "yx")
    return LabelledImage(name, image, whole, group, f"hash of {name}", kind=ImageClass(number, NAMES))


SPLIT = Split(
    (kind(0, "a", "g1"), kind(0, "b", "g1"), kind(1, "c", "g2")),
    (kind(1, "d", "g3"),),
    (kind(0, "e", "g4"), kind(1, "f", "g5")),
    "drawn",
)


def outcome(**changed: Any) -> Outcome:
    head = ClassificationHead(NAMES, zoom=0.5, side=64)
    lesson = Lesson(
        head, 1, changed.pop("asked", TrainSettings(head="classification")), "cpu", None, Augmentation()
    )
    plain: dict[str, Any] = {
        "data": TrainingImages(SPLIT, source="my slides", objects="shape"),
        "lesson": lesson,
        "learned": Learned(nn.Linear(2, 2), Fitted(step=10, minutes=1.0, loss=0.5, batch=4)),
        "settings": NetworkSettings(),
        "choice": {"caution": ""},
        "figures": {"balanced_accuracy": Interval(0.8, 0.6, 0.9, 0.95, 5, unit="field group")},
        "comparison": None,
        "envelope": {"metric": "balanced_accuracy", "drop": 0.05, "changes": {}},
        "curve": None,
        "notes": [],
    }
    return Outcome(**plain | changed)


def test_the_card_counts_images_by_class_and_says_that_there_are_no_others() -> None:
    card = facts_of(outcome(), USAGE, name="mine").card
    assert card["summary"] == (
        "Tells 2 classes of images apart (disc, ring), trained by its user with Veriscope."
    )
    assert card["training_data"] == "my slides: 3 images (disc 2, ring 1) of 2 groups"
    assert card["limits"][0] == (
        "Knows these classes alone, and in the shares in which it saw them: an image of anything else is "
        "given one of them, perhaps with a high probability."
    )
    assert card["limits"][1] == (
        "Tested on images of the same source only; compare with classes of your own (veriscope compare)."
    )
    assert card["limits"][2:] == ("The pixel size of its training images is not stated.",)
    assert card["figures"] == (
        "balanced_accuracy 0.800 (95 % interval 0.600 to 0.900) on 2 locked images of the same source",
    )
    assert "foreground" not in card and card["modalities"] == ()


def test_a_caution_about_probabilities_is_a_limit() -> None:
    card = facts_of(
        outcome(choice={"caution": "probabilities were seen on 3 images"}), USAGE, name="mine"
    ).card
    assert card["limits"][2] == "Probabilities were seen on 3 images."


def test_a_class_that_was_not_learned_from_counts_none() -> None:
    split = replace(SPLIT, train=(SPLIT.train[0], kind(0, "z", "g9")))
    made = outcome(data=TrainingImages(split, source="s", objects="shape"))
    assert facts_of(made, USAGE, name="m").card["training_data"] == "s: 2 images (disc 2, ring 0) of 2 groups"


@pytest.mark.parametrize(
    ("asked", "licence", "address"),
    [
        ({}, "not stated", "https://private.invalid/local-data"),
        ({"licence": "MIT", "data_url": "https://example.org/d"}, "MIT", "https://example.org/d"),
    ],
)
def test_licence_and_address_are_those_given_or_said_to_be_missing(
    asked: dict[str, Any], licence: str, address: str
) -> None:
    facts = facts_of(outcome(asked=TrainSettings.parse(asked, where="test")), USAGE, name="mine")
    assert facts.card["licence"] == licence
    assert facts.evaluations[0]["dataset_source"] == address
    assert f"Licence: {licence}." in facts.readme


def test_a_start_is_named_with_its_weights_and_what_it_was_shown() -> None:
    made = outcome()
    start: Any = SimpleNamespace(name="old", weights_sha256="f" * 64, widths=(4, 8))
    learned = replace(made.learned, shown={"light": 0.4, "density": 0.9})
    found = facts_of(
        replace(made, lesson=replace(made.lesson, start=start), learned=learned), USAGE, name="m"
    ).training
    assert found["start"] == {
        "name": "old",
        "weights_sha256": "f" * 64,
        "shown": {"light": 0.4, "density": 0.9},
    }
    assert found["widths"] == [4, 8]
    assert facts_of(made, USAGE, name="m").training["start"] is None


def test_hashes_are_for_machines_and_everything_else_is_for_people() -> None:
    full = SPLIT.to_dict()
    shown = split_without_hashes(full)
    assert shown == {
        "how": "drawn",
        "train": {"images": 3, "objects": 3, "groups": 2},
        "val": {"images": 1, "objects": 1, "groups": 1},
        "test": {"images": 2, "objects": 2, "groups": 2},
    }
    train = full["train"]
    assert isinstance(train, dict) and train["pixel_sha256"] == ["hash of a", "hash of b", "hash of c"]


def test_work_of_which_memory_was_not_measured_says_none() -> None:
    readme = facts_of(outcome(), USAGE, name="mine").readme
    assert "10 steps in 1.0 min; processor time 90 s, most memory not measured, energy about" in readme
    measured = facts_of(outcome(), replace(USAGE, peak_memory_bytes=2_345_000_000), name="mine").readme
    assert ", most memory 2.35 GB, " in measured or ", most memory 2.34 GB, " in measured
