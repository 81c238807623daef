"""What the loop keeps on the way: checkpoints at Ctrl-C too, looks at set steps, and reports to the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from veriscope.training.loop.fit import fit
from veriscope.training.loop.steps import FitSettings, Fitted


class Numbers:
    """Crops that depend on their number alone."""

    def batch(self, number: int, n: int) -> tuple[Tensor, Tensor]:
        pixels = torch.rand(n, 1, 4, 4, generator=torch.Generator().manual_seed(number))
        return pixels, 2 * pixels


def squares(output: Tensor, targets: Tensor) -> Tensor:
    return (output - targets).square().mean()


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Conv2d(1, 1, 3, padding=1)


def settings(**options: Any) -> FitSettings:
    return FitSettings.parse({"steps": 6, "batch": 2, "rate": 0.05, "half": False} | options, where="test")


def test_ctrl_c_keeps_the_steps_done_and_the_same_command_ends_with_the_same_weights(tmp_path: Path) -> None:
    expected, _ = fit(network(), Numbers(), squares, settings())
    seen: list[int] = []

    def stopped(output: Tensor, targets: Tensor) -> Tensor:
        seen.append(1)
        if len(seen) == 4:
            raise KeyboardInterrupt
        return squares(output, targets)

    path = tmp_path / "c.pt"
    with pytest.raises(KeyboardInterrupt):
        fit(network(), Numbers(), stopped, settings(), checkpoint=path, identity="x")
    assert torch.load(path, weights_only=True)["state"]["step"] == 3
    resumed, state = fit(network(), Numbers(), squares, settings(), checkpoint=path, identity="x")
    assert state.step == 6
    for name, value in expected.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name


@pytest.mark.parametrize(
    ("steps", "looks"), [(3, [1, 2, 3]), (45, [*range(2, 45, 2), 45])], ids=["few", "many"]
)
def test_validation_images_are_looked_at_at_set_steps_and_at_the_end_once(
    steps: int, looks: list[int]
) -> None:
    losses = iter(range(1000, 0, -1))
    _, state = fit(
        network(), Numbers(), squares, settings(steps=steps), validate=lambda _: float(next(losses))
    )
    assert [step for step, _, _ in state.checks] == looks
    assert (state.best_step, state.best_loss) == (steps, 1001.0 - len(looks))


def test_reports_begin_with_the_first_step_and_end_with_all() -> None:
    told: list[tuple[int, float]] = []

    def report(state: Fitted, part: float) -> None:
        told.append((state.step, part))

    _, state = fit(network(), Numbers(), squares, settings(), report=report)
    assert told[0] == (1, pytest.approx(1 / 6))
    assert told[-1] == (6, 1.0)
    assert len(state.history) == len(told) - 1  # the last report is of the end, and no step
    assert state.history[0][1] > 0
    assert state.checks == [] and state.stopped == ""
