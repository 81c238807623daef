"""What a training is asked to do."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from veriscope.core.settings import Settings
from veriscope.errors import InputError

__all__ = ["OWN_NETWORK", "Device", "SelfTask", "TrainSettings", "TrainedHead", "Tune"]

Device = Literal["auto", "cpu", "cuda"]
Tune = Literal["all", "head", "lora"]
SelfTask = Literal["n2v", "masked"]
TrainedHead = Literal["flow", "star", "distance", "semantic", "boxes", "classification"]
"""What a network that learns from labels may say."""
OWN_NETWORK = {"boxes": "boxes", "classification": "classifier"}
"""Heads that have a kind of network of their own."""


class TrainSettings(Settings):
    """Options of a training; the defaults suit 2D images of roundish objects."""

    head: TrainedHead = "flow"
    """What the network says of every pixel, such as flow or semantic; of objects: boxes; or of whole images:
    classification."""
    architecture: Literal["unet", "vit"] = "unet"
    """Kind of network: a U-Net, or a small vision transformer, which needs more images or a start to become
    as good. The heads for boxes and for classes of images have networks of their own."""
    minutes: float = Field(default=20, gt=0, le=10000)
    """Time to learn; reading, choosing and judging come on top."""
    clock: Literal["wall", "processor"] = "wall"
    """What counts as time: the wall's, or that of all processors together, for fair comparisons."""
    steps: int | None = Field(default=None, ge=1)
    """Number of steps instead of a time."""
    start: str | None = Field(default=None, min_length=1)
    """Network to start from: its name, or the folder of its package."""
    tune: Tune = "all"
    """Which weights learn: all, those of the head alone, or low-rank additions to a transformer's."""
    seed: int = Field(default=0, ge=0)
    """Of the split, the first weights and the crops."""
    deterministic: bool = False
    """Whether equal input must give equal bytes of weights; on the processor, with a number of steps."""
    device: Device = "auto"
    """What computes; auto takes a GPU if there is one."""
    batch: int = Field(default=8, ge=1, le=256)
    """Crops in a step."""
    crop: int = Field(default=192, ge=32, le=1024)
    """Side of a crop in pixels; rounded up to what the network takes."""
    rate: float | None = Field(default=None, gt=0, le=1)
    """Highest learning rate; None: 2e-3 from scratch, 1e-3 from a start, 6e-4 where a part of it learns."""
    topology: float = Field(default=0.0, ge=0, le=1)
    """Weight of the loss of centre lines (clDice) of a semantic head."""
    consistency: float = Field(default=1.0, ge=0, le=100)
    """Weight of the loss on images without labels, where such are given."""
    curve: bool = False
    """Whether to learn the learning curve: trainings on parts of the objects before the one on all."""
    widths: tuple[Annotated[int, Field(ge=1, le=4096)], ...] | None = Field(default=None, min_length=1)
    """Channels of the network at each resolution, or numbers per token in each layer of a vit; None: those of
    the start, else what suits the device."""
    threads: int = Field(default=0, ge=0, le=1024)
    """Threads on the processor; 0 leaves it to torch."""
    data_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """Where the images are published, for the card."""
    licence: str = ""
    """Licence of the network, for the card; empty: not stated."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.deterministic and self.steps is None:
            raise ValueError(
                "deterministic training needs a number of steps, since time differs: give --steps"
            )
        if self.deterministic and self.device == "cuda":
            raise ValueError("deterministic training computes on the processor; leave out --device cuda")
        if self.tune != "all" and self.start is None:
            raise ValueError(f"--tune {self.tune} changes a network that there is already: give --from")
        if self.topology and self.head != "semantic":
            raise ValueError("topology is a loss of the semantic head: give --head semantic")
        if self.architecture != "unet" and self.head in OWN_NETWORK:
            raise ValueError(f"the head for {self.head} has a network of its own: leave out --architecture")
        return self

    def deciding(self) -> dict[str, Any]:
        """Give what decides the weights that come out.

        Returns
        -------
        dict
            Plain values, without what is only written on the card, and without the number of threads.
        """
        return self.model_dump(mode="json", exclude={"threads", "data_url", "licence", "curve"})

    def with_start(self, head: str | None, architecture: str | None) -> Self:
        """Take head and architecture of the start, unless another head was asked for.

        Parameters
        ----------
        head, architecture
            Of the network to start from; None: there is none.

        Returns
        -------
        TrainSettings
            With those of the start.

        Raises
        ------
        InputError
            If another architecture was asked for than the start has.
        """
        if head is None:
            return self
        wanted: dict[str, str] = {}
        if "head" not in self.model_fields_set and head not in ("denoise", "masked"):
            wanted["head"] = head
        if architecture in ("unet", "vit"):
            if "architecture" in self.model_fields_set and self.architecture != architecture:
                raise InputError(
                    f"--architecture {self.architecture} is another than that of {self.start}, which is a "
                    f"{architecture}; leave it out, or start from another network"
                )
            wanted["architecture"] = architecture
        return self.model_copy(update=wanted)
