"""Additions of low rank change nothing at first, alone are trained, and fold into the layers."""

import pytest

torch = pytest.importorskip("torch")

from veriscope.errors import MethodError  # noqa: E402
from veriscope.training.architectures.lora import AdaptedLinear, adapt, merge  # noqa: E402
from veriscope.training.architectures.unet import UNet  # noqa: E402
from veriscope.training.architectures.vision_transformer import VisionTransformer  # noqa: E402


@pytest.fixture
def network() -> VisionTransformer:
    torch.manual_seed(0)
    return VisionTransformer(1, 2, patch=4, width=24, depth=2, n_heads=3, window=2).eval()


def test_an_adapted_network_computes_the_same_with_few_parameters(network: VisionTransformer) -> None:
    image = torch.rand(1, 1, 16, 16)
    before = network(image)
    trained = adapt(network, rank=2)
    torch.testing.assert_close(network(image), before)
    assert sum(isinstance(one, AdaptedLinear) for one in network.modules()) == 8
    assert 0 < sum(one.numel() for one in trained) < 0.2 * sum(one.numel() for one in network.parameters())


def test_only_the_additions_and_what_is_named_learn_and_merging_keeps_the_result(
    network: VisionTransformer,
) -> None:
    image = torch.rand(2, 1, 16, 16)
    frozen = network.layers[0].join.weight.clone()
    names = set(network.state_dict())
    optimiser = torch.optim.SGD(adapt(network, rank=2, also=("decoder.head",)), lr=0.1)
    for _ in range(3):
        optimiser.zero_grad()
        network(image).square().mean().backward()
        optimiser.step()
    assert torch.equal(network.layers[0].join.layer.weight, frozen)
    assert network.decoder.head.weight.requires_grad
    assert not network.decoder.last[0].weight.requires_grad
    after = network(image)
    merge(network)
    assert set(network.state_dict()) == names
    assert not torch.equal(network.layers[0].join.weight, frozen)
    torch.testing.assert_close(network(image), after)
    assert all(one.requires_grad for one in network.parameters())


def test_a_convolutional_network_is_refused() -> None:
    with pytest.raises(MethodError, match=r"^the network has no linear layers that could be adapted; train"):
        adapt(UNet(1, 2, widths=(4, 8)))
