"""The loop of training: for a set time or number of steps; a killed run goes on from its checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from veriscope.training.loop.checkpoint import save_checkpoint
from veriscope.training.loop.steps import Extra, FitSettings, Fitted, Steps

__all__ = ["Batches", "fit"]

_CHECKS = 20
"""Looks at the validation images in a training of a set number of steps."""


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
    extra: Extra | None = None,
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
        If a loss is no longer a number, memory does not suffice for one crop, or the checkpoint is of
        another network or training.
    """
    loop = Steps(network, loss_of, settings, device, extra)
    if checkpoint is not None and checkpoint.exists():
        loop.load(checkpoint, identity)
    keep = _Keeper(loop, settings, checkpoint, identity, report, validate)
    # Tiny gradients would cost a hundred times as much as others; it is set for the thread, so not for long.
    torch.set_flush_denormal(True)
    try:
        if settings.begun and not loop.state.step:
            keep.look()
        while not loop.is_over():
            try:
                for pixels, targets in _batches(sampler, loop.state.batch, start=loop.state.step):
                    loop.step(pixels, targets)
                    keep.after_step()
                    if loop.is_over():
                        break
            except (RuntimeError, MemoryError) as error:
                loop.lower_batch(error, say)
    except KeyboardInterrupt:
        keep.save()
        raise
    finally:
        torch.set_flush_denormal(False)
    keep.finish()
    return loop.best(), loop.state


class _Keeper:
    """Reports, looks at the validation images and saves, each in its time."""

    def __init__(
        self,
        loop: Steps,
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
