"""Learning from images without labels: a pupil pays for contradicting its teacher, and for nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.training.conftest import draw_discs
from torch import Tensor, nn

from veriscope.core.image import Image
from veriscope.training.heads.semantic import SemanticHead
from veriscope.training.images.light import Augmentation
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.loop.consistency import Consistency
from veriscope.training.loop.learn import prepare_all
from veriscope.training.loop.lesson import Lesson
from veriscope.training.settings import TrainSettings

HEAD = SemanticHead(2)
CALM = Augmentation(scale=0, elastic=0, stain=0, optics=0, camera=0, empty=0)


class Says(nn.Module):
    """Says the same of every pixel, and remembers what it saw."""

    def __init__(self, logit: float) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.tensor(logit))
        self.seen: list[Tensor] = []

    def forward(self, pixels: Tensor) -> Tensor:
        self.seen.append(pixels)
        plane = self.logit * torch.ones_like(pixels[:, :1])
        return torch.cat([torch.zeros_like(plane), plane], dim=1)


def consistency(augmentation: Augmentation = CALM, **options: object) -> Consistency:
    pairs = []
    for seed in range(2):
        pixels, _ = draw_discs(seed, side=64)
        unknown = np.full(pixels.shape, -1, np.int32)
        pairs.append(LabelledImage(f"f{seed}", Image(pixels, "yx"), unknown, f"f{seed}", str(seed)))
    settings = TrainSettings.parse({"head": "semantic", "batch": 6} | options, where="test")
    lesson = Lesson(HEAD, 1, settings, "cpu", None, augmentation)
    return Consistency(lesson, prepare_all(pairs, HEAD, 1), size=32)


def cost(loss: Consistency, pupil: float, teacher: float, step: int) -> float:
    return float(loss(Says(pupil), Says(teacher), step).detach())


def test_agreement_is_free_and_contradiction_costs_its_square() -> None:
    loss = consistency()
    assert cost(loss, 1.5, 1.5, 1000) == 0
    expected = float((torch.sigmoid(torch.tensor(2.0)) - torch.sigmoid(torch.tensor(-1.0))) ** 2)
    assert cost(loss, 2.0, -1.0, 1000) == pytest.approx(expected, rel=1e-5)


def test_the_word_of_a_teacher_that_knows_nothing_has_no_weight() -> None:
    loss = consistency(consistency=4.0)
    costs = [cost(loss, 2.0, -1.0, step) for step in (0, 50, 200, 400)]
    assert costs[0] == 0
    assert costs[1] == pytest.approx(costs[2] / 4)
    assert costs[2] == pytest.approx(costs[3])
    assert costs[3] == pytest.approx(4 * cost(consistency(), 2.0, -1.0, 400))


def test_only_the_pupil_learns() -> None:
    pupil, teacher = Says(2.0), Says(-1.0)
    consistency()(pupil, teacher, 500).backward()
    assert pupil.logit.grad is not None and pupil.logit.grad > 0
    assert teacher.logit.grad is None


def test_both_see_the_same_crops_through_microscopes_of_their_own() -> None:
    pupil, teacher = Says(0.0), Says(0.0)
    consistency()(pupil, teacher, 3)
    assert pupil.seen[0].shape == (3, 1, 32, 32)  # half of a batch
    assert pupil.seen[0].equal(teacher.seen[0])
    consistency(Augmentation(optics=2, camera=2))(pupil, teacher, 3)
    assert not pupil.seen[1].equal(teacher.seen[1])
    together = np.corrcoef(pupil.seen[1].numpy().ravel(), teacher.seen[1].numpy().ravel())[0, 1]
    assert together > 0.2


def test_the_step_alone_decides_what_is_seen() -> None:
    networks = [Says(0.0) for _ in range(3)]
    for network, step in zip(networks, (7, 7, 8), strict=True):
        consistency(Augmentation())(network, Says(0.0), step)
    assert networks[0].seen[0].equal(networks[1].seen[0])
    assert not networks[0].seen[0].equal(networks[2].seen[0])


def test_a_batch_of_one_still_has_one_crop() -> None:
    pupil = Says(0.0)
    consistency(batch=1)(pupil, Says(0.0), 1)
    assert len(pupil.seen[0]) == 1
