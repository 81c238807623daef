"""Keras and TensorFlow weights with the real TensorFlow.

Not run in CI, which must not install gigabytes: set VERISCOPE_EXTERNAL to a folder with the environment of
tensorflow or stardist (``veriscope models install tensorflow``), and run ``pytest -m slow tests/zoo``. What
does not need TensorFlow is tested in `test_keras.py`.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.errors import MethodError
from veriscope.methods.external.environment import find_environment
from veriscope.methods.external.find import recipe_of
from veriscope.methods.zoo.keras_engine import KerasEngine
from veriscope.registry import make_method
from veriscope.testing.methods import check_method
from veriscope.zoo.add import add_model
from veriscope.zoo.try_tool import try_tool

from .conftest import Package, blobs
from .test_keras import keras_package

pytestmark = pytest.mark.slow
FORMATS = {
    "keras_hdf5": "mean.h5",
    "keras_v3": "mean.keras",
    "tensorflow_saved_model_bundle": "mean.zip",
}


@pytest.fixture(scope="module")
def python() -> Path:
    for tool in ("tensorflow", "stardist"):
        if "VERISCOPE_EXTERNAL" in os.environ and (found := find_environment(recipe_of(tool))):
            return found.python
    pytest.skip("no environment with TensorFlow; make one with: veriscope models install tensorflow")


@pytest.fixture(scope="module")
def models(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small models as Keras writes them; `mark` is what harmful ones would make."""
    folder = tmp_path_factory.mktemp("models")
    script = Path(__file__).with_name("make_keras.py")
    done = subprocess.run(
        [str(python), "-I", str(script), str(folder), str(folder / "mark")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def test_the_environment_passes_its_test(python: Path) -> None:
    environment = find_environment(recipe_of("tensorflow"))
    if environment is None:
        pytest.skip("tensorflow is not in $VERISCOPE_EXTERNAL; the environment of stardist serves instead")
    assert try_tool(recipe_of("tensorflow"), environment)["text"].endswith("loaded and run")


@pytest.mark.parametrize("weights", sorted(FORMATS))
def test_a_package_is_reproduced_and_predicts(
    package: Package, cache: Path, models: Path, weights: str
) -> None:
    folder = keras_package(package, weights, (models / FORMATS[weights]).read_bytes(), FORMATS[weights])
    found = add_model(str(folder), name="mean")
    assert found["states"]["output_reproduced"]["status"] == "yes"
    (test,) = found["states"]["output_reproduced"]["tests"]
    assert (test["weights"], test["n_mismatches"], test["n_values"]) == (weights, 0, 64 * 80)
    method = make_method("zoo:mean")
    image = Image(blobs((130, 161)), "yx")
    tiled = make_method("zoo:mean", {"tile": 48})
    whole = method.predict(image)
    assert whole.n_objects == len(range(6, 118, 24)) * len(range(6, 149, 24))
    np.testing.assert_array_equal(tiled.predict(image).labels, whole.labels)
    if weights == "keras_hdf5":
        check_method(method, image=Image(blobs(), "yx"))
    held = method.engine.held  # type: ignore[attr-defined]
    assert set(held) == {"network", "limits", "files"}


def test_outputs_come_in_the_order_of_the_card(package: Package, cache: Path, models: Path) -> None:
    """A model gives twice the mean, then the mean; the card names the mean first."""

    def two(content: dict[str, Any]) -> None:
        mean = content["outputs"][0]
        content["outputs"] = [
            mean,
            mean | {"id": "twice", "postprocessing": [{"id": "scale_linear", "kwargs": {"gain": 0.5}}]},
        ]

    folder = keras_package(package, "keras_hdf5", (models / "two.h5").read_bytes(), "two.h5", change=two)
    found = add_model(str(folder), name="two")
    assert [test["status"] for test in found["states"]["output_reproduced"]["tests"]] == ["yes", "yes"]


@pytest.mark.parametrize(
    ("file", "weights", "message"),
    [
        (
            "code.h5",
            "keras_hdf5",
            r"\.h5: is not run: it holds a Lambda layer \(harmless\), which is code",
        ),
        (
            "code.keras",
            "keras_v3",
            r"\.keras: is not run: it holds a Lambda layer \(harmless\)",
        ),
        ("elsewhere.h5", "keras_hdf5", r"is not run: more lies in another file"),
        ("only.weights.h5", "keras_hdf5", r"weights without the layers that they belong to"),
        ("harmful.zip", "tensorflow_saved_model_bundle", r"wants to write a file"),
    ],
)
def test_code_in_weights_does_nothing(
    package: Package, cache: Path, models: Path, file: str, weights: str, message: str
) -> None:
    mark = models / "mark"
    folder = keras_package(package, weights, (models / file).read_bytes(), file)
    with pytest.raises(MethodError, match=message):
        add_model(str(folder))
    assert not mark.exists()
    assert not list((cache / "models").glob("*"))


@pytest.mark.parametrize("weights", sorted(FORMATS))
def test_damaged_weights_are_an_error_of_their_own(
    package: Package, cache: Path, models: Path, weights: str
) -> None:
    content = (models / FORMATS[weights]).read_bytes()
    folder = keras_package(package, weights, content[: len(content) // 2], FORMATS[weights])
    with pytest.raises(MethodError, match=r"cannot run it|no intact zip archive"):
        add_model(str(folder))


def test_the_folder_of_the_weights_goes_with_the_process(package: Package, cache: Path, models: Path) -> None:
    content = (models / "mean.zip").read_bytes()
    folder = keras_package(package, "tensorflow_saved_model_bundle", content, "mean.zip")
    engine = make_method(str(folder)).engine  # type: ignore[attr-defined]
    assert isinstance(engine, KerasEngine)
    engine.run(np.zeros((1, 16, 16, 1), np.float32))
    place = engine._folder
    assert place is not None and (place / "bundle" / "saved_model.pb").is_file()
    engine.close()
    assert not place.exists()
