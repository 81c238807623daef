from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from veriscope.errors import InputError, MethodError
from veriscope.io import atomic
from veriscope.training.loop.fit import fit
from veriscope.training.loop.steps import FitSettings

BATCH = 4


class Numbers:
    """Crops of which the network has to learn twice the value."""

    def batch(self, number: int, n: int) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(number)
        pixels = torch.rand(n, 1, 8, 8, generator=generator)
        return pixels, 2 * pixels


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Conv2d(1, 1, 3, padding=1)


def squares(output: Tensor, targets: Tensor) -> Tensor:
    return (output - targets).square().mean()


def settings(**options: object) -> FitSettings:
    return FitSettings.parse(
        {"steps": 30, "batch": BATCH, "rate": 0.05, "half": False} | options, where="test"
    )


def weights(model: nn.Module) -> bytes:
    return b"".join(value.numpy().tobytes() for value in model.state_dict().values())


def test_the_loss_falls_and_is_recorded() -> None:
    average, state = fit(network(), Numbers(), squares, settings(steps=80))
    pixels, targets = Numbers().batch(1000, 4)
    assert state.step == 80
    with torch.no_grad():
        before, after = (float(squares(model(pixels), targets)) for model in (network(), average))
    assert after < 0.5 * before


def test_equal_seeds_give_equal_bytes() -> None:
    first, second = (fit(network(), Numbers(), squares, settings())[0] for _ in range(2))
    assert weights(first) == weights(second)


def test_the_weights_with_the_lowest_validation_loss_are_given_and_training_stops() -> None:
    seen: list[bytes] = []

    def worse_and_worse(model: nn.Module) -> float:
        seen.append(weights(model))
        return float(len(seen)) if len(seen) != 3 else 0.5

    best, state = fit(network(), Numbers(), squares, settings(steps=40, patience=4), validate=worse_and_worse)
    assert weights(best) == seen[2]
    assert state.step < 40
    assert state.stopped.startswith(f"the validation loss was lowest at step {state.best_step}")


def test_weights_that_know_something_are_kept_if_none_are_better(tmp_path: Path) -> None:
    losses = iter([0.5, *range(1, 100)])
    first, steps = weights(network()), list[int]()

    def looked(model: nn.Module) -> float:
        steps.append(len(steps))
        return float(next(losses))

    path = tmp_path / "c.pt"
    options = settings(steps=40, begun=True, patience=99)
    best, state = fit(network(), Numbers(), squares, options, checkpoint=path, validate=looked)
    assert weights(best) == first
    assert (state.best_step, state.best_loss, state.step) == (0, 0.5, 40)
    assert [step for step, _, _ in state.checks] == list(range(0, 41, 2))
    again, _ = fit(network(), Numbers(), squares, options, checkpoint=path, validate=looked)
    assert weights(again) == first
    assert len(steps) == 21

    losses = iter(range(100, 0, -1))
    better, state = fit(network(), Numbers(), squares, options, validate=lambda _: float(next(losses)))
    assert state.best_step == 40
    assert weights(better) != first


def test_a_training_that_was_stopped_early_is_not_taken_up_again(tmp_path: Path) -> None:
    losses = iter(range(100))
    options = settings(steps=40, patience=2)
    path = tmp_path / "c.pt"
    first, state = fit(
        network(), Numbers(), squares, options, checkpoint=path, validate=lambda _: float(next(losses))
    )
    again, after = fit(network(), Numbers(), squares, options, checkpoint=path, validate=lambda _: 0.0)
    assert after.step == state.step
    assert after.stopped == state.stopped
    assert weights(first) == weights(again)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_is_explained(value: float) -> None:
    def broken(output: Tensor, targets: Tensor) -> Tensor:
        return squares(output, targets) * value

    with pytest.raises(
        MethodError, match=r"the loss is (nan|inf) at step 0: .* lower the learning rate \(--rate\)"
    ):
        fit(network(), Numbers(), broken, settings())


def test_memory_that_does_not_suffice_lowers_the_batch_and_says_so() -> None:
    said: list[str] = []
    sizes: list[int] = []

    def greedy(output: Tensor, targets: Tensor) -> Tensor:
        if len(output) > 1:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried …")
        sizes.append(len(output))
        return squares(output, targets)

    _, state = fit(network(), Numbers(), greedy, settings(steps=3), say=said.append)
    assert state.batch == 1
    assert sizes == [1, 1, 1]
    assert said == [
        "memory did not suffice for 4 crops in a step; going on with 2",
        "memory did not suffice for 2 crops in a step; going on with 1",
    ]


def test_memory_for_less_than_one_crop_is_an_error() -> None:
    def greedy(output: Tensor, targets: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(MethodError, match="memory does not suffice for a single crop"):
        fit(network(), Numbers(), greedy, settings(batch=1))


def test_other_errors_are_not_taken_for_lack_of_memory() -> None:
    def broken(output: Tensor, targets: Tensor) -> Tensor:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        fit(network(), Numbers(), broken, settings())


def test_frozen_weights_stay(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 1, 1))
    model[0].requires_grad_(False)
    before = weights(model[0])
    after, _ = fit(model, Numbers(), squares, settings())
    assert weights(after.get_submodule("0")) == before
    with pytest.raises(MethodError, match="no weight of the network is to be learned"):
        fit(model.requires_grad_(False), Numbers(), squares, settings())


def test_the_extra_loss_is_learned_too() -> None:
    def towards_zero(model: nn.Module, _average: nn.Module, step: int) -> Tensor:
        return 100 * sum((p.square().sum() for p in model.parameters()), torch.zeros(()))

    with_extra, _ = fit(network(), Numbers(), squares, settings(steps=80), extra=towards_zero)
    without, _ = fit(network(), Numbers(), squares, settings(steps=80))

    def size(model: nn.Module) -> float:
        return sum(float(p.detach().square().sum()) for p in model.parameters())

    assert size(with_extra) < 0.5 * size(without)


@pytest.mark.parametrize("damage", ["truncated", "other", "text"])
def test_a_checkpoint_that_cannot_be_used_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "checkpoint.pt"
    fit(network(), Numbers(), squares, settings(steps=3), checkpoint=path, identity="one")
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:500])
    elif damage == "text":
        path.write_text("no weights")
    message = "other settings or images" if damage == "other" else "is damaged"
    with pytest.raises(MethodError, match=message):
        fit(
            network(),
            Numbers(),
            squares,
            settings(steps=3),
            checkpoint=path,
            identity="two" if damage == "other" else "one",
        )


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint.pt"
    fit(network(), Numbers(), squares, settings(steps=3), checkpoint=path)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "_flush", full)
    with pytest.raises(InputError, match="the disk is full"):
        fit(network(), Numbers(), squares, settings(steps=6), checkpoint=path)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["checkpoint.pt"]


_CHILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, {folder!r})
import test_fit as here
here.torch.set_num_threads(1)
class Slow(here.Numbers):
    def batch(self, number, n):
        time.sleep(0.03)
        return super().batch(number, n)
options = here.settings(steps=60, save_minutes=0.001)
average, state = here.fit(here.network(), Slow(), here.squares, options, checkpoint=Path(sys.argv[1]))
Path(sys.argv[2]).write_bytes(here.weights(average))
"""


def test_a_killed_training_goes_on_and_ends_with_the_same_weights(tmp_path: Path) -> None:
    code = _CHILD.format(folder=str(Path(__file__).parent))
    checkpoint, resumed = tmp_path / "c.pt", tmp_path / "resumed"
    expected, _ = fit(network(), Numbers(), squares, settings(steps=60))
    command = [sys.executable, "-c", code, str(checkpoint), str(resumed)]
    process = subprocess.Popen(command)
    for _ in range(600):
        if checkpoint.exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL
    step = torch.load(checkpoint, weights_only=True)["state"]["step"]
    assert 0 < step < 60
    subprocess.run(command, check=True)
    assert resumed.read_bytes() == weights(expected)
