"""The scripts of tools, loaded as `serve.py` loads them, beside stand-ins for the packages that they call.

A stand-in has what the script uses of its package, by the same names and parameters; that these are the real
ones is proved by `tests/methods/external/test_real_tools.py`, where the tools are installed.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from veriscope.methods.external import process

Load = Callable[..., ModuleType]
SCRIPTS = Path(process.__file__).with_name("workers")


class Weights:
    """Numbers as torch keeps them: of them only shape and count matter here."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape

    def numel(self) -> int:
        return int(np.prod(self.shape))


class Network:
    """A network with named weights."""

    def __init__(self, weights: dict[str, Weights]) -> None:
        self.weights = weights

    def state_dict(self) -> dict[str, Weights]:
        return self.weights


@pytest.fixture
def stored() -> dict[str, Any]:
    """What lies in files, by path: `torch.load` gives it."""
    return {}


@pytest.fixture
def torch(stored: dict[str, Any]) -> ModuleType:
    """A stand-in for torch."""
    module: Any = ModuleType("torch")
    module.threads, module.seeds = [], []
    module.set_num_threads = module.threads.append
    module.manual_seed = module.seeds.append
    module.cuda = SimpleNamespace(is_available=lambda: False)
    module.no_grad = nullcontext
    module.from_numpy = np.asarray

    def load(path: str, *, map_location: str, weights_only: bool, mmap: bool = False) -> Any:
        assert map_location == "cpu" and weights_only, "a pickle could run anything"
        return stored[path]

    module.load = load
    assert isinstance(module, ModuleType)
    return module


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Give a function that loads a script beside stand-ins for packages, given by name."""

    def loaded(script: str, /, **packages: ModuleType) -> ModuleType:
        for name, module in packages.items():
            monkeypatch.setitem(sys.modules, name.replace("__", "."), module)
        spec = importlib.util.spec_from_file_location(f"worker_{script}", SCRIPTS / f"{script}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)  # dataclasses look it up
        spec.loader.exec_module(module)
        return module

    yield loaded


def order(**changes: Any) -> dict[str, Any]:
    """What a process is told: a model of the user's, with two threads."""
    plain = {"model": "own", "own": True, "files": ["/weights"], "threads": 2, "options": {}}
    return plain | changes
