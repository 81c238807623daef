"""Methods made of packages: they are what their package says, and travel to other processes."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.methods.networks.box_network import BoxNetwork, BoxParameters
from veriscope.methods.networks.instance_network import InstanceNetwork
from veriscope.methods.networks.network_files import shipped
from veriscope.methods.networks.network_settings import NetworkParameters
from veriscope.methods.networks.packaged import PackagedNetwork


@pytest.mark.parametrize(
    ("base", "package", "options"),
    [
        (InstanceNetwork, "nuclei-fluorescence", NetworkParameters(threshold=0.7)),
        (BoxNetwork, "blood-cells", BoxParameters(threshold=0.6)),
    ],
)
def test_a_method_that_was_made_is_the_same_after_a_journey(
    base: type[PackagedNetwork], package: str, options: NetworkParameters | BoxParameters
) -> None:
    made = base.of(shipped(package), name="network:mine")
    assert issubclass(made, base)
    assert (made.name, made.card, made.__doc__) == (
        "network:mine",
        made.package.card,
        made.package.card.summary,
    )
    method = made(options)
    again = pickle.loads(pickle.dumps(method))
    assert type(again).__mro__[1] is base
    assert again.describe() == method.describe()
    assert again.describe()["name"] == "network:mine"
    assert again.describe()["parameters"]["threshold"] == options.threshold


def test_classes_of_two_packages_do_not_share_what_their_packages_say() -> None:
    one, other = (
        InstanceNetwork.of(shipped(name), name=name) for name in ("nuclei-fluorescence", "nuclei-histology")
    )
    assert (one.n_channels, other.n_channels) == (1, 3)
    assert one.card != other.card
    assert not hasattr(InstanceNetwork, "package")


def test_a_network_of_one_channel_takes_the_luminance_of_colour_only_where_its_package_says_so() -> None:
    package = shipped("nuclei-fluorescence")
    for rgb, channel in (("luminance", "luminance"), ("refuse", None)):
        settings = package.settings.model_copy(update={"rgb": rgb})
        assert InstanceNetwork.of(replace(package, settings=settings), name="x").colour_channel == channel
    three = package.settings.model_copy(update={"rgb": "luminance", "n_channels": 3})
    assert InstanceNetwork.of(replace(package, settings=three), name="x").colour_channel is None


def test_what_was_made_predicts_as_its_base_does() -> None:
    y, x = np.mgrid[:96, :96]
    pixels = (1000 + 4000 * (((y - 40) ** 2 + (x - 50) ** 2) < 14**2)).astype(np.uint16)
    method = InstanceNetwork.of(shipped("nuclei-fluorescence"), name="mine")(NetworkParameters(diameter=28))
    found = pickle.loads(pickle.dumps(method)).predict(Image(pixels, "yx"))
    np.testing.assert_array_equal(found.labels, method.predict(Image(pixels, "yx")).labels)
    assert found.labels.max() == 1
