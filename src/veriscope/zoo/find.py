"""A model package as a method, by the name or the path under which it is asked for."""

from __future__ import annotations

from pathlib import Path

from veriscope.methods.base import Method

__all__ = ["PREFIX", "is_model_name", "zoo_method"]

PREFIX = "zoo:"
"""Names of packages that were added begin with it."""


def is_model_name(name: str) -> bool:
    """Tell the name of a package from that of another method.

    Parameters
    ----------
    name
        Name of a method.

    Returns
    -------
    bool
        Whether it begins with ``zoo:``, or is a path (with a slash, or of a YAML file).
    """
    return name.startswith(PREFIX) or "/" in name or "\\" in name or name.endswith((".yaml", ".yml"))


def zoo_method(name: str) -> type[Method]:
    """Give the class of a package.

    Parameters
    ----------
    name
        ``zoo:NAME`` of one that was added, or path of a folder or YAML file.

    Returns
    -------
    type
        A subclass of `ZooModel`, or of `ZooRestoration` where the tags of the package say that it gives
        images.

    Raises
    ------
    MethodError
        If there is none, or it cannot be run.
    InputError
        If it cannot be read.
    """
    # Only here: most names are not those of packages, and these take a third of a second to import.
    from veriscope.methods.zoo.restoration import gives_images, restoration_class
    from veriscope.methods.zoo.zoo_model import model_class
    from veriscope.zoo.add import open_package
    from veriscope.zoo.cache import load_installed

    installed = load_installed(name) if name.startswith(PREFIX) else open_package(Path(name))
    return restoration_class(installed) if gives_images(installed.description) else model_class(installed)
