"""Write trained weights as the BioImage.IO package that ships with Veriscope.

    python scripts/nuclei_fluorescence/package.py RUN/average-053.pt --hardware "one core of …"

The test tensors are made from a simulated image, so the package holds nobody's data.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
import yaml
from bioimageio.spec import load_description
from network import NucleiNetwork
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor, nn

from veriscope.methods.networks.normalise import normalise_percentiles

TARGET = (
    Path(__file__).parents[2] / "src" / "veriscope" / "methods" / "networks" / "nuclei_fluorescence_package"
)
OPSET = 17
HALO = 112
OUTPUTS = ("foreground", "flow_y", "flow_x")
"""Heads that the post-processing uses; `choose.py` shows why."""


class Exported(nn.Module):
    """The part of the network that gives `OUTPUTS`, the foreground as a probability."""

    def __init__(self, network: NucleiNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        """Give `OUTPUTS`."""
        out = self.network(image)
        return torch.cat([torch.sigmoid(out[:, :1]), out[:, 3:]], dim=1)


def simulate_nuclei(side: int = 240, *, seed: int = 7) -> NDArray[np.uint16]:
    """Draw a few bright ellipses on a noisy background, as 16-bit counts of a camera."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    light = np.zeros((side, side))
    for _ in range(48):
        centre, angle = rng.uniform(0, side, 2), rng.uniform(0, np.pi)
        u = (y - centre[0]) * np.cos(angle) + (x - centre[1]) * np.sin(angle)
        v = (x - centre[1]) * np.cos(angle) - (y - centre[0]) * np.sin(angle)
        light[(u / rng.uniform(8, 13)) ** 2 + (v / rng.uniform(6, 10)) ** 2 < 1] = rng.uniform(400, 1600)
    expected = 200 + ndimage.gaussian_filter(light, 1.3)
    return rng.poisson(expected).astype(np.uint16)


def export(checkpoint: Path, target: Path) -> None:
    """Write `weights.onnx` with free height and width."""
    network = NucleiNetwork()
    network.load_state_dict(torch.load(checkpoint, weights_only=True))
    free = {2: "y", 3: "x"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            Exported(network).eval(),
            (torch.zeros(1, 1, 64, 64),),
            str(target / "weights.onnx"),
            input_names=["raw"],
            output_names=["dense"],
            dynamic_axes={"raw": free, "dense": free},
            opset_version=OPSET,
            dynamo=False,
        )


def write_test_tensors(target: Path) -> None:
    """Write the simulated input, and what ONNX Runtime makes of it."""
    raw = simulate_nuclei()
    session = onnxruntime.InferenceSession(str(target / "weights.onnx"), providers=["CPUExecutionProvider"])
    (dense,) = session.run(None, {"raw": normalise_percentiles(raw)[None, None]})
    np.save(target / "test_input.npy", raw[None, None])
    np.save(target / "test_output.npy", dense)


def _file(target: Path, name: str) -> dict[str, str]:
    return {"source": name, "sha256": hashlib.sha256((target / name).read_bytes()).hexdigest()}


def describe(target: Path, training: dict[str, Any]) -> dict[str, Any]:
    """Give the content of `bioimageio.yaml`."""
    space = [{"type": "space", "id": axis, "size": {"min": 2 * HALO + 16, "step": 16}} for axis in "yx"]
    same = [
        {"type": "space", "id": axis, "halo": HALO, "size": {"tensor_id": "raw", "axis_id": axis}}
        for axis in "yx"
    ]
    return {
        "format_version": "0.5.3",
        "type": "model",
        "id": "veriscope-nuclei-fluorescence",
        "name": "Veriscope nuclei in fluorescence",
        "description": (
            "Small U-Net for nuclei in 2D fluorescence images; predicts the foreground and, for every pixel, "
            "the direction to the centre of its nucleus, so that touching nuclei can be separated."
        ),
        "version": "0.1.0",
        "authors": [{"name": "The Veriscope developers"}],
        "cite": [
            {
                "text": "Caicedo JC et al. Nucleus segmentation across imaging experiments: the 2018 Data "
                "Science Bowl. Nature Methods 16, 1247-1253 (2019).",
                "doi": "10.1038/s41592-019-0612-7",
            },
            {
                "text": "Stringer C et al. Cellpose: a generalist algorithm for cellular segmentation. Nature"
                " Methods 18, 100-106 (2021). The idea of flows to the centre.",
                "doi": "10.1038/s41592-020-01018-x",
            },
        ],
        "license": "CC0-1.0",
        "tags": ["nucleus", "fluorescence-light-microscopy", "instance-segmentation", "unet2d", "2d"],
        "documentation": "README.md",
        "inputs": [
            {
                "id": "raw",
                "description": "One channel with bright nuclei on a dark background, in any unit.",
                "axes": [
                    {"type": "batch", "size": 1},
                    {"type": "channel", "channel_names": ["nuclei"]},
                    *space,
                ],
                "data": {"type": "uint16", "range": [0, None]},
                "test_tensor": _file(target, "test_input.npy"),
                "preprocessing": [
                    {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}},
                    {
                        "id": "scale_range",
                        "kwargs": {
                            "axes": ["y", "x"],
                            "min_percentile": 1.0,
                            "max_percentile": 99.8,
                            "eps": 1e-6,
                        },
                    },
                ],
            }
        ],
        "outputs": [
            {
                "id": "dense",
                "description": "Probability of nucleus; in nuclei, the unit vector that points to the centre",
                "axes": [
                    {"type": "batch", "size": 1},
                    {"type": "channel", "channel_names": list(OUTPUTS)},
                    *same,
                ],
                "data": {"type": "float32", "range": [None, None]},
                "test_tensor": _file(target, "test_output.npy"),
            }
        ],
        "weights": {
            "onnx": {**_file(target, "weights.onnx"), "opset_version": OPSET},
        },
        "config": {
            "bioimageio": {
                "reproducibility_tolerance": [{"absolute_tolerance": 1e-3, "relative_tolerance": 1e-3}]
            },
            "veriscope": {"training": training},
        },
    }


def main() -> None:
    """Export, make test tensors, describe, validate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--target", type=Path, default=TARGET)
    parser.add_argument("--hardware", default="not stated", help="what it was trained on, for the record")
    arguments = parser.parse_args()
    arguments.target.mkdir(parents=True, exist_ok=True)
    training = json.loads((arguments.checkpoint.parent / "training.json").read_text())
    export(arguments.checkpoint, arguments.target)
    write_test_tensors(arguments.target)
    training |= {"split": "train", "checkpoint": arguments.checkpoint.name, "hardware": arguments.hardware}
    content = describe(arguments.target, training)
    path = arguments.target / "bioimageio.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100))
    description = load_description(path, perform_io_checks=True)
    summary = description.validation_summary
    if summary.status == "failed":
        raise SystemExit(summary.format())
    print(f"{path.parent.name}: {summary.status}")


if __name__ == "__main__":
    main()
