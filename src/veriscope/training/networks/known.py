"""A packaged network to start from: its weights, what it has seen, and the method that it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import yaml
from torch import nn

from veriscope.errors import InputError, MethodError, UnreadableFileError
from veriscope.io.hashing import sha256_of
from veriscope.methods.networks.network_settings import Sees
from veriscope.training.architectures.star_convex import StarConvex
from veriscope.training.heads.base import Head
from veriscope.training.heads.boxes import BoxHead
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.networks.build import make_network, usual_widths
from veriscope.training.networks.start import load_weights
from veriscope.zoo.cache import model_folder

__all__ = ["KnownNetwork", "find_network"]

_SHIPPED = "veriscope.methods.networks"
_STAR_LAST = StarConvex.n_last
_SAME_WEIGHTS = {"nuclei-stacks": "nuclei-fluorescence"}
"""Methods that use the package of another."""


@dataclass(frozen=True, slots=True)
class KnownNetwork:
    """A package that a training may start from.

    Parameters
    ----------
    name
        As it was asked for.
    method
        Name under which it predicts.
    folder
        Where its files lie.
    weights_sha256
        Of its ONNX file, verified.
    settings
        ``config.veriscope.network`` of its description, or ``image_network``.
    card
        ``config.veriscope.card``.
    training
        ``config.veriscope.training``.
    """

    name: str
    method: str
    folder: Path
    weights_sha256: str
    settings: Mapping[str, Any]
    card: Mapping[str, Any]
    training: Mapping[str, Any]

    @property
    def n_channels(self) -> int:
        """Channels that it sees.

        Returns
        -------
        int
            1 or more.
        """
        return int(self.settings.get("n_channels", 1))

    @property
    def head(self) -> str:
        """Name of its head.

        Returns
        -------
        str
            Such as ``flow``.
        """
        return str(self.settings.get("head", "flow"))

    @property
    def architecture(self) -> str:
        """Kind of its network.

        Returns
        -------
        str
            Such as ``unet``.
        """
        return str(self.settings.get("architecture", "unet"))

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels at each resolution, or numbers per token in each layer.

        Returns
        -------
        tuple of int
            As its package says, else the usual ones.
        """
        return tuple(self.training.get("widths") or usual_widths(self.architecture))

    @property
    def sees(self) -> Sees:
        """What its layers see of an image.

        Returns
        -------
        str
            ``light`` or ``density``.
        """
        return "density" if self.settings.get("sees") == "density" else "light"

    def hashes(self, part: str) -> tuple[str, ...]:
        """Give the hashes of the pixels of a part of the images that it was trained with.

        Parameters
        ----------
        part
            ``train``, ``val`` or ``test``.

        Returns
        -------
        tuple of str
            Empty where its package does not say, which the record of a training states.
        """
        split = self.training.get("split")
        of_part = split.get(part, {}) if isinstance(split, Mapping) else {}
        return tuple(of_part.get("pixel_sha256", ())) if isinstance(of_part, Mapping) else ()

    def network(self, n_channels: int, head: Head, *, sees: Sees | None = None) -> nn.Module:
        """Make the network with its weights.

        Parameters
        ----------
        n_channels
            Channels of the images now.
        head
            What is to be learned now.
        sees
            What its layers are shown; None: what they were trained with.

        Returns
        -------
        torch.nn.Module
            Without normalisation, since exporting folded it; the head has new weights if it is another.

        Raises
        ------
        MethodError
            If its architecture cannot be trained, or its weights do not fit.
        """
        if _kind_of(self.head) != _kind_of(head.name):
            raise MethodError(
                f"{self.name} has a {self.head} head; networks for {_kind_of(self.head)} and for "
                f"{_kind_of(head.name)} have no weights in common: start from another, or leave --from out"
            )
        network = make_network(
            self.architecture, n_channels, head, widths=self.widths, norm=False, sees=sees or self.sees
        )
        last = _STAR_LAST if self.head == "star" and self.architecture == "unet" else 1
        load_weights(
            network, self.folder / "weights.onnx", same_head=self._comes_along(head), stored_last=last
        )
        return network

    def _comes_along(self, head: Head) -> bool | None:
        """Tell whether the head of the weights means what the new one does."""
        if self.head != head.name:
            return False
        if isinstance(head, BoxHead | ClassificationHead):
            return tuple(self.settings.get("classes", ())) == head.classes
        # Classes are numbers and rays a choice; there may be more or fewer of them now.
        return None if head.name in ("semantic", "star") else True


def _kind_of(head: str) -> str:
    """Say what a head is about, in which networks for them differ."""
    return {"boxes": "boxes", "classification": "classes of images"}.get(head, "pixels")


def find_network(name: str) -> KnownNetwork:
    """Find a network by name or folder, and verify its weights.

    Parameters
    ----------
    name
        One that ships with Veriscope, such as ``nuclei-fluorescence``; a folder of a package, or its YAML
        file; or the name of one that was added, with or without ``network:``.

    Returns
    -------
    KnownNetwork
        Its weights have the hash that its description states.

    Raises
    ------
    InputError
        If its files are missing, damaged, or no package of a network of Veriscope.
    MethodError
        If there is none of that name.
    """
    plain = name.removeprefix("network:")
    plain = _SAME_WEIGHTS.get(plain, plain)
    path = Path(plain)
    shipped = files(_SHIPPED) / f"{plain.replace('-', '_')}_package"
    if "/" not in plain and "\\" not in plain and shipped.is_dir():
        with as_file(shipped) as folder:
            return _read(name, plain, Path(folder))
    if path.exists():
        folder = path if path.is_dir() else path.parent
        return _read(name, f"network:{folder}", folder)
    added = model_folder(plain) / "package"
    if added.is_dir():
        return _read(name, f"network:{plain}", added)
    there = sorted(
        item.name.removesuffix("_package").replace("_", "-")
        for item in files(_SHIPPED).iterdir()
        if item.name.endswith("_package")
    )
    raise MethodError(
        f"--from {name}: there is no such network; give one that comes with Veriscope "
        f"({', '.join(there)}), the folder of a package, or one added with veriscope models add"
    )


def _read(name: str, method: str, folder: Path) -> KnownNetwork:
    described = folder / "bioimageio.yaml"
    try:
        content = yaml.safe_load(described.read_text(encoding="utf-8"))
        own = dict(content["config"]["veriscope"])
        stated = str(content["weights"]["onnx"]["sha256"])
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"{described}: cannot be read ({error})") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{described}: is no network that Veriscope trained (it lacks {error}); a model of the zoo can "
            "be used as it is, zoo:NAME, but not be trained further"
        ) from error
    found = sha256_of(folder / "weights.onnx")
    if found != stated:
        raise InputError(
            f"{folder / 'weights.onnx'}: has SHA-256 {found[:12]}…, and its description says {stated[:12]}…: "
            "the weights are damaged or were exchanged; copy or make the package anew"
        )
    return KnownNetwork(
        name,
        method,
        folder,
        found,
        settings=dict(own.get("network") or own.get("image_network") or {}),
        card=dict(own.get("card") or {}),
        training=dict(own.get("training") or {}),
    )
