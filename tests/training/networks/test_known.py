"""Networks are found by name, folder or file; what their description says is told, and what is wrong too."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from veriscope.errors import InputError, MethodError, UnreadableFileError
from veriscope.training.heads.base import Head
from veriscope.training.heads.boxes import BoxHead
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.heads.flow import FlowHead
from veriscope.training.networks.build import usual_widths
from veriscope.training.networks.known import find_network
from veriscope.zoo.cache import model_folder

WEIGHTS = b"no network, but bytes with a hash"
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


def described(folder: Path, own: Any = None, **changed: Any) -> Path:
    """Write a folder as of a package, whose weights are only bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "weights.onnx").write_bytes(WEIGHTS)
    content = {
        "config": {"veriscope": {"network": {"head": "flow"}} if own is None else own},
        "weights": {"onnx": {"sha256": SHA256}},
    }
    (folder / "bioimageio.yaml").write_text(yaml.safe_dump(content | changed))
    return folder


def test_a_folder_its_file_and_the_name_with_its_prefix_are_the_same_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = described(tmp_path / "mine")
    for name in (str(folder), str(folder / "bioimageio.yaml"), f"network:{folder}"):
        known = find_network(name)
        assert (known.name, known.folder, known.weights_sha256) == (name, folder, SHA256)
        assert known.method == f"network:{folder}"
    monkeypatch.chdir(tmp_path)
    assert find_network("mine").folder == Path("mine")


def test_one_that_was_added_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERISCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    folder = described(model_folder("discs") / "package")
    for name in ("discs", "network:discs"):
        known = find_network(name)
        assert (known.folder, known.method) == (folder, "network:discs")


def test_one_that_ships_is_found_by_its_name_before_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    described(tmp_path / "nuclei-fluorescence")
    shipped = find_network("nuclei-fluorescence")
    assert shipped.method == "nuclei-fluorescence"
    assert shipped.folder.name == "nuclei_fluorescence_package"
    assert (shipped.head, shipped.architecture, shipped.n_channels, shipped.sees) == (
        "flow",
        "unet",
        1,
        "light",
    )
    assert find_network(f".{os.sep}nuclei-fluorescence").weights_sha256 == SHA256


def test_a_name_of_nothing_is_answered_with_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MethodError) as error:
        find_network("nuclei-of-mars")
    text = str(error.value)
    assert text.startswith(
        "--from nuclei-of-mars: there is no such network; give one that comes with Veriscope ("
    )
    assert text.endswith("), the folder of a package, or one added with veriscope models add")
    names = text.partition("Veriscope (")[2].partition(")")[0].split(", ")
    assert names == sorted(names) and "nuclei-fluorescence" in names
    for name in names:
        assert find_network(name).method == name


def test_what_a_description_leaves_out_has_its_usual_value(tmp_path: Path) -> None:
    known = find_network(str(described(tmp_path / "p", {})))
    assert (known.n_channels, known.head, known.architecture, known.sees) == (1, "flow", "unet", "light")
    assert known.widths == usual_widths("unet")
    assert known.hashes("train") == ()
    assert (known.settings, known.card, known.training) == ({}, {}, {})


def test_what_a_description_says_is_told(tmp_path: Path) -> None:
    own = {
        "network": {"head": "star", "architecture": "vit", "n_channels": 3, "sees": "density"},
        "card": {"summary": "of mine"},
        "training": {"widths": [32, 32], "split": {"train": {"pixel_sha256": ["a", "b"]}, "val": {}}},
    }
    known = find_network(str(described(tmp_path / "p", own)))
    assert (known.n_channels, known.head, known.architecture, known.sees) == (3, "star", "vit", "density")
    assert known.widths == (32, 32)
    assert known.card == {"summary": "of mine"}
    assert [known.hashes(part) for part in ("train", "val", "test")] == [("a", "b"), (), ()]


@pytest.mark.parametrize("split", ["as I liked", None, [], {"train": "all"}, {"train": None}])
def test_a_record_of_another_form_says_nothing_of_what_was_seen(tmp_path: Path, split: Any) -> None:
    known = find_network(str(described(tmp_path / "p", {"training": {"split": split}})))
    assert known.hashes("train") == ()


def test_a_network_that_gives_images_has_settings_of_its_own(tmp_path: Path) -> None:
    own = {"image_network": {"head": "masked", "architecture": "unet", "n_channels": 3}}
    known = find_network(str(described(tmp_path / "p", own)))
    assert (known.head, known.n_channels) == ("masked", 3)


def without_description(folder: Path) -> None:
    (folder / "bioimageio.yaml").unlink()


def no_yaml(folder: Path) -> None:
    (folder / "bioimageio.yaml").write_text("a: [")


def no_text(folder: Path) -> None:
    (folder / "bioimageio.yaml").write_bytes(b"\xff\xfe\x00name")


@pytest.mark.parametrize("damage", [without_description, no_yaml, no_text])
def test_a_description_that_cannot_be_read_is_told(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    folder = described(tmp_path / "p")
    damage(folder)
    with pytest.raises(UnreadableFileError) as error:
        find_network(str(folder))
    assert str(error.value).startswith(f"{folder / 'bioimageio.yaml'}: cannot be read (")


@pytest.mark.parametrize(
    ("changed", "lacking"),
    [
        ({"config": {}}, "'veriscope'"),
        ({"weights": {"torchscript": {}}}, "'onnx'"),
        ({"weights": {"onnx": {}}}, "'sha256'"),
        ({"config": None}, "'NoneType' object is not subscriptable"),
    ],
)
def test_a_model_of_another_tool_can_be_used_but_not_trained(
    tmp_path: Path, changed: dict[str, Any], lacking: str
) -> None:
    folder = described(tmp_path / "p", **changed)
    with pytest.raises(InputError) as error:
        find_network(str(folder))
    assert str(error.value) == (
        f"{folder / 'bioimageio.yaml'}: is no network that Veriscope trained (it lacks {lacking}); a model "
        "of the zoo can be used as it is, zoo:NAME, but not be trained further"
    )


def test_an_empty_description_is_no_network(tmp_path: Path) -> None:
    folder = described(tmp_path / "p")
    (folder / "bioimageio.yaml").write_text("")
    with pytest.raises(InputError, match="is no network that Veriscope trained"):
        find_network(str(folder))


def test_exchanged_weights_are_refused_with_both_hashes(tmp_path: Path) -> None:
    folder = described(tmp_path / "p")
    (folder / "weights.onnx").write_bytes(b"others")
    found = hashlib.sha256(b"others").hexdigest()
    with pytest.raises(InputError) as error:
        find_network(str(folder))
    assert str(error.value) == (
        f"{folder / 'weights.onnx'}: has SHA-256 {found[:12]}…, and its description says {SHA256[:12]}…: the "
        "weights are damaged or were exchanged; copy or make the package anew"
    )


def test_missing_weights_are_told_with_their_place(tmp_path: Path) -> None:
    folder = described(tmp_path / "p")
    (folder / "weights.onnx").unlink()
    with pytest.raises(InputError, match=r"weights\.onnx: "):
        find_network(str(folder))


@pytest.mark.parametrize(
    ("own", "head", "kinds"),
    [
        ("flow", BoxHead(("a",)), ("pixels", "boxes")),
        ("boxes", FlowHead(), ("boxes", "pixels")),
        ("classification", FlowHead(), ("classes of images", "pixels")),
        ("boxes", ClassificationHead(("a", "b")), ("boxes", "classes of images")),
        ("denoise", ClassificationHead(("a", "b")), ("pixels", "classes of images")),
    ],
)
def test_heads_of_another_kind_are_refused_before_weights_are_read(
    tmp_path: Path, own: str, head: Head, kinds: tuple[str, str]
) -> None:
    known = find_network(str(described(tmp_path / "p", {"network": {"head": own}})))
    with pytest.raises(MethodError) as error:
        known.network(1, head)
    assert str(error.value) == (
        f"{known.name} has a {own} head; networks for {kinds[0]} and for {kinds[1]} have no weights in "
        "common: start from another, or leave --from out"
    )


def test_bytes_that_are_no_network_are_told_when_weights_are_read(tmp_path: Path) -> None:
    known = find_network(str(described(tmp_path / "p", {"training": {"widths": [4, 8]}})))
    with pytest.raises(MethodError, match=r"weights\.onnx: cannot be read as an ONNX file \("):
        known.network(1, FlowHead())
