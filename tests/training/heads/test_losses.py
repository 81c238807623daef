"""Terms of losses: what is perfect costs nothing, and centre lines count where pixels do not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from veriscope.training.heads.losses import binary_dice, soft_cldice, soft_skeleton


def mask(*boxes: tuple[int, int, int, int], side: int = 40) -> Tensor:
    """Give rectangles (top, bottom, left, right) as float (1, 1, side, side)."""
    values = torch.zeros(1, 1, side, side)
    for top, bottom, left, right in boxes:
        values[..., top:bottom, left:right] = 1
    return values


def test_dice_of_equal_masks_is_free_and_of_masks_apart_costs_nearly_one() -> None:
    one, other = mask((0, 10, 0, 10)), mask((20, 30, 20, 30))
    assert float(binary_dice(one, one)) == 0
    assert float(binary_dice(one, other)) == pytest.approx(1 - 1 / 201)
    assert float(binary_dice(torch.zeros(3, 4), torch.zeros(3, 4))) == 0


def test_dice_is_that_of_its_definition_up_to_one_pixel() -> None:
    one, other = mask((0, 20, 0, 20)), mask((0, 20, 10, 30))
    assert float(binary_dice(one, other)) == pytest.approx(1 - 2 * 200 / (400 + 400), abs=1 / 800)
    half = float(binary_dice(0.5 * one, one))
    assert 0 < half < float(binary_dice(one, other))


def test_dice_pulls_every_pixel_towards_the_truth() -> None:
    probability = torch.full((1, 1, 40, 40), 0.5, requires_grad=True)
    truth = mask((5, 15, 5, 15))
    binary_dice(probability, truth).backward()
    assert probability.grad is not None
    assert (probability.grad[truth == 1] < 0).all()
    assert (probability.grad[truth == 0] > 0).all()


def test_the_skeleton_of_a_bar_is_its_middle_and_a_line_is_its_own() -> None:
    bar = soft_skeleton(mask((10, 17, 5, 35)))[0, 0]
    rows = torch.nonzero(bar.sum(1))[:, 0].tolist()
    assert rows == [13]
    assert bar[13, 10:30].min() == 1
    line = mask((20, 21, 3, 37))
    torch.testing.assert_close(soft_skeleton(line), line)


def test_too_few_erosions_leave_wide_structures_without_a_skeleton() -> None:
    wide = mask((10, 31, 0, 40))
    assert float(soft_skeleton(wide, steps=5).sum()) == 0
    assert float(soft_skeleton(wide, steps=10).sum()) > 0


def test_the_skeleton_lies_in_the_mask_and_is_differentiable() -> None:
    soft = torch.from_numpy(np.random.default_rng(0).random((2, 1, 24, 24), dtype=np.float32))
    soft.requires_grad_(True)
    skeleton = soft_skeleton(soft)
    assert skeleton.shape == soft.shape
    assert (skeleton >= 0).all() and (skeleton <= soft + 1e-6).all()
    skeleton.sum().backward()
    assert soft.grad is not None and torch.isfinite(soft.grad).all()


def test_lines_of_another_width_cost_less_than_a_line_that_is_missing() -> None:
    truth = mask((8, 13, 0, 40), (25, 30, 0, 40))
    thin = mask((9, 12, 0, 40), (26, 29, 0, 40))
    one_missing = mask((8, 13, 0, 40))
    assert float(soft_cldice(truth, truth)) == pytest.approx(0, abs=1e-6)
    assert float(soft_cldice(thin, truth)) < 0.05 < float(soft_cldice(one_missing, truth))
    # Dice does not care which of them it is: half of the pixels are 2 of 5 rows of each, or all of one.
    assert float(binary_dice(thin, truth)) == pytest.approx(0.25, abs=0.01)


def test_invented_lines_cost_as_much_as_missing_ones() -> None:
    both, one = mask((8, 13, 0, 40), (25, 30, 0, 40)), mask((8, 13, 0, 40))
    missing, invented = float(soft_cldice(one, both)), float(soft_cldice(both, one))
    assert missing == pytest.approx(invented)
    assert missing == pytest.approx(1 - 2 * 0.5 / 1.5, abs=0.01)


def test_nothing_to_find_and_nothing_found_is_free() -> None:
    assert float(soft_cldice(mask(), mask())) == 0
