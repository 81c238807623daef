"""Whether the test tensors of a package come out, through the very path that users take."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.errors import MethodError, UnreadableFileError, VeriscopeError
from veriscope.methods.zoo.archive import safe_file
from veriscope.methods.zoo.description import RUNNABLE, Tensor, Tolerance
from veriscope.methods.zoo.zoo_model import InstalledModel, ZooModel, ZooModelParameters, model_class
from veriscope.zoo.arrays import read_npy

__all__ = ["reproduce"]

_LETTERS = {"channel": "c", "z": "z", "y": "y", "x": "x"}


def reproduce(installed: InstalledModel) -> dict[str, Any]:
    """Compare the outputs of a package with the test tensors of its authors.

    The test input becomes an image, and takes the way of every image: axes, preprocessing, padding,
    tiles, network, postprocessing. It is run in one piece, and once more in tiles of about half its size,
    which tells how far the halo of its card can be believed.

    Parameters
    ----------
    installed
        A verified package.

    Returns
    -------
    dict
        ``status`` (``yes``, ``no``, ``not tested``), ``text``, ``runs`` (whether it could be run on its test
        input), and ``tests``: for each format of weights
        and each output the tolerance, the number of values and of mismatches, and the largest difference.
        The status is that of the weights which run by default.
    """
    tests: list[dict[str, Any]] = []
    for item in installed.description.weights:
        if item.format not in RUNNABLE or item.file.source not in installed.hashes:
            continue
        try:
            tests += _test_weights(installed, item.format)
        except UnreadableFileError as error:
            tests.append({"weights": item.format, "status": "not tested", "why": str(error)})
        except VeriscopeError as error:
            status = "not tested" if isinstance(error, ImportError) or _needs_consent(error) else "no"
            tests.append({"weights": item.format, "status": status, "why": str(error), "runs": False})
    if not tests:
        return {
            "status": "not tested",
            "text": "none of its weights can be run here",
            "tests": [],
            "runs": False,
        }
    default = [test for test in tests if test["weights"] == tests[0]["weights"]]
    states = {test["status"] for test in default}
    status = "no" if "no" in states else "yes" if states == {"yes"} else "not tested"
    text = "; ".join(_sentence(test) for test in tests)
    runs = all(test.get("runs", True) for test in default)
    return {"status": status, "text": text, "tests": tests, "runs": runs}


def _needs_consent(error: VeriscopeError) -> bool:
    return "--trust" in str(error)


def _test_weights(installed: InstalledModel, weights: str) -> list[dict[str, Any]]:
    model = model_class(installed)(ZooModelParameters(weights=weights, foreground=0))
    source = model.tensor.test
    if source is None:
        raise UnreadableFileError("the package has no test tensor of its input")
    given = read_npy(safe_file(installed.folder, source.source, where=installed.name))
    images = _images(given, model.tensor)
    tests = []
    try:
        whole = [model.outputs(image) for image in images]
        tiled = _in_tiles(model, images)
        for output in installed.description.outputs:
            if output.test is None:
                raise UnreadableFileError(f"the package has no test tensor of its output {output.id!r}")
            wanted = read_npy(safe_file(installed.folder, output.test.source, where=installed.name))
            tolerance = installed.description.tolerance(output, weights)
            test = {"weights": weights, "output": output.id} | _compare(
                _joined(whole, output), wanted, tolerance
            )
            if tiled is not None:
                test["in_tiles"] = _compare(_joined(tiled, output), wanted, tolerance)
            tests.append(test)
    finally:
        model.engine.close()
        model.code.close()
    return tests


def _in_tiles(model: ZooModel, images: list[Image]) -> list[dict[str, NDArray[Any]]] | None:
    """Run once more in smaller tiles, where the model takes such and says something of every pixel."""
    if any(not {"y", "x"} <= set(out.names) for out in model.installed.description.outputs):
        return None
    longest = max(images[0].spatial_shape)
    side = max(16, 5 * longest // 8)
    if any(axis.size is not None or axis.smallest > side for axis in model.tensor.spatial) or side >= longest:
        return None
    smaller = type(model)(model.parameters.model_copy(update={"tile": side}))
    smaller.engine = model.engine
    try:
        return [smaller.outputs(image) for image in images]
    except MethodError:
        return None


def _images(values: NDArray[Any], tensor: Tensor) -> list[Image]:
    """Make images of a test input, one for each sample of its batch."""
    if values.ndim != len(tensor.axes):
        raise MethodError(f"the test input has {values.ndim} axes and the card describes {len(tensor.axes)}")
    for axis, size in zip(tensor.axes, values.shape, strict=True):
        if axis.name == "channel" and axis.size is not None and size != axis.size:
            raise MethodError(f"the test input has {size} channels and the card describes {axis.size}")
    samples = [values]
    names = list(tensor.names)
    for name in ("batch", "time", "index"):
        if name in names:
            place = names.index(name)
            samples = [np.take(item, i, axis=place) for item in samples for i in range(item.shape[place])]
            names.pop(place)
    if "channel" in names and samples[0].shape[names.index("channel")] == 1:
        samples = [np.take(item, 0, axis=names.index("channel")) for item in samples]
        names.remove("channel")
    letters = [_LETTERS[name] for name in names]
    order = np.argsort(["czyx".index(letter) for letter in letters])
    axes = "".join(letters[i] for i in order)
    return [
        Image(np.ascontiguousarray(np.transpose(item, order)), axes, name="test input") for item in samples
    ]


def _joined(found: list[dict[str, NDArray[Any]]], output: Tensor) -> NDArray[Any]:
    place = output.names.index("batch") if "batch" in output.names else None
    parts = [item[output.id] for item in found]
    return parts[0] if place is None or len(parts) == 1 else np.concatenate(parts, axis=place)


def _compare(found: NDArray[Any], wanted: NDArray[Any], tolerance: Tolerance) -> dict[str, Any]:
    """Count the values that differ by more than absolute + relative · |wanted|."""
    result: dict[str, Any] = {
        "relative_tolerance": tolerance.relative,
        "absolute_tolerance": tolerance.absolute,
        "allowed_per_million": tolerance.per_million,
        "n_values": int(wanted.size),
    }
    if found.shape != wanted.shape:
        why = f"the output has shape {found.shape}, its test tensor {wanted.shape}"
        return result | {"status": "no", "n_mismatches": int(wanted.size), "max_difference": None, "why": why}
    difference = np.abs(found.astype(np.float64) - wanted.astype(np.float64))
    limit = tolerance.absolute + tolerance.relative * np.abs(wanted.astype(np.float64))
    bad = int(np.count_nonzero(~(difference <= limit)))
    allowed = bad * 1e6 <= tolerance.per_million * wanted.size
    largest = float(difference.max(initial=0.0))
    return result | {
        "status": "yes" if allowed else "no",
        "n_mismatches": bad,
        "max_difference": largest if np.isfinite(largest) else None,
    }


def _sentence(test: dict[str, Any]) -> str:
    if "n_values" not in test:
        said = "" if test["status"] == "no" else f"{test['status']}: "
        return f"{test['weights']}: {said}{test['why']}"
    text = f"{test['weights']} {test['output']}: {test['n_mismatches']} of {test['n_values']} values differ"
    text += f" by more than {test['absolute_tolerance']:g} + {test['relative_tolerance']:g} of the value"
    if "why" in test:
        return f"{text} ({test['why']})"
    if test["max_difference"] is not None:
        text += f", at most {test['max_difference']:.2g}"
    if "in_tiles" in test:
        text += f" (in tiles: {test['in_tiles']['n_mismatches']})"
    return text
