"""Each step by hand: rates, clipped gradients, averaged weights, the loss shown, time, and what ends it."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from veriscope.errors import InputError, MethodError
from veriscope.training.loop import steps as module
from veriscope.training.loop.checkpoint import save_checkpoint
from veriscope.training.loop.rates import rate_at
from veriscope.training.loop.steps import FitSettings, Steps

UNSTABLE = (
    "training has become unstable; lower the learning rate (--rate), and look for images with extreme pixel "
    "values"
)


def settings(**options: Any) -> FitSettings:
    return FitSettings.parse({"steps": 10, "batch": 4, "rate": 0.1, "half": False} | options, where="test")


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(1, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3), nn.Conv2d(3, 1, 1))


def squares(output: Tensor, targets: Tensor) -> Tensor:
    return (output - targets).square().mean()


def batch(number: int) -> tuple[Tensor, Tensor]:
    pixels = torch.rand(4, 1, 6, 6, generator=torch.Generator().manual_seed(number))
    return pixels, 3 * pixels - 1


def loop(model: nn.Module | None = None, **options: Any) -> Steps:
    loss_of: Callable[[Tensor, Tensor], Tensor] = options.pop("loss_of", squares)
    extra = options.pop("extra", None)
    return Steps(model or network(), loss_of, settings(**options), "cpu", extra)


def test_weights_are_those_of_adamw_with_clipped_gradients_and_the_rate_of_each_step() -> None:
    made, own = loop(rate=0.02, weight_decay=0.1), network().train()
    optimiser = torch.optim.AdamW(own.parameters(), lr=0.02, weight_decay=0.1)
    for number in range(6):
        pixels, targets = batch(number)
        made.step(pixels, targets)
        optimiser.param_groups[0]["lr"] = 0.02 * rate_at(number, number / 10)
        optimiser.zero_grad()
        squares(own(pixels), targets).backward()
        torch.nn.utils.clip_grad_norm_(own.parameters(), 1.0)
        optimiser.step()
    for name, value in own.state_dict().items():
        torch.testing.assert_close(made.network.state_dict()[name], value, msg=name)


def test_steep_losses_move_weights_no_farther_than_flat_ones() -> None:
    steep, flat = (
        loop(loss_of=lambda output, targets, by=by: by * squares(output, targets)) for by in (1e6, 1e3)
    )
    for one in (steep, flat):
        one.step(*batch(0))
    for name, value in steep.network.state_dict().items():
        torch.testing.assert_close(value, flat.network.state_dict()[name], msg=name)


def test_the_average_follows_fast_at_first_and_slowly_later_with_statistics_of_batches() -> None:
    made = loop(steps=5)
    expected = {name: value.clone().double() for name, value in made.average.state_dict().items()}
    for number in range(5):
        made.step(*batch(number))
        keep = (number + 1) / (number + 10)
        for name, value in made.network.state_dict().items():
            counts = not value.dtype.is_floating_point
            expected[name] = value.double() if counts else keep * expected[name] + (1 - keep) * value.double()
    assert {"1.running_mean", "1.running_var", "1.num_batches_tracked"} < set(expected)
    for name, value in made.average.state_dict().items():
        torch.testing.assert_close(value.double(), expected[name], atol=1e-6, rtol=1e-5, msg=name)
    assert int(made.average.state_dict()["1.num_batches_tracked"]) == 5
    assert made.network.training and not made.average.training


def test_after_very_many_steps_the_average_moves_by_a_five_hundredth() -> None:
    made = loop(steps=None, rate=1e-9, weight_decay=0)
    made.state.step = 100_000
    with torch.no_grad():
        for one in made.network.parameters():
            one.fill_(1.0)
        for one in made.average.parameters():
            one.zero_()
    made.step(*batch(0))
    for one in made.average.parameters():
        torch.testing.assert_close(one, torch.full_like(one, 0.002), atol=1e-6, rtol=0)


def test_the_loss_shown_is_the_mean_of_the_first_hundred_and_then_forgets_slowly() -> None:
    values = iter([*range(100), 1000.0])

    def told(output: Tensor, targets: Tensor) -> Tensor:
        return 0 * squares(output, targets) + next(values)

    made = loop(loss_of=told, steps=200)
    for number in range(100):
        made.step(*batch(number))
        assert made.state.loss == pytest.approx(number / 2)
    made.step(*batch(100))
    assert made.state.loss == pytest.approx(49.5 + (1000 - 49.5) / 100)


def test_the_extra_loss_is_added_and_told_network_average_and_step() -> None:
    told: list[tuple[nn.Module, nn.Module, int]] = []

    def extra(model: nn.Module, average: nn.Module, step: int) -> Tensor:
        told.append((model, average, step))
        return torch.tensor(7.0)

    with_extra, without = loop(extra=extra), loop()
    for one in (with_extra, without):
        for number in range(2):
            one.step(*batch(number))
    assert with_extra.state.loss == pytest.approx(without.state.loss + 7)
    assert [step for _, _, step in told] == [0, 1]
    assert all(model is with_extra.network and average is with_extra.average for model, average, _ in told)


def test_parts_that_learn_fast_get_eight_times_the_rate() -> None:
    model = network()
    model.fast = ("2",)  # type: ignore[assignment]
    made = loop(model, rate=0.01)
    made.step(*batch(0))
    rates = {len(group["params"]): group["lr"] for group in made.optimiser.param_groups}
    slow = 0.01 * rate_at(0, 0.0)
    assert rates == {3: pytest.approx(slow), 2: pytest.approx(8 * slow)}


@pytest.mark.parametrize("clock", ["wall", "processor"])
def test_time_is_that_of_the_clock_and_goes_on_from_the_checkpoint(
    clock: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now = {"wall": 1000.0, "processor": 50.0}
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now["wall"]))
    monkeypatch.setattr(module, "processor_seconds", lambda: now["processor"])
    first = loop(steps=None, minutes=10, clock=clock)
    now[clock] += 90
    first.step(*batch(0))
    assert (first.state.minutes, first.part()) == (1.5, 0.15)
    save_checkpoint(tmp_path / "c.pt", first.content("x"))
    now[clock] += 10_000
    again = loop(steps=None, minutes=10, clock=clock)
    again.load(tmp_path / "c.pt", "x")
    assert again.state.minutes == 1.5
    now[clock] += 60
    again.step(*batch(1))
    assert again.state.minutes == 2.5
    assert not again.is_over()
    now[clock] += 450
    again.step(*batch(2))
    assert again.part() == 1 and again.is_over()


@pytest.mark.parametrize(("value", "word"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf")])
def test_a_loss_that_is_no_number_changes_nothing_and_is_told(value: float, word: str) -> None:
    made = loop(loss_of=lambda output, targets: squares(output, targets) + value)
    before = copy.deepcopy(dict(made.network.named_parameters()))
    with pytest.raises(MethodError) as error:
        made.step(*batch(0))
    assert str(error.value) == f"the loss is {word} at step 0: {UNSTABLE}"
    assert made.state.step == 0
    assert all(torch.equal(one, before[name]) for name, one in made.network.named_parameters())


def test_a_gradient_that_is_no_number_changes_nothing_and_is_told() -> None:
    def flat_but_steep(output: Tensor, targets: Tensor) -> Tensor:
        return (0 * output).sqrt().sum()  # 0, whose slope is 0 / 0

    made = loop(loss_of=flat_but_steep)
    made.state.step = 3
    before = copy.deepcopy(dict(made.network.named_parameters()))
    with pytest.raises(MethodError) as error:
        made.step(*batch(0))
    assert str(error.value) == f"the gradient is nan at step 3: {UNSTABLE}"
    assert all(torch.equal(one, before[name]) for name, one in made.network.named_parameters())


@pytest.mark.parametrize(("value", "word"), [(math.nan, "nan"), (math.inf, "inf")])
def test_a_validation_loss_that_is_no_number_chooses_nothing_and_is_told(value: float, word: str) -> None:
    made = loop()
    made.state.step = 4
    with pytest.raises(MethodError) as error:
        made.look(value)
    assert str(error.value) == (
        f"the validation loss is {word} at step 4: no weights can be chosen by it; look for images with "
        "extreme pixel values among those to choose by, and lower the learning rate (--rate)"
    )
    assert made.state.checks == [] and made.state.stopped == ""


def test_training_stops_after_so_many_looks_without_a_lower_loss_and_gives_the_lowest() -> None:
    made = loop(steps=100, patience=3)
    kept: dict[float, Tensor] = {}
    for number, loss in enumerate([5.0, 4.0, 4.0, 6.0, 3.5, 3.6, 3.5]):
        made.step(*batch(number))
        made.look(loss)
        kept.setdefault(loss, made.average.state_dict()["2.weight"].clone())
        assert not made.is_over()
    made.step(*batch(7))
    made.look(9.0)
    assert made.is_over() and made.part() < 1
    assert made.state.stopped == (
        "the validation loss was lowest at step 5 and did not fall in the 3 looks since"
    )
    assert (made.state.best_step, made.state.best_loss) == (5, 3.5)
    assert torch.equal(made.best().state_dict()["2.weight"], kept[3.5])
    assert [(step, loss) for step, _, loss in made.state.checks][-2:] == [(7, 3.5), (8, 9.0)]


def test_without_a_look_the_average_itself_is_given() -> None:
    made = loop()
    made.step(*batch(0))
    average = made.average.state_dict()["0.weight"].clone()
    assert torch.equal(made.best().state_dict()["0.weight"], average)
    assert made.state.best_step == 0 and made.state.best_loss == math.inf


def test_what_comes_back_from_a_checkpoint_learns_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole, first, second = loop(), loop(), loop()
    for number in range(3):
        whole.step(*batch(number))
        first.step(*batch(number))
    first.look(1.0)
    whole.look(1.0)
    save_checkpoint(tmp_path / "c.pt", first.content("of this"))
    second.load(tmp_path / "c.pt", "of this")
    assert second.state.step == 3 and second.state.checks == first.state.checks
    for number in range(3, 5):
        whole.step(*batch(number))
        second.step(*batch(number))
    for one, other in ((whole.network, second.network), (whole.average, second.average)):
        for name, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[name]), name
    assert second.state.loss == whole.state.loss
    assert all(
        torch.equal(value, whole.best().state_dict()[key])
        for key, value in second.best().state_dict().items()
    )


def test_a_checkpoint_of_other_layers_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    save_checkpoint(path, loop(nn.Conv2d(1, 1, 5, padding=2)).content("x"))
    with pytest.raises(MethodError) as error:
        loop().load(path, "x")
    assert str(error.value).startswith(f"{path}: is not a checkpoint of this network (")
    assert str(error.value).endswith("; delete it to begin anew")
    save_checkpoint(path, {"identity": "x"})
    with pytest.raises(MethodError, match=r"is not a checkpoint of this network \('network'\); delete it"):
        loop().load(path, "x")


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("CUDA out of memory. Tried to"), RuntimeError("Not enough memory: you")],
)
def test_memory_that_runs_out_halves_the_batch_whatever_it_is_called(error: Exception) -> None:
    made, said = loop(batch=5), list[str]()
    made.lower_batch(error, said.append)
    made.lower_batch(error, None)
    assert made.state.batch == 1
    assert said == ["memory did not suffice for 5 crops in a step; going on with 2"]
    with pytest.raises(MethodError) as told:
        made.lower_batch(error, said.append)
    assert str(told.value) == (
        "memory does not suffice for a single crop; choose a smaller --crop, or a computer with more"
    )
    assert told.value.__cause__ is error
    assert made.state.batch == 1


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"minutes": 0}, "minutes: Input should be greater than 0 (got 0)"),
        ({"steps": 0}, "steps: Input should be greater than or equal to 1 (got 0)"),
        ({"batch": 0}, "batch: Input should be greater than or equal to 1 (got 0)"),
        ({"rate": 0.0}, "rate: Input should be greater than 0 (got 0.0)"),
        ({"rate": math.nan}, "rate: Input should be a finite number (got nan)"),
        ({"weight_decay": -1}, "weight_decay: Input should be greater than or equal to 0 (got -1)"),
        ({"patience": 0}, "patience: Input should be greater than or equal to 1 (got 0)"),
        ({"clock": "sun"}, "clock: Input should be 'wall' or 'processor' (got 'sun')"),
        ({"speed": 3}, "speed: Extra inputs are not permitted (got 3)"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], part: str) -> None:
    with pytest.raises(InputError) as error:
        settings(**options)
    assert f"test: wrong options\n  - {part}\nOptions are: minutes, steps, clock, batch" in str(error.value)
