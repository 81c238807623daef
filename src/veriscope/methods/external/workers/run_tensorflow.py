"""TensorFlow and Keras, in their own environment: only tried; packages run in a process without rights."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["attempt", "load"]

Values = dict[str, Any]


@dataclass
class State:
    """What the process was told.

    Parameters
    ----------
    order
        Plain values.
    """

    order: Values


def load(order: Values) -> State:
    """Load nothing.

    Parameters
    ----------
    order
        What the process was told.

    Returns
    -------
    State
        For `attempt`.
    """
    return State(order)


def attempt(state: State, arrays: Values, options: Values) -> tuple[Values, Values]:
    """Save a small network with random weights as Keras does, load it as those of packages, and run it.

    Parameters
    ----------
    state
        As `load` gave it.
    arrays
        ``image``, (y, x), by name.
    options
        ``folder`` to write to.

    Returns
    -------
    values, arrays
        Plain values, and arrays by name.
    """
    path = Path(__file__).resolve().parents[2] / "zoo" / "keras_runner.py"
    spec = importlib.util.spec_from_file_location("keras_runner", path)
    assert spec is not None and spec.loader is not None
    runner = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(runner)
    threading = importlib.import_module("tensorflow").config.threading
    threading.set_intra_op_parallelism_threads(1)  # as the runner will, which cannot once anything has run
    threading.set_inter_op_parallelism_threads(1)
    keras, np = importlib.import_module("keras"), importlib.import_module("numpy")
    keras.utils.set_random_seed(0)
    given = keras.Input((None, None, 1))
    made = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(given)
    weights = Path(options["folder"]) / "random.h5"
    keras.Model(given, made).save(weights)
    order = {
        "format": "keras_hdf5",
        "weights": str(weights),
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "outputs": ["made"],
        "threads": 1,
    }
    run = runner.load(order, lambda file, sha256: Path(file).read_bytes())
    (found,) = run([arrays["image"][None, :, :, None]])
    return {"text": "a network with random weights was saved, loaded and run"}, {
        "labels": (found[0, :, :, 0] > 0.5).astype(np.int32)
    }
