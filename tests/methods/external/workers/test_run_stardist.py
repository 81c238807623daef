"""The script for StarDist: what the program is asked to open, predict, fetch and train."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from .conftest import Load, order

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


def offered(
    monkeypatch: pytest.MonkeyPatch, star_models: StarModels, folder: Path, **kinds: tuple[str, ...]
) -> list[str]:
    """Let the package for pretrained models offer some, by their kind; gives what was fetched."""
    fetched: list[str] = []
    pretrained: Any = ModuleType("csbdeep.models.pretrained")
    pretrained.get_registered_models = lambda kind, aliases: kinds.get(kind.__name__, ())

    def get_model_folder(kind: type, name: str) -> Path:
        fetched.append(f"{kind.__name__} {name}")
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "config.json").write_text("{}")
        (folder / name / "weights_best.h5").write_bytes(b"numbers")
        return folder / name

    pretrained.get_model_folder = get_model_folder
    monkeypatch.setitem(sys.modules, "csbdeep.models", ModuleType("csbdeep.models"))
    monkeypatch.setitem(sys.modules, "csbdeep.models.pretrained", pretrained)
    return fetched


@pytest.mark.parametrize(("name", "kind"), [("2D_fluo", "StarDist2D"), ("3D_demo", "StarDist3D")])
def test_a_model_of_the_authors_is_copied_whole(
    stardist: ModuleType,
    star_models: StarModels,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    kind: str,
) -> None:
    fetched = offered(
        monkeypatch, star_models, tmp_path / "cache", StarDist2D=("2D_fluo", "2D_he"), StarDist3D=("3D_demo",)
    )
    state = stardist.load(order(do="download"))
    assert star_models.made == [], "no model is opened to fetch one"
    output = tmp_path / "weights"
    values, arrays = stardist.download(state, {}, {"name": name, "output": str(output)})
    assert (values, arrays, fetched) == ({"files": [name]}, {}, [f"{kind} {name}"])
    assert sorted(path.name for path in (output / name).iterdir()) == ["config.json", "weights_best.h5"]


def test_a_model_that_is_not_offered_is_told_with_those_that_are(
    stardist: ModuleType, star_models: StarModels, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fetched = offered(
        monkeypatch, star_models, tmp_path, StarDist2D=("2D_fluo", "2D_he"), StarDist3D=("3D_demo",)
    )
    with pytest.raises(ValueError) as error:
        stardist.download(stardist.load(order(do="download")), {}, {"name": "2D", "output": str(tmp_path)})
    assert str(error.value) == "StarDist offers no 2D; it offers 2D_fluo, 2D_he, 3D_demo"
    assert fetched == []


TRAINING = {
    "name": "mine",
    "output": "/models",
    "rays": 16,
    "grid": 2,
    "patch": 64,
    "batch_size": 3,
    "learning_rate": 2e-4,
    "epochs": 4,
    "steps_per_epoch": 5,
    "seconds": None,
    "seed": 11,
}


class Trained:
    """What a training is given, and a model that goes through its epochs unless it is told to stop."""

    def __init__(self, stardist: ModuleType, models: StarModels, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seeds: list[int] = []
        self.given: dict[str, Any] = {}
        self.epochs = 0
        self.after_epoch: Any = lambda epoch: None
        outer = self

        class Config2D:
            def __init__(self, **options: Any) -> None:
                outer.given["config"] = options

        class StarDist2D:
            def __init__(self, config: Any, **options: Any) -> None:
                outer.given["model"] = options
                self.callbacks: list[Any] = []
                self.stop_training = False

            def prepare_for_training(self) -> None:
                outer.given["prepared"] = True

            def train(self, images: Any, labels: Any, **options: Any) -> None:
                outer.given |= {"images": images, "labels": labels, "train": options}
                for callback in self.callbacks:
                    callback.model = self
                for epoch in range(outer.given["config"]["train_epochs"]):
                    outer.epochs += 1
                    outer.after_epoch(epoch)
                    for callback in self.callbacks:
                        callback.on_epoch_end(epoch, {"loss": 4.0 - epoch, "val_loss": 5.0 - epoch, "lr": 1})
                    if self.stop_training:
                        break

            def optimize_thresholds(self, images: Any, labels: Any) -> dict[str, Any]:
                outer.given["judged"] = images, labels
                return {"prob": np.float32(0.5), "nms": np.float32(0.25), "f1": 1.0}

        models.StarDist2D, models.Config2D = StarDist2D, Config2D  # type: ignore[attr-defined, assignment]
        tensorflow: Any = sys.modules["tensorflow"]
        callback = type("Callback", (), {})
        tensorflow.keras = SimpleNamespace(
            utils=SimpleNamespace(set_random_seed=self.seeds.append),
            callbacks=SimpleNamespace(Callback=callback),
        )


@pytest.fixture
def trained(stardist: ModuleType, star_models: StarModels, monkeypatch: pytest.MonkeyPatch) -> Trained:
    return Trained(stardist, star_models, monkeypatch)


def examples(n: int, *, name: str = "") -> dict[str, Any]:
    """Images that say their number, ten of them so that names do not sort as numbers do."""
    found: dict[str, Any] = {}
    for number in reversed(range(n)):
        found[f"{name}image-{number}"] = np.full((8, 8), 100 * number, np.uint16)
        found[f"{name}label-{number}"] = np.full((8, 8), number, np.uint32)
    return found


def test_training_is_what_was_asked_for(stardist: ModuleType, trained: Trained) -> None:
    state = stardist.load(order(do="train"))
    values, arrays = stardist.train(state, examples(3) | examples(1, name="validation_"), TRAINING)
    assert trained.given["config"] == {
        "n_rays": 16,
        "grid": (2, 2),
        "n_channel_in": 1,
        "train_patch_size": (64, 64),
        "train_batch_size": 3,
        "train_learning_rate": 2e-4,
        "train_epochs": 4,
        "train_steps_per_epoch": 5,
        "train_tensorboard": False,
    }
    assert trained.given["model"] == {"name": "mine", "basedir": "/models"}
    assert (trained.seeds, trained.given["train"]["seed"]) == ([11], 11)
    assert trained.given["prepared"] and trained.given["train"]["augmenter"] is stardist._augment
    assert values == {
        "model": "mine",
        "losses": [{"loss": 4.0 - epoch, "val_loss": 5.0 - epoch} for epoch in range(4)],
        "thresholds": {"prob": 0.5, "nms": 0.25},
    }
    assert arrays == {}


def test_images_and_labels_are_paired_by_number_and_thresholds_chosen_on_others(
    stardist: ModuleType, trained: Trained
) -> None:
    told = examples(12) | examples(2, name="validation_")
    stardist.train(stardist.load(order(do="train")), told, TRAINING)
    given = trained.given
    assert [int(image[0, 0]) for image in given["images"]] == list(range(12)), "normalised: a hundredth"
    assert [int(labels[0, 0]) for labels in given["labels"]] == list(range(12))
    assert all(labels.dtype == np.int32 for labels in given["labels"])
    for images, labels in (given["judged"], given["train"]["validation_data"]):
        assert [int(image[0, 0]) for image in images] == [int(one[0, 0]) for one in labels] == [0, 1]


def test_a_training_ends_with_the_epoch_in_which_its_time_is_over(
    stardist: ModuleType, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(stardist, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    def after(epoch: int) -> None:
        clock[0] += 7

    trained.after_epoch = after
    told = examples(2) | examples(1, name="validation_")
    values, _ = stardist.train(stardist.load(order(do="train")), told, TRAINING | {"seconds": 10.0})
    assert trained.epochs == len(values["losses"]) == 2
    assert values["thresholds"] == {"prob": 0.5, "nms": 0.25}, "what it has learned is kept"


def test_losses_that_were_not_told_are_no_numbers(stardist: ModuleType, trained: Trained) -> None:
    callback = stardist._Losses(sys.modules["tensorflow"], None)
    callback.callback.on_epoch_end(0, None)
    callback.callback.on_epoch_end(1, {"loss": np.float32(0.5)})
    assert [np.isnan(list(one.values())).tolist() for one in callback.values] == [[True, True], [False, True]]
