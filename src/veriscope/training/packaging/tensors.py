"""What goes into a packaged network and what comes out, in the words of BioImage.IO 0.5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from veriscope.core.image import RGB_CHANNELS
from veriscope.training.heads.base import Head

__all__ = ["describe_input", "describe_output", "output_name", "says_of_pixels"]


def says_of_pixels(plain: Mapping[str, Any]) -> bool:
    """Tell whether a network says something of every pixel, rather than of the image as a whole.

    Parameters
    ----------
    plain
        Settings of the network, as plain values.

    Returns
    -------
    bool
        By its head.
    """
    return bool(plain["head"] != "classification")


def output_name(plain: Mapping[str, Any]) -> str:
    """Name the output.

    Parameters
    ----------
    plain
        Settings of the network, as plain values.

    Returns
    -------
    str
        ``dense`` or ``probabilities``.
    """
    return "dense" if says_of_pixels(plain) else "probabilities"


def describe_input(plain: Mapping[str, Any], test: Mapping[str, str]) -> dict[str, Any]:
    """Describe the image that the network takes, and how it is brought to scale.

    Parameters
    ----------
    plain
        Settings of the network, as plain values.
    test
        File of the test tensor.

    Returns
    -------
    dict
        An entry of ``inputs``.
    """
    n_channels = int(plain["n_channels"])
    names = {1: ("intensity",), 3: RGB_CHANNELS}.get(n_channels) or range(n_channels)
    size = _size(plain)
    return {
        "id": "raw",
        "description": "Image in any unit.",
        "axes": [
            {"type": "batch", "size": 1},
            {"type": "channel", "channel_names": [str(name) for name in names]},
            *({"type": "space", "id": axis, "size": size} for axis in "yx"),
        ],
        "data": {"type": "uint16", "range": [0, None]},
        "test_tensor": dict(test),
        "preprocessing": [
            {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}},
            {
                "id": "scale_range",
                "kwargs": {
                    "axes": ["channel", "y", "x"],
                    "min_percentile": 1.0,
                    "max_percentile": 99.8,
                    "eps": 1e-6,
                },
            },
            # bioimageio.core gives the scaled values as float64, which ONNX Runtime refuses.
            {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}},
        ],
    }


def describe_output(plain: Mapping[str, Any], head: Head, test: Mapping[str, str]) -> dict[str, Any]:
    """Describe what the network gives.

    Parameters
    ----------
    plain
        Settings of the network, as plain values.
    head
        Names its channels.
    test
        File of the test tensor.

    Returns
    -------
    dict
        An entry of ``outputs``; of the image as a whole without axes y and x.
    """
    space: list[dict[str, Any]] = []
    if says_of_pixels(plain):
        space = [
            {
                "type": "space",
                "id": axis,
                "halo": _halo(plain),
                "size": {"tensor_id": "raw", "axis_id": axis},
            }
            for axis in "yx"
        ]
    return {
        "id": output_name(plain),
        "description": f"Output of the {head.name} head: {', '.join(head.channels)}."[:128],
        "axes": [
            {"type": "batch", "size": 1},
            {"type": "channel", "channel_names": list(head.channels)},
            *space,
        ],
        "data": {"type": "float32", "range": [None, None]},
        "test_tensor": dict(test),
    }


def _size(plain: Mapping[str, Any]) -> dict[str, int]:
    if not says_of_pixels(plain):
        return {"min": int(plain["smallest_side"]), "step": 1}
    step = int(plain["stride"])
    return {"min": 2 * _halo(plain) + step, "step": step}


def _halo(plain: Mapping[str, Any]) -> int:
    step = int(plain["stride"])
    return -(-int(plain["halo"]) // step) * step
