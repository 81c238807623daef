"""Small model packages, written with the standard library: networks of one convolution as ONNX files."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from scipy import ndimage

Package = Callable[..., Path]


def _number(field: int, value: int) -> bytes:
    """One field of a protocol buffer that is an integer."""
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    """One field of a protocol buffer that is text, or another message."""
    content = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def _array(name: str, letters: str) -> bytes:
    """Declare a float array of axes of any length."""
    shape = b"".join(_bytes(1, _bytes(2, letter + name)) for letter in letters)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, shape)))


def onnx_bytes(*, opset: int = 17, operator: str = "Conv", elsewhere: str = "") -> bytes:
    """Give an ONNX file: a mean over 5 × 5 pixels, continued with zeros; its weights may lie elsewhere."""
    kernel = np.full((1, 1, 5, 5), 1 / 25)
    return convolution(kernel, opset=opset, operator=operator, elsewhere=elsewhere)


def convolution(
    kernel: NDArray[Any],
    bias: NDArray[Any] | None = None,
    *,
    stride: int = 1,
    opset: int = 17,
    operator: str = "Conv",
    elsewhere: str = "",
) -> bytes:
    """Give an ONNX file of one convolution, (out, in, *window), continued with zeros."""
    names, tensors = ["image", "kernel"], _tensor("kernel", kernel, elsewhere)
    if bias is not None:
        names, tensors = [*names, "bias"], tensors + _tensor("bias", bias)
    sides = kernel.shape[2:]
    pads = [size // 2 for size in sides] * 2
    node = b"".join(_bytes(1, name) for name in names) + _bytes(2, "mean") + _bytes(4, operator)
    node += _integers("pads", pads) + _integers("strides", [stride] * len(sides))
    letters = "bczyx" if len(sides) == 3 else "bcyx"
    graph = _bytes(1, node) + _bytes(2, "g") + tensors
    graph += _bytes(11, _array("image", letters)) + _bytes(12, _array("mean", letters))
    return _number(1, 8) + _bytes(8, _number(2, opset)) + _bytes(7, graph)


def _tensor(name: str, values: NDArray[Any], elsewhere: str = "") -> bytes:
    """One set of weights of a graph."""
    content = _bytes(9, values.astype("<f4").tobytes())
    if elsewhere:  # the values lie in another file
        content = _bytes(13, _bytes(1, "location") + _bytes(2, elsewhere)) + _number(14, 1)
    shape = b"".join(_number(1, n) for n in values.shape)
    return _bytes(5, shape + _number(2, 1) + _bytes(8, name) + content)


def _integers(name: str, values: list[int]) -> bytes:
    """One attribute of a node."""
    return _bytes(5, _bytes(1, name) + b"".join(_number(8, value) for value in values) + _number(20, 7))


def sha256(content: bytes) -> str:
    """Give the hash of a file."""
    return hashlib.sha256(content).hexdigest()


def blobs(shape: tuple[int, int] = (64, 80)) -> NDArray[np.uint8]:
    """Give bright squares of 12 pixels on black."""
    image = np.zeros(shape, np.uint8)
    for y in range(6, shape[0] - 12, 24):
        for x in range(6, shape[1] - 12, 24):
            image[y : y + 12, x : x + 12] = 200
    return image


def described(version: str, **changes: Any) -> dict[str, Any]:
    """Give the description of the package as plain values."""
    if version.startswith("0.4"):
        content: dict[str, Any] = {
            "format_version": version,
            "type": "model",
            "name": "Mean of blobs",
            "description": "Mean of 5 x 5 pixels.",
            "authors": [{"name": "Somebody"}],
            "cite": [{"text": "Nobody 1900", "doi": "10.1000/1"}],
            "license": "CC0-1.0",
            "tags": ["nucleus", "fluorescence"],
            "inputs": [
                {
                    "name": "image",
                    "axes": "bcyx",
                    "data_type": "uint8",
                    "data_range": [0, 255],
                    "shape": {"min": [1, 1, 16, 16], "step": [0, 0, 8, 8]},
                    "preprocessing": [{"name": "scale_linear", "kwargs": {"gain": 0.005, "offset": 0.0}}],
                }
            ],
            "outputs": [
                {
                    "name": "mean",
                    "axes": "bcyx",
                    "data_type": "float32",
                    "shape": {"reference_tensor": "image", "scale": [1, 1, 1, 1], "offset": [0, 0, 0, 0]},
                    "halo": [0, 0, 2, 2],
                }
            ],
            "test_inputs": ["in.npy"],
            "test_outputs": ["out.npy"],
            "weights": {"onnx": {"source": "weights.onnx", "opset_version": 17}},
        }
    else:
        length = {"min": 16, "step": 8}
        content = {
            "format_version": version,
            "type": "model",
            "id": "bouncy-blob",
            "name": "Mean of blobs",
            "description": "Mean of 5 x 5 pixels.",
            "authors": [{"name": "Somebody"}],
            "cite": [{"text": "Nobody 1900", "doi": "10.1000/1"}],
            "license": "CC0-1.0",
            "tags": ["nucleus", "fluorescence"],
            "inputs": [
                {
                    "id": "image",
                    "axes": [
                        {"type": "batch"},
                        {"type": "channel", "channel_names": ["dna"]},
                        {"type": "space", "id": "y", "size": length},
                        {"type": "space", "id": "x", "size": length},
                    ],
                    "data": {"type": "uint8"},
                    "test_tensor": {"source": "in.npy"},
                    "preprocessing": [{"id": "scale_linear", "kwargs": {"gain": 0.005}}],
                }
            ],
            "outputs": [
                {
                    "id": "mean",
                    "axes": [
                        {"type": "batch"},
                        {"type": "channel", "channel_names": ["foreground"]},
                        *(
                            {
                                "type": "space",
                                "id": axis,
                                "size": {"tensor_id": "image", "axis_id": axis},
                                "halo": 2,
                            }
                            for axis in "yx"
                        ),
                    ],
                    "test_tensor": {"source": "out.npy"},
                }
            ],
            "weights": {"onnx": {"source": "weights.onnx", "opset_version": 17}},
        }
    return content | changes


def _npy(path: Path, values: NDArray[Any]) -> None:
    np.save(path, values)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty cache of its own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("VERISCOPE_CACHE", str(folder))
    return folder


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """Give a function that writes a package: version, file name, weights, and changes of the description."""

    def write(
        version: str = "0.5.3",
        *,
        name: str = "package",
        file: str = "bioimageio.yaml",
        weights: bytes | None = None,
        change: Callable[[dict[str, Any]], None] | None = None,
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        image = blobs()
        wanted = ndimage.uniform_filter(image * np.float32(0.005), 5, mode="constant")
        _npy(folder / "in.npy", image[None, None])
        _npy(folder / "out.npy", wanted[None, None].astype(np.float32))
        content = described(version)
        (folder / "weights.onnx").write_bytes(onnx_bytes() if weights is None else weights)
        content["weights"]["onnx"]["sha256"] = sha256((folder / "weights.onnx").read_bytes())
        if change is not None:
            change(content)
        (folder / file).write_text(yaml.safe_dump(content), encoding="utf-8")
        return folder

    return write


def pack_header(text: str, body: bytes) -> bytes:
    """Give a NumPy file with any header."""
    content = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(content)) + content + body
