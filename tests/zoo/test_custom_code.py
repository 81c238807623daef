"""Postprocessing that is code of the package: only after consent, only in the sandbox."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.errors import MethodError
from veriscope.registry import make_method
from veriscope.zoo.add import add_model

from .conftest import Package, blobs, sha256

LABELS = b"""
import numpy as np
from scipy import ndimage

class Objects:
    def __init__(self, threshold):
        self.threshold = threshold
    def __call__(self, mean):
        print("code may print")
        return ndimage.label(mean > self.threshold)[0].astype(np.int32)
"""
FACTORY = b"""
def half(factor):
    def run(*arrays):
        return arrays[0] * factor
    return run
"""


def with_code(package: Package, code: bytes, callable_: str, dtype: str = "int32", **kwargs: Any) -> Path:
    def change(content: dict[str, Any]) -> None:
        step = {"id": "custom", "callable": callable_, "source": "post.py", "sha256": sha256(code)}
        content["outputs"][0]["postprocessing"] = [{**step, "kwargs": kwargs}]
        content["outputs"][0]["data"] = {"type": dtype}

    folder = package(change=change)
    (folder / "post.py").write_bytes(code)
    mean = np.load(folder / "out.npy")
    if callable_ == "Objects":
        np.save(folder / "out.npy", ndimage.label(mean > kwargs["threshold"])[0].astype(np.int32))
    else:
        np.save(folder / "out.npy", (mean * kwargs.get("factor", 1.0)).astype(np.float32))
    return folder


def test_objects_made_by_the_package_are_taken_as_they_are(package: Package, cache: Path) -> None:
    folder = with_code(package, LABELS, "Objects", threshold=0.5)
    own = sha256(LABELS)
    with pytest.raises(MethodError, match=rf"needs the Python code post\.py .* with --trust {own}"):
        add_model(str(folder))
    with pytest.raises(MethodError, match="--trust"):
        make_method(str(folder))
    found = add_model(str(folder), trust=[own])
    assert found["states"]["output_reproduced"]["status"] == "yes"
    assert found["code"] == [{"file": "post.py", "sha256": own, "callable": "Objects"}]
    method = make_method(found["name"])
    image = Image(blobs(), "yx")
    mean = ndimage.uniform_filter(blobs() * np.float32(0.005), 5, mode="constant")
    assert np.array_equal(method.predict(image).labels > 0, mean > 0.5)
    assert method.predict(Image(np.full((64, 80), 9, np.uint8), "yx")).n_objects == 0
    (cache / "models/bouncy-blob/package/post.py").write_bytes(b"other")
    with pytest.raises(MethodError, match=r"post\.py was changed after it was verified"):
        make_method(found["name"])


def test_a_factory_gives_a_map_that_is_split_as_others_are(package: Package, cache: Path) -> None:
    folder = with_code(package, FACTORY, "half", "float32", factor=0.5)
    found = add_model(str(folder), trust=[sha256(FACTORY)])
    method = make_method(found["name"], {"threshold": 0.25})
    assert method.predict(Image(blobs(), "yx")).n_objects == 6


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            b"def half(factor):\n    return lambda *x: 1 / 0",
            r"post\.py: the code of the package fails: ZeroDiv",
        ),
        (b"def half(factor):\n    raise ValueError('no')", r"the code of the package fails: ValueError: no"),
        (b"def other():\n    pass", r"the code of the package fails: KeyError: 'half'"),
        (b"import os\nos._exit(5)", r"its process ended \(code 5\)"),
    ],
)
def test_faults_of_the_code_are_told(package: Package, cache: Path, code: bytes, message: str) -> None:
    folder = with_code(package, code, "half", "float32", factor=0.5)
    with pytest.raises(MethodError, match=message):
        add_model(str(folder), trust=[sha256(code)])
    assert not (cache / "models" / "bouncy-blob").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems offer less, see docs/reference")
def test_the_code_can_neither_write_nor_connect(package: Package, cache: Path, tmp_path: Path) -> None:
    code = f"""
import socket
def half(factor):
    blocked = []
    for action in (lambda: open({str(tmp_path / "mark")!r}, "w").write("x"),
                   lambda: socket.create_connection(("127.0.0.1", 9), 1)):
        try:
            action()
        except BaseException as error:
            blocked.append(type(error).__name__)
    raise RuntimeError("blocked " + " ".join(blocked))
""".encode()
    folder = with_code(package, code, "half", "float32", factor=0.5)
    with pytest.raises(MethodError, match=r"RuntimeError: blocked (PermissionError|OSError) PermissionError"):
        add_model(str(folder), trust=[sha256(code)])
    assert not (tmp_path / "mark").exists() or (tmp_path / "mark").read_text() == ""


def test_code_before_the_network_is_refused(package: Package, cache: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        step = {"id": "custom", "callable": "half", "source": "post.py", "sha256": sha256(FACTORY)}
        content["inputs"][0]["preprocessing"] = [step]

    folder = package(change=change)
    (folder / "post.py").write_bytes(FACTORY)
    with pytest.raises(MethodError, match="before the network; the specification knows it only after it"):
        add_model(str(folder), trust=[sha256(FACTORY)])
