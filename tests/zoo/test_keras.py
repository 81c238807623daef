"""Keras and TensorFlow weights without TensorFlow: what is code, which environment serves, what it is handed.

A made-up environment stands for the one with TensorFlow: a Python with modules of these names that do a few
lines of what the real ones do. `test_keras_real.py` runs the real ones.
"""

from __future__ import annotations

import json
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from veriscope.core.image import Image
from veriscope.errors import MethodError, MissingPackageError, UnreadableFileError
from veriscope.methods.external.environment import ENVIRONMENT_SCHEMA
from veriscope.methods.external.find import recipe_of
from veriscope.methods.zoo.keras_runner import find_code
from veriscope.registry import make_method
from veriscope.zoo.add import add_model, remove_model

from .conftest import Package, blobs, sha256

FAKES = {
    "tensorflow": """
        import json, pathlib
        class _Threads:
            set_intra_op_parallelism_threads = set_inter_op_parallelism_threads = staticmethod(lambda n: None)
        class config:
            threading = _Threads
        def constant(x): return x
        def cast(x, dtype): return x.astype(dtype)
        class _Loaded:
            pass
        class saved_model:
            @staticmethod
            def load(folder):
                about = json.loads((pathlib.Path(folder) / "saved_model.pb").read_text())
                class Take:
                    dtype = "float32"
                def call(**given):
                    (image,) = given.values()
                    return {name: image * gain for name, gain in about["outputs"].items()}
                call.structured_input_signature = ((), {name: Take for name in about["inputs"]})
                loaded = _Loaded()
                loaded.signatures = {"serving_default": call} if about["inputs"] else {}
                return loaded
        """,
    "keras": """
        import json, os
        class models:
            @staticmethod
            def load_model(path, compile, safe_mode):
                assert safe_mode and not compile
                if not path.endswith((".h5", ".keras")):
                    raise ValueError("File format not supported")
                about = json.loads(open(path).read())
                if "attack" in about:
                    os.mkdir(about["attack"])
                class Model:
                    output_names = list(about["outputs"])
                    def __call__(self, image, training):
                        assert not training
                        return [image * gain for gain in about["outputs"].values()]
                return Model()
        """,
    "h5py": """
        import json
        class ExternalLink: pass
        class File:
            def __init__(self, path, mode):
                self.attrs = json.loads(open(path).read()).get("attrs", {})
            def __enter__(self): return self
            def __exit__(self, *_): pass
            def visititems(self, see): pass
            def visititems_links(self, see): pass
        """,
}


def layers(*names: str, **more: Any) -> dict[str, Any]:
    return {
        "class_name": "Functional",
        "config": {"layers": [{"class_name": name, **more} for name in names]},
    }


def model_file(*, outputs: dict[str, float] | None = None, config: Any = None, **more: Any) -> bytes:
    """What stands for an HDF5 file of Keras here."""
    text = json.dumps(layers("Conv2D") if config is None else config)
    return json.dumps({"outputs": outputs or {"mean": 1.0}, "attrs": {"model_config": text}} | more).encode()


def keras_package(
    package: Package,
    weights: str,
    content: bytes,
    file: str,
    *,
    change: Callable[[dict[str, Any]], None] | None = None,
) -> Path:
    """The package of `conftest.py` with weights that take the channel last, as TensorFlow does."""

    def turn(values: dict[str, Any]) -> None:
        for tensor in (*values["inputs"], *values["outputs"]):
            batch, channel, y, x = tensor["axes"]
            tensor["axes"] = [batch, y, x, channel]
        values["inputs"][0]["data"] = {"type": "float32"}
        values["weights"] = {
            weights: {"source": file, "sha256": sha256(content), "tensorflow_version": "2.16"}
        }
        if change is not None:
            change(values)

    folder = package(change=turn)
    (folder / file).write_bytes(content)
    for name in ("in.npy", "out.npy"):
        np.save(folder / name, np.moveaxis(np.load(folder / name), 1, -1).astype(np.float32))
    return folder


def scaled_package(package: Package, weights: str, content: bytes, file: str, **options: Any) -> Path:
    """The same with the test tensor of a model that changes nothing."""
    folder = keras_package(package, weights, content, file, **options)
    np.save(folder / "out.npy", np.load(folder / "in.npy") * np.float32(0.005))
    return folder


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of environments, empty."""
    folder = tmp_path / "external"
    monkeypatch.setenv("VERISCOPE_EXTERNAL", str(folder))
    return folder


@pytest.fixture(params=["tensorflow", "stardist"])
def environment(nowhere: Path, request: pytest.FixtureRequest) -> Path:
    """A made-up environment, of the one tool or the other; either serves."""
    return make_environment(nowhere, request.param)


@pytest.fixture
def tensorflow(nowhere: Path) -> Path:
    """A made-up environment."""
    return make_environment(nowhere, "tensorflow")


def make_environment(folder: Path, tool: str) -> Path:
    recipe, home = recipe_of(tool), folder / tool
    fakes = home / "fakes"
    fakes.mkdir(parents=True)
    for name, code in FAKES.items():
        (fakes / f"{name}.py").write_text(textwrap.dedent(code))
    python = home / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    # -I leaves out paths from outside; a .pth file of the environment itself counts
    (home / "venv" / "pyvenv.cfg").write_text(f"home = {Path(sys.base_prefix) / 'bin'}\n")
    site = home / "venv" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    site.mkdir(parents=True)
    own = Path(np.__file__).parents[1]
    (site / "fakes.pth").write_text(f"{fakes}\n{own}\n")
    python.symlink_to(Path(sys.executable).resolve())
    record = {"schema": ENVIRONMENT_SCHEMA, "tool": tool, "version": "0", "requirements": recipe.lines()}
    (home / "environment.json").write_text(json.dumps(record))
    return home


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (layers("Conv2D", "BatchNormalization"), ""),
        (layers("Conv2D", module="keras.layers", registered_name=None), ""),
        (layers("Conv2D", module="keras.src.layers.convolutional.conv2d"), ""),
        (layers("Conv2D", module="tensorflow.keras.layers"), ""),
        ({"class_name": "Functional", "module": "keras.src.models.functional"}, ""),
        ({"class_name": "Functional", "module": "keras.src.engine.functional"}, ""),
        ({"module": "builtins", "class_name": "function", "config": "relu"}, ""),
        ({"module": "keras.dtype_policies", "class_name": "DTypePolicy"}, ""),
        (layers("Conv2D", "Lambda"), "a Lambda layer"),
        (layers("Lambda", config={"name": "tidy"}), "a Lambda layer (tidy)"),
        (layers("TFSMLayer", config={"name": "x", "filepath": "/elsewhere"}), "a TFSMLayer layer (x)"),
        ({"class_name": "__lambda__", "config": {"value": "4wAA"}}, "a __lambda__ layer"),
        ({"module": "builtins", "class_name": "function", "config": "exec"}, "builtins.function"),
        ({"module": "builtins", "class_name": "function", "config": {"a": 1}}, "builtins.function"),
        ({"module": "os", "class_name": "system"}, "os.system"),
        ({"module": "keras.utils", "class_name": "get_file"}, "keras.utils.get_file"),
        ({"module": "keras.src.saving.saving_lib", "class_name": "load"}, "keras.src.saving.saving_lib.load"),
        ({"module": "kerasx.layers", "class_name": "Conv2D"}, "kerasx.layers.Conv2D"),
        (layers("Mine", registered_name="authors>Mine"), "the part authors>Mine of its authors"),
        ([[{"deep": [{"class_name": "Lambda"}]}]], "a Lambda layer"),
        ("Lambda", ""),
        (None, ""),
    ],
)
def test_what_is_code_in_a_keras_model(content: Any, found: str) -> None:
    assert find_code(content) == found


def test_without_the_environment_the_command_that_makes_it_is_named(
    package: Package, cache: Path, nowhere: Path
) -> None:
    folder = scaled_package(package, "keras_hdf5", model_file(), "mean.h5")
    with pytest.raises(
        MethodError, match=r"mean\.h5|make it with: veriscope models install tensorflow"
    ) as caught:
        add_model(str(folder))
    text = str(caught.value)
    assert "keras_hdf5: not tested" in text and "veriscope models install tensorflow (about" in text
    with pytest.raises(MissingPackageError, match=r"zoo:bouncy-blob: to run its keras_hdf5 weights"):
        make_method(str(folder))
    kept = add_model(str(folder), anyway=True)
    assert kept["states"]["output_reproduced"]["status"] == "not tested"


def test_weights_that_run_here_go_before(package: Package, cache: Path, nowhere: Path) -> None:
    content = model_file()

    def both(values: dict[str, Any]) -> None:
        values["weights"]["keras_hdf5"] = {"source": "mean.h5", "sha256": sha256(content)}

    folder = package(change=both)
    (folder / "mean.h5").write_bytes(content)
    found = add_model(str(folder))["states"]["output_reproduced"]
    assert found["status"] == "yes"
    assert [test["status"] for test in found["tests"]] == ["yes", "not tested"]
    assert make_method("zoo:bouncy-blob").describe()["weights"] == "weights.onnx"
    with pytest.raises(MissingPackageError, match="models install tensorflow"):
        make_method("zoo:bouncy-blob", {"weights": "keras_hdf5"})


@pytest.mark.parametrize("file", ["mean.h5", "weights.bin"])
def test_a_keras_model_runs_in_the_process_of_the_environment(
    package: Package, cache: Path, environment: Path, file: str
) -> None:
    folder = scaled_package(package, "keras_hdf5", model_file(), file)
    found = add_model(str(folder))
    assert found["states"]["output_reproduced"]["status"] == "yes"
    method = make_method("zoo:bouncy-blob")
    assert method.engine.python == environment / "venv" / "bin" / "python"  # type: ignore[attr-defined]
    image = Image(blobs((130, 161)), "yx")
    assert method.predict(image).n_objects == len(range(6, 118, 24)) * len(range(6, 149, 24))


def test_outputs_are_brought_into_the_order_of_the_card(
    package: Package, cache: Path, tensorflow: Path
) -> None:
    def two(values: dict[str, Any]) -> None:
        mean = values["outputs"][0]
        half = mean | {"id": "half", "postprocessing": [{"id": "scale_linear", "kwargs": {"gain": 2.0}}]}
        values["outputs"] = [mean, half]

    for outputs in ({"half": 0.5, "mean": 1.0}, {"mean": 1.0, "half": 0.5}):
        content = model_file(outputs=outputs)
        folder = scaled_package(package, "keras_hdf5", content, "mean.h5", change=two)
        tests = add_model(str(folder), name="two")["states"]["output_reproduced"]["tests"]
        assert [test["status"] for test in tests] == ["yes", "yes"]
        remove_model("two")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            model_file(config=layers("Lambda"), attack="mark"),
            r"is not run: it holds a Lambda layer, which is code",
        ),
        (model_file(attrs={}), r"holds weights without the layers that they belong to"),
        (b"not json", r"Keras and TensorFlow cannot run it: JSONDecodeError"),
    ],
)
def test_what_is_refused_and_nothing_is_kept(
    package: Package, cache: Path, tensorflow: Path, content: bytes, message: str
) -> None:
    folder = scaled_package(package, "keras_hdf5", content, "mean.h5")
    with pytest.raises(MethodError, match=message):
        add_model(str(folder))
    assert not list((cache / "models").glob("*"))
    assert not Path("mark").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems offer less, see docs/reference")
def test_what_gets_past_the_reader_can_still_not_write(
    package: Package, cache: Path, tensorflow: Path, tmp_path: Path
) -> None:
    folder = scaled_package(package, "keras_hdf5", model_file(attack=str(tmp_path / "mark")), "mean.h5")
    engine = make_method(str(folder)).engine  # type: ignore[attr-defined]
    try:
        engine.run(np.zeros((1, 16, 16, 1), np.float32))
    except MethodError as error:
        assert "PermissionError" in str(error)
    engine.close()
    if engine.held.get("files"):
        assert not (tmp_path / "mark").exists()


def bundle(path: Path, inputs: list[str], outputs: dict[str, float], inside: str = "") -> bytes:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{inside}saved_model.pb", json.dumps({"inputs": inputs, "outputs": outputs}))
        archive.writestr(f"{inside}variables/variables.index", "")
    return path.read_bytes()


@pytest.mark.parametrize("inside", ["", "exported/"])
def test_a_saved_model_is_unpacked_and_run(
    package: Package, cache: Path, tensorflow: Path, tmp_path: Path, inside: str
) -> None:
    content = bundle(tmp_path / "b.zip", ["x"], {"other": 1.0}, inside)
    folder = scaled_package(package, "tensorflow_saved_model_bundle", content, "bundle.zip")
    assert add_model(str(folder))["states"]["output_reproduced"]["status"] == "yes"


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        ([], {"mean": 1.0}, "has no signature"),
        (["x", "y"], {"mean": 1.0}, r"takes 2 arrays \(x, y\) and Veriscope gives one image"),
        (["x"], {"a": 1.0, "b": 2.0}, r"its outputs are named a, b, and the card names mean"),
    ],
)
def test_saved_models_that_do_not_fit_the_card(
    package: Package,
    cache: Path,
    tensorflow: Path,
    tmp_path: Path,
    inputs: list[str],
    outputs: dict[str, float],
    message: str,
) -> None:
    content = bundle(tmp_path / "b.zip", inputs, outputs)
    folder = scaled_package(package, "tensorflow_saved_model_bundle", content, "bundle.zip")
    with pytest.raises(MethodError, match=message):
        add_model(str(folder))


def test_a_bundle_that_leads_out_or_is_none(
    package: Package, cache: Path, tensorflow: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("../../evil", "x")
    folder = scaled_package(
        package, "tensorflow_saved_model_bundle", (tmp_path / "b.zip").read_bytes(), "bundle.zip"
    )
    with pytest.raises(UnreadableFileError, match="lies outside the package"):
        make_method(str(folder)).predict(Image(blobs(), "yx"))
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("readme", "x")
    folder = scaled_package(
        package, "tensorflow_saved_model_bundle", (tmp_path / "c.zip").read_bytes(), "bundle.zip"
    )
    with pytest.raises(MethodError, match=r"its archive has no saved_model\.pb"):
        add_model(str(folder))


def test_weights_changed_after_they_were_verified(
    package: Package, cache: Path, tensorflow: Path, tmp_path: Path
) -> None:
    for weights, content, file in (
        ("keras_hdf5", model_file(), "mean.h5"),
        ("tensorflow_saved_model_bundle", bundle(tmp_path / "b.zip", ["x"], {"mean": 1.0}), "mean.zip"),
    ):
        folder = scaled_package(package, weights, content, file)
        method = make_method(str(folder))
        (folder / file).write_bytes(content + b" ")
        with pytest.raises(MethodError, match="was changed after it was verified"):
            method.predict(Image(blobs(), "yx"))


def test_a_package_with_nothing_that_runs_here(package: Package, cache: Path) -> None:
    def other(values: dict[str, Any]) -> None:
        values["weights"] = {"tensorflow_js": {"source": "weights.onnx"}}

    folder = package(change=other)
    with pytest.raises(MethodError, match=r"has weights as tensorflow_js; Veriscope runs onnx, torchscript"):
        add_model(str(folder))
    assert "tensorflow_js" in yaml.safe_load((folder / "bioimageio.yaml").read_text())["weights"]
