"""The loop of training: for a set time or number of steps; a killed run goes on from its checkpoint."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from veriscope.core.settings import Settings
from veriscope.errors import MethodError
from veriscope.io.atomic import atomic_path

__all__ = ["Batches", "FitSettings", "Fitted", "fit"]

_SMOOTH = 100
"""Steps over which the loss that is shown is averaged."""


class Batches(Protocol):
    """Gives crops to learn from, the same under the same number."""

    def batch(self, number: int, n: int) -> tuple[Tensor, Tensor]:
        """Give n crops and their targets."""


class FitSettings(Settings):
    """How long and how fast a network learns."""

    minutes: float = Field(default=20, gt=0)
    """Time to train; the learning rate falls along a cosine over it."""
    steps: int | None = Field(default=None, ge=1)
    """Number of steps instead of a time; then equal seeds give equal weights on one machine."""
    batch: int = Field(default=8, ge=1)
    """Crops in a step."""
    rate: float = Field(default=2e-3, gt=0)
    """Highest learning rate."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Of AdamW."""
    save_minutes: float = Field(default=2, gt=0)
    """Time between checkpoints."""
    seed: int = 0
    """Of the crops and the first weights."""
    half: bool = True
    """Whether to compute in bfloat16 where the processor is fast at it."""


@dataclass(slots=True)
class Fitted:
    """Where training stands.

    Parameters
    ----------
    step
        Steps done.
    minutes
        Minutes trained, over all runs.
    loss
        Loss averaged over the last steps.
    history
        (minutes, loss) at every report.
    """

    step: int = 0
    minutes: float = 0.0
    loss: float = math.nan
    history: list[tuple[float, float]] = field(default_factory=list)


def fit(
    network: nn.Module,
    sampler: Batches,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    settings: FitSettings,
    *,
    checkpoint: Path | None = None,
    device: str = "cpu",
    report: Callable[[Fitted, float], None] | None = None,
    stop: Callable[[Fitted, nn.Module], bool] | None = None,
) -> tuple[nn.Module, Fitted]:
    """Train a network and give its averaged weights.

    Parameters
    ----------
    network
        Changed in place.
    sampler
        Gives the batches.
    loss_of
        Gives the loss of an output and its targets.
    settings
        How long and how fast.
    checkpoint
        File written every few minutes; if it is there, training goes on from it.
    device
        ``cpu`` or ``cuda``.
    report
        Called every few seconds with the state and the part done, 0 to 1.
    stop
        Called with the state and the averaged network at every checkpoint; True ends training early.

    Returns
    -------
    average, state
        The network with an exponential moving average of the weights, in evaluation mode, and the state.

    Raises
    ------
    MethodError
        If the loss is no longer a number, or the checkpoint is of another network.
    """
    network.to(device).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    average = copy.deepcopy(network).eval()
    optimiser = torch.optim.AdamW(
        (p for p in network.parameters() if p.requires_grad),
        lr=settings.rate,
        weight_decay=settings.weight_decay,
    )
    state = Fitted()
    if checkpoint is not None and checkpoint.exists():
        state = _resume(checkpoint, network, average, optimiser)
    begun, before, saved, told = time.monotonic(), state.minutes, state.minutes, 0.0
    half = settings.half and _is_fast_in_half(device)
    for pixels, targets in _batches(sampler, settings.batch, start=state.step):
        part = _part(state, settings)
        if part >= 1:
            break
        _set_rate(optimiser, settings.rate * min(1, (state.step + 1) / 100) * _cosine(part))
        with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=half):
            output = network(pixels.to(device, memory_format=torch.channels_last))
        loss = loss_of(output.float(), targets.to(device))
        _check(loss, state)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        _follow(average, network, decay=min(0.998, (state.step + 1) / (state.step + 10)))
        state.step += 1
        state.minutes = before + (time.monotonic() - begun) / 60
        value = float(loss.detach())
        state.loss = (
            value if state.step == 1 else state.loss + (value - state.loss) / min(state.step, _SMOOTH)
        )
        if report is not None and time.monotonic() - told > 2:
            told = time.monotonic()
            state.history.append((round(state.minutes, 3), round(state.loss, 5)))
            report(state, _part(state, settings))
        if state.minutes - saved > settings.save_minutes:
            saved = state.minutes
            if checkpoint is not None:
                _save(checkpoint, network, average, optimiser, state)
            if stop is not None and stop(state, average):
                break
    if checkpoint is not None:
        _save(checkpoint, network, average, optimiser, state)
    return average, state


class _Stream(IterableDataset):  # type: ignore[type-arg]
    """Batches from a number on, made in a process of its own."""

    def __init__(self, sampler: Batches, batch: int, start: int) -> None:
        self.sampler, self.batch, self.start = sampler, batch, start

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        torch.set_num_threads(1)
        number = self.start
        while True:
            yield self.sampler.batch(number, self.batch)
            number += 1


def _batches(sampler: Batches, batch: int, *, start: int) -> Iterator[tuple[Tensor, Tensor]]:
    stream = _Stream(sampler, batch, start)
    return iter(DataLoader(stream, batch_size=None, num_workers=1, prefetch_factor=6))


def _part(state: Fitted, settings: FitSettings) -> float:
    if settings.steps is not None:
        return state.step / settings.steps
    return state.minutes / settings.minutes


def _cosine(part: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * min(part, 1))) + 0.01


def _set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate


def _check(loss: Tensor, state: Fitted) -> None:
    if not torch.isfinite(loss):
        raise MethodError(
            f"the loss is {float(loss.detach())} at step {state.step}: training has become unstable; "
            "lower the learning rate (--rate), and look for images with extreme pixel values"
        )


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, *, decay: float) -> None:
    """Move the averaged weights and batch statistics a little towards those of the network."""
    for old, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.lerp_(new, 1 - decay)
        else:
            old.copy_(new)


def _is_fast_in_half(device: str) -> bool:
    if device != "cpu":
        return True
    capable: Any = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(capable is not None and capable())


def _save(
    path: Path, network: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer, state: Fitted
) -> None:
    content = {
        "network": network.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
        "state": {"step": state.step, "minutes": state.minutes, "loss": state.loss, "history": state.history},
    }
    with atomic_path(path) as temporary:
        torch.save(content, temporary)


def _resume(path: Path, network: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer) -> Fitted:
    try:
        content = torch.load(path, weights_only=True, map_location="cpu")
        network.load_state_dict(content["network"])
        average.load_state_dict(content["average"])
        optimiser.load_state_dict(content["optimiser"])
        return Fitted(**content["state"])
    except (RuntimeError, KeyError, ValueError, TypeError, EOFError) as error:
        raise MethodError(
            f"{path}: is not a checkpoint of this training ({error}); delete it to begin anew"
        ) from error
