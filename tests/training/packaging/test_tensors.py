"""How a package describes what goes in and what comes out."""

from __future__ import annotations

from typing import Any

import pytest

from veriscope.core.image import RGB_CHANNELS
from veriscope.methods.networks.network_settings import NetworkSettings
from veriscope.training.heads.base import Head
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.heads.flow import FlowHead
from veriscope.training.heads.star import StarHead
from veriscope.training.packaging.inputs import InputImages
from veriscope.training.packaging.tensors import (
    describe_input,
    describe_output,
    output_name,
    says_of_pixels,
)

TEST = {"source": "test.npy", "sha256": "0" * 64}
PLAIN = InputImages()


def plain(**options: Any) -> dict[str, Any]:
    return NetworkSettings.parse(options, where="test").model_dump(mode="json")


@pytest.mark.parametrize(
    ("n_channels", "names"),
    [(1, ["intensity"]), (3, list(RGB_CHANNELS)), (2, ["0", "1"]), (4, ["0", "1", "2", "3"])],
)
def test_channels_have_the_names_of_what_they_show(n_channels: int, names: list[str]) -> None:
    found = describe_input(plain(n_channels=n_channels), TEST, PLAIN)
    assert found["axes"][1] == {"type": "channel", "channel_names": names}
    assert found["test_tensor"] == TEST


@pytest.mark.parametrize(("stride", "halo", "least"), [(16, 96, 208), (16, 90, 208), (8, 0, 8), (2, 3, 10)])
def test_the_smallest_image_holds_a_stride_between_two_halos(stride: int, halo: int, least: int) -> None:
    settings = plain(stride=stride, halo=halo)
    given, made = describe_input(settings, TEST, PLAIN), describe_output(settings, FlowHead(), TEST, PLAIN)
    for axis, other in zip(given["axes"][2:], made["axes"][2:], strict=True):
        assert axis["size"] == {"min": least, "step": stride}
        assert other["size"] == {"tensor_id": "raw", "axis_id": axis["id"]}
        assert halo <= other["halo"] < halo + stride and other["halo"] % stride == 0
        assert axis["size"]["min"] - 2 * other["halo"] == stride


def test_a_network_that_tells_classes_has_no_axes_of_space() -> None:
    settings = plain(head="classification", architecture="classifier", smallest_side=48, classes=("a", "b"))
    assert not says_of_pixels(settings)
    assert output_name(settings) == "probabilities"
    made = describe_output(settings, ClassificationHead(("a", "b")), TEST, PLAIN)
    assert [axis["type"] for axis in made["axes"]] == ["batch", "channel"]
    assert made["axes"][1]["channel_names"] == ["a", "b"]
    given = describe_input(settings, TEST, PLAIN)
    assert [axis["size"] for axis in given["axes"][2:]] == [{"min": 48, "step": 1}] * 2


@pytest.mark.parametrize("head", [FlowHead(), StarHead(32), StarHead(64)])
def test_outputs_are_named_by_the_head_in_a_line_that_the_specification_allows(head: Head) -> None:
    made = describe_output(plain(head=head.name), head, TEST, PLAIN)
    assert made["id"] == output_name(plain(head=head.name)) == "dense"
    assert made["axes"][1]["channel_names"] == list(head.channels)
    assert made["description"].startswith(f"Output of the {head.name} head: ")
    assert len(made["description"]) <= 128


def test_other_tools_give_the_network_float32() -> None:
    steps = describe_input(plain(), TEST, PLAIN)["preprocessing"]
    assert [step["id"] for step in steps] == ["ensure_dtype", "scale_range", "ensure_dtype"]
    assert steps[-1]["kwargs"] == {"dtype": "float32"}


def test_numbers_are_of_the_type_of_the_images_that_were_learned_from() -> None:
    assert describe_input(plain(), TEST, PLAIN)["data"] == {"type": "uint16", "range": [0, None]}
    found = describe_input(plain(), TEST, InputImages(dtype="float32"))
    assert found["data"] == {"type": "float32", "range": [None, None]}


@pytest.mark.parametrize("zoom", [1.0, 2.0])
def test_the_pixel_size_is_that_of_the_grid_of_the_network_on_both_sides(zoom: float) -> None:
    inputs, settings = InputImages(spacing={"y": 0.5, "x": 0.25}), plain(zoom=zoom)
    for found in (
        describe_input(settings, TEST, inputs),
        describe_output(settings, FlowHead(), TEST, inputs),
    ):
        y, x = found["axes"][2:]
        assert (y["scale"], x["scale"]) == (0.5 / zoom, 0.25 / zoom)
        assert y["unit"] == x["unit"] == "micrometer"
    assert not any("scale" in axis for axis in describe_input(settings, TEST, PLAIN)["axes"])
