"""What a trained network says of itself: figures never stand without how far they can be trusted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from torch import nn

from veriscope.core.cost import Usage
from veriscope.core.image import Image
from veriscope.methods.networks.network_settings import NetworkSettings
from veriscope.training.architectures.unet import UNet
from veriscope.training.heads.flow import FlowHead
from veriscope.training.images.light import Augmentation
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.images.split import Split
from veriscope.training.job import TrainingImages
from veriscope.training.judging.compare import Comparison, compare_with_start
from veriscope.training.judging.judge import InstanceJudge
from veriscope.training.loop.learn import Learned
from veriscope.training.loop.lesson import Lesson
from veriscope.training.loop.steps import Fitted
from veriscope.training.packaging.package import write_package
from veriscope.training.packaging.record import Outcome, facts_of, summary_of
from veriscope.training.settings import TrainSettings
from veriscope.validate.statistics import Interval

USAGE = Usage(wall_s=7200, cpu_s=3600, peak_memory_bytes=2_000_000_000)
SURE = Interval(0.9, 0.85, 0.94, 0.95, 12, unit="field group")
ALONE = Interval(0.5, None, None, 0.95, 1, unit="field group")
NONE = Interval(float("nan"), None, None, 0.95, 0)


def labelled(name: str, n: int = 2) -> LabelledImage:
    labels = np.zeros((16, 16), np.int32)
    for number in range(n):
        labels[4 * number : 4 * number + 3, 2:10] = number + 1
    image = Image(np.zeros((16, 16), np.uint8), "yx", name=name)
    return LabelledImage(name, image, labels, name, f"hash of {name}")


SPLIT = Split(
    (labelled("a", 3), labelled("b")), (labelled("c"),), (labelled("d"), labelled("e")), "drawn by group"
)


def change(low: float | None, high: float | None) -> dict[str, Any]:
    return {"range": None if low is None else [low, high], "steps": []}


def outcome(**changed: Any) -> Outcome:
    """Give a training as it might have ended."""
    settings = changed.pop("asked", TrainSettings(seed=3, widths=(8, 16)))
    lesson = Lesson(FlowHead(), 1, settings, "cpu", None, Augmentation())
    state = Fitted(step=120, minutes=30.0, loss=0.25, checks=[(60, 15.0, 0.4)], best_step=60, batch=8)
    plain: dict[str, Any] = {
        "data": TrainingImages(SPLIT, source="slides of mine", objects="nucleus"),
        "lesson": lesson,
        "learned": Learned(nn.Conv2d(1, 5, 3), state),
        "settings": NetworkSettings(),
        "choice": {"n_images": 1},
        "figures": {"f1@0.5": SURE, "f1@0.9": ALONE},
        "comparison": None,
        "envelope": {
            "metric": "f1@0.5",
            "drop": 0.05,
            "n_images": 1,
            "changes": {"blur": change(0, 2), "noise": change(None, None)},
        },
        "curve": None,
        "notes": ["only 120 steps were done"],
    }
    return Outcome(**plain | changed)


def compared(better: bool) -> Comparison:
    """Compare with a start that finds all objects, or none, of locked images."""
    pairs = [labelled(f"locked{number}", 2 + number % 3) for number in range(8)]
    truth = {id(pair.image): pair.labels for pair in pairs}
    judge = InstanceJudge()
    right = judge.count(lambda image: truth[id(image)], pairs)
    wrong = judge.count(lambda image: np.zeros((16, 16), np.int32), pairs)
    new, start = (right, wrong) if better else (wrong, right)
    return compare_with_start(judge, new, start, name="old")


def test_the_card_names_data_objects_and_what_is_not_known() -> None:
    card = facts_of(outcome(), USAGE, name="mine").card
    assert card["training_data"] == "slides of mine: 2 images, 5 objects, 2 groups"
    assert card["objects"] == ("nucleus",)
    assert card["licence"] == "not stated"
    assert card["figures"] == (
        "f1@0.5 0.900 (95 % interval 0.850 to 0.940) on 2 locked images of the same source",
    )
    assert card["limits"][0].startswith("Tested on images of the same source only")
    assert card["limits"][1].startswith("Blur (Gaussian blur, standard deviation in pixels): f1@0.5 falls by")
    assert card["limits"][1].endswith("from 0 to 2 (on 1 locked image, without interval).")
    assert card["limits"][2] == "Noise: no range can be told, since the network finds next to nothing."


def test_what_is_bright_because_it_absorbs_is_no_fluorescence() -> None:
    data = replace(outcome().data, channel="hematoxylin")
    card = facts_of(outcome(data=data), USAGE, name="mine").card
    assert (card["modalities"], card["foreground"]) == ((), "bright")
    assert "Learned from the channel hematoxylin of its images: give it the same one." in card["limits"]


def test_a_figure_without_interval_says_so() -> None:
    card = facts_of(outcome(figures={"f1@0.5": ALONE}), USAGE, name="mine").card
    assert card["figures"][0].startswith("f1@0.5 0.500 (no interval: too few groups)")


@pytest.mark.parametrize(
    ("style", "modalities", "foreground"),
    [("fluorescence", ("fluorescence",), "bright"), ("brightfield", (), "dark"), ("any", (), "either")],
)
def test_the_card_claims_a_modality_only_where_it_is_known(
    style: str, modalities: tuple[str, ...], foreground: str
) -> None:
    plain = outcome()
    augmentation = Augmentation.parse({"style": style}, where="test")
    card = facts_of(
        replace(plain, lesson=replace(plain.lesson, augmentation=augmentation)), USAGE, name="m"
    ).card
    assert (card["modalities"], card["foreground"]) == (modalities, foreground)


def test_a_start_that_stays_recommended_is_the_first_limit() -> None:
    worse, better = (facts_of(outcome(comparison=compared(how)), USAGE, name="m") for how in (False, True))
    assert worse.training["recommended"] == "start"
    assert worse.card["limits"][0].startswith(
        "The new network is worse than old, which stays recommended: f1@"
    )
    assert worse.card["limits"][0].endswith(".")
    assert "Against its start: the new network is worse than old" in worse.readme
    assert better.training["recommended"] == "new"
    assert better.card["limits"][0].startswith("Tested on images of the same source only")
    assert better.evaluations[0]["results_summary"].startswith("the new network is better than old")


def test_the_record_is_plain_and_says_how_it_came_about() -> None:
    training = facts_of(outcome(), USAGE, name="mine").training
    json.dumps(training, allow_nan=False)
    assert training["split"]["train"]["pixel_sha256"] == ["hash of a", "hash of b"]
    assert training["split"]["test"]["groups"] == 2
    assert (training["steps"], training["best_step"], training["batch"]) == (120, 60, 8)
    assert training["validation_loss"] == [[60, 15.0, 0.4]]
    assert training["settings"]["seed"] == 3
    assert training["widths"] == [8, 16]
    assert training["start"] is None and training["comparison"] is None
    assert training["recommended"] == "new"
    assert {"veriscope", "torch", "numpy", "onnxruntime", "python", "hardware"} <= set(
        training["environment"]
    )
    assert training["cost"]["cpu_s"] == 3600 and training["cost"]["energy_wh"] > 0


def test_evaluations_are_rows_of_value_and_interval() -> None:
    asked = TrainSettings(data_url="https://example.org/data")
    figures = {"f1@0.5": SURE, "f1@0.9": ALONE, "sensitivity of erythrocytes": NONE}
    (found,) = facts_of(outcome(figures=figures, asked=asked), USAGE, name="mine").evaluations
    assert found["results"] == [[0.9, 0.85, 0.94], [0.5, *["cannot tell"] * 2], ["cannot tell"] * 3]
    assert found["metrics_long"] == list(figures)
    assert max(map(len, found["metrics"])) <= 16
    assert found["dataset_source"] == "https://example.org/data"
    assert found["sample_count"] == 2
    (private,) = facts_of(outcome(), USAGE, name="mine").evaluations
    assert ".invalid/" in private["dataset_source"]


def test_details_are_those_of_this_training() -> None:
    details = facts_of(outcome(), USAGE, name="mine").details
    assert details["model_parameter_count"] == 5 * 9 + 5
    assert details["training"]["training_duration"] == 0.5
    assert details["training"]["initial_learning_rate"] == 2e-3
    assert "a tenth of a shorter training" in details["training"]["learning_rate_schedule"]
    impact = details["environmental_impact"]
    assert impact["hours_used"] == 2
    assert 0 < impact["co2_emitted"] < 1  # kg


def test_carbon_that_was_not_measured_is_not_made_up() -> None:
    details = facts_of(outcome(), Usage(wall_s=5), name="mine").details
    assert details["environmental_impact"]["co2_emitted"] is None


def test_the_readme_has_figures_limits_and_notes() -> None:
    curve = {"sentence": "50 more objects would gain about 1 point", "points": []}
    text = facts_of(outcome(curve=curve, figures={"f1@0.5": SURE, "ap@0.5": NONE}), USAGE, name="mine").readme
    assert text.startswith("# mine\n")
    assert "| f1@0.5 | 0.9 | 0.85 | 0.94 |" in text
    assert "| ap@0.5 | cannot tell | cannot tell | cannot tell |" in text
    assert "50 more objects would gain about 1 point." in text
    assert "- only 120 steps were done" in text
    assert "120 steps in 30.0 min" in text and "Seed 3" in text
    assert "Split: drawn by group." in text


def test_the_summary_leaves_out_hashes_and_says_how_to_go_on(tmp_path: Path) -> None:
    made = outcome()
    states = {"format_valid": {"status": "yes", "text": "…"}, "output_reproduced": {"status": "no"}}
    found = summary_of(made, facts_of(made, USAGE, name="mine"), states, tmp_path / "mine")
    json.dumps(found, allow_nan=False)
    assert "hash of" not in json.dumps(found)
    assert found["split"]["how"] == "drawn by group"
    assert found["split"]["test"] == {"images": 2, "objects": 4, "groups": 2}
    assert found["states"] == {"format_valid": "yes", "output_reproduced": "no"}
    assert found["use"].startswith(f"veriscope predict network:{tmp_path / 'mine'} ")
    assert found["figures"]["f1@0.9"]["low"] is None
    assert found["notes"] == ["only 120 steps were done"]


def test_a_package_is_valid_whatever_its_name_and_however_little_is_known(tmp_path: Path) -> None:
    little = outcome(figures={"f1@0.5": NONE, "f1@0.9": ALONE}, asked=TrainSettings(licence="MIT"))
    name = 5 * "Zellkerne – Färbung/α, Los 7: "
    states = write_package(
        UNet(1, 5, widths=(4, 8), norm=False).eval(),
        FlowHead(),
        tmp_path / "mine",
        settings=NetworkSettings(stride=2, halo=16),
        facts=facts_of(little, Usage(wall_s=5), name=name),
    )
    assert [state["status"] for state in states.values()] == ["yes", "yes"]
    content = yaml.safe_load((tmp_path / "mine" / "bioimageio.yaml").read_text(encoding="utf-8"))
    assert content["name"].isascii() and len(content["name"]) <= 128
    assert content["license"] == "MIT"
    (evaluation,) = content["config"]["bioimageio"]["evaluations"]
    assert evaluation["results"][0] == ["cannot tell"] * 3
    assert (tmp_path / "mine" / "README.md").read_text(encoding="utf-8").startswith(f"# {name}")
