"""What a package of a network says of itself, and what is refused of it."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.errors import InputError, MethodError
from veriscope.methods.networks.network_files import NetworkPackage, shipped
from veriscope.methods.networks.network_settings import NetworkParameters, NetworkSettings

PIXELS = np.add.outer(np.arange(96) ** 2, np.arange(112)).astype(np.float32)[None, None]
DENSE = np.random.default_rng(1).random((1, 3, 96, 112)).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "weights.onnx").write_bytes(b"weights")
    np.save(tmp_path / "in.npy", PIXELS)
    np.save(tmp_path / "out.npy", DENSE)
    return tmp_path


def described(**network: Any) -> dict[str, Any]:
    axes = [
        {"type": "batch"},
        {"type": "channel", "channel_names": ["DAPI"]},
        {"type": "space", "id": "y"},
        {"type": "space", "id": "x"},
    ]
    return {
        "description": "Finds nuclei.",
        "version": "1.2",
        "license": "MIT",
        "inputs": [{"axes": axes, "test_tensor": {"source": "in.npy"}}],
        "outputs": [{"axes": axes, "test_tensor": {"source": "out.npy"}}],
        "weights": {
            "onnx": {"source": "weights.onnx", "sha256": hashlib.sha256(b"weights").hexdigest()},
        },
        "config": {
            "veriscope": {"network": {"stride": 16, "halo": 24, "diameters": [6, 50]} | network},
        },
    }


def read(folder: Path, content: dict[str, Any] | None = None) -> NetworkPackage:
    return NetworkPackage.read(folder, content or described(), where="own")


def test_what_is_stated_is_what_is_used(folder: Path) -> None:
    package = read(folder, described(threshold=0.4, head="star"))
    assert (package.version, package.channels) == ("1.2", ("DAPI",))
    assert (package.settings.threshold, package.settings.head) == (0.4, "star")
    assert (package.card.summary, package.card.licence) == ("Finds nuclei.", "MIT")
    assert package.card.diameter_px == (6, 50)
    assert package.weights("float32").read_bytes() == b"weights"
    assert package.weights("bfloat16") == package.weights("float32")
    assert package.sha256("float32") == hashlib.sha256(b"weights").hexdigest()
    package.verify()


def test_what_is_not_stated_has_a_default_that_is_said(folder: Path) -> None:
    content = described()
    del content["version"], content["license"]
    content["inputs"][0]["axes"][1] = {"type": "channel"}
    package = read(folder, content)
    assert (package.version, package.card.licence, package.channels) == ("unversioned", "not stated", ())


def test_a_card_of_its_own_counts_more(folder: Path) -> None:
    content = described()
    content["config"]["veriscope"]["card"] = {"summary": "Better.", "objects": ["nucleus"]}
    card = read(folder, content).card
    assert (card.summary, card.objects, card.licence) == ("Better.", ("nucleus",), "MIT")


@pytest.mark.parametrize("content", [{}, {"config": None}, {"config": {"veriscope": {}}}])
def test_a_package_of_others_is_sent_where_it_can_be_used(folder: Path, content: dict[str, Any]) -> None:
    with pytest.raises(InputError) as error:
        NetworkPackage.read(folder, content, where="theirs")
    assert str(error.value) == (
        "theirs: its description has no config.veriscope.network, so it is no network trained by Veriscope; "
        "use it as a model package: zoo:NAME, or its path"
    )


@pytest.mark.parametrize(
    "place",
    [
        ("description",),
        ("inputs",),
        ("outputs",),
        ("weights",),
        ("weights", "onnx"),
        ("weights", "onnx", "sha256"),
        ("inputs", 0, "axes"),
        ("inputs", 0, "test_tensor"),
        ("outputs", 0, "test_tensor"),
    ],
)
@pytest.mark.parametrize("how", ["missing", "wrong"])
def test_what_is_missing_or_wrong_is_said_with_what_to_do(
    folder: Path, place: tuple[Any, ...], how: str
) -> None:
    content = copy.deepcopy(described())
    inner: Any = content
    for name in place[:-1]:
        inner = inner[name]
    if how == "missing":
        del inner[place[-1]]
    else:
        inner[place[-1]] = 3
    with pytest.raises(InputError) as error:
        NetworkPackage.read(folder, content, where="own").verify()
    assert str(error.value).startswith(
        ("own: its description lacks something that a network of Veriscope", str(folder))
    )
    assert "make the package anew" in str(error.value)


def test_settings_that_make_no_sense_are_named(folder: Path) -> None:
    with pytest.raises(InputError) as error:
        read(folder, described(threshold=1.5, colour="red"))
    assert str(error.value).splitlines()[:3] == [
        "own: config.veriscope.network: wrong options",
        "  - threshold: Input should be less than 1 (got 1.5)",
        "  - colour: Extra inputs are not permitted (got 'red')",
    ]


def test_weights_that_were_changed_or_lost_are_refused(folder: Path) -> None:
    package = read(folder)
    (folder / "weights.onnx").write_bytes(b"others")
    other, said = hashlib.sha256(b"others").hexdigest(), package.sha256("float32")
    with pytest.raises(InputError) as error:
        package.verify()
    assert str(error.value) == (
        f"{folder / 'weights.onnx'}: has SHA-256 {other} and its description says {said}; the file is "
        "damaged or was exchanged: copy or make the package anew"
    )
    (folder / "weights.onnx").unlink()
    with pytest.raises(InputError, match=r"weights\.onnx: cannot be read: "):
        package.verify()


def test_eight_bits_only_where_the_files_are_there(folder: Path) -> None:
    content = described()
    content["config"]["veriscope"]["int8"] = {
        "source": "int8.onnx",
        "sha256": "0" * 64,
        "test_output": "o.npz",
    }
    with pytest.raises(MethodError) as error:
        read(folder, content).weights("int8")
    assert str(error.value) == (
        f"{folder.name}: has no 8-bit weights, so precision=int8 cannot be had; choose float32 or bfloat16"
    )
    (folder / "int8.onnx").write_bytes(b"eight")
    package = read(folder, content)
    assert package.weights("int8").read_bytes() == b"eight"
    assert package.sha256("int8") == "0" * 64


def test_an_engine_is_checked_on_the_example_whole_and_cut(folder: Path) -> None:
    whole, part = read(folder).examples("float32")
    assert whole.values.shape == (1, 1, 96, 112)
    np.testing.assert_array_equal(whole.expected, DENSE)
    # Normalised as the network sees it: 1st percentile 0, 99.8th 1.
    assert np.percentile(whole.values, 1) == pytest.approx(0, abs=1e-5)
    assert np.percentile(whole.values, 99.8) == pytest.approx(1, rel=1e-4)
    assert part.values.shape == (1, 1, 96 - 32, 112 - 16)
    np.testing.assert_array_equal(part.values, whole.values[..., :64, :96])
    np.testing.assert_array_equal(part.expected, DENSE[..., : 64 - 40, : 96 - 40])
    assert read(folder).examples("bfloat16")[0].largest > whole.largest


def test_an_example_no_larger_than_what_the_network_sees_is_not_cut(folder: Path) -> None:
    assert len(read(folder, described(halo=48)).examples("float32")) == 1


@pytest.mark.parametrize("name", ["nuclei-fluorescence", "blood-cells", "nuclei-histology"])
def test_what_ships_is_what_its_description_says(name: str) -> None:
    package = shipped(name)
    package.verify()
    assert package.card.figures, "what it can do was measured"
    low, high = package.settings.diameters
    assert 1 < low < high


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, (0.3, 0.6, 12)), ({"threshold": 0.8}, (0.8, 0.6, 12)), ({"object_threshold": 0.0}, (0.3, 0.0, 12))],
)
def test_options_not_given_are_those_of_the_package(
    given: dict[str, Any], expected: tuple[float, float, int]
) -> None:
    settings = NetworkSettings(threshold=0.3, object_threshold=0.6, smallest_area=12)
    parameters = NetworkParameters(diameter=17.0, engine="onnxruntime", **given)
    filled = parameters.filled(settings)
    assert (filled.threshold, filled.object_threshold, filled.smallest_area) == expected
    assert (filled.diameter, filled.engine) == (17.0, "onnxruntime")
    assert parameters == NetworkParameters(diameter=17.0, engine="onnxruntime", **given), "itself unchanged"
