"""Models on this computer that are methods by a name with a colon: packages, networks, other tools."""

from __future__ import annotations

from veriscope.errors import VeriscopeError
from veriscope.methods.external.environment import Environment, find_environment
from veriscope.methods.external.find import TOOLS, external_method, recipe_of
from veriscope.zoo.cache import PREFIX, installed_names, read_record
from veriscope.zoo.networks import NETWORK_PREFIX, network_method

__all__ = ["added_methods", "method_of", "states_of"]

_ASKED = (
    ("format_valid", "Format valid"),
    ("output_reproduced", "Output reproduced here"),
    ("works_on_your_data", "Works on your data"),
)
_VERSION = "torch_0"
"""What Cellpose appends to the names of some weights."""


def added_methods() -> tuple[str, ...]:
    """Name the models that were added or fetched and can be methods.

    Returns
    -------
    tuple of str
        Sorted: ``zoo:NAME`` of packages, ``network:NAME`` of those that Veriscope trained, and ``TOOL:NAME``
        of models of other tools whose weights are here.
    """
    return tuple(sorted({*map(method_of, installed_names()), *_of_tools()}))


def method_of(name: str) -> str:
    """Name the method that uses all that a package says of itself.

    Parameters
    ----------
    name
        Of a package that was added, with or without ``zoo:``.

    Returns
    -------
    str
        ``network:NAME`` of a network that Veriscope trained, which keeps its own way from the outputs to
        objects; else ``zoo:NAME``.
    """
    own = name.removeprefix(PREFIX)
    try:
        network_method(NETWORK_PREFIX + own)
    except VeriscopeError:
        return PREFIX + own
    return NETWORK_PREFIX + own


def _of_tools() -> list[str]:
    found = []
    for tool in TOOLS:
        environment = find_environment(recipe_of(tool))
        if environment is None or not environment.weights.is_dir():
            continue
        found += [f"{tool}:{name}" for name in _weights(environment) if _is_whole(tool, name, environment)]
    return found


def _weights(environment: Environment) -> list[str]:
    """Names that models may have, by the files of their weights."""
    files = [path.name for path in environment.weights.iterdir() if not path.name.startswith(".")]
    names = {name.removesuffix(ending) for name in files for ending in ("", ".pt", _VERSION)}
    return sorted(names)


def _is_whole(tool: str, name: str, environment: Environment) -> bool:
    try:
        return bool(external_method(f"{tool}:{name}").model_files(environment))
    except VeriscopeError:
        return False


def states_of(name: str) -> list[str]:
    """Say what was found out about a package when it was added.

    Parameters
    ----------
    name
        Of a method.

    Returns
    -------
    list of str
        One sentence per question; none for a model that is no package.
    """
    prefix = next((item for item in (PREFIX, NETWORK_PREFIX) if name.startswith(item)), None)
    if prefix is None:
        return []
    try:
        states = read_record(name.removeprefix(prefix)).get("states") or {}
    except VeriscopeError as error:
        return [str(error)]
    return [f"{words}: {states[key]['status']}." for key, words in _ASKED if key in states]
