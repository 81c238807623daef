"""A trained network as a BioImage.IO 0.5 package, checked before it takes its place."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor, nn

from veriscope.core.settings import Settings
from veriscope.errors import InputError, MethodError, MissingPackageError
from veriscope.io.atomic import atomic_path
from veriscope.io.hashing import sha256_of
from veriscope.training.heads.base import Head
from veriscope.training.packaging.inputs import InputImages
from veriscope.training.packaging.tensors import (
    describe_input,
    describe_output,
    output_name,
    says_of_pixels,
)
from veriscope.zoo.add import open_package
from veriscope.zoo.read import read_description
from veriscope.zoo.reproduce import reproduce
from veriscope.zoo.validity import check_validity

__all__ = ["OPSET", "PackageFacts", "check_licence", "check_output", "receptive_reach", "write_package"]

OPSET = 17
_FIELD, _STRIDE = 384, 16
"""Side of the image in which the reach is measured, for strides above the second; else 24 strides."""
_TASKS = {
    "semantic": "semantic-segmentation",
    "denoise": "denoising",
    "masked": "image-restoration",
    "boxes": "object-detection",
    "classification": "image-classification",
}


@dataclass(frozen=True)
class PackageFacts:
    """What a package says of itself beside its weights.

    Parameters
    ----------
    name
        Such as ``nuclei of my microscope``.
    card
        For people and for the card of the method: summary, objects, modalities, foreground, licence,
        citation, limits, training_data, figures.
    inputs
        What the images are like that it learned from.
    training
        How it was made, as plain values.
    evaluations
        For ``config.bioimageio.evaluations``, as its specification says.
    details
        Further keys of ``config.bioimageio``.
    readme
        Text of README.md in Markdown.
    """

    name: str
    card: Mapping[str, Any]
    inputs: InputImages = field(default_factory=InputImages)
    training: Mapping[str, Any] = field(default_factory=dict)
    evaluations: Sequence[Mapping[str, Any]] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    readme: str = ""


class _Exported(nn.Module):
    """The network with what its head exports."""

    def __init__(self, network: nn.Module, head: Head) -> None:
        super().__init__()
        self.network, self.head = network, head

    def forward(self, image: Tensor) -> Tensor:
        return self.head.exported(self.network(image))


def write_package(
    network: nn.Module,
    head: Head,
    target: Path,
    *,
    settings: Settings,
    facts: PackageFacts,
    key: str = "network",
) -> dict[str, Any]:
    """Export a network, make its test tensors, describe it, and prove that it can be run.

    Parameters
    ----------
    network
        Trained; on the CPU. Its stride and channels are taken from the settings.
    head
        Says what is exported.
    target
        Folder to be made; what is there is replaced, as a whole and at the end.
    settings
        What inference needs: at least ``architecture``, ``head``, ``n_channels``, ``stride`` and ``halo``.
    facts
        What the package says of itself.
    key
        Of ``config.veriscope`` under which the settings stand; ``network`` for what finds objects.

    Returns
    -------
    dict
        ``format_valid`` and ``output_reproduced``, as of every package that is added.

    Raises
    ------
    MethodError
        If the package is not valid, or does not give its own test output through our path.
    InputError
        If it cannot be written: disk full, no permission. Nothing is left then.
    MissingPackageError
        If what exports is not installed.
    """
    plain = settings.model_dump(mode="json")
    weights = _onnx_bytes(network, head, plain)
    with atomic_path(target) as temporary:
        temporary.mkdir()
        (temporary / "weights.onnx").write_bytes(weights)
        raw = _simulated(plain).astype(facts.inputs.dtype)
        np.save(temporary / "test_input.npy", raw)
        np.save(temporary / "test_output.npy", _run(weights, _as_described(raw)))
        (temporary / "README.md").write_text(facts.readme or f"# {facts.name}\n", encoding="utf-8")
        content = _describe(temporary, plain, head, facts, key)
        described = temporary / "bioimageio.yaml"
        described.write_text(
            yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100), encoding="utf-8"
        )
        states = {
            "format_valid": check_validity(described, read_description(described)),
            "output_reproduced": reproduce(open_package(described)),
        }
        faults = [f"{key}: {state['text']}" for key, state in states.items() if state["status"] == "no"]
        if faults:
            raise MethodError(
                f"{target}: the package made is not right, so it was not kept: {'; '.join(faults)}"
            )
    return states


def receptive_reach(network: nn.Module, *, n_channels: int, stride: int) -> int:
    """Measure how far a pixel of the input can change the output.

    An impulse is sent through a copy of the network whose weights are all positive, so that nothing cancels.

    Parameters
    ----------
    network
        Convolutional; for one that looks everywhere half of the field tested is given.
    n_channels
        Channels of its input.
    stride
        Pixels by which sides must be divisible; added, since a pixel may lie anywhere in a coarse one, save
        for wide windows, at whose border the impulse lies.

    Returns
    -------
    int
        In pixels, a multiple of the stride.
    """
    positive = copy.deepcopy(network).double().eval()
    for module in positive.modules():
        # Density is of each pixel alone, and that of the rest of the field would drown what comes from afar.
        if hasattr(module, "sees"):
            module.sees = "light"  # type: ignore[assignment]
    with torch.no_grad():
        for name, value in positive.state_dict().items():
            if name.endswith("running_var"):
                value.fill_(1.0)
            elif name.endswith(("running_mean", "bias")):
                value.zero_()
            elif value.is_floating_point():
                value.abs_().add_(1e-3)
                value /= value.sum() / max(value.shape[0], 1) if value.ndim > 1 else value.mean()
        # Wide enough for a network of many small steps, and for one that looks through wide windows.
        side = 2 * stride * max(2, -(-_FIELD // (2 * stride))) if stride > _STRIDE else 24 * stride
        pixels = torch.zeros(1, n_channels, side, side, dtype=torch.float64)
        quiet = positive(pixels)
        pixels[..., side // 2, side // 2] = 1
        changed = (positive(pixels) != quiet).any(1)[0]
    rows = torch.nonzero(changed.any(1)).ravel()
    if not len(rows):
        return stride
    reach = int(max(side // 2 - int(rows.min()), int(rows.max()) - side // 2))
    margin = 0 if stride > _STRIDE else stride
    return -(-(reach + margin) // stride) * stride


def _onnx_bytes(network: nn.Module, head: Head, plain: Mapping[str, Any]) -> bytes:
    """Export with free height and width."""
    from torch.onnx import export

    exported = _Exported(copy.deepcopy(network).to("cpu").float(), head).eval()
    side, n_channels = 4 * int(plain["stride"]), int(plain["n_channels"])
    free = {2: "y", 3: "x"}
    name = output_name(plain)
    stream = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            export(  # type: ignore[call-overload, unused-ignore]
                exported,
                (torch.zeros(1, n_channels, side, side),),
                stream,  # type: ignore[arg-type]
                input_names=["raw"],
                output_names=[name],
                dynamic_axes={"raw": free} | ({name: free} if says_of_pixels(plain) else {}),
                opset_version=OPSET,
                dynamo=False,
            )
    except ImportError as error:
        raise MissingPackageError(
            f"exporting a network needs {error.name}; install with: pip install 'veriscope[train]'"
        ) from error
    return stream.getvalue()


def _simulated(plain: Mapping[str, Any], *, seed: int = 7) -> NDArray[np.uint16]:
    """Draw ellipses on a noisy background (1, c, y, x), as 16-bit counts of a camera; nobody's data."""
    rng = np.random.default_rng(seed)
    step = int(plain["stride"])
    side = max(-(-(2 * int(plain["halo"]) + 48) // step) * step, int(plain.get("smallest_side") or 1))
    size = float(plain.get("best_diameter") or 28.0) / 2
    y, x = np.mgrid[:side, :side]
    channels = int(plain["n_channels"])
    light = np.zeros((side, side))
    for _ in range(max(8, round(side * side / (12 * size**2) * 0.4))):
        centre, angle = rng.uniform(0, side, 2), rng.uniform(0, np.pi)
        u = (y - centre[0]) * np.cos(angle) + (x - centre[1]) * np.sin(angle)
        v = (x - centre[1]) * np.cos(angle) - (y - centre[0]) * np.sin(angle)
        inside = (u / (size * rng.uniform(0.7, 1.1))) ** 2 + (v / (size * rng.uniform(0.5, 0.9))) ** 2 < 1
        light[inside] = rng.uniform(400, 1600)
    counts = rng.poisson(200 + ndimage.gaussian_filter(light, 1.3)).astype(np.uint16)
    # Turned, so that channels differ and yet have the same brightness by any way of counting.
    return np.stack([np.rot90(counts, turns) for turns in range(channels)])[None]


def _as_described(raw: NDArray[np.uint16 | np.float32]) -> NDArray[np.float32]:
    """Normalise as the description of the package says."""
    low, high = np.percentile(raw, (1.0, 99.8))
    return np.asarray((raw.astype(np.float32) - low) / (high - low + 1e-6), np.float32)


def _run(weights: bytes, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    import onnxruntime

    session = onnxruntime.InferenceSession(weights, providers=["CPUExecutionProvider"])
    (dense,) = session.run(None, {"raw": pixels})
    return np.asarray(dense, np.float32)


def _describe(
    folder: Path, plain: Mapping[str, Any], head: Head, facts: PackageFacts, key: str
) -> dict[str, Any]:
    """Give the content of ``bioimageio.yaml``."""
    card = facts.card
    cite = card.get("citation") or "Trained with Veriscope by its user; not published."
    task = _TASKS.get(str(plain["head"]), "instance-segmentation")
    return {
        "format_version": "0.5.3",
        "type": "model",
        "name": _clean(facts.name),
        "description": str(card.get("summary") or facts.name)[:1000],
        "version": "0.1.0",
        "authors": [{"name": "A user of Veriscope"}],
        "cite": [{"text": str(cite), "url": "https://bioimage.io"}],
        **({"license": licence} if (licence := _licence(card)) else {}),
        "tags": [task, str(plain["architecture"]), "2d", "veriscope"],
        "documentation": "README.md",
        "inputs": [describe_input(plain, _file(folder, "test_input.npy"), facts.inputs)],
        "outputs": [describe_output(plain, head, _file(folder, "test_output.npy"), facts.inputs)],
        "weights": {"onnx": {**_file(folder, "weights.onnx"), "opset_version": OPSET}},
        "config": {
            "bioimageio": {
                "reproducibility_tolerance": [{"absolute_tolerance": 1e-3, "relative_tolerance": 1e-3}],
                "architecture_type": str(plain["architecture"])[:32],
                "task": task,
                "target_structure": list(card.get("objects", ())),
                **facts.details,
                "evaluations": [dict(item) for item in facts.evaluations],
            },
            "veriscope": {
                key: dict(plain),
                "card": {key: _plain(value) for key, value in card.items()},
                "training": _plain(facts.training),
            },
        },
    }


def check_output(output: Path) -> None:
    """Refuse a place where a package cannot be made, before a training begins.

    Parameters
    ----------
    output
        Folder to be made; one that is there must be a package, which is then replaced.

    Raises
    ------
    InputError
        If it holds something else, or is not named as a folder.
    """
    if output.exists() and not (output / "bioimageio.yaml").exists():
        raise InputError(f"{output}: exists and is no package of a network; choose another -o")
    if not output.name or output.suffix == ".zip":
        raise InputError(f"{output}: give the name of a folder for the package, such as -o my-network")


def check_licence(licence: str) -> None:
    """Refuse the name of a licence that packages cannot state, before a training begins.

    Parameters
    ----------
    licence
        Name by SPDX, or empty.

    Raises
    ------
    InputError
        If it is no such name.
    """
    if licence and not _licence({"licence": licence}):
        raise InputError(
            f"--licence {licence!r} is no name of a licence by SPDX; write one such as CC-BY-4.0, CC0-1.0, "
            "MIT or BSD-3-Clause (https://spdx.org/licenses)"
        )


def _licence(card: Mapping[str, Any]) -> str:
    """Give the licence where it is one by SPDX; other words stay on the card alone."""
    from bioimageio.spec.model.v0_5 import LicenseId

    try:
        return str(LicenseId(str(card.get("licence") or "")))
    except ValueError:
        return ""


def _clean(name: str) -> str:
    """Leave only what the specification allows in a name."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "_+- ()") else "-" for c in name)
    return f"Veriscope network {kept}"[:128].strip()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _file(folder: Path, name: str) -> dict[str, str]:
    return {"source": name, "sha256": sha256_of(folder / name)}
