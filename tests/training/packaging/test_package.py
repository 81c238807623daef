from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from veriscope.core.image import Image
from veriscope.errors import InputError, MethodError, PixelValueError
from veriscope.methods.networks.network_settings import NetworkSettings
from veriscope.registry import make_method
from veriscope.training.architectures.unet import UNet
from veriscope.training.heads.flow import FlowHead
from veriscope.training.networks.start import load_weights
from veriscope.training.packaging import package as module
from veriscope.training.packaging.inputs import InputImages
from veriscope.training.packaging.package import PackageFacts, check_licence, receptive_reach, write_package

FACTS = PackageFacts("discs of mine", {"summary": "Finds discs.", "objects": ("disc",)})


def network(channels: int = 1) -> UNet:
    torch.manual_seed(0)
    return UNet(channels, 5, widths=(8, 16), norm=False).eval()


def settings(channels: int = 1) -> NetworkSettings:
    return NetworkSettings(n_channels=channels, stride=2, halo=16)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_package_is_valid_and_gives_its_own_output(tmp_path: Path, channels: int) -> None:
    states = write_package(
        network(channels), FlowHead(), tmp_path / "p", settings=settings(channels), facts=FACTS
    )
    assert [state["status"] for state in states.values()] == ["yes", "yes"]
    assert {item.name for item in (tmp_path / "p").iterdir()} == {
        "README.md",
        "bioimageio.yaml",
        "test_input.npy",
        "test_output.npy",
        "weights.onnx",
    }


def test_the_exported_network_gives_what_torch_gives_at_any_size(tmp_path: Path) -> None:
    write_package(network(), FlowHead(), tmp_path / "p", settings=settings(), facts=FACTS)
    session = onnxruntime.InferenceSession(tmp_path / "p" / "weights.onnx")
    pixels = np.random.default_rng(1).random((1, 1, 34, 58), dtype=np.float32)
    (found,) = session.run(None, {"raw": pixels})
    with torch.no_grad():
        expected = FlowHead().exported(network()(torch.from_numpy(pixels))).numpy()
    assert np.abs(found - expected).max() < 1e-5


def test_weights_come_back_from_the_package(tmp_path: Path) -> None:
    write_package(network(), FlowHead(), tmp_path / "p", settings=settings(), facts=FACTS)
    torch.manual_seed(9)
    other = UNet(1, 5, widths=(8, 16), norm=False)
    load_weights(other, tmp_path / "p" / "weights.onnx")
    for name, value in network().state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def test_all_but_the_head_come_back_where_the_head_is_another(tmp_path: Path) -> None:
    write_package(network(), FlowHead(), tmp_path / "p", settings=settings(), facts=FACTS)
    other = UNet(1, 2, widths=(8, 16), norm=False)
    with pytest.raises(MethodError, match="does not have the shape of the architecture"):
        load_weights(other, tmp_path / "p" / "weights.onnx")
    load_weights(other, tmp_path / "p" / "weights.onnx", same_head=False)
    assert torch.equal(other.encoder[0][0].weight, network().encoder[0][0].weight)


def test_the_reach_is_that_of_the_convolutions() -> None:
    plain = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 5, padding=2), torch.nn.Conv2d(2, 1, 3, padding=1))
    assert receptive_reach(plain, n_channels=1, stride=1) == 3 + 1


def test_what_sees_density_reaches_as_far_as_what_sees_light() -> None:
    reach = {}
    for sees in ("light", "density"):
        torch.manual_seed(0)
        deep = UNet(1, 5, widths=(4, 4, 4, 4), norm=False, sees=sees)  # type: ignore[arg-type]
        reach[sees] = receptive_reach(deep, n_channels=1, stride=8)
        assert deep.sees == sees
    assert reach["density"] == reach["light"] > 40


def test_nothing_changes_beyond_the_reach() -> None:
    model = network()
    reach = receptive_reach(model, n_channels=1, stride=2)
    pixels = torch.rand(1, 1, 96, 96)
    with torch.no_grad():
        before = model(pixels)
        pixels[..., 47, 51] += 10
        changed = (model(pixels) != before).any(1)[0]
    rows, columns = torch.nonzero(changed, as_tuple=True)
    assert max(int((rows - 47).abs().max()), int((columns - 51).abs().max())) <= reach


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, *_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.np, "save", full)
    with pytest.raises(InputError, match="the disk is full; free some space"):
        write_package(network(), FlowHead(), tmp_path / "p", settings=settings(), facts=FACTS)
    assert not list(tmp_path.iterdir())


def test_a_package_that_is_not_right_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_run", lambda weights, pixels: np.zeros((1, 3, 80, 80), np.float32))
    with pytest.raises(
        MethodError, match="the package made is not right, so it was not kept: output_reproduced"
    ):
        write_package(network(), FlowHead(), tmp_path / "p", settings=settings(), facts=FACTS)
    assert not list(tmp_path.iterdir())


def test_what_learned_from_fractions_takes_them_by_the_path_of_every_package(tmp_path: Path) -> None:
    inputs = InputImages(dtype="float32", spacing={"y": 0.65, "x": 0.65})
    states = write_package(
        network(), FlowHead(), tmp_path / "p", settings=settings(), facts=replace(FACTS, inputs=inputs)
    )
    assert [state["status"] for state in states.values()] == ["yes", "yes"]
    method = make_method(str(tmp_path / "p"), {"foreground": "foreground"})
    density = np.random.default_rng(0).random((64, 70), dtype=np.float32) / 10
    assert method.predict(Image(density, "yx")).labels.shape == density.shape
    finer = method.predict(Image(density, "yx", {"y": 0.325, "x": 0.325}))
    assert finer.details["rescaled"] == {"y": 0.5, "x": 0.5}


def test_what_learned_from_whole_numbers_refuses_fractions(tmp_path: Path) -> None:
    write_package(network(), FlowHead(), tmp_path / "p", settings=settings(), facts=FACTS)
    method = make_method(str(tmp_path / "p"), {"foreground": "foreground"})
    with pytest.raises(PixelValueError, match="takes pixels of type uint16"):
        method.predict(Image(np.full((64, 70), 0.25, np.float32), "yx"))


def test_a_licence_must_have_a_name() -> None:
    check_licence("")
    check_licence("CC-BY-4.0")
    with pytest.raises(InputError, match="'free for all' is no name of a licence by SPDX"):
        check_licence("free for all")
