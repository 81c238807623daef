"""The one way to find a method: entry points, for built-in methods and plugins alike.

A package offers a method with a line in its ``pyproject.toml``; Veriscope's own methods are
declared in the same way::

    [project.entry-points."veriscope.methods"]
    my-method = "my_package.module:MyMethod"

Nothing is imported before it is asked for by name.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from veriscope.errors import MethodError

if TYPE_CHECKING:
    from veriscope.methods.base import Method

__all__ = ["get_method", "make_method", "method_names"]

_METHODS = "veriscope.methods"


def _entries() -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=_METHODS):
        if entry.name in found and found[entry.name].value != entry.value:
            raise MethodError(
                f"two packages offer a method named {entry.name!r}: {found[entry.name].value} and "
                f"{entry.value}; uninstall one of them"
            )
        found[entry.name] = entry
    return found


def method_names() -> tuple[str, ...]:
    """Give the names of all installed methods.

    Returns
    -------
    tuple of str
        Sorted names.
    """
    return tuple(sorted(_entries()))


def get_method(name: str) -> type[Method]:
    """Load the class of a method.

    Parameters
    ----------
    name
        Name as listed by `method_names`; a model package: ``zoo:NAME`` of one that was added, or a path; a
        network that Veriscope trained: ``network:NAME`` of one that was added, or ``network:PATH``; or a
        model of another tool: ``TOOL:NAME`` or ``TOOL:PATH``, such as ``cellpose:cyto3``.

    Returns
    -------
    type
        The class, a subclass of `veriscope.methods.base.Method`.

    Raises
    ------
    MethodError
        If there is no such method, or the plugin cannot be imported or is not a method.
    InputError
        If it is a model package that cannot be read.
    """
    from veriscope.methods.base import Method
    from veriscope.methods.external.find import TOOLS, external_method, is_external_name
    from veriscope.zoo.find import is_model_name, zoo_method
    from veriscope.zoo.networks import is_network_name, network_method

    if is_external_name(name):
        return external_method(name)
    if is_network_name(name):
        return network_method(name)
    if is_model_name(name):
        return zoo_method(name)
    entries = _entries()
    if name not in entries:
        hint = _meant(name, entries)
        installed = ", ".join(sorted(entries)) or "none"
        if ":" in name:
            installed += f"; before a colon stands zoo or a tool: {', '.join(sorted(TOOLS))}"
        raise MethodError(f"no method named {name!r}; {hint}installed are: {installed}")
    try:
        loaded = entries[name].load()
    except Exception as error:
        raise MethodError(
            f"method {name!r} ({entries[name].value}) cannot be loaded: {error!r}; reinstall its package"
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Method)):
        raise MethodError(f"{entries[name].value} is not a veriscope method: it must subclass Method")
    missing = [needed for needed in ("name", "version", "card") if not hasattr(loaded, needed)]
    missing += sorted(loaded.__abstractmethods__)
    if missing:
        raise MethodError(f"{entries[name].value} is not a complete method: it lacks {', '.join(missing)}")
    if loaded.name != name:
        raise MethodError(f"{entries[name].value} calls itself {loaded.name!r} but is registered as {name!r}")
    return loaded


def _meant(name: str, entries: Mapping[str, EntryPoint]) -> str:
    """Guess what was meant by a name that no method has, as the beginning of a sentence."""
    from veriscope.zoo.added import method_of
    from veriscope.zoo.cache import PREFIX, installed_names
    from veriscope.zoo.index import read_index
    from veriscope.zoo.networks import method_at

    if at := method_at(name):
        return f"the folder of this name is a package: write {at}; "
    if PREFIX + name in installed_names():
        return f"did you mean {method_of(name)!r}? "
    if any(item["id"] == name for item in (read_index() or {}).get("models", [])):
        return f"the zoo has a model of this name: veriscope models add {name}; "
    close = difflib.get_close_matches(name, entries, n=1)
    return f"did you mean {close[0]!r}? " if close else ""


def make_method(name: str, parameters: dict[str, Any] | None = None) -> Method:
    """Make a method with given parameters.

    Parameters
    ----------
    name
        Name as listed by `method_names`.
    parameters
        Options of the method by name; the others keep their defaults.

    Returns
    -------
    Method
        Ready to predict (or to be trained, where its class says so).

    Raises
    ------
    MethodError
        If there is no such method.
    InputError
        If an option is unknown or has a wrong value.
    """
    cls = get_method(name)
    return cls(cls.Parameters.parse(parameters or {}, where=f"method {name}"))
