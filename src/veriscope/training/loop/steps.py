"""What changes from step to step of a training: the weights, their average, and where it stands."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from veriscope.core.settings import Settings
from veriscope.errors import MethodError
from veriscope.io.usage import processor_seconds
from veriscope.training.loop.checkpoint import load_checkpoint
from veriscope.training.loop.rates import rate_at, weights_by_rate

__all__ = ["Clock", "Extra", "FitSettings", "Fitted", "Steps"]

_SMOOTH = 100
"""Steps over which the loss that is shown is averaged."""
_FULL = ("out of memory", "not enough memory", "can't allocate memory")
_UNSTABLE = (
    "training has become unstable; lower the learning rate (--rate), and look for images with extreme pixel "
    "values"
)
_UNCHOOSABLE = (
    "no weights can be chosen by it; look for images with extreme pixel values among those to choose by, and "
    "lower the learning rate (--rate)"
)

Clock = Literal["wall", "processor"]
Extra = Callable[[nn.Module, nn.Module, int], Tensor]
"""Gives a loss to be added, from the network, its average and the number of the step."""


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


class Steps:
    """A network that learns, and the average of its weights.

    Parameters
    ----------
    network
        Changed in place; weights that need no gradient stay.
    loss_of
        Gives the loss of an output and its targets.
    settings
        How long and how fast.
    device
        ``cpu`` or ``cuda``.
    extra
        Gives a loss to be added.

    Raises
    ------
    MethodError
        If there is nothing to be learned.
    """

    def __init__(
        self,
        network: nn.Module,
        loss_of: Callable[[Tensor, Tensor], Tensor],
        settings: FitSettings,
        device: str,
        extra: Extra | None,
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
        self._begin(0.0)

    def _begin(self, minutes: float) -> None:
        self.begun, self.before = self._now(), minutes

    def _now(self) -> float:
        return processor_seconds() if self.settings.clock == "processor" else time.monotonic()

    def step(self, pixels: Tensor, targets: Tensor) -> None:
        """Learn from one batch.

        Parameters
        ----------
        pixels, targets
            Float (n, c, y, x) each.

        Raises
        ------
        MethodError
            If loss or gradient is no longer a number.
        """
        state, settings = self.state, self.settings
        rate = settings.rate * rate_at(state.step, self.part())
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["gain"]
        with torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.half):
            output = self.network(pixels.to(self.device, memory_format=torch.channels_last))
        loss = self.loss_of(output.float(), targets.to(self.device))
        if self.extra is not None:
            loss = loss + self.extra(self.network, self.average, state.step)
        value = float(loss.detach())
        self._require_number(value, "loss", _UNSTABLE)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        slope = torch.nn.utils.clip_grad_norm_(self.learned, 1.0)
        self._require_number(float(slope), "gradient", _UNSTABLE)
        self.optimiser.step()
        _follow(self.average, self.network, decay=min(0.998, (state.step + 1) / (state.step + 10)))
        state.step += 1
        state.minutes = self.before + (self._now() - self.begun) / 60
        first = state.step == 1
        state.loss = value if first else state.loss + (value - state.loss) / min(state.step, _SMOOTH)

    def part(self) -> float:
        """Tell how much of the training is done.

        Returns
        -------
        float
            0 to 1, or a little more where time is set.
        """
        if self.settings.steps is not None:
            return self.state.step / self.settings.steps
        return self.state.minutes / self.settings.minutes

    def is_over(self) -> bool:
        """Tell whether there is nothing more to be done.

        Returns
        -------
        bool
            After the time or number of steps, or where training was stopped before.
        """
        return self.part() >= 1 or bool(self.state.stopped)

    def look(self, loss: float) -> None:
        """Take note of the validation loss, and keep the averaged weights if it is the lowest.

        Parameters
        ----------
        loss
            Of the averaged network.

        Raises
        ------
        MethodError
            If it is no number.
        """
        self._require_number(loss, "validation loss", _UNCHOOSABLE)
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
        """Give the averaged network.

        Returns
        -------
        torch.nn.Module
            With the weights of the lowest validation loss, where there was a look; in evaluation mode.
        """
        if self.lowest is not None:
            self.average.load_state_dict(self.lowest)
        return self.average

    def lower_batch(self, error: BaseException, say: Callable[[str], None] | None) -> None:
        """Halve the batch after memory ran out; anything else is raised again.

        Parameters
        ----------
        error
            What went wrong.
        say
            Told of the new size.

        Raises
        ------
        MethodError
            If memory does not suffice for one crop.
        """
        if not isinstance(error, MemoryError) and not any(text in str(error).lower() for text in _FULL):
            raise error
        self.optimiser.zero_grad(set_to_none=True)
        if self.device != "cpu":
            torch.cuda.empty_cache()
        before = self.state.batch
        if before == 1:
            raise MethodError(
                "memory does not suffice for a single crop; choose a smaller --crop, or a computer with more"
            ) from error
        self.state.batch = before // 2
        if say is not None:
            say(f"memory did not suffice for {before} crops in a step; going on with {self.state.batch}")

    def content(self, identity: str) -> dict[str, Any]:
        """Give all that a killed training needs to go on.

        Parameters
        ----------
        identity
            What the training is of.

        Returns
        -------
        dict
            Tensors and plain values.
        """
        return {
            "identity": identity,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "lowest": self.lowest,
            "optimiser": self.optimiser.state_dict(),
            "state": asdict(self.state),
        }

    def load(self, path: Path, identity: str) -> None:
        """Go on from a checkpoint.

        Parameters
        ----------
        path
            The file.
        identity
            What it must be of.

        Raises
        ------
        MethodError
            If it is damaged, or of another network or training.
        """
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
        self._begin(self.state.minutes)

    def _require_number(self, value: float, what: str, remedy: str) -> None:
        if not math.isfinite(value):
            raise MethodError(f"the {what} is {value} at step {self.state.step}: {remedy}")


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
