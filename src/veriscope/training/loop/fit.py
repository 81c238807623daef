"""The loop of training: for a set time or number of steps; a killed run goes on from its checkpoint."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from veriscope.core.settings import Settings
from veriscope.errors import MethodError
from veriscope.io.usage import processor_seconds
from veriscope.training.loop.checkpoint import load_checkpoint, save_checkpoint
from veriscope.training.loop.rates import rate_at, weights_by_rate

__all__ = ["Batches", "Clock", "FitSettings", "Fitted", "fit"]

_SMOOTH = 100
"""Steps over which the loss that is shown is averaged."""
_CHECKS = 20
"""Looks at the validation images in a training of a set number of steps."""
_FULL = ("out of memory", "not enough memory", "can't allocate memory")


Clock = Literal["wall", "processor"]


class Batches(Protocol):
    """Gives crops to learn from, the same under the same number."""

    def batch(self, number: int, n: int) -> tuple[Tensor, Tensor]:
        """Draw a batch.

        Parameters
        ----------
        number
            Which; the same number gives the same crops.
        n
            How many crops.

        Returns
        -------
        pixels, targets
            Float (n, c, y, x) each.
        """


class FitSettings(Settings):
    """How long and how fast a network learns."""

    minutes: float = Field(default=20, gt=0)
    """Time to train; the learning rate falls along a cosine over it."""
    steps: int | None = Field(default=None, ge=1)
    """Number of steps instead of a time; then equal seeds give equal weights on one machine."""
    clock: Clock = "wall"
    """What counts as time: that of the wall, or that of all processors together, which other work on the same
    computer does not change."""
    batch: int = Field(default=8, ge=1)
    """Crops in a step; halved where memory does not suffice."""
    rate: float = Field(default=2e-3, gt=0)
    """Highest learning rate."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Of AdamW."""
    save_minutes: float = Field(default=2, gt=0)
    """Time between checkpoints, and, unless steps are set, between looks at the validation images."""
    patience: int = Field(default=8, ge=1)
    """Looks without a better validation loss after which training stops."""
    seed: int = 0
    """Of the crops and the first weights."""
    begun: bool = False
    """Whether the first weights know something: they are looked at too, and kept if none are better."""
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
    checks
        (step, minutes, validation loss) at every look.
    best_step, best_loss
        Where the validation loss was lowest; 0 and infinity before the first look.
    stopped
        Why training ended before its time; empty otherwise.
    batch
        Crops in a step, after what memory allowed; 0 before the first step.
    """

    step: int = 0
    minutes: float = 0.0
    loss: float = math.nan
    history: list[tuple[float, float]] = field(default_factory=list)
    checks: list[tuple[int, float, float]] = field(default_factory=list)
    best_step: int = 0
    best_loss: float = math.inf
    stopped: str = ""
    batch: int = 0


def fit(
    network: nn.Module,
    sampler: Batches,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    settings: FitSettings,
    *,
    checkpoint: Path | None = None,
    identity: str = "",
    device: str = "cpu",
    report: Callable[[Fitted, float], None] | None = None,
    validate: Callable[[nn.Module], float] | None = None,
    extra: Callable[[nn.Module, nn.Module, int], Tensor] | None = None,
    say: Callable[[str], None] | None = None,
) -> tuple[nn.Module, Fitted]:
    """Train a network and give its averaged weights.

    Parameters
    ----------
    network
        Changed in place; weights that need no gradient stay.
    sampler
        Gives the batches.
    loss_of
        Gives the loss of an output and its targets.
    settings
        How long and how fast.
    checkpoint
        File written every few minutes; if it is there, training goes on from it.
    identity
        What the training is of; a checkpoint of another is refused.
    device
        ``cpu`` or ``cuda``.
    report
        Called every few seconds with the state and the part done, 0 to 1.
    validate
        Gives the loss of the averaged network on images that it does not learn from. Then the weights with
        the lowest are given, and training ends when it no longer falls.
    extra
        Gives a loss to be added, from the network, its average and the number of the step.
    say
        Told in a sentence what had to be changed on the way.

    Returns
    -------
    average, state
        The network with an exponential moving average of the weights, in evaluation mode, and the state.

    Raises
    ------
    MethodError
        If the loss is no longer a number, memory does not suffice for one crop, or the checkpoint is of
        another network or training.
    """
    loop = _Loop(network, loss_of, settings, device, extra)
    if checkpoint is not None and checkpoint.exists():
        loop.load(checkpoint, identity)
    keep = _Keeper(loop, settings, checkpoint, identity, report, validate)
    # Tiny gradients would cost a hundred times as much as others; it is set for the thread, so not for long.
    torch.set_flush_denormal(True)
    try:
        if settings.begun and not loop.state.step:
            keep.look()
        while not loop.is_done() and not loop.state.stopped:
            try:
                for pixels, targets in _batches(sampler, loop.state.batch, start=loop.state.step):
                    loop.step(pixels, targets)
                    keep.after_step()
                    if loop.is_done() or loop.state.stopped:
                        break
            except (RuntimeError, MemoryError) as error:
                _lower_batch(loop, error, say)
    except KeyboardInterrupt:
        keep.save()
        raise
    finally:
        torch.set_flush_denormal(False)
    keep.finish()
    return loop.best(), loop.state


class _Loop:
    """What changes from step to step."""

    def __init__(
        self,
        network: nn.Module,
        loss_of: Callable[[Tensor, Tensor], Tensor],
        settings: FitSettings,
        device: str,
        extra: Callable[[nn.Module, nn.Module, int], Tensor] | None,
    ) -> None:
        self.network, self.loss_of, self.settings = network, loss_of, settings
        self.device, self.extra = device, extra
        network.to(device).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.average = copy.deepcopy(network).eval()
        self.lowest: dict[str, Tensor] | None = None
        self.learned = [p for p in network.parameters() if p.requires_grad]
        if not self.learned:
            raise MethodError("no weight of the network is to be learned; choose --tune all or --tune head")
        self.optimiser = torch.optim.AdamW(
            weights_by_rate(network), lr=settings.rate, weight_decay=settings.weight_decay
        )
        self.state = Fitted(batch=settings.batch)
        self.half = settings.half and _is_fast_in_half(device)
        self.begin(0.0)

    def begin(self, minutes: float) -> None:
        self.begun, self.before = self.now(), minutes

    def now(self) -> float:
        return processor_seconds() if self.settings.clock == "processor" else time.monotonic()

    def step(self, pixels: Tensor, targets: Tensor) -> None:
        state, settings = self.state, self.settings
        rate = settings.rate * rate_at(state.step, self.part())
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["gain"]
        with torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.half):
            output = self.network(pixels.to(self.device, memory_format=torch.channels_last))
        loss = self.loss_of(output.float(), targets.to(self.device))
        if self.extra is not None:
            loss = loss + self.extra(self.network, self.average, state.step)
        _check(loss, state, "loss")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        _check(torch.nn.utils.clip_grad_norm_(self.learned, 1.0), state, "gradient")
        self.optimiser.step()
        _follow(self.average, self.network, decay=min(0.998, (state.step + 1) / (state.step + 10)))
        state.step += 1
        state.minutes = self.before + (self.now() - self.begun) / 60
        value = float(loss.detach())
        first = state.step == 1
        state.loss = value if first else state.loss + (value - state.loss) / min(state.step, _SMOOTH)

    def part(self) -> float:
        if self.settings.steps is not None:
            return self.state.step / self.settings.steps
        return self.state.minutes / self.settings.minutes

    def is_done(self) -> bool:
        return self.part() >= 1

    def look(self, loss: float) -> None:
        """Take note of the validation loss."""
        state = self.state
        state.checks.append((state.step, round(state.minutes, 3), round(loss, 6)))
        if loss < state.best_loss:
            state.best_loss, state.best_step = loss, state.step
            self.lowest = {key: value.clone() for key, value in self.average.state_dict().items()}
        since = sum(step > state.best_step for step, _, _ in state.checks)
        if since >= self.settings.patience:
            state.stopped = (
                f"the validation loss was lowest at step {state.best_step} and did not fall in the "
                f"{since} looks since"
            )

    def best(self) -> nn.Module:
        if self.lowest is not None:
            self.average.load_state_dict(self.lowest)
        return self.average

    def content(self, identity: str) -> dict[str, Any]:
        return {
            "identity": identity,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "lowest": self.lowest,
            "optimiser": self.optimiser.state_dict(),
            "state": asdict(self.state),
        }

    def load(self, path: Path, identity: str) -> None:
        content = load_checkpoint(path, identity)
        try:
            self.network.load_state_dict(content["network"])
            self.average.load_state_dict(content["average"])
            self.optimiser.load_state_dict(content["optimiser"])
            self.state = Fitted(**content["state"])
            self.lowest = content["lowest"]
        except (RuntimeError, KeyError, ValueError, TypeError) as error:
            raise MethodError(
                f"{path}: is not a checkpoint of this network ({error}); delete it to begin anew"
            ) from error
        self.begin(self.state.minutes)


class _Keeper:
    """Reports, looks at the validation images and saves, each in its time."""

    def __init__(
        self,
        loop: _Loop,
        settings: FitSettings,
        checkpoint: Path | None,
        identity: str,
        report: Callable[[Fitted, float], None] | None,
        validate: Callable[[nn.Module], float] | None,
    ) -> None:
        self.loop, self.settings = loop, settings
        self.checkpoint, self.identity = checkpoint, identity
        self.report, self.validate = report, validate
        self.saved, self.looked, self.told = loop.state.minutes, loop.state.minutes, 0.0

    def after_step(self) -> None:
        state = self.loop.state
        if self.report is not None and time.monotonic() - self.told > 2:
            self.told = time.monotonic()
            state.history.append((round(state.minutes, 3), round(state.loss, 5)))
            self.report(state, self.loop.part())
        if self._is_time_to_look():
            self.look()
        if state.minutes - self.saved > self.settings.save_minutes:
            self.save()

    def finish(self) -> None:
        state = self.loop.state
        if not state.checks or state.checks[-1][0] != state.step:
            self.look()
        self.save()
        if self.report is not None:
            self.report(state, 1.0)

    def save(self) -> None:
        self.saved = self.loop.state.minutes
        if self.checkpoint is not None:
            save_checkpoint(self.checkpoint, self.loop.content(self.identity))

    def _is_time_to_look(self) -> bool:
        # By steps where these are set: time would make two runs differ.
        if self.settings.steps is not None:
            return self.loop.state.step % max(1, self.settings.steps // _CHECKS) == 0
        return self.loop.state.minutes - self.looked > self.settings.save_minutes

    def look(self) -> None:
        self.looked = self.loop.state.minutes
        if self.validate is not None:
            self.loop.look(self.validate(self.loop.average))


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


def _lower_batch(loop: _Loop, error: BaseException, say: Callable[[str], None] | None) -> None:
    """Halve the batch after memory ran out; anything else is raised again."""
    is_full = isinstance(error, MemoryError) or any(text in str(error).lower() for text in _FULL)
    if not is_full:
        raise error
    loop.optimiser.zero_grad(set_to_none=True)
    if loop.device != "cpu":
        torch.cuda.empty_cache()
    if loop.state.batch == 1:
        raise MethodError(
            "memory does not suffice for a single crop; choose a smaller --crop, or a computer with more"
        ) from error
    before, loop.state.batch = loop.state.batch, loop.state.batch // 2
    if say is not None:
        say(f"memory did not suffice for {before} crops in a step; going on with {loop.state.batch}")


def _check(value: Tensor, state: Fitted, what: str) -> None:
    if not torch.isfinite(value):
        raise MethodError(
            f"the {what} is {float(value.detach())} at step {state.step}: training has become unstable; "
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
