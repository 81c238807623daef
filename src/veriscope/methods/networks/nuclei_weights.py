"""The files of the network `nuclei-fluorescence`: its weights, and examples of what they give."""

from __future__ import annotations

import functools
import hashlib
import io
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np

from veriscope.methods.networks.engine_check import Example
from veriscope.methods.networks.engines import Precision
from veriscope.methods.networks.normalise import normalise_percentiles

__all__ = ["examples", "weights", "weights_sha256"]

_TOLERANCE: dict[Precision, tuple[float, float]] = {
    "float32": (1e-3, 1e-4),
    "bfloat16": (0.1, 0.01),
    "int8": (0.25, 2e-3),
}
"""Largest and mean difference allowed of an engine's outputs from those stored. Measured with OpenVINO: in
float32 800 times less, in bfloat16 and int8 2 to 9 times less."""
_EXPECTED: dict[Precision, str] = {
    "float32": "test_output.npy",
    "bfloat16": "test_output.npy",
    "int8": "test_output_int8.npz",
}
_SEEN = 112
"""Pixels at least this far from where an image is cut off are as without the cut."""


def weights(precision: Precision) -> Traversable:
    """Give the ONNX file.

    Parameters
    ----------
    precision
        In which it is to be run; for ``int8`` it is another file.

    Returns
    -------
    importlib.resources.abc.Traversable
        A resource of the package.
    """
    return _package("weights_int8.onnx" if precision == "int8" else "weights.onnx")


@functools.cache
def weights_sha256(precision: Precision) -> str:
    """Give the SHA-256 of the ONNX file.

    Parameters
    ----------
    precision
        As for `weights`.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hashlib.sha256(weights(precision).read_bytes()).hexdigest()


def examples(precision: Precision) -> list[Example]:
    """Give what an engine is checked with: the example of the package, whole, and cut to another size.

    Parameters
    ----------
    precision
        For bfloat16 the outputs expected are those in float32, for int8 those of the 8-bit weights.

    Returns
    -------
    list of Example
        Outputs are as ONNX Runtime made them when the weights were.
    """
    raw, stored = (_load(name) for name in ("test_input.npy", _EXPECTED[precision]))
    values = normalise_percentiles(raw[0, 0])[None, None]
    expected = stored["dense"] if precision == "int8" else stored
    height, width = values.shape[2] - 32, values.shape[3] - 16
    part = expected[..., : height - _SEEN, : width - _SEEN]
    tolerance = _TOLERANCE[precision]
    return [Example(values, expected, *tolerance), Example(values[..., :height, :width], part, *tolerance)]


def _package(name: str) -> Traversable:
    return files("veriscope.methods.networks") / "nuclei_fluorescence_package" / name


def _load(name: str) -> Any:
    return np.load(io.BytesIO(_package(name).read_bytes()))
