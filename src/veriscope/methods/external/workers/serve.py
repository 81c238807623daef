"""The process of a tool: started as ``python -I serve.py TOOL.py`` with the Python of the tool's environment.

It loads ``TOOL.py`` by its path, reads the order of work, and answers requests until its input ends.
Nothing but the standard library is needed here; what the tool needs is imported by ``TOOL.py``.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import sys
import threading
import time
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

__all__ = ["main"]


def main() -> None:
    """Serve until the input ends."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a tool prints must not mix with our messages
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    protocol = _load_file("veriscope_protocol", Path(__file__).resolve().parents[1] / "protocol.py")
    order = protocol.read_message(incoming)
    if order is None:
        return
    if not order.get("network"):
        _block_network()
    try:
        tool = _load_file("veriscope_tool", Path(sys.argv[1]))
        state = tool.load(order)
    except BaseException as error:
        protocol.write_message(outgoing, _fault(error))
        return
    protocol.write_message(outgoing, {"ready": True, "about": getattr(state, "about", {})})
    while (request := protocol.read_message(incoming)) is not None:
        try:
            arrays = protocol.read_arrays(order["folder"], request.get("arrays", {}))
            values, found = getattr(tool, request["do"])(state, arrays, request.get("options", {}))
            about = protocol.write_arrays(order["folder"], found, "out")
            protocol.write_message(outgoing, {"values": values, "arrays": about})
        except BaseException as error:
            protocol.write_message(outgoing, _fault(error))
    _remove(Path.cwd())


def _end_with_parent(parent: int) -> None:
    """End where the process that started this one was killed, also in the midst of hours of training."""
    folder = Path.cwd()  # for arrays, in memory on Linux: nobody else would remove it
    while os.getppid() == parent:
        time.sleep(1.0)
    _remove(folder)
    os._exit(1)


def _remove(folder: Path) -> None:
    if folder.name.startswith("veriscope-tool-"):
        shutil.rmtree(folder, ignore_errors=True)


def _load_file(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look it up
    spec.loader.exec_module(module)
    return module


def _fault(error: BaseException) -> dict[str, Any]:
    traceback.print_exception(error)
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    text = lines[0] if lines else ""
    return {"error": text[:500], "kind": type(error).__name__, "memory": isinstance(error, MemoryError)}


def _block_network() -> None:
    """Let no weights be fetched behind the user's back; native code could go around it."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise PermissionError("the network is closed to it; weights are fetched only when asked for")

    socket.create_connection = refuse
    socket.getaddrinfo = refuse
    socket.socket.connect = refuse  # type: ignore[method-assign]
    socket.socket.connect_ex = refuse  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
