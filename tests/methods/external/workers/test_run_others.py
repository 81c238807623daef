"""The scripts for StarDist, InstanSeg and Cellpose 4: what the programs are asked, and what is refused."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from .conftest import Load, Network, Weights, order

STAR = {"low": 1.0, "high": 99.8, "prob_thresh": None, "nms_thresh": 0.3, "scale": None}


class StarModels(ModuleType):
    """What `stardist.models` has, and what was asked of it."""

    def __init__(self) -> None:
        super().__init__("stardist.models")
        self.made: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[tuple[np.ndarray, dict[str, Any]]] = []
        outer = self

        class StarDist2D:
            thresholds = SimpleNamespace(prob=0.48, nms=0.4)
            basedir: Any = "set"

            def __init__(self, config: Any, **options: Any) -> None:
                outer.made.append((type(self).__name__, options))

            def _guess_n_tiles(self, image: np.ndarray) -> tuple[int, ...]:
                return tuple(2 for _ in image.shape)

            def predict_instances(self, image: np.ndarray, **options: Any) -> tuple[Any, ...]:
                outer.asked.append((image, options))
                labels = np.zeros(image.shape, np.uint16)
                labels[..., 1, 1] = 1
                return labels, {"prob": [0.75]}

        self.StarDist2D = StarDist2D
        self.StarDist3D = type("StarDist3D", (StarDist2D,), {})


@pytest.fixture
def star_models() -> StarModels:
    return StarModels()


@pytest.fixture
def stardist(load: Load, star_models: StarModels) -> ModuleType:
    threading = SimpleNamespace(
        set_intra_op_parallelism_threads=lambda n: None, set_inter_op_parallelism_threads=lambda n: None
    )
    tensorflow: Any = ModuleType("tensorflow")
    tensorflow.config = SimpleNamespace(threading=threading)
    utils: Any = ModuleType("csbdeep.utils")
    utils.normalize = lambda image, low, high: np.asarray(image, np.float32) / 100
    return load("run_stardist", tensorflow=tensorflow, stardist__models=star_models, csbdeep__utils=utils)


@pytest.mark.parametrize(("dimensions", "kind"), [(2, "StarDist2D"), (3, "StarDist3D")])
def test_the_folder_of_a_model_is_opened_and_never_written_to(
    stardist: ModuleType, star_models: StarModels, dimensions: int, kind: str
) -> None:
    told = order(files=["/models/mine"], options={"dimensions": dimensions})
    state = stardist.load(told)
    assert star_models.made == [(kind, {"name": "mine", "basedir": "/models"})]
    assert state.model.basedir is None and state.about == {"prob_thresh": 0.48, "nms_thresh": 0.4}


@pytest.mark.parametrize(("shape", "axes"), [((12, 14), "YX"), ((3, 12, 14), "ZYX")])
def test_axes_and_thresholds_of_stardist(
    stardist: ModuleType, star_models: StarModels, shape: tuple[int, ...], axes: str
) -> None:
    state = stardist.load(order(files=["/models/mine"], options={"dimensions": len(shape)}))
    values, found = stardist.predict(state, {"image": np.full(shape, 200, np.uint8)}, STAR)
    ((image, options),) = star_models.asked
    assert options["axes"] == axes and options["n_tiles"] is None and options["nms_thresh"] == 0.3
    assert options["prob_thresh"] is None, "StarDist takes its own"
    np.testing.assert_array_equal(image, np.full(shape, 2, np.float32))
    assert values == {"prob_thresh": 0.48, "nms_thresh": 0.3}, "what was used is told"
    assert found["labels"].dtype == np.int32 and found["probabilities"].tolist() == [0.75]


def test_large_images_are_predicted_in_tiles(
    stardist: ModuleType, star_models: StarModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stardist, "_LARGE", 100)
    state = stardist.load(order(files=["/models/mine"]))
    stardist.predict(state, {"image": np.zeros((10, 10))}, STAR)
    stardist.predict(state, {"image": np.zeros((10, 11))}, STAR)
    assert [options["n_tiles"] for _, options in star_models.asked] == [None, (2, 2)]


def test_augmenting_keeps_image_and_labels_together(stardist: ModuleType) -> None:
    np.random.seed(0)  # noqa: NPY002 - StarDist hands over no generator
    labels = np.arange(12 * 12).reshape(12, 12)
    for _ in range(12):
        image, turned = stardist._augment(labels.astype(np.float64) * 1000, labels)
        assert sorted(turned.ravel()) == list(range(144))
        order_of = np.argsort(image.ravel())
        np.testing.assert_array_equal(turned.ravel()[order_of], np.arange(144))


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
