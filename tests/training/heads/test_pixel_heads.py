"""Heads that say something of every pixel: where their targets come from, and what a class costs."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from veriscope.training.heads.base import PixelHead  # noqa: E402
from veriscope.training.heads.blind import BlindHead  # noqa: E402
from veriscope.training.heads.distance import DistanceHead  # noqa: E402
from veriscope.training.heads.flow import FlowHead  # noqa: E402
from veriscope.training.heads.semantic import SemanticHead  # noqa: E402
from veriscope.training.heads.star import StarHead  # noqa: E402

LABELS = np.zeros((20, 26), np.int32)
LABELS[3:9, 4:12], LABELS[11:18, 8:22] = 1, 2


@pytest.mark.parametrize(
    ("head", "moving", "of_the_crop"),
    [
        (FlowHead(), 5, 5),
        (DistanceHead(), 0, 3),
        (StarHead(8), 0, 9),
        (SemanticHead(3), 0, 1),
        (BlindHead(2, "masked"), 0, 0),
    ],
    ids=["flow", "distance", "star", "semantic", "image"],
)
def test_targets_move_with_the_image_or_are_made_of_the_crop(
    head: PixelHead, moving: int, of_the_crop: int
) -> None:
    moved = head.targets(LABELS)
    assert moved.shape == (moving, *LABELS.shape)
    assert moved.dtype == np.float32
    given = head.crop_targets(moved, LABELS)
    assert given.shape == (of_the_crop, *LABELS.shape)
    assert (given is moved) == (moving == of_the_crop)


def test_directions_are_the_only_targets_that_turn_and_they_are_unit_vectors_inside() -> None:
    turning = {
        type(head).__name__
        for head in (FlowHead(), DistanceHead(), StarHead(), SemanticHead())
        if head.vectors
    }
    assert turning == {"FlowHead"}
    moved = FlowHead().targets(LABELS)
    assert FlowHead.vectors is not None
    length = np.hypot(*moved[list(FlowHead.vectors)])
    assert length[LABELS > 0].min() > 0.5
    assert not length[LABELS == 0].any()


def _classes(
    head: SemanticHead, truth: np.ndarray, said: np.ndarray, known: np.ndarray | None = None
) -> float:
    """Give the loss of a network that is sure of every pixel."""
    logits = 12 * (
        torch.nn.functional.one_hot(torch.from_numpy(said).long(), head.n_out).movedim(-1, 0).float() - 0.5
    )
    known = np.ones_like(truth) if known is None else known
    targets = torch.from_numpy(np.stack([truth, known]).astype(np.float32))
    return float(head.loss(logits[None], targets[None]))


def test_a_wrong_class_costs_as_a_missed_object_does_and_what_is_unknown_costs_nothing() -> None:
    head = SemanticHead(3)
    wrong, missed = LABELS.copy(), LABELS.copy()
    wrong[LABELS == 2] = 1
    missed[LABELS == 2] = 0
    right = _classes(head, LABELS, LABELS)
    assert right < 0.05
    assert min(_classes(head, LABELS, wrong), _classes(head, LABELS, missed)) > right + 1
    known = (LABELS != 2).astype(np.int32)
    assert _classes(head, LABELS, missed, known) == pytest.approx(
        _classes(head, LABELS, LABELS, known), abs=1e-3
    )


def test_a_gap_in_a_line_costs_more_where_connections_count() -> None:
    line = np.zeros((24, 48), np.int32)
    line[11:14, 4:44] = 1
    gap, thin = line.copy(), line.copy()
    gap[11:14, 23:25] = 0  # six pixels that cut the line
    thin[11, 10:16] = 0  # six pixels that do not
    topology = SemanticHead(2, topology=1.0)
    plain = SemanticHead(2)
    extra = [_classes(topology, line, said) - _classes(plain, line, said) for said in (gap, thin)]
    assert _classes(plain, line, gap) == pytest.approx(_classes(plain, line, thin), rel=1e-3)
    assert extra[0] > extra[1] + 0.005
