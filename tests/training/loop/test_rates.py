"""The learning rate over time and by part of the network."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from veriscope.training.architectures.star_convex import StarConvex
from veriscope.training.loop.fit import fit
from veriscope.training.loop.rates import rate_at, weights_by_rate
from veriscope.training.loop.steps import FitSettings


@given(st.integers(1, 5000))
def test_the_rate_rises_over_a_tenth_of_a_short_training_and_then_falls(n_steps: int) -> None:
    rates = [rate_at(step, step / n_steps) for step in range(n_steps + 1)]
    top = max(range(n_steps + 1), key=rates.__getitem__)
    assert top <= min(100, n_steps // 10 + 1)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert 0 < rates[-1] <= max(rates) <= 1.01


def test_a_long_training_rises_over_a_hundred_steps() -> None:
    assert rate_at(0, 0.0) == pytest.approx(0.0101)
    assert rate_at(49, 49 / 100_000) == pytest.approx(0.505, rel=1e-3)
    assert rate_at(99, 99 / 100_000) == pytest.approx(1.01, rel=1e-3)


class TwoParts(nn.Module):
    """Two numbers that are learned alike, one of them fast."""

    fast = ("wide",)

    def __init__(self) -> None:
        super().__init__()
        self.narrow, self.wide = nn.Conv2d(1, 1, 1, bias=False), nn.Conv2d(1, 1, 1, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        return torch.cat([self.narrow(image), self.wide(image)], dim=1)


class Ones:
    def batch(self, number: int, n: int) -> tuple[Tensor, Tensor]:
        return torch.ones(n, 1, 4, 4), torch.full((n, 2, 4, 4), 50.0)


def test_a_fast_part_moves_farther_and_what_is_frozen_stays() -> None:
    network = TwoParts()
    before = [float(part.weight.detach()) for part in (network.narrow, network.wide)]
    options = FitSettings(steps=1, batch=1, rate=0.01, half=False, weight_decay=0)
    fit(network, Ones(), lambda output, target: (output - target).square().mean(), options)
    moved = [
        float(part.weight.detach()) - old
        for part, old in zip((network.narrow, network.wide), before, strict=True)
    ]
    assert moved[0] > 0
    assert moved[1] == pytest.approx(8 * moved[0], rel=1e-3)
    network.wide.requires_grad_(False)
    assert [group["gain"] for group in weights_by_rate(network)] == [1.0]


def test_the_rays_of_a_star_learn_fast_and_every_weight_learns_once() -> None:
    network = StarConvex(1, 9, widths=(4, 8))
    groups = {group["gain"]: group["params"] for group in weights_by_rate(network)}
    assert [tuple(one.shape) for one in groups[8.0]] == [(8, 4, 1, 1), (8,)]
    assert len(groups[1.0]) + 2 == len(list(network.parameters()))
