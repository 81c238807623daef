"""Heads for objects: what they learn, and that truth costs less than anything else."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from veriscope.errors import MethodError  # noqa: E402
from veriscope.training.heads.distance import DistanceHead, border_targets  # noqa: E402
from veriscope.training.heads.star import StarHead  # noqa: E402
from veriscope.training.heads.star_targets import plane_directions, star_distances  # noqa: E402


def two_touching() -> np.ndarray:
    labels = np.zeros((24, 30), np.int32)
    labels[4:16, 3:13], labels[6:20, 13:25] = 1, 2
    return labels


def with_known(targets: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.concatenate([targets, np.ones_like(targets[:1])])[None])


def unscaled(distances: torch.Tensor, head: StarHead | DistanceHead) -> torch.Tensor:
    """Give outputs whose distances become these."""
    out = distances.clone()
    if head.name == "distance":
        out[:, 2] /= 10
    else:
        out[:, 1:] = torch.log(torch.expm1(out[:, 1:].clamp(min=1e-3) / 10))
    return out


@pytest.mark.parametrize("head", [StarHead(16), DistanceHead()])
def test_the_truth_costs_less_than_noise_and_what_is_unknown_costs_nothing(
    head: StarHead | DistanceHead,
) -> None:
    labels = two_touching()
    targets = with_known(head.crop_targets(head.targets(labels), labels))
    assert targets.shape[1] == head.n_out + 1
    n_logits = 1 if head.name == "star" else 2
    truth = targets[:, :-1].clone()
    truth[:, :n_logits] = torch.logit(truth[:, :n_logits], eps=1e-4)
    truth = unscaled(truth, head)
    right = head.loss(truth, targets)
    assert float(right) < float(head.loss(truth + torch.randn_like(truth), targets))
    spoilt = truth.clone()
    spoilt[..., :5] += 5
    unknown = targets.clone()
    unknown[:, -1, :, :5] = 0
    assert float(head.loss(spoilt, unknown)) < float(head.loss(spoilt, targets))


@pytest.mark.parametrize("head", [StarHead(16), DistanceHead()])
def test_what_is_exported_is_what_was_to_be_learnt(head: StarHead | DistanceHead) -> None:
    labels = two_touching()
    targets = torch.from_numpy(head.crop_targets(head.targets(labels), labels))[None]
    output = targets.clone()
    n_logits = 1 if head.name == "star" else 2
    output[:, :n_logits] = torch.logit(output[:, :n_logits], eps=1e-6)
    output = unscaled(output, head)
    exported = head.exported(output)
    assert exported.shape[1] == len(head.channels) == head.n_out
    torch.testing.assert_close(exported, targets.clamp(min=1e-6), atol=1.1e-3, rtol=1e-3)


def test_the_rim_parts_objects_that_touch_and_the_distance_grows_inwards() -> None:
    labels = two_touching()
    foreground, rim, distance = border_targets(labels)
    assert (foreground == (labels > 0)).all()
    assert rim[8, 12] == rim[8, 13] == rim[4, 5] == 1
    assert rim[8, 5] == rim[0, 0] == 0
    assert distance[8, 12] == 1
    assert distance[8, 11] == 2
    assert distance[10, 8] == 5
    assert not distance[labels == 0].any()


def test_objects_go_on_beyond_the_image() -> None:
    _, rim, distance = border_targets(np.ones((9, 9), np.int32))
    assert not rim.any()
    assert (distance == 10).all()
    assert not border_targets(np.zeros((5, 5), np.int32)).any()


def test_a_quarter_of_the_pixels_is_asked_for_distances_and_crops_differ_in_which() -> None:
    head, labels = StarHead(8), two_touching()
    whole = np.moveaxis(star_distances(labels, plane_directions(8)), -1, 0)
    seen = set()
    for number in range(8):
        crop = np.roll(labels, number, axis=1)[:, :20]
        probability, *distances = head.crop_targets(head.targets(crop), crop)
        assert (probability > 0).sum() == (crop > 0).sum()
        asked = np.argwhere(distances[0])
        first = tuple(asked[0] % 2)
        assert (asked % 2 == first).all()
        assert len(asked) == (crop[first[0] :: 2, first[1] :: 2] > 0).sum()
        seen.add(first)
    assert len(seen) > 1
    quarter = head.crop_targets(head.targets(labels), labels)[1:]
    np.testing.assert_array_equal(quarter[quarter > 0], whole[quarter > 0])


def test_wrong_distances_cost_only_where_they_are_asked_for() -> None:
    head, labels = StarHead(8), two_touching()
    targets = with_known(head.crop_targets(head.targets(labels), labels))
    output = torch.zeros(1, head.n_out, *labels.shape)
    before = head.loss(output, targets)
    elsewhere = output + 3 * (targets[:, 1:2] == 0) * (torch.arange(head.n_out) > 0)[:, None, None]
    torch.testing.assert_close(head.loss(elsewhere, targets), before)
    there = output + 3 * (targets[:, 1:2] > 0) * (torch.arange(head.n_out) > 0)[:, None, None]
    assert float(head.loss(there, targets)) > float(before) + 0.1


def test_too_few_rays() -> None:
    with pytest.raises(MethodError, match=r"^a star-convex head needs at least 4 rays, not 3$"):
        StarHead(3)


def test_a_new_star_network_begins_with_sensible_sizes() -> None:
    out = StarHead(32).exported(torch.zeros(1, 33, 4, 4))
    assert out[:, 0].mean().item() == 0.5
    assert 5 < out[:, 1:].mean().item() < 10
