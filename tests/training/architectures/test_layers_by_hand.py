"""Layers against torch's own, and what holds for networks whatever their weights."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from veriscope.errors import MethodError
from veriscope.training.architectures.boxes import BoxNetwork
from veriscope.training.architectures.classifier import Classifier
from veriscope.training.architectures.lora import AdaptedLinear, adapt, merge
from veriscope.training.architectures.star_convex import StarConvex
from veriscope.training.architectures.unet import UNet, pooling_steps
from veriscope.training.architectures.vision_transformer import VisionTransformer
from veriscope.training.packaging.package import receptive_reach


def seeded(network: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for one in network.parameters():
            one.copy_(0.3 * torch.randn(one.shape, generator=generator))
    return network.eval()


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_attention_is_that_of_torch() -> None:
    network = seeded(VisionTransformer(1, 2, patch=4, width=24, depth=1, n_heads=3, window=2))
    (layer,) = network.layers  # type: ignore[misc]
    own = nn.MultiheadAttention(24, 3, batch_first=True).eval()
    with torch.no_grad():
        own.in_proj_weight.copy_(layer.query_key_value.weight)
        own.in_proj_bias.copy_(layer.query_key_value.bias)
        own.out_proj.weight.copy_(layer.join.weight)
        own.out_proj.bias.copy_(layer.join.bias)
        tokens = random(2, 5, 24)
        seen = layer.norm_attention(tokens)
        expected = tokens + own(seen, seen, seen)[0]
        expected = expected + layer.mix(layer.norm_mix(expected))
        torch.testing.assert_close(layer(tokens), expected, atol=1e-5, rtol=1e-4)


def test_windows_do_not_see_each_other_and_tokens_lie_where_their_patches_lie() -> None:
    network: Any = seeded(VisionTransformer(1, 2, patch=2, width=8, depth=2, n_heads=2, window=2))
    image = random(1, 1, 8, 12)
    with torch.no_grad():
        whole = network.encode(image)
        assert whole.shape == (1, 8, 4, 6)
        for row in range(2):
            for column in range(3):
                window = image[..., 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
                torch.testing.assert_close(
                    whole[..., 2 * row : 2 * row + 2, 2 * column : 2 * column + 2], network.encode(window)
                )


@pytest.mark.parametrize(("patch", "window"), [(2, 3), (4, 2), (8, 12)])
def test_a_transformer_takes_sides_that_are_multiples_of_its_windows(patch: int, window: int) -> None:
    network = VisionTransformer(1, 2, patch=patch, width=8, depth=1, n_heads=2, window=window).eval()
    assert network.stride == patch * window
    with torch.no_grad():
        assert network(torch.zeros(1, 1, network.stride, 2 * network.stride)).shape[2:] == (
            network.stride,
            2 * network.stride,
        )


def test_images_of_a_batch_do_not_see_each_other() -> None:
    networks: list[Any] = [
        VisionTransformer(1, 2, patch=2, width=8, depth=1, n_heads=2, window=2),
        UNet(1, 2, widths=(4, 8)),
        StarConvex(1, 5, widths=(4, 8)),
        BoxNetwork(1, 1, widths=(4, 4, 8)),
        Classifier(1, 2, widths=(4, 8)),
    ]
    for network in map(seeded, networks):
        both = random(2, 1, 16, 16)
        with torch.no_grad():
            torch.testing.assert_close(network(both)[1:], network(both[1:]), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_a_unet_moves_with_its_image_by_its_stride(levels: int) -> None:
    network: Any = seeded(UNet(1, 2, widths=(4,) * levels))
    assert network.stride == 2 ** (levels - 1)
    assert network.strides == (network.stride,) * 2
    image = torch.zeros(1, 1, 64, 64)
    image[..., 28:33, 30:34] = random(5, 4)
    step = network.stride
    with torch.no_grad():
        found, moved = network(image), network(image.roll((step, -step), (2, 3)))
    torch.testing.assert_close(
        moved[..., 12:-12, 12:-12], found.roll((step, -step), (2, 3))[..., 12:-12, 12:-12]
    )


@given(
    st.lists(st.floats(0.1, 10, allow_nan=False), min_size=2, max_size=3).map(tuple),
    st.integers(1, 7),
)
@hypothesis_settings(max_examples=80)
def test_pooling_merges_fine_axes_until_pixels_are_about_as_large(
    spacing: tuple[float, ...], n_levels: int
) -> None:
    steps = pooling_steps(spacing, n_levels)
    assert len(steps) == n_levels - 1
    size = list(spacing)
    for step in steps:
        assert set(step) <= {1, 2} and 2 in step  # each level is coarser than the one before
        for one, factor in zip(size, step, strict=True):
            assert (factor == 2) == (one < 2 * min(size))
        size = [one * factor for one, factor in zip(size, step, strict=True)]
    if n_levels == 7:
        ratio = max(spacing) / min(spacing)
        assert max(size) / min(size) <= max(2.0, ratio)
    # A common unit does not matter.
    assert pooling_steps(tuple(4 * one for one in spacing), n_levels) == steps


def test_a_star_network_reads_both_answers_off_the_same_features() -> None:
    network: Any = seeded(StarConvex(1, 6, widths=(4, 8)))
    image = random(1, 1, 8, 8)
    with torch.no_grad():
        shared = functional.relu(network.unet(image))
        by_hand = [
            torch.einsum("oi,biyx->boyx", part.weight[:, :, 0, 0], shared) + part.bias[:, None, None]
            for part in (network.centre, network.rays)
        ]
        torch.testing.assert_close(network(image), torch.cat(by_hand, 1), atol=1e-5, rtol=1e-4)


def test_the_features_of_a_class_are_means_and_maxima_so_that_size_and_order_do_not_matter() -> None:
    network: Any = seeded(Classifier(1, 3, widths=(4, 6)))
    image = random(1, 1, 16, 16)
    with torch.no_grad():
        found = network.features(image)
        assert found.shape == (1, 12)
        assert (found[:, 6:] >= found[:, :6]).all()
        for shape in ((4, 4), (17, 4), (33, 50)):
            assert network(torch.zeros(2, 1, *shape)).shape == (2, 3)
        grey = network.features(torch.full((1, 1, 64, 64), 0.5))
        larger = network.features(torch.full((1, 1, 128, 64), 0.5))
    torch.testing.assert_close(grey[:, 6:], larger[:, 6:])


def test_dropout_is_for_training_alone() -> None:
    network: Any = seeded(Classifier(1, 3, widths=(4, 6), dropout=0.5))
    image = random(1, 1, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(network(image), network(image), atol=0, rtol=0)
        torch.manual_seed(0)
        network.dropout.train()
        assert len({tuple(network(image)[0].tolist()) for _ in range(5)}) > 1


def test_a_new_network_for_boxes_believes_in_few() -> None:
    torch.manual_seed(0)
    network = BoxNetwork(1, 3, widths=(4, 8, 8)).eval()
    with torch.no_grad():
        said = network(torch.zeros(1, 1, 32, 32))
    assert said.shape == (1, 7, 8, 8)
    bias = network.head.bias
    assert bias is not None
    torch.testing.assert_close(torch.sigmoid(bias[:3]), torch.full((3,), 0.02))


@pytest.mark.parametrize(("rank", "strength"), [(1, 1.0), (3, 0.5)])
def test_an_addition_is_a_product_of_two_narrow_layers(rank: int, strength: float) -> None:
    torch.manual_seed(0)
    plain = nn.Linear(6, 4)
    weight = plain.weight.detach().clone()
    adapted = AdaptedLinear(plain, rank=rank, strength=strength)
    assert (adapted.down.shape, adapted.up.shape) == ((rank, 6), (4, rank))
    values = random(2, 3, 6)
    torch.testing.assert_close(adapted(values), functional.linear(values, weight, plain.bias))
    with torch.no_grad():
        adapted.up.normal_()
        together = weight + strength * adapted.up @ adapted.down
        torch.testing.assert_close(adapted(values), functional.linear(values, together, plain.bias))
        torch.testing.assert_close(adapted.merged().weight, together)
    assert torch.linalg.matrix_rank(together - weight) == rank
    assert [name for name, one in adapted.named_parameters() if not one.requires_grad] == []


def test_parts_that_are_named_are_neither_adapted_nor_frozen() -> None:
    model = nn.ModuleDict({"trunk": nn.Sequential(nn.Linear(4, 4), nn.ReLU()), "decoder": nn.Linear(4, 2)})
    trained = adapt(model, rank=1, also=("decoder",))
    assert isinstance(model["trunk"][0], AdaptedLinear)  # type: ignore[index]
    assert isinstance(model["decoder"], nn.Linear)
    learned = {name for name, one in model.named_parameters() if one.requires_grad}
    assert learned == {"trunk.0.down", "trunk.0.up", "decoder.weight", "decoder.bias"}
    assert len(trained) == 4
    merge(model)
    assert type(model["trunk"][0]) is nn.Linear  # type: ignore[index]
    assert all(one.requires_grad for one in model.parameters())


def test_a_part_whose_name_only_begins_alike_is_adapted() -> None:
    model = nn.ModuleDict({"decoder": nn.Linear(4, 4), "decoder2": nn.Linear(4, 4)})
    adapt(model, also=("decoder",))
    assert type(model["decoder"]) is nn.Linear and isinstance(model["decoder2"], AdaptedLinear)
    with pytest.raises(MethodError) as error:
        adapt(nn.ModuleDict({"decoder": nn.Linear(4, 4)}), also=("decoder",))
    assert str(error.value) == (
        "the network has no linear layers that could be adapted; train only its head, or all of it"
    )


@pytest.mark.parametrize(
    ("kernels", "dilation", "stride"),
    [((3,), 1, 1), ((7,), 1, 1), ((3, 3, 5), 1, 1), ((3,), 4, 2), ((5, 3), 2, 4)],
)
def test_the_reach_is_the_sum_of_the_half_kernels_and_one_stride(
    kernels: tuple[int, ...], dilation: int, stride: int
) -> None:
    layers = [nn.Conv2d(1, 1, one, padding=dilation * (one // 2), dilation=dilation) for one in kernels]
    network = seeded(nn.Sequential(*layers))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    by_hand = sum(dilation * (one // 2) for one in kernels) + stride
    assert receptive_reach(network, n_channels=1, stride=stride) == stride * math.ceil(by_hand / stride)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]) and value.dtype == torch.float32


def test_weights_that_cancel_do_not_hide_how_far_a_network_sees() -> None:
    network = nn.Conv2d(1, 1, 9, padding=4)
    with torch.no_grad():
        network.weight.fill_(-1.0)
        network.weight[0, 0, 0] = 0  # as if it looked less far upwards
    assert receptive_reach(network, n_channels=1, stride=1) == 5


def test_a_network_that_says_the_same_of_every_image_needs_no_surroundings() -> None:
    class Deaf(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            return 0 * image

    assert receptive_reach(Deaf(), n_channels=1, stride=4) == 4
