"""One training: images are prepared together, and it goes on only where nothing was changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.conftest import draw_discs

from veriscope.core.image import Image
from veriscope.errors import AxesError, InputError, MethodError
from veriscope.training.architectures.unet import UNet
from veriscope.training.heads.base import Head
from veriscope.training.heads.flow import FlowHead
from veriscope.training.heads.semantic import SemanticHead
from veriscope.training.images.augment import TrainingImage
from veriscope.training.images.light import Augmentation
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.loop.learn import Learned, Prepared, crop_side, learn, prepare_all
from veriscope.training.loop.lesson import Lesson
from veriscope.training.settings import TrainSettings

TINY: dict[str, Any] = {"widths": (4, 8), "batch": 2, "crop": 32, "steps": 4, "device": "cpu"}


def labelled(seed: int, *, axes: str = "yx") -> LabelledImage:
    pixels, labels = draw_discs(seed, side=48, n=3)
    shaped = pixels if axes == "yx" else np.stack([pixels] * 4)
    name = f"f{seed}"
    return LabelledImage(name, Image(shaped, axes, name=name), labels.astype(np.int32), name, str(seed))


PAIRS = [labelled(seed) for seed in range(3)]


def lesson(head: Head | None = None, **options: Any) -> Lesson:
    settings = TrainSettings.parse(TINY | options, where="test")
    return Lesson(head or FlowHead(), 1, settings, "cpu", None, Augmentation())


def prepared(pairs: list[LabelledImage] = PAIRS) -> list[Prepared]:
    return prepare_all(pairs, FlowHead(), 1)


def trained(one: Lesson, pairs: list[LabelledImage] = PAIRS, **options: Any) -> Learned:
    return learn(one, prepared(pairs[:2]), prepared(pairs[2:]), **options)


def test_all_images_that_do_not_fit_are_told_together() -> None:
    told: list[tuple[str, int, int]] = []
    pairs = [PAIRS[0], labelled(5, axes="cyx"), labelled(6, axes="zyx")]
    with pytest.raises(AxesError) as error:
        prepare_all(pairs, FlowHead(), 3, lambda *step: told.append(step))
    text = str(error.value)
    assert text.startswith("2 of 3 images cannot be learned from")
    assert "f5: has 4 channels" in text and "f6: has axes zyx" in text
    assert told == [("prepare", done, 3) for done in range(4)]


def test_the_size_of_a_class_says_nothing_of_the_size_of_objects() -> None:
    (objects,), (classes,) = (prepare_all(PAIRS[:1], head, 1) for head in (FlowHead(), SemanticHead(9)))
    assert isinstance(objects, TrainingImage) and isinstance(classes, TrainingImage)
    assert classes.diameter == 30
    assert 9 < objects.diameter < 17


@pytest.mark.parametrize(("wanted", "side"), [(32, 32), (33, 34), (191, 192)])
def test_crops_are_as_large_as_wanted_or_a_little_more(wanted: int, side: int) -> None:
    network = UNet(1, 5, widths=(4, 8))
    assert int(network.stride) == 2
    assert crop_side(network, TrainSettings(crop=wanted)) == side


def test_equal_lessons_give_equal_weights_and_other_seeds_others() -> None:
    first, second, other = (trained(lesson(seed=seed)) for seed in (1, 1, 2))
    weights = [
        torch.cat([value.ravel().float() for value in one.network.state_dict().values()])
        for one in (first, second, other)
    ]
    assert weights[0].equal(weights[1])
    assert not weights[0].equal(weights[2])
    seen = [[(step, loss) for step, _, loss in one.state.checks] for one in (first, second)]
    assert seen[0] == seen[1] != []
    assert not first.network.training
    assert {value.dtype for value in first.network.parameters()} == {torch.float32}


def test_a_part_of_the_steps_can_be_taken() -> None:
    assert trained(lesson(steps=8), share=0.25).state.step == 2
    assert trained(lesson(steps=2), share=0.01).state.step == 1


def test_progress_is_told_and_written_beside_the_checkpoint(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    done = trained(
        lesson(), checkpoint=tmp_path / "c.pt", progress=lambda *step: told.append(step), stage="curve 1 of 4"
    )
    assert told[-1] == ("curve 1 of 4", 4, 4)
    written = json.loads((tmp_path / "progress.json").read_text())
    assert (written["stage"], written["part"], written["step"]) == ("curve 1 of 4", 1.0, 4)
    assert [check[0] for check in written["checks"]] == [check[0] for check in done.state.checks]


def other_labels(pair: LabelledImage) -> LabelledImage:
    return replace(pair, labels=np.where(pair.labels == 1, 0, pair.labels))


def other_pixels(pair: LabelledImage) -> LabelledImage:
    pixels = pair.image.pixels.copy()
    pixels[0, 0] = 60_000
    return replace(pair, image=replace(pair.image, pixels=pixels))


@pytest.mark.parametrize(
    "changed",
    [
        {"pairs": [other_labels(PAIRS[0]), *PAIRS[1:]]},
        {"pairs": [*PAIRS[:2], other_pixels(PAIRS[2])]},
        {"seed": 9},
        {"rate": 0.5},
        {"share": 0.5},
    ],
    ids=["labels", "pixels of a validation image", "seed", "rate", "share"],
)
def test_a_training_with_anything_changed_does_not_go_on(tmp_path: Path, changed: dict[str, Any]) -> None:
    path = tmp_path / "c.pt"
    trained(lesson(), checkpoint=path)
    pairs, share = changed.pop("pairs", PAIRS), changed.pop("share", 1.0)
    with pytest.raises(MethodError, match="was left by a training with other settings or images"):
        trained(lesson(**changed), pairs, checkpoint=path, share=share)


def test_threads_and_licence_decide_nothing_so_a_training_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    before = trained(lesson(), checkpoint=path)
    after = trained(lesson(threads=1, licence="CC0-1.0", data_url="https://example.org"), checkpoint=path)
    assert after.state.step == before.state.step == 4
    assert all(
        torch.equal(value, after.network.state_dict()[name])
        for name, value in before.network.state_dict().items()
    )


def test_low_rank_weights_need_a_transformer_and_a_start() -> None:
    with pytest.raises(InputError, match="--tune lora changes a network that there is already"):
        lesson(tune="lora")
