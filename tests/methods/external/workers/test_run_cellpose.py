"""The script for Cellpose 3: which model is loaded, what is refused, what the program is asked and gives."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from .conftest import Load, Network, Weights, order

IMAGE = np.zeros((40, 50), np.float32)
OPTIONS = {
    "diameter": None,
    "flow_threshold": 0.4,
    "cellprob_threshold": -1.0,
    "smallest_area": 15,
    "iterations": 7,
    "augment": True,
}
WHOLE = {"output.2.weight": Weights(3, 32), "down.0": Weights(32, 2)}


class Models(ModuleType):
    """What `cellpose.models` has, and what was asked of it."""

    MODEL_NAMES = ("cyto3", "cyto2", "nuclei", "livecell_cp3")

    def __init__(self) -> None:
        super().__init__("cellpose.models")
        self.made: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        outer = self

        class CellposeModel:
            diam_labels = 17.5

            def __init__(self, **options: Any) -> None:
                outer.made.append(options)
                self.net = Network(WHOLE)

            def eval(self, image: np.ndarray, **options: Any) -> tuple[Any, ...]:
                outer.asked.append(options)
                return np.ones(image.shape, np.uint16), [], []

        class Cellpose:
            diam_mean, sz = 30.0, object()

            def __init__(self, **options: Any) -> None:
                outer.made.append({"sized": True} | options)

            def eval(self, image: np.ndarray, **options: Any) -> tuple[Any, ...]:
                outer.asked.append(options)
                return np.ones(image.shape, np.uint16), [], [], np.float64(21.0625)

        self.CellposeModel, self.Cellpose = CellposeModel, Cellpose

    def model_path(self, name: str) -> str:
        return f"/cache/{name}torch_0"

    def size_model_path(self, name: str) -> str:
        return f"/cache/size_{name}.npy"


@pytest.fixture
def models() -> Models:
    return Models()


@pytest.fixture
def script(load: Load, torch: ModuleType, models: Models) -> ModuleType:
    return load("run_cellpose", torch=torch, cellpose__models=models)


@pytest.mark.parametrize("do", ["train", "download", "try"])
def test_nothing_is_loaded_where_no_image_will_come(
    script: ModuleType, models: Models, torch: Any, do: str
) -> None:
    state = script.load(order(do=do))
    assert state.model is None and not models.made and torch.threads == [2]
    assert script.load(order(do=do, threads=0)).model is None and torch.threads == [2], "0 is its own choice"


def test_models_of_the_authors_with_and_without_a_size(script: ModuleType, models: Models) -> None:
    sized = script.load(order(own=False, model="cyto3"))
    plain = script.load(order(own=False, model="livecell_cp3"))
    assert models.made == [
        {"sized": True, "gpu": False, "model_type": "cyto3"},
        {"gpu": False, "model_type": "livecell_cp3"},
    ]
    assert (sized.about, plain.about) == ({"diameter": 30.0}, {"diameter": 17.5})


def test_the_diameter_is_estimated_only_by_models_that_can(script: ModuleType, models: Models) -> None:
    sized = script.load(order(own=False, model="cyto3"))
    plain = script.load(order(own=False, model="livecell_cp3"))
    given = OPTIONS | {"diameter": 12.0}
    values = [script.predict(s, {"image": IMAGE}, o)[0] for s in (sized, plain) for o in (OPTIONS, given)]
    assert [asked["diameter"] for asked in models.asked] == [0, 12.0, None, 12.0]
    assert [value["diameter_px"] for value in values] == [21.062, 21.062, 17.5, 12.0]


def test_options_come_by_the_names_of_cellpose(script: ModuleType, models: Models) -> None:
    state = script.load(order(own=False, model="livecell_cp3"))
    _, found = script.predict(state, {"image": IMAGE}, OPTIONS)
    assert found["labels"].dtype == np.int32 and found["labels"].shape == IMAGE.shape
    assert models.asked == [
        {
            "channels": [0, 0],
            "diameter": None,
            "flow_threshold": 0.4,
            "cellprob_threshold": -1.0,
            "min_size": 15,
            "niter": 7,
            "augment": True,
        }
    ]


@pytest.mark.parametrize(
    "stack", [{"do_3D": True, "anisotropy": 2.0}, {"do_3D": False, "stitch_threshold": 0.5}]
)
def test_a_stack_is_given_with_its_own_options_and_keeps_its_shape(
    script: ModuleType, models: Models, stack: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = script.load(order(own=False, model="livecell_cp3"))
    squeeze = models.CellposeModel.eval
    monkeypatch.setattr(
        models.CellposeModel, "eval", lambda *args, **told: (squeeze(*args, **told)[0].squeeze(), [], [])
    )
    _, found = script.predict(state, {"image": np.zeros((1, 40, 50))}, OPTIONS | {"stack": stack})
    assert found["labels"].shape == (1, 40, 50), "Cellpose drops an axis of length 1"
    assert {"z_axis": 0, **stack}.items() <= models.asked[0].items()


def test_weights_of_the_user_are_loaded(script: ModuleType, models: Models, stored: dict[str, Any]) -> None:
    stored["/weights"] = dict(WHOLE)
    assert script.load(order()).about == {"diameter": 17.5}
    assert models.made == [{"gpu": False, "pretrained_model": "/weights"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "/weights holds no weights of Cellpose 3"),
        ({"encoder.weight": Weights(1)}, "/weights holds no weights of Cellpose 3"),
        ({"output.2.weight": Weights(3, 32)}, "lacks 1 of 2 weights of the network, such as down.0"),
        (WHOLE | {"down.0": Weights(32, 3)}, "lacks 1 of 2 weights of the network, such as down.0"),
    ],
)
def test_weights_that_cellpose_would_replace_or_load_in_part_are_refused(
    script: ModuleType, stored: dict[str, Any], content: Any, message: str
) -> None:
    """Cellpose itself goes on with its default model, or with random numbers."""
    stored["/weights"] = content
    with pytest.raises(ValueError, match=message):
        script.load(order())


@pytest.mark.parametrize(
    ("name", "files"),
    [("cyto3", ["cyto3torch_0", "size_cyto3.npy"]), ("livecell_cp3", ["livecell_cp3torch_0"])],
)
def test_what_is_fetched(script: ModuleType, name: str, files: list[str]) -> None:
    state = script.load(order(do="download"))
    assert script.download(state, {}, {"name": name}) == ({"files": files}, {})


def test_what_is_not_offered_is_told_with_what_is(script: ModuleType) -> None:
    state = script.load(order(do="download"))
    with pytest.raises(ValueError, match=r"offers no cyto9; it offers cyto3, cyto2, nuclei, livecell_cp3"):
        script.download(state, {}, {"name": "cyto9"})


TRAINING = {
    "epochs": 3,
    "learning_rate": 0.1,
    "batch_size": 8,
    "images_per_epoch": None,
    "seed": 5,
    "name": "trained",
    "start": None,
}


def trained(
    script: ModuleType, load: Load, folder: Path, arrays: dict[str, np.ndarray], **changes: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What training gives, and what Cellpose was asked; it saves its weights where it always does."""
    asked: dict[str, Any] = {}

    def train_seg(net: Any, *, save_path: str, model_name: str, **options: Any) -> tuple[Any, ...]:
        asked.update(options)
        file = Path(save_path) / "models" / model_name
        file.parent.mkdir()
        file.write_text("numbers")
        return file, np.array([3.0, 1.0], np.float32), np.array([2.0, 0.0])

    module: Any = ModuleType("cellpose.train")
    module.train_seg = train_seg
    load("run_cellpose", cellpose__train=module)
    state = script.load(order(do="train"))
    options = TRAINING | {"output": str(folder)} | changes
    values, _ = script.train(state, arrays, options)
    return values, asked


def test_training_pairs_images_and_labels_by_number(script: ModuleType, load: Load, tmp_path: Path) -> None:
    arrays = {f"{kind}-{n}": np.full((2, 2), n) for n in (10, 2, 0) for kind in ("label", "image")}
    values, asked = trained(script, load, tmp_path, arrays)
    assert [int(a[0, 0]) for a in asked["train_data"]] == [0, 2, 10], "2 comes before 10"
    assert [int(a[0, 0]) for a in asked["train_labels"]] == [0, 2, 10]
    assert asked["test_data"] is None and asked["test_labels"] is None
    assert (asked["n_epochs"], asked["batch_size"], asked["min_train_masks"]) == (3, 8, 1)
    assert values == {"model": "trained", "losses": [3.0, 1.0], "validation": [2.0, 0.0]}
    assert [path.name for path in tmp_path.iterdir()] == ["trained"], "its folder models is gone"


def test_validation_images_are_not_trained_on(script: ModuleType, load: Load, tmp_path: Path) -> None:
    arrays = {f"{kind}-0": np.full((2, 2), 1) for kind in ("image", "label")}
    arrays |= {f"validation_{kind}-0": np.full((2, 2), 9) for kind in ("image", "label")}
    _, asked = trained(script, load, tmp_path, arrays)
    assert len(asked["train_data"]) == len(asked["test_data"]) == 1
    assert (asked["train_data"][0] == 1).all() and (asked["test_data"][0] == 9).all()


def test_training_goes_on_from_weights_only_if_these_are_its_own(
    script: ModuleType, load: Load, tmp_path: Path, models: Models, stored: dict[str, Any], torch: Any
) -> None:
    stored.update({"/start": WHOLE, "/other": {}})
    arrays = {"image-0": IMAGE, "label-0": IMAGE}
    trained(script, load, tmp_path, arrays, start="/start")
    assert models.made == [{"gpu": False, "pretrained_model": "/start"}] and torch.seeds == [5]
    with pytest.raises(ValueError, match="/other holds no weights of Cellpose 3"):
        trained(script, load, tmp_path, arrays, start="/other")


def test_an_attempt_saves_loads_and_predicts(
    script: ModuleType, models: Models, stored: dict[str, Any], tmp_path: Path
) -> None:
    def save_model(path: str) -> None:
        stored[path] = WHOLE

    class Saved(models.CellposeModel):  # type: ignore[name-defined, misc]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.net = SimpleNamespace(save_model=save_model, state_dict=lambda: WHOLE)

    models.CellposeModel = Saved
    values, found = script.attempt(script.load(order(do="try")), {"image": IMAGE}, {"folder": str(tmp_path)})
    assert "saved, loaded and run" in values["text"] and found["labels"].shape == IMAGE.shape
    assert [made["pretrained_model"] for made in models.made] == [False, str(tmp_path / "random")]
