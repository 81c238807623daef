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
from veriscope.methods.networks.stack_network import StackNetwork, StackNetworkParameters


@pytest.mark.parametrize(
    ("base", "package", "options"),
    [
        (InstanceNetwork, "nuclei-fluorescence", NetworkParameters(threshold=0.7)),
        (BoxNetwork, "blood-cells", BoxParameters(threshold=0.6)),
        (StackNetwork, "nuclei-fluorescence", StackNetworkParameters(threshold=0.6)),
    ],
)
def test_a_method_that_was_made_is_the_same_after_a_journey(
    base: type[PackagedNetwork],
    package: str,
    options: NetworkParameters | BoxParameters | StackNetworkParameters,
) -> None:
    made = base.of(shipped(package), name="network:mine")
    assert issubclass(made, base)
    card = made.package.card.model_copy(update={"dimensions": made.dimensions})
    assert (made.name, made.card, made.__doc__) == ("network:mine", card, card.summary)
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


def test_a_package_can_be_used_on_planes_and_on_stacks_and_a_class_may_have_a_card_of_its_own() -> None:
    package = shipped("nuclei-fluorescence")
    for_stacks = replace(package, settings=package.settings.model_copy(update={"dimensions": 3}))
    for one in (package, for_stacks):
        assert InstanceNetwork.of(one, name="x").card.dimensions == (2,)
        assert StackNetwork.of(one, name="x").card.dimensions == (3,)

    class Mine(InstanceNetwork, package=package):
        name = "mine"
        version = "7"

    assert (Mine.version, Mine.card.summary) == ("7", package.card.summary)
    assert InstanceNetwork.of(package, name="x").version == package.version
