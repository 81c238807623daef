"""TorchScript, state dicts, and code that the user has consented to, inside the process without rights."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable
from typing import Any

__all__ = ["load"]

Run = Callable[[list[Any]], list[Any]]


def load(order: dict[str, Any], verified: Callable[[str, str], bytes]) -> Run:
    """Load what the order names.

    Parameters
    ----------
    order
        ``format``: ``torchscript``, ``pytorch_state_dict`` or ``custom``; ``weights``, ``code``, ``callable``
        and ``kwargs`` where the format needs them; ``threads``.
    verified
        Gives the content of a file if it has the hash.

    Returns
    -------
    callable
        Takes and gives lists of NumPy arrays.
    """
    if order["format"] == "custom":
        function = _made(order, verified)
        numpy = importlib.import_module("numpy")
        return lambda arrays: [numpy.asarray(function(*arrays))]
    torch = importlib.import_module("torch")
    torch.set_num_threads(order["threads"])
    weights = io.BytesIO(verified(order["weights"], order["weights_sha256"]))
    if order["format"] == "torchscript":
        network = torch.jit.load(weights, map_location="cpu").eval()
    else:
        network = _made(order, verified)
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        network = network.eval()
    return lambda arrays: _run(torch, network, arrays)


def _made(order: dict[str, Any], verified: Callable[[str, str], bytes]) -> Any:
    code = verified(order["code"], order["code_sha256"])
    space: dict[str, Any] = {"__name__": "model_code"}
    exec(compile(code, "model_code.py", "exec"), space)  # the user has consented to its hash
    return space[order["callable"]](**order["kwargs"])


def _run(torch: Any, network: Any, arrays: list[Any]) -> list[Any]:
    numpy = importlib.import_module("numpy")
    (array,) = arrays
    with torch.inference_mode():
        found = network(torch.from_numpy(array))
    if isinstance(found, torch.Tensor):
        found = [found]
    if isinstance(found, dict):
        found = list(found.values())
    return [numpy.ascontiguousarray(item.detach().cpu().numpy()) for item in found]
