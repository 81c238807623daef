"""What is to be learned, and how: the network of a training before its first step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from veriscope.errors import MethodError
from veriscope.methods.networks.network_settings import Sees
from veriscope.training.architectures.lora import adapt
from veriscope.training.architectures.vision_transformer import VisionTransformer
from veriscope.training.heads.base import Head
from veriscope.training.images.light import Augmentation
from veriscope.training.networks.build import make_network, usual_widths
from veriscope.training.networks.known import KnownNetwork
from veriscope.training.settings import OWN_NETWORK, TrainSettings

__all__ = ["Lesson"]


@dataclass(frozen=True)
class Lesson:
    """What is to be learned, and how.

    Parameters
    ----------
    head
        Says what.
    n_channels
        Channels that the network sees.
    settings
        How.
    device
        ``cpu`` or ``cuda``.
    start
        Network to start from, or None.
    augmentation
        How far images are changed.
    """

    head: Head
    n_channels: int
    settings: TrainSettings
    device: str
    start: KnownNetwork | None
    augmentation: Augmentation

    def rate(self) -> float:
        """Give the highest learning rate.

        Returns
        -------
        float
            As set, else what suits new weights, the weights of a start, or a part of these.
        """
        if self.settings.rate:
            return self.settings.rate
        if self.start is None:
            return 2e-3
        return 1e-3 if self.settings.tune == "all" else 6e-4

    @property
    def architecture(self) -> str:
        """Kind of network: as set, but for boxes and classes of images, which have one of their own.

        Returns
        -------
        str
            ``unet``, ``vit``, ``boxes`` or ``classifier``.
        """
        return OWN_NETWORK.get(self.head.name, self.settings.architecture)

    def widths(self) -> tuple[int, ...]:
        """Give the channels of the network at each resolution, or numbers per token in each layer.

        Returns
        -------
        tuple of int
            Of the start, as set, or what suits the device.
        """
        if self.start is not None:
            return self.start.widths
        return self.settings.widths or usual_widths(self.architecture, device=self.device)

    def network(self, *, sees: Sees | None = None) -> nn.Module:
        """Make the network, with the weights of the start if there is one.

        Parameters
        ----------
        sees
            What a start is shown of an image; None: what it was trained with.

        Returns
        -------
        torch.nn.Module
            On the CPU; what is not to be learned needs no gradient.

        Raises
        ------
        MethodError
            If the start does not fit, or the way to tune does not suit the architecture.
        """
        torch.manual_seed(self.settings.seed)
        if self.start is None:
            return make_network(
                self.architecture, self.n_channels, self.head, widths=self.widths(), norm=True
            )
        network = self.start.network(self.n_channels, self.head, sees=sees)
        return _tuned(network, self.settings.tune)


def _tuned(network: nn.Module, tune: str) -> nn.Module:
    """Leave only those weights to be learned that are to change."""
    last = tuple(network.last)  # type: ignore[arg-type]
    if tune == "head":
        network.requires_grad_(False)
        for name, part in network.named_children():
            part.requires_grad_(name in last)
    if tune == "lora":
        if not isinstance(network, VisionTransformer):
            raise MethodError(
                "--tune lora adds low-rank weights to the linear layers of a transformer, and this network "
                "has none; choose --tune head or --tune all, or start from a vit"
            )
        adapt(network, also=last)
    return network
