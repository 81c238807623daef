"""The scripts for InstanSeg, Cellpose 4 and TensorFlow: what the programs are asked, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from .conftest import Load, Network, Weights, order


class Found(np.ndarray):
    """A tensor on the processor."""

    def cpu(self) -> Found:
        return self


class InstanSeg:
    """What `instanseg.InstanSeg` does: gives one plane of labels, or two, and notes what it was asked."""

    asked: list[tuple[str, Any, str]] = []  # noqa: RUF012 - emptied by the fixture

    def __init__(self, network: Any, *, device: str, verbosity: int, channels_last: bool) -> None:
        self.network = network

    def eval_small_image(self, image: Any, size: Any, *, return_image_tensor: bool, target: str) -> Any:
        return self._eval("small", image, size, target)

    def eval_medium_image(self, image: Any, size: Any, *, return_image_tensor: bool, target: str) -> Any:
        return self._eval("medium", image, size, target)

    def _eval(self, how: str, image: np.ndarray, size: Any, target: str) -> Found:
        self.asked.append((how, size, target))
        assert image.dtype == np.float32 and image.shape[0] == 1
        return np.full((1, 1, *image.shape[1:]), 3.0).view(Found)


@pytest.fixture
def instanseg(load: Load, torch: Any, stored: dict[str, Any]) -> ModuleType:
    InstanSeg.asked.clear()
    torch.jit = SimpleNamespace(load=lambda path, map_location: stored[path])
    package: Any = ModuleType("instanseg")
    package.InstanSeg = InstanSeg
    return load("run_instanseg", torch=torch, instanseg=package)


@pytest.mark.parametrize(("both", "target"), [(True, "cells"), (False, "all_outputs")])
@pytest.mark.parametrize(("own", "asked"), [(0.5, 0.65), (0.0, None)])
def test_instanseg_is_asked_for_what_its_model_knows(
    instanseg: ModuleType, stored: dict[str, Any], *, both: bool, target: str, own: float, asked: float | None
) -> None:
    stored["/weights"] = SimpleNamespace(pixel_size=own, cells_and_nuclei=both)
    state = instanseg.load(order())
    assert state.about == {"pixel_size_um": own, "cells_and_nuclei": both}
    told = {"target": "cells", "pixel_size": 0.65}
    values, found = instanseg.predict(state, {"image": np.ones((6, 7), np.uint16)}, told)
    assert InstanSeg.asked == [("small", asked, target)] and values == {"pixel_size_um": asked}
    assert found["labels"].shape == (6, 7) and found["labels"].dtype == np.int32
    instanseg.predict(state, {"image": np.ones((1501, 1500), np.uint8)}, told)
    assert InstanSeg.asked[1][0] == "medium"


@pytest.mark.parametrize(
    ("has", "lacks"), [({}, "pixel_size, cells_and_nuclei"), ({"pixel_size": 1.0}, "cells_and_nuclei")]
)
def test_another_torchscript_file_is_no_model_of_instanseg(
    instanseg: ModuleType, stored: dict[str, Any], has: dict[str, float], lacks: str
) -> None:
    stored["/weights"] = SimpleNamespace(**has)
    with pytest.raises(ValueError, match=f"is no model of InstanSeg: it lacks {lacks}$"):
        instanseg.load(order())


SAM_WHOLE = {"W2": Weights(1), "neck": Weights(3)}


@pytest.fixture
def cellpose_4(load: Load, torch: ModuleType) -> tuple[ModuleType, list[dict[str, Any]]]:
    asked: list[dict[str, Any]] = []

    class CellposeModel:
        backbone = "vit_l"

        def __init__(self, *, gpu: bool, pretrained_model: str, use_bfloat16: bool) -> None:
            assert use_bfloat16 is gpu, "16-bit numbers are slow and coarse without a GPU"
            self.net = Network(SAM_WHOLE)

        def eval(self, image: np.ndarray, **options: Any) -> tuple[Any, ...]:
            asked.append(options)
            return np.ones(image.shape, np.uint16), [], []

    models: Any = ModuleType("cellpose.models")
    models.CellposeModel, models.MODEL_NAMES = CellposeModel, ["cpsam"]
    models.cache_model_path = lambda name: Path("/cache") / name
    return load("run_cellpose_sam", torch=torch, cellpose__models=models), asked


def test_cellpose_4_loads_weights_of_one_and_of_several_gpus(
    cellpose_4: tuple[ModuleType, list[dict[str, Any]]], stored: dict[str, Any]
) -> None:
    script, asked = cellpose_4
    stored["/weights"] = SAM_WHOLE
    state = script.load(order())
    stored["/weights"] = {"W2": Weights(1), "module.W2": Weights(1), "module.neck": Weights(3)}
    assert state.about == script.load(order()).about == {"backbone": "vit_l"}
    told = {"diameter": None, "flow_threshold": 0.4, "cellprob_threshold": 0.0, "smallest_area": 9}
    _, found = script.predict(
        state, {"image": np.zeros((4, 5))}, told | {"iterations": None, "augment": False}
    )
    assert found["labels"].dtype == np.int32 and asked[0]["min_size"] == 9


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "/weights holds no weights of Cellpose 4"),
        ({"output.2.weight": Weights(1)}, "/weights holds no weights of Cellpose 4"),
        ({"W2": Weights(1)}, "lacks 1 of 2 weights of the network, such as neck"),
    ],
)
def test_cellpose_4_refuses_what_it_would_load_in_part(
    cellpose_4: tuple[ModuleType, list[dict[str, Any]]], stored: dict[str, Any], content: Any, message: str
) -> None:
    stored["/weights"] = content
    with pytest.raises(ValueError, match=message):
        cellpose_4[0].load(order())


def test_cellpose_4_fetches_what_it_offers(cellpose_4: tuple[ModuleType, list[dict[str, Any]]]) -> None:
    script = cellpose_4[0]
    state = script.load(order(do="download"))
    assert script.download(state, {}, {"name": "cpsam"}) == ({"files": ["cpsam"]}, {})
    with pytest.raises(ValueError, match="Cellpose 4 offers no cyto3; it offers cpsam"):
        script.download(state, {}, {"name": "cyto3"})


def test_instanseg_fetches_what_it_offers_and_keeps_the_one_file(
    instanseg: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools: Any = ModuleType("instanseg.utils.utils")
    fetched: list[str] = []

    def download_model(name: str, *, verbose: bool) -> None:
        fetched.append(name)
        folder = Path(os.environ["INSTANSEG_BIOIMAGEIO_PATH"]) / name / "0.1.0"
        folder.mkdir(parents=True)
        (folder / "instanseg.pt").write_bytes(b"numbers")

    tools.download_model = download_model
    monkeypatch.setitem(sys.modules, "instanseg.utils", ModuleType("instanseg.utils"))
    monkeypatch.setitem(sys.modules, "instanseg.utils.utils", tools)
    monkeypatch.setenv("INSTANSEG_BIOIMAGEIO_PATH", "elsewhere")
    index = json.dumps([{"name": "fluo"}, {"name": "bright"}, {"name": "fluo"}]).encode()
    monkeypatch.setattr("pkgutil.get_data", lambda package, file: index)
    state = instanseg.load(order(do="download"))
    assert state.model is None, "nothing is loaded to fetch a model"
    with pytest.raises(ValueError, match=r"^InstanSeg offers no mine; it offers bright, fluo$"):
        instanseg.download(state, {}, {"name": "mine", "output": str(tmp_path)})
    assert fetched == []
    values, arrays = instanseg.download(state, {}, {"name": "fluo", "output": str(tmp_path)})
    assert (values, arrays) == ({"files": ["fluo.pt"]}, {})
    assert (tmp_path / "fluo.pt").read_bytes() == b"numbers"


class Keras(ModuleType):
    """What the attempt uses of Keras: a network that is saved, and seeds that are noted."""

    def __init__(self) -> None:
        super().__init__("keras")
        self.seeds: list[int] = []
        self.Input = lambda shape: ("input", shape)
        self.utils = SimpleNamespace(set_random_seed=self.seeds.append)
        self.layers = SimpleNamespace(Conv2D=lambda *args, **options: lambda given: (args, options, given))

        class Model:
            def __init__(self, given: Any, made: Any) -> None:
                self.saved = repr((given, made)).encode()

            def save(self, path: Path) -> None:
                path.write_bytes(self.saved)

        self.Model = Model


def test_tensorflow_is_tried_with_what_runs_packages(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that Keras wrote is read by the runner of packages, and by its hash."""
    threads: list[int] = []
    tensorflow: Any = ModuleType("tensorflow")
    tensorflow.config = SimpleNamespace(
        threading=SimpleNamespace(
            set_intra_op_parallelism_threads=threads.append, set_inter_op_parallelism_threads=threads.append
        )
    )
    script = load("run_tensorflow", tensorflow=tensorflow, keras=Keras())
    orders: list[dict[str, Any]] = []

    def runner(name: str, path: Path) -> Any:
        assert (name, path.name) == ("keras_runner", "keras_runner.py") and path.is_file()
        module: Any = ModuleType(name)

        def opened(told: dict[str, Any], read: Any) -> Any:
            content = read(told["weights"], told["weights_sha256"])
            assert hashlib.sha256(content).hexdigest() == told["weights_sha256"]
            orders.append(told)
            return lambda arrays: [arrays[0] / arrays[0].max()]

        module.load = opened
        return SimpleNamespace(loader=SimpleNamespace(exec_module=lambda made: None)), module

    def spec_of(name: str, path: Path) -> Any:
        spec, module = runner(name, path)
        spec.module = module
        return spec

    monkeypatch.setattr(script.importlib.util, "spec_from_file_location", spec_of)
    monkeypatch.setattr(script.importlib.util, "module_from_spec", lambda spec: spec.module)
    image = np.array([[0.0, 1.0], [3.0, 4.0]], np.float32)
    values, found = script.attempt(script.load(order()), {"image": image}, {"folder": str(tmp_path)})
    assert found["labels"].tolist() == [[0, 0], [1, 1]] and found["labels"].dtype == np.int32
    assert values == {"text": "a network with random weights was saved, loaded and run"}
    ((told,), seeds) = orders, script.importlib.import_module("keras").seeds
    assert (told["format"], told["outputs"], told["threads"]) == ("keras_hdf5", ["made"], 1)
    assert (threads, seeds) == ([1, 1], [0])
