"""Every architecture goes on from its ONNX file alone; what does not fit is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch
from torch import nn

from veriscope.errors import MethodError
from veriscope.methods.networks.network_settings import NetworkSettings
from veriscope.training.architectures.lora import AdaptedLinear
from veriscope.training.heads.base import Head
from veriscope.training.heads.boxes import BoxHead
from veriscope.training.heads.flow import FlowHead
from veriscope.training.heads.semantic import SemanticHead
from veriscope.training.heads.star import StarHead
from veriscope.training.images.light import Augmentation
from veriscope.training.images.pairs import read_pairs
from veriscope.training.loop.learn import learn, prepare_all
from veriscope.training.loop.lesson import Lesson
from veriscope.training.networks.build import make_network, usual_widths
from veriscope.training.networks.known import KnownNetwork, find_network
from veriscope.training.packaging.package import PackageFacts, receptive_reach, write_package
from veriscope.training.settings import TrainSettings

CASES: dict[str, tuple[str, Head, tuple[int, ...]]] = {
    "unet": ("unet", FlowHead(), (8, 12)),
    "star": ("unet", StarHead(6), (8, 12)),
    "boxes": ("boxes", BoxHead(("a", "b")), (4, 8, 8)),
    "vit": ("vit", FlowHead(), (32, 32)),
}


def made(architecture: str, head: Head, widths: tuple[int, ...], seed: int = 0) -> nn.Module:
    """A network with statistics of batches, as after training."""
    torch.manual_seed(seed)
    network = make_network(architecture, 1, head, widths=widths)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 1.5)  # type: ignore[union-attr]
    return network.eval()


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, KnownNetwork]:
    """A package of each architecture."""
    folder, found = tmp_path_factory.mktemp("starts"), {}
    for name, (architecture, head, widths) in CASES.items():
        network = made(architecture, head, widths)
        stride = int(network.stride)  # type: ignore[arg-type]
        classes = head.classes if isinstance(head, BoxHead) else ()
        settings = NetworkSettings(
            architecture=architecture,  # type: ignore[arg-type]
            head=head.name,  # type: ignore[arg-type]
            stride=stride,
            halo=receptive_reach(network, n_channels=1, stride=stride),
            classes=classes,
        )
        facts = PackageFacts(name, {"summary": name}, training={"widths": list(widths)})
        states = write_package(network, head, folder / name, settings=settings, facts=facts)
        assert states["output_reproduced"]["status"] == "yes", states
        found[name] = find_network(str(folder / name))
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_network_that_came_back_gives_what_its_file_gives(
    name: str, packages: dict[str, KnownNetwork]
) -> None:
    known, head = packages[name], CASES[name][1]
    network = known.network(1, head).eval()
    side = 2 * int(network.stride)  # type: ignore[arg-type]
    pixels = torch.rand(1, 1, side, 2 * side)
    session = onnxruntime.InferenceSession(known.folder / "weights.onnx")
    (expected,) = session.run(None, {"raw": pixels.numpy()})
    with torch.no_grad():
        found = head.exported(network(pixels))
    torch.testing.assert_close(found, torch.from_numpy(expected), atol=1e-4, rtol=1e-4)
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("name", ["unet", "star", "vit"])
def test_another_head_begins_anew_on_the_same_trunk(name: str, packages: dict[str, KnownNetwork]) -> None:
    for head in (SemanticHead(4), StarHead(8)):
        torch.manual_seed(5)
        network = packages[name].network(1, head)
        same = packages[name].network(1, CASES[name][1])
        mine, theirs = (dict(one.named_parameters()) for one in (network, same))
        trunk = "embed.weight" if name == "vit" else "encoder.0.0.weight"
        first = [next(value for key, value in one.items() if key.endswith(trunk)) for one in (mine, theirs)]
        assert torch.equal(*first)
        assert network(torch.zeros(1, 1, 96, 96)).shape[1] == head.n_out


def test_colour_begins_with_the_grey_weights_shared_out(packages: dict[str, KnownNetwork]) -> None:
    for name, (_, head, _) in CASES.items():
        grey, colour = (packages[name].network(n, head).eval() for n in (1, 3))
        pixels = torch.rand(1, 1, 96, 96)
        if name in ("boxes", "vit"):  # linear in the channels up to the first activation, or without one
            with torch.no_grad():
                torch.testing.assert_close(
                    _first(colour)(pixels.expand(-1, 3, -1, -1)), _first(grey)(pixels), atol=1e-5, rtol=1e-5
                )
        assert _first(colour).weight.shape[1] == 3 * _first(grey).weight.shape[1]


def _first(network: nn.Module) -> nn.Conv2d:
    return next(one for one in network.modules() if isinstance(one, nn.Conv2d))


def test_boxes_and_pixels_have_no_weights_in_common(packages: dict[str, KnownNetwork]) -> None:
    with pytest.raises(MethodError, match="networks for pixels and for boxes have no weights in common"):
        packages["unet"].network(1, BoxHead(("a",)))
    with pytest.raises(MethodError, match="has a boxes head"):
        packages["boxes"].network(1, FlowHead())


def lesson(start: KnownNetwork, head: Head, **options: Any) -> Lesson:
    settings = TrainSettings.parse({"start": start.name, "steps": 1} | options, where="test")
    return Lesson(head, 1, settings, "cpu", start, Augmentation())


def learned(network: nn.Module) -> set[str]:
    return {name for name, parameter in network.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize("name", CASES)
def test_tuning_the_head_leaves_the_rest(name: str, packages: dict[str, KnownNetwork]) -> None:
    head = CASES[name][1]
    every = learned(lesson(packages[name], head).network())
    few = learned(lesson(packages[name], head, tune="head").network())
    parts = {key.split(".")[0] for key in few}
    assert parts == {"star": {"centre", "rays"}, "vit": {"decoder"}}.get(name, {"head"})
    assert few < every


def test_low_rank_additions_go_with_a_transformer_alone(packages: dict[str, KnownNetwork]) -> None:
    network = lesson(packages["vit"], FlowHead(), tune="lora").network()
    adapted = [one for one in network.modules() if isinstance(one, AdaptedLinear)]
    assert len(adapted) == 8
    names = learned(network)
    assert all(key.startswith("decoder.") or key.endswith((".up", ".down")) for key in names)
    with pytest.raises(MethodError, match="--tune lora adds low-rank weights to the linear layers of a"):
        lesson(packages["unet"], FlowHead(), tune="lora").network()


def test_low_rank_additions_end_up_in_the_layers_of_what_is_learned(
    packages: dict[str, KnownNetwork], discs: Path
) -> None:
    head = FlowHead()
    pairs = read_pairs(discs / "images", discs / "labels")[:2]
    images = prepare_all(pairs, head, 1)
    tuned = lesson(packages["vit"], head, tune="lora", steps=3, rate=0.05, batch=2, crop=90)
    made = learn(tuned, images[:1], images[1:]).network
    before, after = packages["vit"].network(1, head).state_dict(), made.state_dict()
    assert before.keys() == after.keys()
    change = after["layers.0.join.weight"] - before["layers.0.join.weight"]
    assert 1 <= int(torch.linalg.matrix_rank(change, rtol=1e-3)) <= 4
    same = {key for key in before if torch.equal(before[key], after[key])}
    assert {"embed.weight", "norm.weight", "layers.1.mix.0.bias"} <= same
    assert not {key for key in before if key.startswith("decoder.head")} & same


@pytest.mark.parametrize("name", CASES)
def test_nothing_changes_beyond_the_halo_of_a_package(name: str, packages: dict[str, KnownNetwork]) -> None:
    network = packages[name].network(1, CASES[name][1]).eval()
    halo, stride = int(packages[name].settings["halo"]), int(network.stride)  # type: ignore[arg-type]
    side = -(-(2 * halo + 64) // stride) * stride
    pixels = torch.rand(1, 1, side, side)
    for place in (side // 2, side // 2 - 1):
        changed = pixels.clone()
        changed[..., place, place] += 50
        with torch.no_grad():
            where = (network(changed) != network(pixels)).any(1)[0].nonzero() * int(
                getattr(network, "step", 1)
            )
        assert len(where) and int((where - place).abs().max()) <= halo


@pytest.mark.parametrize(
    ("architecture", "widths", "message"),
    [
        ("resnet", None, "no architecture named 'resnet' to be trained; there are unet, vit, boxes"),
        ("vit", (32, 64), "widths 32, 64 do not suit a vit: all layers have the same one, a multiple of 32"),
        ("vit", (40,), "do not suit a vit"),
    ],
)
def test_networks_that_cannot_be_made(
    architecture: str, widths: tuple[int, ...] | None, message: str
) -> None:
    with pytest.raises(MethodError, match=message):
        make_network(architecture, 1, FlowHead(), widths=widths)


def test_default_networks_for_a_processor_are_small_and_those_for_a_gpu_larger() -> None:
    for architecture, head in (("unet", FlowHead()), ("vit", FlowHead()), ("boxes", BoxHead(("a",)))):
        sizes = [
            sum(
                parameter.numel()
                for parameter in make_network(
                    architecture, 1, head, widths=usual_widths(architecture, device=device)
                ).parameters()
            )
            for device in ("cpu", "cuda")
        ]
        assert sizes[0] < 2_000_000
        assert sizes[0] < sizes[1]


def test_a_file_that_is_no_network_is_refused(packages: dict[str, KnownNetwork], tmp_path: Path) -> None:
    from veriscope.training.networks.start import load_weights

    (tmp_path / "w.onnx").write_bytes(b"no network")
    with pytest.raises(MethodError, match="cannot be read as an ONNX file"):
        load_weights(make_network("unet", 1, FlowHead(), norm=False), tmp_path / "w.onnx")
    wide = make_network("unet", 1, FlowHead(), widths=(8, 16), norm=False)
    with pytest.raises(MethodError, match=r"layer \d+ does not have the shape of the architecture to train"):
        load_weights(wide, packages["unet"].folder / "weights.onnx")
