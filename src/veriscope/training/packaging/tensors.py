"""What goes into a packaged network and what comes out, in the words of BioImage.IO 0.5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from veriscope.core.image import RGB_CHANNELS
from veriscope.training.heads.base import Head
from veriscope.training.packaging.inputs import InputImages
from veriscope.zoo.export import exact_scale

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


def describe_input(plain: Mapping[str, Any], test: Mapping[str, str], inputs: InputImages) -> dict[str, Any]:
    """Describe the image that the network takes, and how it is brought to scale.

    Parameters
    ----------
    plain
        Settings of the network, as plain values.
    test
        File of the test tensor.
    inputs
        What the images are like that it learned from.

    Returns
    -------
    dict
        An entry of ``inputs``.
    """
    n_channels = int(plain["n_channels"])
    names = {1: ("intensity",), 3: RGB_CHANNELS}.get(n_channels) or range(n_channels)
    size = _size(plain)
    number = {"type": "uint16", "range": [0, None]}
    return {
        "id": "raw",
        "description": "Image in any unit.",
        "axes": [
            {"type": "batch", "size": 1},
            {"type": "channel", "channel_names": [str(name) for name in names]},
            *({"type": "space", "id": axis, "size": size} | _scale(axis, plain, inputs) for axis in "yx"),
        ],
        "data": number if inputs.dtype == "uint16" else {"type": inputs.dtype, "range": [None, None]},
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


def describe_output(
    plain: Mapping[str, Any], head: Head, test: Mapping[str, str], inputs: InputImages
) -> dict[str, Any]:
    """Describe what the network gives.

    Parameters
    ----------
    plain
        Settings of the network, as plain values.
    head
        Names its channels.
    test
        File of the test tensor.
    inputs
        What the images are like that it learned from.

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
            | _scale(axis, plain, inputs)
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


def _scale(axis: str, plain: Mapping[str, Any], inputs: InputImages) -> dict[str, Any]:
    """State the pixel size of the network's grid, where that of the images is known."""
    if inputs.spacing is None:
        return {}
    scale = exact_scale(inputs.spacing[axis] / float(plain.get("zoom", 1)))
    return {"scale": scale, "unit": "micrometer"}


def _halo(plain: Mapping[str, Any]) -> int:
    step = int(plain["stride"])
    return -(-int(plain["halo"]) // step) * step
