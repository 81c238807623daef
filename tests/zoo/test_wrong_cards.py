"""Descriptions that are valid and wrong: what they promise is not what the network does.

Each is added all the same, and run on an image of another size; whatever is wrong, there is a message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.errors import MethodError, VeriscopeError
from veriscope.methods.restoration import RestorationMethod
from veriscope.registry import make_method
from veriscope.zoo.add import add_model

from .conftest import Package, blobs

Change = Callable[[dict[str, Any]], None]


def put(*place: Any, value: Any) -> Change:
    """Give a function that changes one place of a description."""

    def change(content: dict[str, Any]) -> None:
        for key in place[:-1]:
            content = content[key]
        content[place[-1]] = value

    return change


Y, X = ("inputs", 0, "axes", 2), ("inputs", 0, "axes", 3)
OUT_Y, OUT_C = ("outputs", 0, "axes", 2), ("outputs", 0, "axes", 1)
REFERS = {"tensor_id": "image", "axis_id": "y"}
CHANGES: dict[str, Change] = {
    "a length that pooling would not take": put(*Y, "size", value={"min": 17, "step": 5}),
    "one fixed length": put(*Y, "size", value=48),
    "a fixed length shorter than its surroundings": put(*Y, "size", value=4),
    "a length that follows the other": put(*X, "size", value=REFERS),
    "an output of half the size": put(*OUT_Y, "scale", value=2.0),
    "an output that loses pixels": put(*OUT_Y, "size", "offset", value=-8),
    "an output that gains pixels": put(*OUT_Y, "size", "offset", value=8),
    "an output of fixed length": put(*OUT_Y, "size", value=64),
    "a halo larger than any tile": put(*OUT_Y, "halo", value=5000),
    "an output of one number": put("outputs", 0, "axes", value=[{"type": "batch"}]),
    "channels that are not there": put(*OUT_C, "channel_names", value=["foreground", "boundary"]),
    "an input of three channels": put("inputs", 0, "axes", 1, "channel_names", value=["r", "g", "b"]),
    "no axis of channels": put("inputs", 0, "axes", 1, value={"type": "index", "size": 1}),
    "axes in another order": lambda content: content["inputs"][0]["axes"].reverse(),
    "an input of booleans": put("inputs", 0, "data", "type", value="bool"),
    "an input of 64 bits": put("inputs", 0, "data", "type", value="float64"),
    "normalisation of an axis that is not there": put(
        "inputs", 0, "preprocessing", value=[{"id": "zero_mean_unit_variance", "kwargs": {"axes": ["z"]}}]
    ),
    "factors for channels that are not there": put(
        "inputs", 0, "preprocessing", value=[
            {"id": "scale_linear", "kwargs": {"gain": [1, 2], "axis": "channel"}}]
    ),
    "objects of an output without flow": put(
        "outputs", 0, "postprocessing", value=[{"id": "cellpose_flow_dynamics", "kwargs": {}}]
    ),
    "labels that are fractions": put(
        "outputs", 0, "postprocessing", value=[{"id": "stardist_postprocessing", "kwargs": {
            "prob_threshold": 0.5, "nms_threshold": 0.4, "n_rays": 32, "grid": [1, 1], "b": 0}}]
    ),
    "a tolerance that nothing keeps": put(
        "config", value={"bioimageio": {"reproducibility_tolerance": [
            {"relative_tolerance": 0, "absolute_tolerance": 0}]}}
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(CHANGES))
def test_there_is_a_result_of_the_right_size_or_a_message(package: Package, cache: Any, what: str) -> None:
    folder = package(change=CHANGES[what])
    image = Image(blobs((70, 50)), "yx", name="other size")
    try:
        found = add_model(str(folder), anyway=True)
        states = found["states"]["output_reproduced"]
        labels = make_method(found["name"]).predict(image).labels
    except VeriscopeError as error:
        assert len(str(error)) > 40, "it says what is wrong"
        return
    assert labels.shape == (70, 50)
    assert states["status"] in ("yes", "no") and states["tests"]


def test_tiles_that_no_computer_holds_are_refused_before_memory_is_taken(
    package: Package, cache: Any
) -> None:
    folder = package(change=put(*Y, "size", value=10**9))
    message = r"takes tiles of 1 x 1 x 1000000000 x \d+ values, which need \d+.* and this computer has"
    with pytest.raises(MethodError, match=f"does not run here: .*{message}"):
        add_model(str(folder))
    with pytest.raises(MethodError, match=message):
        make_method(str(folder)).predict(Image(blobs(), "yx"))
    batch = put("inputs", 0, "axes", 0, value={"type": "batch", "size": 10**9})
    with pytest.raises(MethodError, match="takes tiles of 1000000000 x 1 x 64 x 80 values"):
        make_method(str(package(change=batch))).predict(Image(blobs(), "yx"))


def test_channels_that_the_network_does_not_give_are_told(package: Package, cache: Any) -> None:
    folder = package(change=CHANGES["channels that are not there"])
    with pytest.raises(
        MethodError, match=r"channel 1 of output 'mean' is wanted, and the model gives 1 channel"
    ):
        make_method(str(folder)).predict(Image(blobs(), "yx"))


def test_tiles_of_a_restoration_too(package: Package, cache: Any) -> None:
    def change(content: dict[str, Any]) -> None:
        content["tags"] = ["image-restoration"]
        content["inputs"][0] |= {"data": {"type": "float32"}, "preprocessing": []}
        put(*Y, "size", value=10**9)(content)
        put(*X, "size", value=10**4)(content)

    method = make_method(str(package(change=change)))
    assert isinstance(method, RestorationMethod)
    with pytest.raises(MethodError, match="takes tiles of 1000000000 x 10000 values"):
        method.restore(Image(np.ones((20, 30), np.float32), "yx"))
