"""Light that is absorbed becomes brightness: of each channel alone, and inside the network."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from veriscope.training.architectures.density import as_seen, optical_density
from veriscope.training.architectures.star_convex import StarConvex
from veriscope.training.architectures.unet import UNet
from veriscope.training.architectures.vision_transformer import VisionTransformer


def test_dark_becomes_one_and_bright_becomes_nothing() -> None:
    found = optical_density(torch.tensor([-3.0, 0.0, 1.0]))
    torch.testing.assert_close(found, torch.tensor([1.0, 1.0, 0.0]), atol=1e-6, rtol=0)


@given(st.integers(0, 1500), st.integers(10, 1500))
def test_what_lets_less_light_through_is_denser(light: int, more: int) -> None:
    darker, brighter = optical_density(torch.tensor([light, light + more]) / 1000).tolist()
    assert darker > brighter
    assert -2 < brighter < darker <= 1.0001


def test_density_spreads_out_what_is_dark_more_than_what_is_bright() -> None:
    steps = -torch.diff(optical_density(torch.linspace(0, 1, 11)))
    assert (torch.diff(steps) < 0).all()


def test_light_stays_as_it_is() -> None:
    image = torch.rand(2, 3, 4, 4)
    assert as_seen(image, "light") is image
    torch.testing.assert_close(as_seen(image, "density")[:, 1], optical_density(image[:, 1]))


def test_a_network_that_sees_density_says_of_an_image_what_one_that_sees_light_says_of_its_density() -> None:
    for make in (
        lambda sees: UNet(2, 3, widths=(8, 12), sees=sees),
        lambda sees: StarConvex(1, 9, widths=(8, 12), sees=sees),
        lambda sees: VisionTransformer(1, 3, width=32, depth=1, n_heads=1, window=2, sees=sees),
    ):
        light, density = make("light").eval(), make("density").eval()
        density.load_state_dict(light.state_dict())
        image = torch.rand(1, light.n_in, 2 * light.stride, light.stride)
        with torch.no_grad():
            torch.testing.assert_close(density(image), light(optical_density(image)))
            assert not torch.allclose(density(image), light(image), atol=1e-3)
