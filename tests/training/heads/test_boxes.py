"""Learning boxes: targets lie where the boxes are, crops and boxes move together, and the loss falls."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from veriscope.training.architectures.boxes import BoxNetwork  # noqa: E402
from veriscope.training.heads.boxes import BoxHead, box_targets  # noqa: E402
from veriscope.training.images.box_crops import BoxImage, BoxSampler  # noqa: E402
from veriscope.training.images.light import Augmentation  # noqa: E402

PLAIN = Augmentation(style="brightfield", scale=0, stain=0, optics=0, camera=0)


def test_a_box_is_asked_for_in_the_cell_of_its_centre() -> None:
    targets = box_targets(np.array([[8.0, 20, 24, 40]]), np.array([1]), 2, 64)
    assert targets.shape == (7, 16, 16)
    assert targets[1, 4, 7] == 1  # centre (16, 30), cells of 4
    assert targets[0].max() == 0
    assert targets[2:4, 4, 7] == pytest.approx(np.log([16, 20]))
    assert targets[4:6, 4, 7] == pytest.approx([0, 0.5])
    assert targets[6].sum() == 1
    assert 0 < targets[1, 4, 8] < 1


def test_a_box_at_the_border_is_asked_for_as_it_is_seen() -> None:
    targets = box_targets(np.array([[-10.0, 0, 10, 20]]), np.array([0]), 1, 64)
    cell = np.argwhere(targets[5] == 1)
    assert cell.tolist() == [[1, 2]]  # what is seen reaches from 0 to 10 and from 0 to 20
    assert targets[1:3, 1, 2] == pytest.approx(np.log([10, 20]))


@pytest.mark.parametrize("box", [[-30.0, 0, 5, 20], [70, 70, 80, 80], [0, -19, 20, 1]])
def test_a_box_that_is_mostly_outside_is_not_asked_for(box: list[float]) -> None:
    assert not box_targets(np.array([box]), np.array([0]), 1, 64).any()


def _image(rng: np.random.Generator) -> BoxImage:
    """White with dark squares, each in its box."""
    pixels = np.ones((3, 90, 120), np.float32)
    boxes = []
    for y in range(8, 70, 26):
        for x in range(8, 100, 30):
            height, width = rng.integers(12, 18, 2)
            pixels[:, y : y + height, x : x + width] = 0
            boxes.append((y, x, y + height, x + width))
    return BoxImage(pixels, np.array(boxes, float), np.zeros(len(boxes), np.int64))


def test_pixels_and_boxes_move_together() -> None:
    sampler = BoxSampler([_image(np.random.default_rng(0))], 1, PLAIN, size=64, zoom=1.0, seed=1)
    pixels, targets = sampler.batch(0, 12)
    assert pixels.shape == (12, 3, 64, 64)
    cells = torch.nonzero(targets[:, 5] == 1)
    assert len(cells) > 12
    for crop, y, x in cells:
        place = targets[crop, 3:5, y, x]
        centre = ((torch.stack([y, x]) + place) * 4).clamp(1, 62).long()
        assert float(pixels[crop, 0, centre[0], centre[1]]) < 0.1


def test_a_batch_depends_on_its_number_and_the_seed_alone() -> None:
    images = [_image(np.random.default_rng(0))]
    options = Augmentation(style="brightfield")
    first, second = (BoxSampler(images, 1, options, size=64, zoom=0.8, seed=3) for _ in range(2))
    first.batch(0, 2)
    assert torch.equal(first.batch(5, 2)[0], second.batch(5, 2)[0])
    assert not torch.equal(first.batch(5, 2)[0], first.batch(6, 2)[0])


def test_the_loss_is_least_for_what_is_asked_and_grows_with_each_mistake() -> None:
    targets = torch.from_numpy(box_targets(np.array([[8.0, 20, 24, 40]]), np.array([0]), 1, 64))[None]
    perfect = torch.cat([torch.logit(targets[:, :1].clamp(1e-6, 1 - 1e-6)), targets[:, 1:5]], 1)
    silent = perfect.clone()
    silent[:, :1] = -14
    invented = perfect.clone()
    invented[:, 0, 12, 12] = 5
    wide = perfect.clone()
    wide[:, 2] += 0.5
    loss = BoxHead(("cell",)).loss
    best = float(loss(perfect, targets))
    assert all(float(loss(worse, targets)) > best + 0.05 for worse in (silent, invented, wide))


def test_a_small_network_learns_squares() -> None:
    torch.manual_seed(0)
    sampler = BoxSampler([_image(np.random.default_rng(2))], 1, PLAIN, size=64, zoom=1.0, seed=4)
    network = BoxNetwork(3, 1, widths=(4, 8, 16, 16)).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
    losses = []
    for number in range(25):
        pixels, targets = sampler.batch(number, 4)
        loss = BoxHead(("cell",)).loss(network(pixels), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:3])


def test_what_is_exported_has_the_size_of_the_image_and_scores_from_0_to_1() -> None:
    head = BoxHead(("a", "b"))
    network = BoxNetwork(3, 2, widths=(4, 8, 8, 8)).eval()
    with torch.no_grad():
        dense = head.exported(network(torch.rand(1, 3, 32, 48)))
    assert dense.shape == (1, 6, 32, 48)
    assert len(head.channels) == 6
    assert 0 <= float(dense[:, :2].min()) <= float(dense[:, :2].max()) <= 1
    assert torch.equal(dense[..., ::4, ::4].repeat_interleave(4, 2).repeat_interleave(4, 3), dense)
