"""Cellpose 4 (Cellpose-SAM), in its own environment."""

from __future__ import annotations

import importlib
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
    models = importlib.import_module("cellpose.models")
    if order.get("threads"):
        torch.set_num_threads(order["threads"])
    if order.get("do") in ("download", "try"):
        return State(None, order)
    gpu, path = torch.cuda.is_available(), order["files"][0]
    given = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    if not isinstance(given, dict) or "W2" not in given:
        raise ValueError(f"{path} holds no weights of Cellpose 4")
    # 16-bit numbers, the default, are slow and coarse without a GPU
    model = models.CellposeModel(gpu=gpu, pretrained_model=path, use_bfloat16=gpu)
    own = model.net.state_dict()
    names = {name.removeprefix("module.") for name in given}
    if wrong := [name for name in own if name not in names]:
        raise ValueError(
            f"{path} lacks {len(wrong)} of {len(own)} weights of the network, such as {wrong[0]}"
        )
    return State(model, order, {"backbone": model.backbone})


def predict(state: State, arrays: Values, options: Values) -> tuple[Values, Values]:
    """Find the objects of one image.

    Parameters
    ----------
    state
        As `load` gave it.
    arrays
        ``image``, (y, x) or (z, y, x), by name.
    options
        Plain values; ``stack``: what Cellpose is told of a stack.

    Returns
    -------
    values, arrays
        Plain values, and arrays by name.
    """
    np = importlib.import_module("numpy")
    found = state.model.eval(
        arrays["image"],
        diameter=options["diameter"],
        flow_threshold=options["flow_threshold"],
        cellprob_threshold=options["cellprob_threshold"],
        min_size=options["smallest_area"],
        niter=options["iterations"],
        augment=options["augment"],
        **({"z_axis": 0, **stack} if (stack := options.get("stack")) else {}),
    )
    return {}, {"labels": _labels(np, found[0], arrays["image"])}


def _labels(np: Any, found: Any, image: Any) -> Any:
    """Give labels of the shape of the image: Cellpose drops axes of length 1."""
    return np.asarray(found).astype(np.int32).reshape(image.shape)


def attempt(state: State, arrays: Values, options: Values) -> tuple[Values, Values]:
    """Save a network with random weights, in its full size, load it as a user's, and predict.

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
    vit = importlib.import_module("cellpose.vit")
    path = str(Path(options["folder"]) / "random")
    vit.CPSAM().save_model(path)
    made = load({**state.order, "do": "predict", "files": [path]})
    plain = {"diameter": None, "flow_threshold": 0.4, "cellprob_threshold": 0.0, "smallest_area": 15}
    _, found = predict(made, arrays, plain | {"iterations": 20, "augment": False})
    return {"text": "a network with random weights was saved, loaded and run"}, found


def download(state: State, arrays: Values, options: Values) -> tuple[Values, Values]:
    """Fetch a model of the authors by Cellpose's own means.

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
    models = importlib.import_module("cellpose.models")
    name = options["name"]
    if name not in models.MODEL_NAMES:
        raise ValueError(f"Cellpose 4 offers no {name}; it offers {', '.join(models.MODEL_NAMES)}")
    return {"files": [Path(models.cache_model_path(name)).name]}, {}
