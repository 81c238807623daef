"""Cellpose 3, in its own environment."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["attempt", "download", "load", "predict", "train"]

_ESTIMATES_SIZE = ("cyto", "cyto2", "cyto3", "nuclei")

Values = dict[str, Any]


@dataclass
class State:
    """A loaded model, or what is needed to train or fetch one.

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
    order: dict[str, Any]
    about: dict[str, Any] = field(default_factory=dict)


def load(order: dict[str, Any]) -> State:
    """Load a model; none if one is to be trained or fetched.

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
    if order.get("do") in ("train", "download", "try"):
        return State(None, order)
    name, gpu = order["model"], torch.cuda.is_available()
    if not order["own"]:
        if name in _ESTIMATES_SIZE:
            model = models.Cellpose(gpu=gpu, model_type=name)
            return State(model, order, {"diameter": float(model.diam_mean)})
        model = models.CellposeModel(gpu=gpu, model_type=name)
    else:
        model = models.CellposeModel(gpu=gpu, pretrained_model=_checked(torch, order["files"][0]))
        _check_complete(torch, model, order["files"][0])
    return State(model, order, {"diameter": float(model.diam_labels)})


def _checked(torch: Any, path: str) -> str:
    """Refuse what Cellpose would replace by its default model, or load only in part."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or "output.2.weight" not in state:
        raise ValueError(f"{path} holds no weights of Cellpose 3")
    return path


def _check_complete(torch: Any, model: Any, path: str) -> None:
    """Cellpose loads what fits and leaves the rest random; say so instead."""
    given = torch.load(path, map_location="cpu", weights_only=True)
    own = model.net.state_dict()
    wrong = [name for name, value in own.items() if name not in given or given[name].shape != value.shape]
    if wrong:
        raise ValueError(
            f"{path} lacks {len(wrong)} of {len(own)} weights of the network, such as {wrong[0]}"
        )


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
    diameter = options["diameter"]
    found = state.model.eval(
        arrays["image"],
        channels=[0, 0],
        diameter=diameter if diameter else (0 if state.about and hasattr(state.model, "sz") else None),
        flow_threshold=options["flow_threshold"],
        cellprob_threshold=options["cellprob_threshold"],
        min_size=options["smallest_area"],
        niter=options["iterations"],
        augment=options["augment"],
        **({"z_axis": 0, **stack} if (stack := options.get("stack")) else {}),
    )
    used = float(np.ravel(found[3])[0]) if len(found) > 3 else (diameter or state.about["diameter"])
    return {"diameter_px": round(float(used), 3)}, {"labels": _labels(np, found[0], arrays["image"])}


def _labels(np: Any, found: Any, image: Any) -> Any:
    """Give labels of the shape of the image: Cellpose drops axes of length 1."""
    return np.asarray(found).astype(np.int32).reshape(image.shape)


def attempt(state: State, arrays: Values, options: Values) -> tuple[Values, Values]:
    """Save a network with random weights, load it as a user's, and predict.

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
    models = importlib.import_module("cellpose.models")
    path = str(Path(options["folder"]) / "random")
    models.CellposeModel(gpu=False, pretrained_model=False).net.save_model(path)
    made = load({**state.order, "do": "predict", "own": True, "files": [path]})
    plain = {"diameter": 30.0, "flow_threshold": 0.4, "cellprob_threshold": 0.0, "smallest_area": 15}
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
        raise ValueError(f"Cellpose offers no {name}; it offers {', '.join(models.MODEL_NAMES)}")
    files = [models.model_path(name)]
    if name in _ESTIMATES_SIZE:
        files.append(models.size_model_path(name))
    return {"files": [os.path.basename(file) for file in files]}, {}  # noqa: PTH119


def train(state: State, arrays: Values, options: Values) -> tuple[Values, Values]:
    """Train with Cellpose's own function; the weights go to a file.

    Parameters
    ----------
    state
        As `load` gave it.
    arrays
        Images and labels, by name.
    options
        Plain values.

    Returns
    -------
    values, arrays
        Plain values, and arrays by name.
    """
    np, torch = importlib.import_module("numpy"), importlib.import_module("torch")
    models, training = importlib.import_module("cellpose.models"), importlib.import_module("cellpose.train")
    torch.manual_seed(options["seed"])
    np.random.seed(options["seed"])
    start = options.get("start")
    gpu = torch.cuda.is_available()
    model = models.CellposeModel(gpu=gpu, pretrained_model=_checked(torch, start) if start else False)
    images, labels = _listed(arrays, "image"), _listed(arrays, "label")
    others, truths = _listed(arrays, "validation_image"), _listed(arrays, "validation_label")
    file, losses, validation = training.train_seg(
        model.net,
        train_data=images,
        train_labels=labels,
        test_data=others or None,
        test_labels=truths or None,
        channels=[0, 0],
        n_epochs=options["epochs"],
        learning_rate=options["learning_rate"],
        batch_size=options["batch_size"],
        weight_decay=1e-4,
        SGD=True,
        nimg_per_epoch=options["images_per_epoch"],
        min_train_masks=1,
        save_path=options["output"],
        model_name="model",
    )
    target = Path(options["output"]) / options["name"]
    Path(file).replace(target)
    (Path(options["output"]) / "models").rmdir()
    values = {"losses": [float(v) for v in losses], "validation": [float(v) for v in validation]}
    return {"model": target.name, **values}, {}


def _listed(arrays: dict[str, Any], name: str) -> list[Any]:
    numbers = sorted(int(key.rsplit("-", 1)[1]) for key in arrays if key.rsplit("-", 1)[0] == name)
    return [arrays[f"{name}-{number}"] for number in numbers]
