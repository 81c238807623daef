"""Docstrings say what the signature cannot, and their parameters are those of the signature."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from numpydoc.validate import validate
from pydantic import BaseModel
from repository import ROOT, public_modules

from veriscope.core.settings import Settings

CHECKS = frozenset(
    tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["numpydoc_validation"][
        "checks"
    ]
)
# The command line's options carry their own help, which docs/reference/cli.md is made from.
COMMAND_LINE = frozenset({"PR01", "PR02", "PR03", "RT01"})


def public_objects(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Functions and classes that a module defines and does not hide, and their own methods."""
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(value):
            yield f"{module.__name__}.{name}", value
            for member, inner in vars(value).items():
                kind = inspect.isroutine(inner) or isinstance(inner, property | classmethod | staticmethod)
                if kind and not member.startswith("_") and not is_generated(inner):
                    yield f"{module.__name__}.{name}.{member}", inner
        elif inspect.isfunction(value):
            yield f"{module.__name__}.{name}", value


def is_generated(member: object) -> bool:
    """Whether a class's member was made by a library, such as an override that inherits its text."""
    function = getattr(member, "__func__", member)
    return not str(getattr(function, "__module__", "veriscope")).startswith("veriscope")


@functools.cache
def protocols() -> tuple[type, ...]:
    """Protocols of the package; what keeps one need not describe its methods again."""
    found = set()
    for name in public_modules():
        with contextlib.suppress(ImportError, SyntaxError):  # that module's own test tells
            found |= {value for value in vars(importlib.import_module(name)).values() if is_protocol(value)}
    return tuple(sorted(found, key=lambda protocol: protocol.__qualname__))


def is_protocol(value: object) -> bool:
    """Whether an object is a protocol that the package defines."""
    return bool(getattr(value, "_is_protocol", False)) and str(value.__module__).startswith("veriscope")


def overrides(path: str, module: ModuleType) -> bool:
    """Whether a method implements one that a base class, or a protocol that the class keeps, documents."""
    owner_name, _, member = path[len(module.__name__) + 1 :].rpartition(".")
    if not owner_name:
        return False
    owner = getattr(module, owner_name)
    if is_protocol(owner):
        return False
    bases = [base for base in owner.__mro__[1:] if base is not object]
    bases += [protocol for protocol in protocols() if keeps(owner, protocol)]
    return any(getattr(vars(base).get(member), "__doc__", None) for base in bases)


def keeps(owner: type, protocol: type) -> bool:
    """Whether a class has all public methods of a protocol."""
    wanted = [name for name, value in vars(protocol).items() if inspect.isroutine(value) and name[0] != "_"]
    return bool(wanted) and all(callable(getattr(owner, name, None)) for name in wanted)


def faults_of(path: str, value: Any, module: ModuleType) -> list[str]:
    """Faults of one docstring as sentences."""
    if not inspect.isclass(value) and not inspect.getdoc(value) and overrides(path, module):
        return []
    if inspect.isclass(value) and issubclass(value, BaseModel):
        return model_faults(path, value)
    checks = CHECKS
    if not inspect.isclass(value) and overrides(path, module):
        checks = CHECKS - {"PR01", "RT01", "YD01"}
    if module.__name__.startswith("veriscope.cli"):
        checks = CHECKS - COMMAND_LINE
    elif inspect.isclass(value) and not makes_itself(value):
        checks = CHECKS - {"PR01"}
    found = validate(path)["errors"]
    return [f"{path}: {code} {message}" for code, message in found if code in checks]


def makes_itself(cls: type) -> bool:
    """Whether a class has a signature of its own; protocols and heirs of another's have not."""
    return "__init__" in vars(cls) and not getattr(cls, "_is_protocol", False)


def model_faults(path: str, model: type[BaseModel]) -> list[str]:
    """Faults of a class of fields; options that a user sets are documented one by one."""
    faults = []
    if issubclass(model, Settings):
        own = [name for name in model.model_fields if name in model.__annotations__]
        bare = [name for name in own if not model.model_fields[name].description]
        faults = [f"{path}.{name}: the option has no docstring" for name in bare]
    if not (model.__doc__ or "").strip().split("\n")[0].endswith("."):
        faults.append(f"{path}: the summary does not end with a period")
    return faults


@pytest.mark.parametrize("name", public_modules())
def test_docstrings_fit_their_signatures(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring: say in a sentence what is in it"
    faults = [fault for path, value in public_objects(module) for fault in faults_of(path, value, module)]
    assert not faults, "\n".join(faults)


DRIFTED = '''"""A module whose docstring no longer fits."""


def blur(pixels: list, *, sigma: float) -> list:
    """Smooth an image

    Parameters
    ----------
    image
        Not the name of the parameter.
    sigma
        Width in pixels.
    """
    return pixels


class Options:
    def clip(self, value: float) -> None:
        self.value = value
'''


def test_a_drifted_docstring_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "veriscope_drifted.py").write_text(DRIFTED, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("veriscope_drifted")

    faults = [fault for path, value in public_objects(module) for fault in faults_of(path, value, module)]

    assert faults == [
        "veriscope_drifted.blur: SS03 Summary does not end with a period",
        "veriscope_drifted.blur: PR01 Parameters {'pixels'} not documented",
        "veriscope_drifted.blur: PR02 Unknown parameters {'image'}",
        "veriscope_drifted.blur: RT01 No Returns section found",
        "veriscope_drifted.Options: GL08 The object does not have a docstring",
        "veriscope_drifted.Options.clip: GL08 The object does not have a docstring",
    ]
