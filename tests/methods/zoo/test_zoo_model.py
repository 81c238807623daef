"""Packages as methods, on networks of one operation: what each option decides, and what is refused."""

from __future__ import annotations

import hashlib
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.errors import AxesError, InputError, MethodError, PixelValueError
from veriscope.methods.local_method import LocalMethod
from veriscope.methods.zoo.description import Axis, File, ModelDescription, Tensor, Weights
from veriscope.methods.zoo.measured_steps import ZeroMeanUnitVariance
from veriscope.methods.zoo.object_steps import CellposeFlowDynamics
from veriscope.methods.zoo.zoo_model import InstalledModel, ZooModel, ZooModelParameters, model_class

Made = Callable[..., ZooModel]
BATCH, Y, X = Axis(name="batch"), Axis(name="y", smallest=4, step=2), Axis(name="x", smallest=4, step=2)


def tensor(name: str, *axes: Axis, **more: Any) -> Tensor:
    return Tensor(id=name, axes=axes, **more)


def channels(*names: str) -> Axis:
    return Axis(name="channel", channels=names, size=len(names))


def described(given: Tensor, *outputs: Tensor, **more: Any) -> ModelDescription:
    return ModelDescription(
        format_version="0.5.3",
        name="Tiny",
        inputs=more.pop("inputs", (given,)),
        outputs=outputs,
        weights=(Weights(format="onnx", file=File(source="w.onnx")),),
        **more,
    )


def pointwise(weights: NDArray[Any], bias: float = 0.0) -> bytes:
    """Every output channel at a pixel is weights @ channels + bias."""
    from onnx import TensorProto, helper, numpy_helper

    given = helper.make_tensor_value_info("given", TensorProto.FLOAT, [1, weights.shape[1], "y", "x"])
    said = helper.make_tensor_value_info("said", TensorProto.FLOAT, None)
    arrays = {"w": weights[:, :, None, None], "b": np.full(len(weights), bias)}
    kept = [numpy_helper.from_array(values.astype(np.float32), name) for name, values in arrays.items()]
    node = helper.make_node("Conv", ["given", "w", "b"], ["said"])
    graph = helper.make_graph([node], "tiny", [given], [said], kept)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


ONE, TWO = np.array([[1.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
PLAIN = described(tensor("raw", BATCH, channels("dna"), Y, X), tensor("out", BATCH, channels("cells"), Y, X))
PAIR = described(
    tensor("raw", BATCH, channels("body", "rim"), Y, X),
    tensor("out", BATCH, channels("foreground", "boundary"), Y, X),
)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Make the method of a description and an ONNX file."""

    def make(description: ModelDescription = PLAIN, content: bytes | None = None, **options: Any) -> ZooModel:
        content = pointwise(ONE) if content is None else content
        (tmp_path / "w.onnx").write_bytes(content)
        hashes = {"w.onnx": hashlib.sha256(content).hexdigest()}
        installed = InstalledModel("zoo:tiny", description, tmp_path, hashes)
        return model_class(installed)(ZooModelParameters(**options))

    return make


def squares(*places: tuple[int, int, int, float], shape: tuple[int, int] = (30, 40)) -> NDArray[np.float32]:
    """Squares (y, x, side, value) on 0."""
    pixels = np.zeros(shape, np.float32)
    for y, x, side, value in places:
        pixels[y : y + side, x : x + side] = value
    return pixels


THREE = ((2, 2, 8, 0.9), (2, 20, 6, 0.7), (18, 8, 3, 0.6))


def test_pixels_above_the_threshold_are_objects(made: Made) -> None:
    pixels = squares(*THREE)
    found = made(split=False, smallest_area=1).predict(Image(pixels, "yx"))
    np.testing.assert_array_equal(found.labels, ndimage.label(pixels > 0.5)[0])
    assert found.probability_map is not None
    np.testing.assert_allclose(found.probability_map, pixels, atol=1e-6)


@pytest.mark.parametrize(("threshold", "n"), [(0.5, 3), (0.65, 2), (0.7, 1), (0.95, 0)])
def test_at_the_threshold_is_not_above_it(made: Made, threshold: float, n: int) -> None:
    found = made(split=False, smallest_area=1, threshold=threshold).predict(Image(squares(*THREE), "yx"))
    assert found.n_objects == n


@pytest.mark.parametrize(("smallest", "n"), [(9, 3), (10, 2), (36, 2), (37, 1), (65, 0)])
def test_an_object_of_just_the_smallest_area_stays(made: Made, smallest: int, n: int) -> None:
    found = made(split=False, smallest_area=smallest).predict(Image(squares(*THREE), "yx"))
    assert found.n_objects == n


def touching() -> NDArray[np.float32]:
    """Two squares side by side, and the line between them in the second channel."""
    body = squares((5, 5, 10, 0.9), (5, 15, 10, 0.9))
    rim = np.zeros_like(body)
    rim[5:15, 14:16] = 0.8
    return np.stack([body, rim])


def test_a_channel_named_boundary_parts_what_touches(made: Made) -> None:
    image = Image(touching(), "cyx", channels=("body", "rim"))
    method = made(PAIR, pointwise(TWO))
    assert not isinstance(method, LocalMethod), "two channels are not predicted part by part"
    found = method.predict(image)
    assert found.n_objects == 2
    np.testing.assert_array_equal(found.labels > 0, touching()[0] > 0.5)
    assert made(PAIR, pointwise(TWO), split=False).predict(image).n_objects == 1
    turned = made(PAIR, pointwise(TWO[::-1]), foreground="boundary", boundary="foreground").predict(image)
    np.testing.assert_array_equal(turned.labels, found.labels)


def test_values_that_are_no_probabilities_give_no_map(made: Made) -> None:
    pixels = squares((5, 5, 10, 3.0))
    found = made(split=False).predict(Image(pixels, "yx"))
    assert found.n_objects == 1 and found.probability_map is None
    assert made(split=False, threshold=2.9).predict(Image(pixels, "yx")).n_objects == 1
    assert made(split=False, threshold=3.0).predict(Image(pixels, "yx")).n_objects == 0


@pytest.mark.parametrize("value", [0.0, 0.9, 250.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (12, 16)])
def test_a_constant_image_holds_nothing_whatever_the_network_says(
    made: Made, value: float, shape: tuple[int, int]
) -> None:
    found = made(content=pointwise(ONE, bias=5.0)).predict(Image(np.full(shape, value, np.float32), "yx"))
    assert found.labels.shape == shape and found.n_objects == 0


@pytest.mark.parametrize("description", [PLAIN, PAIR])
def test_a_network_that_gives_no_numbers_is_told_with_the_image(
    made: Made, description: ModelDescription
) -> None:
    n = len(description.inputs[0].axes[1].channels)
    method = made(description, pointwise(np.eye(n), bias=np.nan))
    pixels = touching()[:n] if n > 1 else touching()[0]
    names = ("body", "rim") if n > 1 else ()
    with pytest.raises(PixelValueError) as error:
        method.predict(Image(pixels, "cyx" if n > 1 else "yx", channels=names, name="a.tif"))
    assert str(error.value) == "a.tif: zoo:tiny gives NaN or infinite values for it"


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (
            Image(np.zeros((8, 8)), "yx", name="a.tif"),
            "a.tif: zoo:tiny takes 2 channels (body, rim) and the image has 1; give an image with these "
            "channels",
        ),
        (
            Image(np.zeros((3, 8, 8)), "cyx", channels=("a", "b", "c"), name="a.tif"),
            "a.tif: zoo:tiny takes 2 channels (body, rim) and the image has 3; give an image with these "
            "channels",
        ),
        (
            Image(np.zeros((2, 4, 8, 8)), "czyx", channels=("a", "b"), name="a.tif"),
            "a.tif: zoo:tiny takes other axes than 'czyx'",
        ),
    ],
)
def test_other_channels_and_axes_are_refused(made: Made, image: Image, said: str) -> None:
    with pytest.raises(AxesError) as error:
        made(PAIR, pointwise(TWO)).predict(image)
    assert str(error.value) == said


def test_a_package_that_says_something_of_the_whole_image_finds_no_objects(made: Made) -> None:
    scores = tensor("scores", BATCH, channels("cat", "dog"))
    with pytest.raises(MethodError) as error:
        made(described(PLAIN.inputs[0], scores)).predict(Image(squares(*THREE), "yx"))
    assert str(error.value) == (
        "zoo:tiny: gives no image but scores, which says something of the image as a whole; a network that "
        "Veriscope trained to tell classes runs as network:NAME or network:PATH"
    )


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (
            (PLAIN.inputs[0], tensor("mask", BATCH, Y, X)),
            "zoo:tiny: takes 2 tensors (raw, mask); Veriscope runs models that take one image",
        ),
        (
            (tensor("raw", BATCH, Axis(name="index")),),
            "zoo:tiny: its input has axes ('batch', 'index'), so it is no image",
        ),
        (
            (tensor("raw", Axis(name="time", size=5), Y, X),),
            "zoo:tiny: needs several images at once (axis time), not one",
        ),
    ],
)
def test_packages_that_take_no_single_image_are_refused(
    made: Made, inputs: tuple[Tensor, ...], said: str
) -> None:
    with pytest.raises(MethodError) as error:
        made(described(PLAIN.inputs[0], *PLAIN.outputs, inputs=inputs))
    assert str(error.value) == said


def test_an_optional_tensor_is_left_out(made: Made) -> None:
    both = (tensor("mask", BATCH, Y, X, optional=True), PLAIN.inputs[0])
    method = made(described(PLAIN.inputs[0], *PLAIN.outputs, inputs=both), split=False, smallest_area=1)
    assert method.predict(Image(squares(*THREE), "yx")).n_objects == 3


@pytest.mark.parametrize(
    ("stated", "version"), [("1.2", "1.2"), ("v 1/beta", "v-1-beta"), ("", "unversioned"), ("1+2_a", "1+2_a")]
)
def test_a_version_is_one_word(made: Made, stated: str, version: str) -> None:
    assert made(PLAIN.model_copy(update={"version": stated})).version == version


def test_the_record_names_weights_and_what_is_known_of_the_package(made: Made) -> None:
    method = made(threshold=0.25)
    found = method.describe()
    assert found["weights"] == "w.onnx"
    assert found["weights_sha256"] == method.installed.hashes["w.onnx"]
    assert found["package"] == {"name": "Tiny", "format_version": "0.5.3", "states": {}}
    assert found["parameters"]["threshold"] == 0.25
    copy = pickle.loads(pickle.dumps(method))
    assert copy.describe() == found
    image = Image(squares(*THREE), "yx")
    np.testing.assert_array_equal(copy.predict(image).labels, method.predict(image).labels)


def test_memory_goes_by_the_channels_and_is_not_known_where_images_are_rescaled(made: Made) -> None:
    one, two = made().whole_bytes((100, 200)), made(PAIR, pointwise(TWO)).whole_bytes((100, 200))
    assert one is not None and two is not None and two > one
    assert made().whole_bytes((200, 200)) == 2 * one
    sized = PLAIN.model_copy(update={"inputs": (spaced(0.5),)})
    assert made(sized).whole_bytes((100, 200)) is None
    assert made(sized, rescale=False).whole_bytes((100, 200)) == one


def spaced(size: float) -> Tensor:
    axes = [axis.model_copy(update={"spacing": size}) for axis in (Y, X)]
    return tensor("raw", BATCH, channels("dna"), *axes)


@pytest.mark.parametrize(("spacing", "scale"), [(0.5, 1), (1.0, 2), (0.25, 0.5)])
def test_images_are_brought_to_the_pixel_size_and_labels_back(
    made: Made, spacing: float, scale: float
) -> None:
    sized = PLAIN.model_copy(update={"inputs": (spaced(0.5),)})
    pixels = squares((4, 4, 12, 0.9), (18, 22, 10, 0.9))
    method = made(sized, split=False)
    assert not isinstance(method, LocalMethod), "what is rescaled is predicted whole"
    image = Image(pixels, "yx", {"y": spacing, "x": spacing})
    found = method.predict(image)
    assert found.labels.shape == pixels.shape and found.n_objects == 2
    assert ((found.labels > 0) != (pixels > 0.5)).mean() < 0.03
    assert found.details["rescaled"] == (False if scale == 1 else {"y": scale, "x": scale})
    plain = made(sized, split=False, rescale=False).predict(image)
    assert plain.details["rescaled"] is False
    np.testing.assert_array_equal(plain.labels > 0, pixels > 0.5)


@pytest.mark.parametrize("tile", [16, 20, 64])
def test_tiles_give_what_the_whole_gives(made: Made, tile: int) -> None:
    """Each pixel looks at itself alone, and the brightness of the image is measured as a whole."""
    steps = (ZeroMeanUnitVariance(axes=("y", "x")),)
    measured = PLAIN.model_copy(update={"inputs": (PLAIN.inputs[0].model_copy(update={"steps": steps}),)})
    rng = np.random.default_rng(0)
    pixels = ndimage.gaussian_filter(rng.normal(size=(70, 90)), 3).astype(np.float32)
    whole = made(measured, diameter=10).predict(Image(pixels, "yx"))
    tiled = made(measured, diameter=10, tile=tile).predict(Image(pixels, "yx"))
    np.testing.assert_array_equal(tiled.labels, whole.labels)
    assert whole.n_objects > 3


def test_a_step_of_the_package_makes_the_objects(made: Made) -> None:
    """The image is what Cellpose's network says: flow to the middle of two discs, and whether inside."""
    step = CellposeFlowDynamics(flow_threshold=0, min_size=1)
    names = ("dy", "dx", "logit")
    flows = described(
        tensor("raw", BATCH, channels(*names), Y, X),
        tensor("out", BATCH, channels("objects"), Y, X, steps=(step,)),
    )
    values = np.zeros((3, 30, 40), np.float32)
    values[2] = -6
    for centre in ((12, 10), (16, 28)):
        away = np.array(centre).reshape(2, 1, 1) - np.indices((30, 40))
        far = np.hypot(*away)
        values[:2, far <= 7] = (5 * away / np.maximum(far, 1))[:, far <= 7]
        values[2, far <= 7] = 6
    found = made(flows, pointwise(np.eye(3))).predict(Image(values, "cyx", channels=names))
    np.testing.assert_array_equal(found.labels > 0, values[2] > 0)
    assert found.n_objects == 2 and found.probability_map is None
    assert found.labels[12, 10] == 1 and found.labels[16, 28] == 2


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"diameter": 1}, "diameter"),
        ({"smallest_area": 0}, "smallest_area"),
        ({"tile": 8}, "tile"),
        ({"threshold": math.inf}, "threshold"),
        ({"size": 3}, "size"),
    ],
)
def test_wrong_options_are_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        ZooModelParameters.parse(dict(wrong), where="options")
