"""InstanSeg, in its own environment."""

from __future__ import annotations

import importlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["attempt", "download", "load", "predict"]

Values = dict[str, Any]


@dataclass
class State:
    """A loaded model.

    Parameters
    ----------
    model
        Of the tool; None where none is loaded.
    order
        What the process was told.
    about
        What is known of the model, as plain values.
    """

    model: Any
    order: Values
    about: Values = field(default_factory=dict)


def load(order: Values) -> State:
    """Load a model; none if one is to be fetched or tried.

    Parameters
    ----------
    order
        What the process was told: ``do``, ``model``, ``own``, ``files``, ``threads``, ``options``.

    Returns
    -------
    State
        For the other functions.
    """
    torch = importlib.import_module("torch")
    if order.get("threads"):
        torch.set_num_threads(order["threads"])
    if order.get("do") in ("download", "try"):
        return State(None, order)
    instanseg = importlib.import_module("instanseg")
    network = torch.jit.load(order["files"][0], map_location="cpu")
    missing = [name for name in ("pixel_size", "cells_and_nuclei") if not hasattr(network, name)]
    if missing:
        raise ValueError(f"this TorchScript file is no model of InstanSeg: it lacks {', '.join(missing)}")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = instanseg.InstanSeg(network, device=device, verbosity=0, channels_last=False)
    both, size = bool(network.cells_and_nuclei), float(network.pixel_size)
    return State(model, order, {"pixel_size_um": size, "cells_and_nuclei": both})


def predict(state: State, arrays: Values, options: Values) -> tuple[Values, Values]:
    """Find the objects of one image.

    Parameters
    ----------
    state
        As `load` gave it.
    arrays
        ``image``, (y, x), by name.
    options
        Plain values.

    Returns
    -------
    values, arrays
        Plain values, and arrays by name.
    """
    np, torch = importlib.import_module("numpy"), importlib.import_module("torch")
    target = options["target"] if state.about["cells_and_nuclei"] else "all_outputs"
    image = arrays["image"].astype(np.float32)
    small = image.size <= 1500 * 1500
    run = state.model.eval_small_image if small else state.model.eval_medium_image
    size = options["pixel_size"] if state.about["pixel_size_um"] > 0 else None
    with torch.no_grad():
        found = run(torch.from_numpy(image)[None], size, return_image_tensor=False, target=target)
    labels = np.asarray(found.cpu()).reshape(-1, *found.shape[-2:])[0]
    return {"pixel_size_um": size}, {"labels": labels.astype(np.int32)}


def attempt(state: State, arrays: Values, options: Values) -> tuple[Values, Values]:
    """Export a small network of the same kind with random weights, load it as a user's, and predict.

    Parameters
    ----------
    state
        As `load` gave it.
    arrays
        ``image``, (y, x), by name.
    options
        Plain values.

    Returns
    -------
    values, arrays
        Plain values, and arrays by name.
    """
    torch = importlib.import_module("torch")
    losses = importlib.import_module("instanseg.utils.loss.instanseg_loss")
    networks = importlib.import_module("instanseg.utils.models.InstanSeg_UNet")
    torch.manual_seed(0)
    network = networks.InstanSeg_UNet(in_channels=1, out_channels=[[2, 2, 1]], layers=[16, 8, 4])
    rules = losses.InstanSeg(n_sigma=2, device="cpu")
    network = rules.initialize_pixel_classifier(network, MLP_width=5)
    made = losses.InstanSeg_Torchscript(network, pixel_size=0.5, n_sigma=2, backbone_dim_in=1)
    path = str(Path(options["folder"]) / "random.pt")
    torch.jit.save(torch.jit.script(made), path)
    loaded = load({**state.order, "do": "predict", "files": [path]})
    _, found = predict(loaded, arrays, {"target": "cells", "pixel_size": 0.5})
    return {"text": "a small network with random weights was exported, loaded and run"}, found


def download(state: State, arrays: Values, options: Values) -> tuple[Values, Values]:
    """Fetch a model of the authors by InstanSeg's own means.

    Parameters
    ----------
    state
        As `load` gave it.
    arrays
        Not used.
    options
        Plain values.

    Returns
    -------
    values, arrays
        Plain values, and arrays by name.
    """
    pkgutil = importlib.import_module("pkgutil")
    tools = importlib.import_module("instanseg.utils.utils")
    listed = json.loads(pkgutil.get_data("instanseg", "bioimageio_models/model-index.json").decode())
    names = sorted({item["name"] for item in listed})
    name = options["name"]
    if name not in names:
        raise ValueError(f"InstanSeg offers no {name}; it offers {', '.join(names)}")
    os.environ["INSTANSEG_BIOIMAGEIO_PATH"] = str(Path(options["output"]) / "packages")
    tools.download_model(name, verbose=False)
    (file,) = (Path(options["output"]) / "packages" / name).glob("*/instanseg.pt")
    shutil.copyfile(file, Path(options["output"]) / f"{name}.pt")
    return {"files": [f"{name}.pt"]}, {}
