"""A network that Veriscope trained, as a method, by the path or the name of its package."""

from __future__ import annotations

from pathlib import Path

from veriscope.errors import VeriscopeError
from veriscope.methods.networks.box_network import BoxNetwork
from veriscope.methods.networks.class_network import ClassNetwork
from veriscope.methods.networks.instance_network import InstanceNetwork
from veriscope.methods.networks.network_files import NetworkPackage
from veriscope.methods.networks.packaged import PackagedNetwork
from veriscope.methods.networks.stack_network import StackNetwork
from veriscope.zoo.add import open_package
from veriscope.zoo.cache import load_installed, slug
from veriscope.zoo.read import find_description
from veriscope.zoo.safe_yaml import read_yaml

__all__ = ["NETWORK_PREFIX", "is_network_name", "method_at", "network_method"]

NETWORK_PREFIX = "network:"
"""With it begin the names of methods that are networks trained by Veriscope."""


def is_network_name(name: str) -> bool:
    """Tell the name of a trained network from that of another method.

    Parameters
    ----------
    name
        Name of a method.

    Returns
    -------
    bool
        Whether it begins with ``network:``.
    """
    return name.startswith(NETWORK_PREFIX)


def method_at(folder: str) -> str | None:
    """Name the method of a package by its folder.

    Parameters
    ----------
    folder
        Path as a user wrote it.

    Returns
    -------
    str or None
        ``network:FOLDER`` where Veriscope trained what it holds, which keeps its own way from the outputs to
        objects; else its path with a slash. None: there is no package.
    """
    if not Path(folder).is_dir():
        return None
    try:
        content = read_yaml(find_description(Path(folder)))
    except VeriscopeError:
        return None
    own = (content.get("config") or {}).get("veriscope") or {}
    return NETWORK_PREFIX + folder if "network" in own else f"./{folder}"


def network_method(name: str) -> type[PackagedNetwork]:
    """Give the class of a network, with all its settings from its package.

    Parameters
    ----------
    name
        ``network:PATH`` of a folder or YAML file, or ``network:NAME`` of a package that was added.

    Returns
    -------
    type
        A subclass of `InstanceNetwork`; of `StackNetwork` where it is for stacks, of `BoxNetwork` where its
        head finds boxes, of `ClassNetwork` where it tells classes of images.

    Raises
    ------
    MethodError
        If there is none, or this version cannot run it.
    InputError
        If it cannot be read, a file has another hash than stated, or Veriscope did not train it.
    """
    asked = name.removeprefix(NETWORK_PREFIX)
    is_path = "/" in asked or "\\" in asked or asked.endswith((".yaml", ".yml")) or Path(asked).is_dir()
    model = open_package(Path(asked)) if is_path else load_installed(asked)
    content = read_yaml(find_description(model.folder))
    package = NetworkPackage.read(model.folder, content, where=name)
    # Whoever opens a package verifies the files that it knows of; 8-bit weights are our own addition.
    package.verify()
    own = slug(model.description.id or model.description.name) if is_path else asked
    called = f"{NETWORK_PREFIX}{own}"
    bases: dict[str, type[PackagedNetwork]] = {"boxes": BoxNetwork, "classification": ClassNetwork}
    of_pixels = StackNetwork if package.settings.dimensions == 3 else InstanceNetwork
    return bases.get(package.settings.head, of_pixels).of(package, name=called)
