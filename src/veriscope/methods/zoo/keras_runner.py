"""Keras models and SavedModels of TensorFlow, inside the process without rights.

A Keras model is a description of layers with their numbers. What is code in it - a `Lambda` layer, which is
Python bytecode that nobody can read, or a layer that is no part of Keras - is refused before Keras sees it.
A SavedModel is a graph of TensorFlow's operations; the process has nothing that they could harm.
"""

from __future__ import annotations

import builtins
import importlib
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["find_code", "load"]

Run = Callable[[list[Any]], list[Any]]
_CODE = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "__lambda__")
"""Parts of Keras that hold code, or read further files."""
_OWN = frozenset(
    ("activations", "constraints", "dtype_policies", "engine", "initializers", "layers", "losses", "metrics",
     "models", "ops", "optimizers", "quantizers", "regularizers")
)  # fmt: skip
"""Modules of Keras to which the parts of a model may belong."""


def load(order: dict[str, Any], verified: Callable[[str, str], bytes]) -> Run:
    """Load what the order names.

    Parameters
    ----------
    order
        ``format``: ``keras_v3``, ``keras_hdf5`` or ``tensorflow_saved_model_bundle``; ``weights``: a file, or
        the folder of a SavedModel; ``weights_sha256`` of a file; ``outputs``: names on the card; ``threads``.
    verified
        Gives the content of a file if it has the hash.

    Returns
    -------
    callable
        Takes a list of one NumPy array, gives a list of arrays in the order of ``outputs``.

    Raises
    ------
    ValueError
        If there is code in a Keras model, or it is none.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    if order["format"] == "tensorflow_saved_model_bundle":
        return _load_graph(_tensorflow(order["threads"]), order)
    verified(order["weights"], order["weights_sha256"])
    content = _keras_config(order)
    if found := find_code(content):
        raise ValueError(
            f"it holds {found}, which is code: Keras models may hold layers of Keras alone; ask its authors "
            "for ONNX weights, or for the model without it"
        )
    _tensorflow(order["threads"])
    keras = importlib.import_module("keras")
    model = keras.models.load_model(order["weights"], compile=False, safe_mode=True)
    names = list(getattr(model, "output_names", []))
    return lambda arrays: _named(model(arrays[0], training=False), names, order["outputs"])


def find_code(content: Any) -> str:
    """Look for code in the description of a Keras model.

    Parameters
    ----------
    content
        Plain values: ``model_config`` of an HDF5 file, ``config.json`` of a .keras file.

    Returns
    -------
    str
        The first part that is code or no part of Keras; empty: there is none.
    """
    for item in _mappings(content):
        name, module, own = item.get("class_name"), item.get("module"), item.get("registered_name")
        if name in _CODE:
            inner = item.get("config")
            called = inner.get("name") if isinstance(inner, dict) else None
            return f"a {name} layer" + (f" ({called})" if called else "")
        if isinstance(module, str) and not _is_keras(module, item.get("config")):
            return f"{module}.{name}"
        if isinstance(own, str) and ">" in own and not own.startswith("keras>"):
            return f"the part {own} of its authors"
    return ""


def _is_keras(module: str, content: Any) -> bool:
    if module == "builtins":  # so Keras writes its own functions, such as relu; not those of Python
        return isinstance(content, str) and not hasattr(builtins, content)
    parts = [part for part in module.split(".") if part not in ("tensorflow", "src", "_tf_keras")]
    return parts[:1] == ["keras"] and (len(parts) == 1 or parts[1] in _OWN)


def _mappings(content: Any) -> Iterator[dict[str, Any]]:
    waiting = [content]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item


def _keras_config(order: dict[str, Any]) -> Any:
    """Read the description of the layers, without Keras."""
    if order["format"] == "keras_v3":
        with zipfile.ZipFile(order["weights"]) as archive:
            return json.loads(archive.read("config.json"))
    h5py = importlib.import_module("h5py")
    with h5py.File(order["weights"], "r") as file:
        elsewhere: list[str] = []
        file.visititems_links(lambda name, link: _note_link(h5py, name, link, elsewhere))
        file.visititems(lambda name, item: _note_external(name, item, elsewhere))
        if elsewhere:
            raise ValueError(f"{elsewhere[0]} lies in another file; a model holds its weights itself")
        content = file.attrs.get("model_config")
    if content is None:
        raise ValueError(
            "it holds weights without the layers that they belong to; ask its authors for the whole "
            "model (model.save), or for ONNX weights"
        )
    return json.loads(content)


def _note_link(h5py: Any, name: str, link: Any, found: list[str]) -> None:
    if isinstance(link, h5py.ExternalLink):
        found.append(name)


def _note_external(name: str, item: Any, found: list[str]) -> None:
    if getattr(item, "external", None):
        found.append(name)


def _tensorflow(threads: int) -> Any:
    # Both would look for a folder that they may write to, when they are imported; there is none here.
    tempfile.tempdir = os.sep
    sys.modules.setdefault("matplotlib", None)  # type: ignore[arg-type]  # Keras does without it
    tensorflow = importlib.import_module("tensorflow")
    tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    return tensorflow


def _load_graph(tensorflow: Any, order: dict[str, Any]) -> Run:
    places = sorted(Path(order["weights"]).rglob("saved_model.pb"), key=lambda path: len(path.parts))
    if not places:
        raise ValueError("its archive has no saved_model.pb")
    loaded = tensorflow.saved_model.load(str(places[0].parent))
    signatures = dict(loaded.signatures)
    if not signatures:
        raise ValueError(
            "it has no signature, so nothing says what it takes; ask its authors for ONNX weights"
        )
    call = signatures.get("serving_default") or next(iter(signatures.values()))
    takes = call.structured_input_signature[1]
    if len(takes) != 1:
        raise ValueError(f"it takes {len(takes)} arrays ({', '.join(takes)}) and Veriscope gives one image")
    ((name, about),) = takes.items()

    def run(arrays: list[Any]) -> list[Any]:
        given = tensorflow.cast(tensorflow.constant(arrays[0]), about.dtype)
        return _named(call(**{name: given}), [], order["outputs"])

    run.loaded = loaded  # type: ignore[attr-defined]  # its variables live as long as it does
    return run


def _named(found: Any, names: list[str], wanted: list[str]) -> list[Any]:
    """Bring outputs into the order of the card: by their names, else in their own order."""
    numpy = importlib.import_module("numpy")
    if not isinstance(found, dict):
        values = list(found) if isinstance(found, list | tuple) else [found]
        found = (
            dict(zip(names, values, strict=True)) if len(names) == len(values) else dict(enumerate(values))
        )
    if set(wanted) <= set(found):
        values = [found[name] for name in wanted]
    elif len(found) == 1 or not any(isinstance(name, str) for name in found):
        values = list(found.values())
    elif names:
        values = [found[name] for name in names]
    else:
        raise ValueError(
            f"its outputs are named {', '.join(map(str, found))}, and the card names {', '.join(wanted)}"
        )
    return [numpy.ascontiguousarray(numpy.asarray(value)) for value in values]
