"""Each network takes what it says, and gives the same when exported, on sizes it was not exported with."""

import io
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from veriscope.errors import MethodError  # noqa: E402
from veriscope.training.architectures.boxes import BoxNetwork  # noqa: E402
from veriscope.training.architectures.classifier import Classifier  # noqa: E402
from veriscope.training.architectures.star_convex import StarConvex  # noqa: E402
from veriscope.training.architectures.unet import UNet, pooling_steps  # noqa: E402
from veriscope.training.architectures.vision_transformer import VisionTransformer  # noqa: E402

NETWORKS = {
    "unet": lambda: UNet(2, 3, widths=(8, 12, 16)),
    "unet-folded": lambda: UNet(1, 3, widths=(8, 12), norm=False),
    "unet-3d": lambda: UNet(1, 2, widths=(4, 8, 8), spacing=(1, 1, 1)),
    "unet-planes-apart": lambda: UNet(1, 2, widths=(4, 8, 8), spacing=(3, 1, 1)),
    "star": lambda: StarConvex(1, 17, widths=(8, 12)),
    "star-3d": lambda: StarConvex(1, 25, widths=(4, 8, 8), spacing=(2.5, 1, 1)),
    "transformer": lambda: VisionTransformer(2, 3, patch=4, width=24, depth=2, n_heads=3, window=2),
    "transformer-folded": lambda: VisionTransformer(1, 3, width=32, depth=1, n_heads=1, window=2, norm=False),
    "unet-density": lambda: UNet(3, 3, widths=(8, 12), sees="density"),
    "star-density": lambda: StarConvex(1, 9, widths=(8, 12), sees="density"),
    "transformer-density": lambda: VisionTransformer(
        1, 3, patch=4, width=24, depth=1, n_heads=3, window=2, sees="density"
    ),
    "boxes": lambda: BoxNetwork(3, 2, widths=(4, 8, 8)),
    "boxes-folded": lambda: BoxNetwork(1, 1, widths=(4, 8, 8), norm=False),
    "classifier": lambda: Classifier(3, 4, widths=(8, 12)),
}
FACTORS = {2: [(3, 5), (4, 2)], 3: [(2, 3, 2), (1, 2, 4)]}


def calmed(network: torch.nn.Module) -> torch.nn.Module:
    """Give batch normalisation something else than its first values, as after training."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d | torch.nn.BatchNorm3d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


def images(network: torch.nn.Module) -> list[torch.Tensor]:
    strides = getattr(network, "strides", (network.stride,) * 2)
    shapes = [[f * s for f, s in zip(one, strides, strict=True)] for one in FACTORS[len(strides)]]
    return [torch.rand(1, network.n_in, *shape) for shape in shapes]


@pytest.mark.parametrize("name", NETWORKS)
def test_an_exported_network_gives_the_same_on_two_sizes(name: str) -> None:
    import onnxruntime

    pytest.importorskip("onnx")
    torch.manual_seed(0)
    network = calmed(NETWORKS[name]())
    first, second = images(network)
    free = {axis: f"a{axis}" for axis in range(2, first.ndim)}
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (first,),
            stream,
            input_names=["image"],
            output_names=["out"],
            dynamic_axes={"image": free} if name == "classifier" else {"image": free, "out": free},
            opset_version=18,
            dynamo=False,
        )
    session = onnxruntime.InferenceSession(stream.getvalue(), providers=["CPUExecutionProvider"])
    for image in (first, second):
        with torch.no_grad():
            expected = network(image).numpy()
        found = session.run(None, {"image": image.numpy()})[0]
        assert found.shape == expected.shape
        step = getattr(network, "step", 1)
        if name != "classifier":
            assert found.shape[2:] == tuple(side // step for side in image.shape[2:])
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_weight_learns(name: str) -> None:
    torch.manual_seed(0)
    network = NETWORKS[name]().train()
    image = torch.cat([images(network)[0]] * 2) + 0.1 * torch.rand(2, 1, *[1] * (images(network)[0].ndim - 2))
    network(image).square().sum().backward()
    still = [key for key, one in network.named_parameters() if one.grad is None]
    assert not still


@pytest.mark.parametrize(
    ("spacing", "expected"),
    [
        ((1.0, 1.0), ((2, 2), (2, 2))),
        ((1.0, 1.0, 1.0), ((2, 2, 2), (2, 2, 2))),
        ((4.0, 1.0, 1.0), ((1, 2, 2), (1, 2, 2))),
        ((2.0, 1.0, 1.0), ((1, 2, 2), (2, 2, 2))),
        ((1.0, 0.9), ((2, 2), (2, 2))),
    ],
)
def test_planes_are_merged_when_pixels_are_as_large(
    spacing: tuple[float, ...], expected: tuple[tuple[int, ...], ...]
) -> None:
    assert pooling_steps(spacing, 3) == expected


def test_planes_far_apart_are_not_mixed_at_full_resolution() -> None:
    network = UNet(1, 1, widths=(4, 8, 8), spacing=(4, 1, 1))
    kernels = [one.kernel_size for one in network.encoder.modules() if isinstance(one, torch.nn.Conv3d)]
    assert kernels == [(1, 3, 3), (1, 3, 3), (1, 3, 3), (3, 3, 3), (3, 3, 3)]
    assert network.strides == (1, 4, 4)
    assert network.stride == 4


def test_the_default_networks_are_small() -> None:
    for network in (UNet(1, 5), StarConvex(1, 33), VisionTransformer(1, 5), Classifier(3, 5)):
        assert sum(one.numel() for one in network.parameters()) < 2_000_000


def test_a_part_of_an_image_that_begins_on_the_grid_of_windows_gives_what_the_whole_gives() -> None:
    torch.manual_seed(0)
    network = calmed(VisionTransformer(1, 2, patch=4, width=24, depth=2, n_heads=3, window=3))
    side = network.stride
    assert side == 12
    image = torch.rand(1, 1, 5 * side, 4 * side)
    with torch.no_grad():
        whole, part = network(image), network(image[..., side : 4 * side, side:])
        tokens = network.encode(image)
        torch.testing.assert_close(network.encode(image[..., side : 4 * side, side:]), tokens[..., 3:12, 3:])
    # The decoder looks a little over the border of a window: one window away nothing of the cut is seen.
    torch.testing.assert_close(part[..., side : 2 * side, side:], whole[..., 2 * side : 3 * side, 2 * side :])
    changed = image.clone()
    changed[..., : side - 8, :] += 1
    with torch.no_grad():
        assert torch.equal(network.encode(changed)[..., 3:, :], tokens[..., 3:, :])
        assert not torch.equal(network.encode(changed)[..., :3, :], tokens[..., :3, :])


def test_a_token_knows_its_place_in_its_window() -> None:
    network = VisionTransformer(1, 1, patch=4, width=24, depth=1, n_heads=3, window=2).eval()
    found = network.encode(torch.zeros(1, 1, 8, 16))
    assert not torch.allclose(found[..., 0, 0], found[..., 1, 0])
    assert not torch.allclose(found[..., 0, 0], found[..., 0, 1])
    torch.testing.assert_close(found[..., :2], found[..., 2:])


def test_a_network_for_boxes_needs_three_resolutions() -> None:
    with pytest.raises(MethodError, match="a network for boxes has 2 widths; it needs at least 3"):
        BoxNetwork(1, 1, widths=(4, 8))
