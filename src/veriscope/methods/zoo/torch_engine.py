"""Makes what runs TorchScript and state dicts: a process of its own without network that writes no files."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from veriscope.errors import MethodError, MissingPackageError
from veriscope.methods.zoo.description import Weights
from veriscope.methods.zoo.isolated import IsolatedEngine

if TYPE_CHECKING:
    from veriscope.methods.zoo.zoo_model import InstalledModel

__all__ = ["torch_engine"]


def torch_engine(installed: InstalledModel, weights: Weights) -> IsolatedEngine:
    """Make the engine of weights for torch.

    Parameters
    ----------
    installed
        The package.
    weights
        TorchScript or a state dict.

    Returns
    -------
    IsolatedEngine
        Nothing has run yet.

    Raises
    ------
    MissingPackageError
        If torch is not installed.
    MethodError
        If a state dict needs code to which the user has not consented.
    """
    if importlib.util.find_spec("torch") is None:
        raise MissingPackageError(
            f"{installed.name}: its {weights.format} weights need torch; install it with: "
            "pip install 'veriscope[train]' (on Linux without a GPU add --extra-index-url "
            "https://download.pytorch.org/whl/cpu)"
        )
    path = installed.folder / weights.file.source
    order: dict[str, Any] = {
        "runner": "torch_runner",
        "format": weights.format,
        "weights": str(path.resolve()),
        "weights_sha256": installed.hashes[weights.file.source],
    }
    if weights.format == "pytorch_state_dict":
        order |= _consented(installed, weights)
    return IsolatedEngine(path, order, advise=_advice)


def _consented(installed: InstalledModel, weights: Weights) -> dict[str, Any]:
    code = weights.architecture
    if code is None:
        raise MethodError(
            f"{installed.name}: its state dict needs the architecture {weights.library or '(not named)'} of "
            "another library, which Veriscope does not load; ask its authors for ONNX or TorchScript weights"
        )
    found = installed.hashes.get(code.file.source)
    if found is None:
        raise MethodError(f"{installed.name}: the file {code.file.source} of its architecture is missing")
    if found not in installed.trusted:
        raise MethodError(
            f"{installed.name}: its weights need the Python code {code.file.source} of the package "
            f"({code.callable}). "
            f"Read {installed.folder / code.file.source} first; if you consent to run it, in a process "
            f"without network, add the package with --trust {found}"
        )
    return {
        "code": str((installed.folder / code.file.source).resolve()),
        "code_sha256": found,
        "callable": code.callable,
        "kwargs": code.kwargs,
    }


def _advice(text: str) -> str:
    text = text.replace("RuntimeError: RuntimeError: ", "RuntimeError: ", 1)  # of scripts, told twice
    if "cuda" in text.lower():
        return f"needs a GPU, and Veriscope runs it without one: {text}"
    if "UnpicklingError" in text or "weights_only" in text:
        return f"its state dict holds more than numbers and is not loaded: {text}"
    return f"torch cannot run it: {text}"
