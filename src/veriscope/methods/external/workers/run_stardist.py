"""StarDist in two and three dimensions, in its own environment."""

from __future__ import annotations

import importlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["attempt", "download", "load", "predict", "train"]

_LARGE = 4_000_000
"""Pixels above which StarDist predicts in tiles, which overlap by its field of view."""

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
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    tensorflow = importlib.import_module("tensorflow")
    if order.get("threads"):
        tensorflow.config.threading.set_intra_op_parallelism_threads(order["threads"])
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    if order.get("do") in ("train", "download", "try"):
        return State(None, order)
    models = importlib.import_module("stardist.models")
    kind = models.StarDist3D if order["options"].get("dimensions") == 3 else models.StarDist2D
    folder = Path(order["files"][0])
    model = kind(None, name=folder.name, basedir=str(folder.parent))
    model.basedir = None  # never write into it
    probability, overlap = model.thresholds.prob, model.thresholds.nms
    return State(model, order, {"prob_thresh": float(probability), "nms_thresh": float(overlap)})


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
    np = importlib.import_module("numpy")
    image = _normalised(arrays["image"], options["low"], options["high"])
    tiles = None
    if image.size > _LARGE:
        tiles = state.model._guess_n_tiles(image)
    labels, details = state.model.predict_instances(
        image,
        axes="ZYX"[-image.ndim :],
        prob_thresh=options["prob_thresh"],
        nms_thresh=options["nms_thresh"],
        scale=options["scale"],
        n_tiles=tiles,
        show_tile_progress=False,
    )
    values = {name: options[name] or state.about[name] for name in ("prob_thresh", "nms_thresh")}
    probabilities = np.asarray(details["prob"], np.float32)
    return values, {"labels": labels.astype(np.int32), "probabilities": probabilities}


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
    models = importlib.import_module("stardist.models")
    small = models.Config2D(
        n_rays=8, grid=(2, 2), unet_n_depth=1, unet_n_filter_base=4, train_tensorboard=False
    )
    model = models.StarDist2D(small, name="random", basedir=options["folder"])
    model.keras_model.save_weights(str(Path(options["folder"]) / "random" / "weights_best.h5"))
    order = {**state.order, "do": "predict", "files": [str(Path(options["folder"]) / "random")]}
    plain = {"low": 1.0, "high": 99.8, "prob_thresh": 0.5, "nms_thresh": 0.4, "scale": None}
    _, found = predict(load(order), arrays, plain)
    return {"text": "a network with random weights was saved, loaded and run"}, found


def download(state: State, arrays: Values, options: Values) -> tuple[Values, Values]:
    """Fetch a model of the authors by StarDist's own means.

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
    models = importlib.import_module("stardist.models")
    pretrained = importlib.import_module("csbdeep.models.pretrained")
    shutil = importlib.import_module("shutil")
    name = options["name"]
    kinds = (models.StarDist2D, models.StarDist3D)
    offered = {key: kind for kind in kinds for key in pretrained.get_registered_models(kind, False)}
    if name not in offered:
        raise ValueError(f"StarDist offers no {name}; it offers {', '.join(offered)}")
    folder = pretrained.get_model_folder(offered[name], name)
    target = Path(options["output"]) / name
    shutil.copytree(Path(folder).resolve(), target, dirs_exist_ok=True)
    return {"files": [name]}, {}


def train(state: State, arrays: Values, options: Values) -> tuple[Values, Values]:
    """Train with StarDist's own function, then choose its thresholds on the validation images.

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
    np, tensorflow = importlib.import_module("numpy"), importlib.import_module("tensorflow")
    models = importlib.import_module("stardist.models")
    tensorflow.keras.utils.set_random_seed(options["seed"])
    images = [_normalised(x, 1.0, 99.8) for x in _listed(arrays, "image")]
    labels = [x.astype(np.int32) for x in _listed(arrays, "label")]
    others = [_normalised(x, 1.0, 99.8) for x in _listed(arrays, "validation_image")]
    truths = [x.astype(np.int32) for x in _listed(arrays, "validation_label")]
    configuration = models.Config2D(
        n_rays=options["rays"],
        grid=(options["grid"], options["grid"]),
        n_channel_in=1,
        train_patch_size=(options["patch"], options["patch"]),
        train_batch_size=options["batch_size"],
        train_learning_rate=options["learning_rate"],
        train_epochs=options["epochs"],
        train_steps_per_epoch=options["steps_per_epoch"],
        train_tensorboard=False,
    )
    model = models.StarDist2D(configuration, name=options["name"], basedir=options["output"])
    model.prepare_for_training()
    losses = _Losses(tensorflow, options["seconds"])
    model.callbacks.append(losses.callback)
    model.train(
        images, labels, validation_data=(others, truths), augmenter=_augment, seed=options["seed"], workers=1
    )
    thresholds = model.optimize_thresholds(others, truths)
    chosen = {name: float(thresholds[name]) for name in ("prob", "nms")}
    return {"model": options["name"], "losses": losses.values, "thresholds": chosen}, {}


class _Losses:
    """Notes the losses, and ends the training when its time is over."""

    def __init__(self, tensorflow: Any, seconds: float | None) -> None:
        self.values: list[dict[str, float]] = []
        end = None if seconds is None else time.monotonic() + seconds
        values = self.values

        class Callback(tensorflow.keras.callbacks.Callback):  # type: ignore[misc]
            def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
                values.append(
                    {name: float((logs or {}).get(name, float("nan"))) for name in ("loss", "val_loss")}
                )
                if end is not None and time.monotonic() > end:
                    self.model.stop_training = True

        self.callback = Callback()


def _augment(image: Any, labels: Any) -> tuple[Any, Any]:
    """Flips, turns and brightness, as in the example of the authors."""
    np = importlib.import_module("numpy")
    axes = tuple(np.random.permutation(labels.ndim))
    image = np.transpose(image, axes + tuple(range(labels.ndim, image.ndim)))
    labels = np.transpose(labels, axes)
    for axis in range(labels.ndim):
        if np.random.rand() > 0.5:
            image, labels = np.flip(image, axis), np.flip(labels, axis)
    image = image * np.random.uniform(0.6, 2) + np.random.uniform(-0.2, 0.2)
    image = image + 0.02 * np.random.uniform(0, 1) * np.random.normal(0, 1, image.shape)
    return image, labels


def _normalised(image: Any, low: float, high: float) -> Any:
    utils = importlib.import_module("csbdeep.utils")
    return utils.normalize(image, low, high)


def _listed(arrays: dict[str, Any], name: str) -> list[Any]:
    numbers = sorted(int(key.rsplit("-", 1)[1]) for key in arrays if key.rsplit("-", 1)[0] == name)
    return [arrays[f"{name}-{number}"] for number in numbers]
