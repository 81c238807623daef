"""Segment Anything, in its own environment: all objects of an image, or those that boxes or points show."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["attempt", "download", "load", "predict", "prompt"]

Values = dict[str, Any]
_ADDRESS = "https://dl.fbaipublicfiles.com/segment_anything/"
_FILES = {
    "vit_b": "sam_vit_b_01ec64.pth",
    "vit_l": "sam_vit_l_0b3195.pth",
    "vit_h": "sam_vit_h_4b8939.pth",
}
_GLOBAL = 127
"""Length of the relative positions of a layer that sees the whole image of 64 x 64 tokens."""


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
    given = torch.load(order["files"][0], map_location="cpu", weights_only=True)
    given = given.get("model_state", given) if isinstance(given, dict) else given  # as micro-sam saves them
    model = _network(given)
    model.load_state_dict(given)
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    return State(model.eval(), order, {"weights": sum(item.numel() for item in given.values())})


def _network(weights: Any) -> Any:
    """Make the network that weights are for, whose size follows from their shapes."""
    build = importlib.import_module("segment_anything.build_sam")
    try:
        width = weights["image_encoder.patch_embed.proj.weight"].shape[0]
        layers = {
            int(found[1]): value
            for name, value in weights.items()
            if (found := re.fullmatch(r"image_encoder\.blocks\.(\d+)\.attn\.rel_pos_h", name))
        }
        head = layers[0].shape[1]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"these are no weights of Segment Anything: {error!r} is missing") from error
    whole = [number for number, value in layers.items() if value.shape[0] == _GLOBAL]
    return build._build_sam(width, len(layers), width // head, whole)


def predict(state: State, arrays: Values, options: Values) -> tuple[Values, Values]:
    """Find all objects of one image: one mask per object, smaller ones above larger ones.

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
    package = importlib.import_module("segment_anything")
    generator = package.SamAutomaticMaskGenerator(
        state.model,
        points_per_side=options["points_per_side"],
        points_per_batch=32,
        pred_iou_thresh=options["quality"],
        stability_score_thresh=options["stability"],
        box_nms_thresh=options["overlap"],
    )
    image = _rgb(arrays["image"])
    found = generator.generate(image)
    most = options["largest_share"] * image.shape[0] * image.shape[1]
    kept = [item for item in found if options["smallest_area"] <= item["area"] <= most]
    kept.sort(key=lambda item: -item["area"])
    labels = np.zeros(image.shape[:2], np.int32)
    for number, item in enumerate(kept, 1):
        labels[item["segmentation"]] = number
    quality = np.array([item["predicted_iou"] for item in kept], np.float32)
    return {"masks": len(found), "kept": len(kept)}, {"labels": labels, "probabilities": quality}


def prompt(state: State, arrays: Values, options: Values) -> tuple[Values, Values]:
    """Give the mask of each box (top, left, bottom, right) or point (y, x).

    Parameters
    ----------
    state
        As `load` gave it.
    arrays
        Boxes or points, and ``image``, by name.
    options
        Plain values.

    Returns
    -------
    values, arrays
        Plain values, and arrays by name.
    """
    np = importlib.import_module("numpy")
    package = importlib.import_module("segment_anything")
    predictor = package.SamPredictor(state.model)
    image = _rgb(arrays["image"])
    predictor.set_image(image)
    masks, quality = [], []
    for box in arrays.get("boxes", ()):
        found, score, _low = predictor.predict(box=np.array([box[1], box[0], box[3], box[2]]))
        masks.append(found[score.argmax()])
        quality.append(score.max())
    for point in arrays.get("points", ()):
        found, score, _low = predictor.predict(
            point_coords=np.array([[point[1], point[0]]]), point_labels=np.ones(1, np.int64)
        )
        masks.append(found[score.argmax()])
        quality.append(score.max())
    shape = (len(masks), *image.shape[:2])
    return {}, {"masks": np.array(masks, bool).reshape(shape), "quality": np.array(quality, np.float32)}


def attempt(state: State, arrays: Values, options: Values) -> tuple[Values, Values]:
    """Save a small network of the same kind with random weights, load it as a user's, and predict.

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
    build = importlib.import_module("segment_anything.build_sam")
    torch.manual_seed(0)
    path = Path(options["folder"]) / "random.pth"
    torch.save(build._build_sam(32, 2, 2, [1]).state_dict(), path)
    made = load({**state.order, "do": "predict", "files": [str(path)]})
    plain = {"points_per_side": 2, "quality": -1e9, "stability": -1.0, "overlap": 0.7}
    _, found = predict(made, arrays, plain | {"largest_share": 1.0, "smallest_area": 1})
    return {"text": "a small network with random weights was saved, loaded and run"}, {
        "labels": found["labels"]
    }


def download(state: State, arrays: Values, options: Values) -> tuple[Values, Values]:
    """Fetch weights of the authors; the end of their names is the beginning of their SHA-256.

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
    torch_hub = importlib.import_module("torch.hub")
    name = options["name"]
    if name not in _FILES:
        raise ValueError(f"Segment Anything offers no {name}; it offers {', '.join(_FILES)}")
    file = _FILES[name]
    target = Path(options["output"]) / name
    torch_hub.download_url_to_file(_ADDRESS + file, str(target), hash_prefix=file[-10:-4], progress=False)
    return {"files": [name]}, {}


def _rgb(image: Any) -> Any:
    """Bring an image to 8 bits in three equal channels."""
    np = importlib.import_module("numpy")
    low, high = np.percentile(image, (1.0, 99.8))
    values = np.clip((image.astype(np.float32) - low) / max(float(high - low), 1e-12), 0, 1)
    return np.repeat((255 * values + 0.5).astype(np.uint8)[..., None], 3, axis=-1)
