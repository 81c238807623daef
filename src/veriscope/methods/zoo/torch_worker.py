"""A process of its own that runs TorchScript or a state dict; `veriscope.methods.zoo.torch_engine` starts it.

It gives up its rights first (`veriscope.methods.zoo.sandbox`). Then it reads the order of work from its
input, and answers arrays with arrays until its input ends. Messages are a length, a header of that many
bytes in JSON, and the raw values of the array that the header announces.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import os
import struct
from typing import Any, BinaryIO

from veriscope.methods.zoo.sandbox import restrict

__all__ = ["main", "read_message", "write_message"]

_LONGEST_HEADER = 1 << 20


def read_message(stream: BinaryIO, *, most_bytes: int) -> tuple[dict[str, Any], list[bytes]] | None:
    """Read a message.

    Parameters
    ----------
    stream
        To read from.
    most_bytes
        Largest amount of values that is taken.

    Returns
    -------
    tuple or None
        Header, and the raw values of each array in its list ``arrays``; None at the end of the stream.

    Raises
    ------
    ValueError
        If it is no message, or larger than allowed.
    """
    size = stream.read(4)
    if len(size) < 4:
        return None
    (length,) = struct.unpack("<I", size)
    if length > _LONGEST_HEADER:
        raise ValueError(f"header of {length} bytes")
    header = json.loads(stream.read(length))
    if not isinstance(header, dict):
        raise ValueError("no header")
    values = []
    for item in header.get("arrays", []):
        count = int(item["bytes"])
        if not 0 <= count <= most_bytes:
            raise ValueError(f"array of {count} bytes")
        content = stream.read(count)
        if len(content) != count:
            return None
        values.append(content)
    return header, values


def write_message(stream: BinaryIO, header: dict[str, Any], arrays: list[Any] | None = None) -> None:
    """Write a message.

    Parameters
    ----------
    stream
        To write to.
    header
        Plain values.
    arrays
        NumPy arrays that go along.
    """
    arrays = arrays or []
    about = [{"dtype": a.dtype.str, "shape": list(a.shape), "bytes": a.nbytes} for a in arrays]
    content = json.dumps(header | {"arrays": about}).encode()
    stream.write(struct.pack("<I", len(content)))
    stream.write(content)
    for item in arrays:
        stream.write(item.tobytes())
    stream.flush()


def main() -> None:
    """Serve until the input ends."""
    incoming = os.fdopen(os.dup(0), "rb")
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a model prints must not mix with our messages
    first = read_message(incoming, most_bytes=0)
    if first is None:
        return
    order = first[0]
    held = restrict(memory_bytes=order["memory_bytes"], cpu_s=order["cpu_s"])
    try:
        network = _load(order)
    except BaseException as error:
        write_message(outgoing, {"error": _text(error), "held": held})
        return
    write_message(outgoing, {"ready": True, "held": held})
    while (message := read_message(incoming, most_bytes=1 << 40)) is not None:
        try:
            found = _run(network, *message)
        except BaseException as error:
            write_message(outgoing, {"error": _text(error)})
        else:
            write_message(outgoing, {}, found)


def _text(error: BaseException) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1] if lines else ''}"[:500]


def _verified(path: str, sha256: str) -> bytes:
    """Content of a file, which is what was verified: it is read once."""
    with open(path, "rb") as stream:  # noqa: PTH123 - nothing but the standard library here
        content = stream.read()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"{path} was changed after it was verified")
    return content


def _load(order: dict[str, Any]) -> Any:
    if order["format"] == "custom":
        return _PlainCode(_made(order))
    torch = importlib.import_module("torch")
    torch.set_num_threads(order["threads"])
    weights = io.BytesIO(_verified(order["weights"], order["weights_sha256"]))
    if order["format"] == "torchscript":
        return torch.jit.load(weights, map_location="cpu").eval()
    network = _made(order)
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return network.eval()


class _PlainCode:
    """Code that takes and gives NumPy arrays."""

    def __init__(self, function: Any) -> None:
        self.function = function


def _made(order: dict[str, Any]) -> Any:
    code = _verified(order["code"], order["code_sha256"])
    space: dict[str, Any] = {"__name__": "model_code"}
    exec(compile(code, "model_code.py", "exec"), space)  # the user has consented to its hash
    return space[order["callable"]](**order["kwargs"])


def _run(network: Any, header: dict[str, Any], values: list[bytes]) -> list[Any]:
    numpy = importlib.import_module("numpy")
    if isinstance(network, _PlainCode):
        arrays = [
            numpy.frombuffer(bytearray(raw), dtype=item["dtype"]).reshape(item["shape"])
            for item, raw in zip(header["arrays"], values, strict=True)
        ]
        return [numpy.asarray(network.function(*arrays))]
    torch = importlib.import_module("torch")
    (about,) = header["arrays"]
    array = numpy.frombuffer(bytearray(values[0]), dtype=about["dtype"]).reshape(about["shape"])
    with torch.inference_mode():
        found = network(torch.from_numpy(array))
    if isinstance(found, torch.Tensor):
        found = [found]
    if isinstance(found, dict):
        found = list(found.values())
    return [numpy.ascontiguousarray(item.detach().cpu().numpy()) for item in found]


if __name__ == "__main__":
    main()
