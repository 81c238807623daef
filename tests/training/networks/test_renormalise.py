"""A network that gets its normalisation back says what it said, and learns like a new one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from veriscope.training.heads.base import Head
from veriscope.training.heads.boxes import BoxHead
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.heads.flow import FlowHead
from veriscope.training.heads.star import StarHead
from veriscope.training.networks.build import make_network
from veriscope.training.networks.renormalise import renormalise

CASES: dict[str, tuple[str, Head, tuple[int, ...]]] = {
    "unet": ("unet", FlowHead(), (8, 12, 16)),
    "star": ("unet", StarHead(6), (8, 12)),
    "boxes": ("boxes", BoxHead(("a", "b")), (8, 8, 8)),
    "vit": ("vit", FlowHead(), (32, 32)),
    "classifier": ("classifier", ClassificationHead(("a", "b"), zoom=1.0, side=64), (8, 12)),
}


def both(name: str, *, n_channels: int = 1) -> tuple[nn.Module, nn.Module]:
    architecture, head, widths = CASES[name]
    torch.manual_seed(3)
    plain, twin = (
        make_network(architecture, n_channels, head, widths=widths, norm=norm) for norm in (False, True)
    )
    return plain.eval(), twin


def crops(network: nn.Module, seed: int = 0) -> torch.Tensor:
    side = 2 * int(network.stride)  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(3, int(network.n_in), side, side, generator=generator)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("n_channels", [1, 3])
def test_the_same_is_said_of_all_images(name: str, n_channels: int) -> None:
    plain, twin = both(name, n_channels=n_channels)
    pixels = crops(plain)
    renormalise(plain, twin, pixels)
    assert not twin.training
    with torch.no_grad():
        for seen in (pixels, crops(plain, seed=1), 3 * crops(plain, seed=2) - 1):
            torch.testing.assert_close(twin(seen), plain(seen), atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("name", CASES)
def test_batches_that_are_learned_from_are_normalised_by_what_they_are(name: str) -> None:
    plain, twin = both(name)
    pixels = crops(plain)
    renormalise(plain, twin, pixels)
    before = [value.clone() for key, value in twin.named_buffers() if key.endswith("running_mean")]
    assert before
    twin.train()
    for module in twin.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    with torch.no_grad():
        torch.testing.assert_close(twin(pixels), plain(pixels), atol=2e-3, rtol=2e-3)
    after = [value for key, value in twin.named_buffers() if key.endswith("running_mean")]
    for old, new in zip(before, after, strict=True):
        torch.testing.assert_close(new, old, atol=1e-3, rtol=1e-2)


def test_weights_that_are_normalised_have_the_size_of_new_ones() -> None:
    plain, twin = both("unet")
    with torch.no_grad():
        plain.encoder[0][0].weight.mul_(40)  # type: ignore[index, union-attr, operator]
        plain.decoder[0][0].weight.mul_(0.01)  # type: ignore[index, union-attr, operator]
    pixels = crops(plain)
    renormalise(plain, twin, pixels)
    for key, value in twin.named_parameters():
        if value.ndim == 4 and key.split(".")[0] in ("encoder", "decoder"):
            fan = value[0].numel()
            sizes = value.detach().flatten(1).square().mean(1).sqrt()
            torch.testing.assert_close(sizes, torch.full_like(sizes, (3 * fan) ** -0.5))
    with torch.no_grad():
        torch.testing.assert_close(twin(pixels), plain(pixels), atol=2e-3, rtol=2e-3)


def test_channels_that_say_nothing_stay_silent() -> None:
    plain, twin = both("unet")
    with torch.no_grad():
        for one in plain.encoder[1].parameters():  # type: ignore[index]
            one.zero_()
    pixels = crops(plain)
    renormalise(plain, twin, pixels)
    with torch.no_grad():
        torch.testing.assert_close(twin(pixels), plain(pixels), atol=2e-3, rtol=2e-3)
    twin.train()
    twin(pixels).square().mean().backward()
    assert all(one.grad is not None and torch.isfinite(one.grad).all() for one in twin.parameters())


def test_networks_of_other_layers_are_not_mixed_up() -> None:
    plain, _ = both("unet")
    _, other = both("star")
    with pytest.raises(ValueError, match="zip"):
        renormalise(plain, other, crops(plain))
