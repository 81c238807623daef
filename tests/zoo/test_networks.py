"""A network that Veriscope trained is a method by its path or its name; all settings are its package's."""

import hashlib
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from veriscope.core.image import Image
from veriscope.errors import InputError, MethodError
from veriscope.methods.networks.nuclei_fluorescence import NucleiFluorescence
from veriscope.registry import get_method, make_method
from veriscope.zoo.add import add_model
from veriscope.zoo.networks import method_at

SHIPPED = Path(str(NucleiFluorescence.package.folder))


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "mine"))


def change(folder: Path, edit: Callable[[dict[str, Any]], object]) -> str:
    """Edit the description of a package and give the name of its method."""
    path = folder / "bioimageio.yaml"
    content = yaml.safe_load(path.read_text())
    edit(content)
    path.write_text(yaml.safe_dump(content))
    return f"network:{folder}"


def picture() -> Image:
    raw = np.load(SHIPPED / "test_input.npy")[0, 0]
    return Image(raw[:160, :144], "yx")


def test_a_path_gives_the_same_method_also_in_another_process(copied: Path) -> None:
    ours = make_method("nuclei-fluorescence").predict(picture())
    method = make_method(f"network:{copied}")
    assert method.name == "network:veriscope-nuclei-fluorescence"
    for one in (method, pickle.loads(pickle.dumps(method))):
        found = one.predict(picture())
        np.testing.assert_array_equal(found.labels, ours.labels)
        np.testing.assert_array_equal(found.probabilities, ours.probabilities)
    own, shipped = method.describe(), NucleiFluorescence().describe()
    assert own | {"name": ""} == shipped | {"name": ""}


def test_a_package_that_was_added_goes_by_its_name(cache: Path) -> None:
    added = add_model(str(SHIPPED), name="my nuclei")
    assert added["name"] == "zoo:my-nuclei"
    method = make_method("network:my-nuclei")
    assert method.name == "network:my-nuclei"
    assert method.predict(picture()).n_objects > 5


def test_all_settings_are_those_of_the_package(copied: Path) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["config"]["veriscope"]["network"] |= {
            "threshold": 0.9,
            "smallest_area": 77,
            "rgb": "luminance",
        }
        content["config"]["veriscope"]["card"]["summary"] = "Mine."

    method = make_method(change(copied, edit))
    assert method.card.summary == "Mine."
    assert method.colour_channel == "luminance"
    assert method.describe()["parameters"]["threshold"] == 0.9
    assert method.describe()["parameters"]["smallest_area"] == 77
    areas = np.bincount(method.predict(picture()).labels.ravel())[1:]
    assert areas.min() >= 77


def test_the_bare_name_of_a_folder_is_told_how_to_be_written(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copied.parent)
    with pytest.raises(MethodError, match="is a package: write network:mine; "):
        get_method("mine")
    assert get_method(str(method_at("mine"))).name == "network:veriscope-nuclei-fluorescence"
    change(copied, lambda content: content["config"].pop("veriscope"))
    with pytest.raises(MethodError, match=r"is a package: write \./mine; "):
        get_method("mine")
    (copied / "bioimageio.yaml").unlink()
    assert method_at("mine") is None and method_at("absent") is None
    with pytest.raises(MethodError, match="no method named 'mine'; installed are"):
        get_method("mine")


def test_weights_that_are_not_those_described_are_refused(copied: Path) -> None:
    for name in ("weights.onnx", "weights_int8.onnx"):
        good = (copied / name).read_bytes()
        (copied / name).write_bytes(good[:-1] + b"x")
        with pytest.raises(InputError, match=f"{name}.*SHA-256"):
            get_method(f"network:{copied}")
        (copied / name).write_bytes(good)


def test_a_package_of_others_is_pointed_to_the_zoo(copied: Path) -> None:
    name = change(copied, lambda content: content["config"].pop("veriscope"))
    with pytest.raises(InputError, match=r"no config\.veriscope\.network.*zoo:NAME, or its path"):
        get_method(name)


def test_a_setting_that_is_wrong_is_named(copied: Path) -> None:
    name = change(copied, lambda c: c["config"]["veriscope"]["network"].update(threshold=2))
    with pytest.raises(InputError, match="threshold: Input should be less than 1"):
        get_method(name)


def test_a_head_of_a_newer_version_is_an_error(copied: Path) -> None:
    name = change(copied, lambda c: c["config"]["veriscope"]["network"].update(head="spirals"))
    with pytest.raises(InputError, match="head: Input should be 'flow'"):
        make_method(name)


def test_precision_without_weights_is_refused(copied: Path) -> None:
    name = change(copied, lambda c: c["config"]["veriscope"].pop("int8"))
    with pytest.raises(MethodError, match="no 8-bit weights"):
        make_method(name, {"precision": "int8"})


def test_shipped_weights_are_those_described() -> None:
    NucleiFluorescence.package.verify()
    for precision in ("float32", "int8"):
        content = NucleiFluorescence.package.weights(precision).read_bytes()
        assert hashlib.sha256(content).hexdigest() == NucleiFluorescence.package.sha256(precision)


def test_names_that_are_not_there_say_so(cache: Path) -> None:
    with pytest.raises(MethodError, match="no model package named 'nowhere'"):
        get_method("network:nowhere")
