"""The loss of every head: against sums written out in NumPy, and what holds whatever a network says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.training.heads.base import Head, PixelHead
from veriscope.training.heads.blind import BlindHead
from veriscope.training.heads.boxes import BoxHead, box_targets
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.heads.distance import DistanceHead
from veriscope.training.heads.flow import FlowHead
from veriscope.training.heads.semantic import SemanticHead
from veriscope.training.heads.star import StarHead

Array = NDArray[np.float64]
PIXEL_HEADS: dict[str, PixelHead] = {
    "flow": FlowHead(),
    "distance": DistanceHead(),
    "star": StarHead(8),
    "semantic": SemanticHead(3),
    "semantic with lines": SemanticHead(2, topology=0.7),
}


def some_labels(seed: int, head: PixelHead, *, side: int = 12) -> NDArray[np.int32]:
    """Up to three rectangles, some of which touch; classes where the head tells these."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((side, side), np.int32)
    for number in range(1, 4):
        y, x = rng.integers(0, side - 4, 2)
        labels[y : y + 5, x : x + 4] = number
    return labels % head.n_out if head.name == "semantic" else labels


def asked(head: PixelHead, seed: int, *, known: float = 0.8) -> torch.Tensor:
    """Targets of two crops, of which a part is known."""
    found = []
    for one in (seed, seed + 1):
        labels = some_labels(one, head)
        targets = head.crop_targets(head.targets(labels), labels)
        mask = np.random.default_rng(one).random((1, *labels.shape)) < known
        found.append(np.concatenate([targets, mask]))
    return torch.from_numpy(np.stack(found).astype(np.float32))


def said(head: Head, shape: torch.Size, seed: int, *, size: float = 2.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return size * torch.randn(shape[0], head.n_out, *shape[2:], generator=generator)


def entropy(logit: Array, truth: Array) -> Array:
    chance = 1 / (1 + np.exp(-logit))
    return -(truth * np.log(chance) + (1 - truth) * np.log(1 - chance))


def dice(logit: Array, truth: Array, known: Array) -> float:
    chance = known / (1 + np.exp(-logit))
    return float(1 - (2 * (chance * truth * known).sum() + 1) / (chance.sum() + (truth * known).sum() + 1))


def flow_by_hand(out: Array, asked: Array) -> float:
    truth, known = asked[:, :5], asked[:, 5]
    inside = truth[:, 0] * known
    n, n_inside = known.sum() + 1, inside.sum() + 1
    distance = np.abs(out[:, 1] - truth[:, 1])
    flow = ((out[:, 3:] - truth[:, 3:]) ** 2).sum(1)
    return float(
        (entropy(out[:, 0], truth[:, 0]) * known).sum() / n
        + dice(out[:, 0], truth[:, 0], known) / 2
        + (distance * known).sum() / n / 2
        + (distance * inside).sum() / n_inside / 2
        + (entropy(out[:, 2], truth[:, 2]) * known * np.where(truth[:, 2] > 0, 5, 1)).sum() / n / 2
        + (flow * inside).sum() / n_inside / 2
        + (flow * known).sum() / n / 10
    )


def distance_by_hand(out: Array, asked: Array) -> float:
    known = asked[:, 3]
    n = known.sum() + 1
    foreground, rim = (
        ((entropy(out[:, i], asked[:, i]) * known).sum() / n, dice(out[:, i], asked[:, i], known) / 2)
        for i in (0, 1)
    )
    error = (np.abs(out[:, 2] - asked[:, 2] / 10) * known).sum() / n
    return float(foreground[0] + foreground[1] + 2 * rim[0] + rim[1] + error)


def star_by_hand(out: Array, asked: Array) -> float:
    known = asked[:, -1]
    total = (entropy(out[:, 0], asked[:, 0]) * known).sum() / (known.sum() + 1)
    error = weight = 0.0
    for crop, y, x in np.argwhere((asked[:, 1] > 0) & (known > 0)):
        truth = asked[crop, 1:-1, y, x]
        lengths = 10 * np.log1p(np.exp(out[crop, 1:, y, x]))
        central = asked[crop, 0, y, x]
        error += central * np.mean(np.abs(lengths - truth)) / (truth.mean() + 1)
        weight += central
    return float(total + error / (weight + 1))


def semantic_by_hand(out: Array, asked: Array) -> float:
    known, n_classes = asked[:, 1], out.shape[1]
    chance = np.exp(out) / np.exp(out).sum(1, keepdims=True)
    truth = np.stack([asked[:, 0] == one for one in range(n_classes)], 1)
    total = (-np.log((chance * truth).sum(1)) * known).sum() / (known.sum() + 1)
    for one in range(1, n_classes):
        given, right = chance[:, one] * known, truth[:, one] * known
        share = (2 * (given * right).sum() + 1) / (given.sum() + right.sum() + 1)
        total += 0.5 * (1 - share) / (n_classes - 1)
    return float(total)


BY_HAND: dict[str, Any] = {
    "flow": flow_by_hand,
    "distance": distance_by_hand,
    "star": star_by_hand,
    "semantic": semantic_by_hand,
}


@pytest.mark.parametrize("seed", [0, 5])
@pytest.mark.parametrize("name", BY_HAND)
def test_a_loss_is_the_sum_that_it_is_said_to_be(name: str, seed: int) -> None:
    head = PIXEL_HEADS[name]
    targets = asked(head, seed)
    output = said(head, targets.shape, seed)
    by_hand = BY_HAND[name](output.numpy().astype(float), targets.numpy().astype(float))
    assert float(head.loss(output, targets)) == pytest.approx(by_hand, rel=1e-4)


@pytest.mark.parametrize("name", PIXEL_HEADS)
@given(seed=st.integers(0, 10_000), size=st.sampled_from([0.0, 1.0, 30.0, 3000.0]))
@hypothesis_settings(max_examples=12)
def test_whatever_a_network_says_loss_and_slope_are_numbers_and_none_is_negative(
    name: str, seed: int, size: float
) -> None:
    head = PIXEL_HEADS[name]
    targets = asked(head, seed)
    output = said(head, targets.shape, seed, size=size).requires_grad_()
    loss = head.loss(output, targets)
    loss.backward()
    assert loss.ndim == 0 and np.isfinite(loss.item()) and loss.item() >= 0
    assert output.grad is not None and torch.isfinite(output.grad).all()


@pytest.mark.parametrize("name", PIXEL_HEADS)
def test_where_nothing_is_known_nothing_is_learned(name: str) -> None:
    head = PIXEL_HEADS[name]
    targets = asked(head, 3, known=0)
    output = said(head, targets.shape, 3).requires_grad_()
    loss = head.loss(output, targets)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert output.grad is not None and not output.grad.abs().max() > 1e-6


@pytest.mark.parametrize("name", PIXEL_HEADS)
def test_what_is_said_of_unknown_pixels_changes_nothing(name: str) -> None:
    head = PIXEL_HEADS[name]
    targets = asked(head, 4, known=0.5)
    output = said(head, targets.shape, 4)
    other = torch.where(targets[:, -1:] > 0, output, said(head, targets.shape, 5, size=20))
    lined = name == "semantic with lines"  # lines of what is known end at what is not
    if not lined:
        assert float(head.loss(output, targets)) == pytest.approx(float(head.loss(other, targets)), rel=1e-5)
    output.requires_grad_()
    head.loss(output, targets).backward()
    assert output.grad is not None
    assert not output.grad[(targets[:, -1:] == 0).expand_as(output)].any()


def right_answer(head: PixelHead, targets: torch.Tensor) -> torch.Tensor:
    """What a network has to say, with logits of 20 for certain."""
    truth = targets[:, :-1]
    if head.name == "semantic":
        numbers = truth[:, 0].long()
        return 40 * torch.nn.functional.one_hot(numbers, head.n_out).movedim(-1, 1).float()
    out = truth.clone()
    sure = {"flow": [0, 2], "distance": [0, 1], "star": []}[head.name]
    out[:, sure] = 40 * truth[:, sure] - 20
    if head.name == "distance":
        out[:, 2] /= 10
    return out


@pytest.mark.parametrize("name", ["flow", "distance", "semantic", "semantic with lines"])
def test_the_truth_itself_costs_nothing(name: str) -> None:
    head = PIXEL_HEADS[name]
    targets = asked(head, 7, known=2)
    assert float(head.loss(right_answer(head, targets), targets)) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("name", PIXEL_HEADS)
def test_an_image_of_background_alone_can_be_learned_from(name: str) -> None:
    head = PIXEL_HEADS[name]
    labels = np.zeros((12, 12), np.int32)
    targets = head.crop_targets(head.targets(labels), labels)
    assert not targets.any()
    both = torch.from_numpy(np.concatenate([targets, np.ones((1, 12, 12), np.float32)]))[None]
    output = said(head, both.shape, 1).requires_grad_()
    loss = head.loss(output, both)
    loss.backward()
    assert 0 < loss.item() < 20
    assert output.grad is not None and torch.isfinite(output.grad).all() and output.grad.any()


@pytest.mark.parametrize("weight", [0.25, 1.0])
def test_lines_count_in_proportion_to_their_weight(weight: float) -> None:
    none, full, some = (SemanticHead(2, topology=one) for one in (0.0, 1.0, weight))
    targets = asked(none, 2, known=2)
    output = said(none, targets.shape, 2)
    base, most, found = (float(head.loss(output, targets)) for head in (none, full, some))
    assert most > base
    assert found == pytest.approx(base + weight * (most - base), rel=1e-5)


def boxes_by_hand(out: Array, targets: Array, n: int) -> float:
    truth, here = targets[:, :n], targets[:, n + 4]
    chance = 1 / (1 + np.exp(-out[:, :n]))
    found = (truth == 1) * (1 - chance) ** 2 * -np.log(chance)
    invented = (truth < 1) * (1 - truth) ** 4 * chance**2 * -np.log(1 - chance)
    error = np.abs(out[:, n:] - targets[:, n : n + 4]).transpose(1, 0, 2, 3) * here
    total = found.sum() + invented.sum() + error[:2].sum() + error[2:].sum() / 2
    return float(total / max(here.sum(), 1))


def test_the_loss_of_boxes_is_the_sum_that_it_is_said_to_be_for_each_object() -> None:
    head = BoxHead(("a", "b"))
    boxes = np.array([[4.0, 4, 20, 16], [20, 30, 40, 60], [50, 2, 62, 14]])
    targets = box_targets(boxes, np.array([0, 1, 1]), 2, 64)[None]
    output = said(head, torch.Size((1, 0, 16, 16)), 1)
    by_hand = boxes_by_hand(output.numpy().astype(float), targets.astype(float), 2)
    assert float(head.loss(output, torch.from_numpy(targets))) == pytest.approx(by_hand, rel=1e-4)


def test_a_crop_without_boxes_costs_what_is_invented_there() -> None:
    head = BoxHead(("a",))
    targets = torch.zeros(1, 6, 4, 4)
    output = torch.full((1, 5, 4, 4), -30.0)
    assert float(head.loss(output, targets)) == pytest.approx(0, abs=1e-6)
    output[0, 0, 1, 1] = 0
    assert float(head.loss(output, targets)) == pytest.approx(0.25 * np.log(2), rel=1e-5)


@pytest.mark.parametrize("size", [0.0, 50.0, 5000.0])
def test_boxes_give_numbers_however_sure_a_network_is(size: float) -> None:
    head = BoxHead(("a",))
    targets = torch.from_numpy(box_targets(np.array([[4.0, 4, 20, 16]]), np.array([0]), 1, 32))[None]
    output = said(head, targets.shape, 3, size=size).requires_grad_()
    loss = head.loss(output, targets)
    loss.backward()
    assert loss.item() >= 0
    assert output.grad is not None and torch.isfinite(output.grad).all()


@pytest.mark.parametrize("task", ["n2v", "masked"])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_the_error_at_hidden_pixels_is_a_mean_over_them_and_the_channels(task: Any, n_channels: int) -> None:
    rng = np.random.default_rng(n_channels)
    image, output = rng.random((2, 2, n_channels, 6, 6)).astype(np.float32)
    hidden = (rng.random((2, 1, 6, 6)) < 0.4).astype(np.float32)
    by_hand = ((output - image) ** 2)[np.broadcast_to(hidden > 0, image.shape)].mean()
    targets = torch.from_numpy(np.concatenate([image, hidden], 1))
    head = BlindHead(n_channels, task)
    assert float(head.loss(torch.from_numpy(output), targets)) == pytest.approx(by_hand, rel=1e-5)
    assert float(head.loss(torch.from_numpy(image), targets)) == 0
    targets[:, -1] = 0
    assert float(head.loss(torch.from_numpy(output), targets)) == 0


def test_the_image_that_comes_out_is_named_after_the_task() -> None:
    assert BlindHead(1, "n2v").channels == ("denoised",)
    assert BlindHead(3, "masked").channels == ("restored_0", "restored_1", "restored_2")
    image = torch.rand(1, 3, 4, 4)
    assert BlindHead(3, "masked").exported(image) is image


def test_the_class_of_an_image_costs_its_surprise() -> None:
    head = ClassificationHead(("a", "b", "c"))
    output = said(head, torch.Size((5, 0)), 1)
    truth = torch.tensor([0, 2, 1, 1, 0])
    values = output.numpy().astype(float)
    surprise = np.log(np.exp(values).sum(1)) - values[np.arange(5), truth.numpy()]
    assert float(head.loss(output, truth)) == pytest.approx(surprise.mean(), rel=1e-5)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_a_temperature_softens_what_is_exported_and_keeps_the_order(temperature: float) -> None:
    head = ClassificationHead(("a", "b", "c"), zoom=0.5, side=64)
    softened = head.softened(temperature)
    output = said(head, torch.Size((4, 0)), 2)
    values = np.exp(output.numpy().astype(float) / temperature)
    found = softened.exported(output).numpy()
    np.testing.assert_allclose(found, values / values.sum(1, keepdims=True), rtol=1e-5)
    np.testing.assert_array_equal(found.argsort(1), output.numpy().argsort(1))
    assert (softened.classes, softened.zoom, softened.side) == (head.classes, 0.5, 64)
    assert head.temperature == 1.0
