"""Models are found by what they are for; a package of ours goes by the name that uses all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.errors import InputError
from veriscope.methods.networks.nuclei_fluorescence import NucleiFluorescence
from veriscope.registry import make_method
from veriscope.workflow.model_list import list_all_models
from veriscope.workflow.models import add_to_models, describe_model, export_model

SHIPPED = Path(str(NucleiFluorescence.package.folder))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERISCOPE_CACHE", str(tmp_path / "cache"))


def names(**wanted: Any) -> list[str]:
    return [item["name"] for item in list_all_models(**wanted)["models"]]


def test_a_word_is_looked_for_in_what_a_card_states_not_in_its_prose() -> None:
    assert names(task="detection") == ["blood-cells"]  # log-spots detects blobs and gives no boxes
    assert names(structure="platelet", modality="brightfield", licence="mit") == ["blood-cells"]
    assert names(structure="nuclei") == names(structure="NUCLEUS")
    assert "nuclei-histology" in names(structure="nucleus", modality="histology")


def test_where_nothing_fits_the_words_that_there_are_are_told() -> None:
    found = list_all_models(task="nonsense")
    assert found["models"] == []
    assert {"instance", "nucleus", "phase-contrast", "3d"} <= set(found["words"])
    assert "nonsense" not in found["words"]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give nuclei-fluorescence as an archive that states a pixel size."""
    path = tmp_path_factory.mktemp("exported") / "p.zip"
    export_model("nuclei-fluorescence", path, spacing={"y": 0.5, "x": 0.5})
    return str(path)


def test_models_are_found_by_the_pixel_size_that_they_were_made_for(exported: str) -> None:
    add_to_models(exported, name="fine")
    for size, fits in ((0.5, True), (0.25, True), (1.0, True), (0.24, False), (1.01, False)):
        found = list_all_models(pixel_size=size)
        assert [item["name"] for item in found["models"]] == (["network:fine"] if fits else [])
        assert found["without_pixel_size"] == len(names()) - 1
    (item,) = list_all_models(pixel_size=0.5)["models"]
    assert item["pixel_size"] == {"y": 0.5, "x": 0.5}
    assert list_all_models(pixel_size=0.5, licence="MIT")["without_pixel_size"] == len(names(licence="MIT"))
    assert list_all_models()["without_pixel_size"] == 0
    for wrong in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(InputError, match="is not above 0; give µm, such as"):
            list_all_models(pixel_size=wrong)


def test_what_was_exported_and_added_finds_the_same_objects(exported: str) -> None:
    """The name that is told must be the one that keeps the network's own way from outputs to objects."""
    added = add_to_models(exported, name="mine")
    assert (added["name"], added["method"]) == ("zoo:mine", "network:mine")
    image = Image(np.load(SHIPPED / "test_input.npy")[0, 0][:160, :144], "yx")
    expected = make_method("nuclei-fluorescence").predict(image)
    found = make_method(added["method"]).predict(image)
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)

    (item,) = (item for item in list_all_models()["models"] if item["where"] == "added")
    assert (item["name"], item["reproduced"]) == ("network:mine", "yes")
    card = describe_model("mine")
    assert card["name"] == "network:mine"
    assert card["states"]["output_reproduced"]["status"] == "yes"
    assert "weights.onnx" in card["files"] and "network: weights.onnx (onnx)" in card["would_run"]
