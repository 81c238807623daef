"""A made-up tool, small enough for every run of the tests: thresholds, and misbehaves when told to.

It is loaded by `serve.py` like the scripts of real tools, and like these never imports Veriscope.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import numpy as np


class State:
    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.calls = 0
        self.about = {"python": sys.version.split()[0], "variable": os.environ.get("VERISCOPE_FAKE", "")}


def load(order: dict[str, Any]) -> State:
    if order.get("model") == "slow":
        time.sleep(60)
    if order.get("model") == "broken":
        raise ValueError("weights of another network\nand a second line")
    if order.get("model") == "exits":
        sys.stderr.write("cannot find libfake.so\n")
        os._exit(3)
    return State(order)


def predict(state: State, arrays: dict[str, Any], options: dict[str, Any]) -> tuple[Any, Any]:
    state.calls += 1
    image, mode = arrays["image"], options.get("mode", "")
    print("what a tool prints does no harm")
    if mode == "raise":
        raise RuntimeError("cannot take this image")
    if mode == "hang":
        time.sleep(60)
    if mode == "crash":
        sys.stderr.write("about to crash\n")
        sys.stderr.flush()
        os.abort()
    if mode == "memory":
        _kept = np.ones(1 << 27)  # 1 GB, touched
        time.sleep(60)
    if mode == "network":
        import socket

        socket.create_connection(("127.0.0.1", 9), timeout=1)
    if mode == "gaps":
        labels = np.zeros(image.shape, np.int32)
        labels[2:5, 2:5], labels[10:14, 10:14] = 7, 3
        return {}, {"labels": labels, "probabilities": np.linspace(0.1, 0.7, 7, dtype=np.float32)}
    if mode == "margin":
        labels = np.zeros(image.shape, np.int32)
        labels[2:5, 2:5], labels[28:31, 28:31] = 1, 2  # the second lies where a small image is continued
        return {}, {"labels": labels, "probabilities": np.array([0.25, 0.75], np.float32)}
    if mode == "few":
        labels = np.zeros(image.shape, np.int32)
        labels[2:5, 2:5], labels[8:11, 8:11] = 1, 2
        return {}, {"labels": labels, "probabilities": np.array([0.25], np.float32)}
    if mode == "doubled":
        return {}, {"labels": np.ones([2 * size for size in image.shape], np.int32)}
    if mode == "fractions":
        return {}, {"labels": np.ones(image.shape, np.float32)}
    if mode == "negative":
        return {}, {"labels": np.full(image.shape, -1, np.int32)}
    if mode == "flat":
        return {}, {"labels": np.ones(image.size, np.int32)}
    if mode == "no labels":
        return {}, {"mask": np.ones(image.shape, bool)}
    if mode == "nonsense":
        os.write(1, b"")
        return {"calls": state.calls}, {"labels": np.zeros(3, np.complex64)}
    if mode == "numpy values":
        return {"score": np.float32(1)}, {}
    if mode == "long":
        return {"text": "x" * (17 << 20)}, {}
    if mode == "list":
        return {}, [image]
    if mode == "nothing":
        return None  # type: ignore[return-value]
    if mode == "exit":
        sys.exit("bye")
    if mode == "deep":
        return {"deep": _nested(100_000)}, {}
    if mode == "noise":
        os.write(1, b"from below\n")
        os.system("echo from a program")
    if mode == "echo":
        about = {"shape": image.shape, "dtype": image.dtype.str, "writeable": image.flags.writeable}
        return about, {"image": image}
    if mode == "shape":
        return {}, {"labels": np.zeros((3, 3), np.int32)}
    high = image > image.min() + 0.5 * np.ptp(image)
    step = np.diff(high.astype(np.int8), axis=1, prepend=0) == 1
    return {"calls": state.calls, "dtype": str(image.dtype), "pid": os.getpid()}, {
        "labels": np.where(high, np.cumsum(step, axis=1), 0).astype(np.int32)
    }


def _nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


def attempt(state: State, arrays: dict[str, Any], options: dict[str, Any]) -> tuple[Any, Any]:
    _, found = predict(state, arrays, {})
    return {"text": "the fake tool thresholded a tiny image"}, found


def train(state: State, arrays: dict[str, Any], options: dict[str, Any]) -> tuple[Any, Any]:
    if options["epochs"] == 13:
        raise RuntimeError("loss is not a number")
    pixels = {name: [*array.shape, str(array.dtype)] for name, array in arrays.items()}
    with open(os.path.join(options["output"], options["name"]), "w") as stream:  # noqa: PTH118, PTH123
        stream.write("numbers")
    return {"model": options["name"], "losses": [3.0, 1.0], "seen": pixels, "told": options}, {}


def download(state: State, arrays: dict[str, Any], options: dict[str, Any]) -> tuple[Any, Any]:
    if options["name"] != "offered":
        raise ValueError(f"no {options['name']}; there is: offered")
    with open(os.path.join(options["output"], "offered.weights"), "w") as stream:  # noqa: PTH118, PTH123
        stream.write("numbers")
    return {"files": ["offered.weights"]}, {}
