"""Fixed sizes are given up only where every operation of a network looks around a place, and no farther."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.methods.zoo.description import Axis, ModelDescription, Tensor
from veriscope.methods.zoo.engines import OnnxEngine
from veriscope.methods.zoo.free_sizes import free_sizes, sight_of
from veriscope.methods.zoo.onnx_graph import read_graph, without_sizes

onnx = pytest.importorskip("onnx", reason="the library makes files to read")
RNG = np.random.default_rng(0)


class Building:
    """A network from ``x`` to its last value, operation by operation."""

    def __init__(self, *, size: int = 32, n_axes: int = 2) -> None:
        self.size, self.n_axes = size, n_axes
        self.nodes: list[Any] = []
        self.stored: list[Any] = []
        self.last = "x"

    def store(self, values: np.ndarray) -> str:
        name = f"stored{len(self.stored)}"
        self.stored.append(onnx.numpy_helper.from_array(values, name))
        return name

    def add(self, kind: str, *others: str, of: str | None = None, **attributes: Any) -> str:
        """Add an operation on the last value, or on another one."""
        name = f"v{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(kind, [of or self.last, *others], [name], **attributes))
        self.last = name
        return name

    def conv(self, side: int = 3, **more: Any) -> str:
        weights = RNG.normal(size=(1, 1, *(side,) * self.n_axes)).astype(np.float32)
        options = {"pads": [side // 2] * 2 * self.n_axes} | more
        return self.add("Conv", self.store(weights), **options)

    def pool(self) -> str:
        return self.add("MaxPool", kernel_shape=[2] * self.n_axes, strides=[2] * self.n_axes)

    def enlarge(self, by: float = 2, **options: Any) -> str:
        scales = self.store(np.array([1, 1, *(by,) * self.n_axes], np.float32))
        return self.add("Resize", "", scales, **{"mode": "nearest"} | options)

    def content(self) -> bytes:
        shape = [1, 1, *(self.size,) * self.n_axes]
        ends = [
            onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape),
            onnx.helper.make_tensor_value_info(self.last, onnx.TensorProto.FLOAT, None),
        ]
        graph = onnx.helper.make_graph(self.nodes, "g", ends[:1], ends[1:], self.stored)
        made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
        return bytes(made.SerializeToString())


def unet(**options: Any) -> Building:
    """Two resolutions, as small as they can be."""
    made = Building(**options)
    fine = made.conv()
    made.pool()
    made.conv()
    made.add("Relu")
    made.enlarge()
    made.add("Concat", fine, axis=1)
    weights = RNG.normal(size=(1, 2, *(3,) * made.n_axes)).astype(np.float32)
    made.add("Conv", made.store(weights), pads=[1] * 2 * made.n_axes)
    made.add("Sigmoid")
    return made


@pytest.mark.parametrize("n_axes", [2, 3])
def test_a_small_unet_sees_as_far_as_its_operations_do(n_axes: int) -> None:
    (seen,) = sight_of(read_graph(unet(n_axes=n_axes).content()), n_axes)
    assert seen.factors == (1,) * n_axes and seen.coarsest == (2,) * n_axes
    # 1 (conv) + 1 (pool) + 2 (conv on every second pixel) + 2 (place in it) + 1 (conv)
    assert seen.reach == (7,) * n_axes


def run(content: bytes, pixels: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": pixels.astype(np.float32)})[0])


def test_normalisation_with_stored_numbers_is_of_each_place() -> None:
    made = unet()
    made.add("BatchNormalization", *(made.store(np.ones(1, np.float32)) for _ in range(4)))
    made.add("Clip", made.store(np.array(0, np.float32)), made.store(np.array(1, np.float32)))
    made.add("PRelu", made.store(np.full((1, 1, 1), 0.1, np.float32)))
    made.add("Mul", made.store(np.array([[[[2]]]], np.float32)))
    made.add("Softmax", axis=1)
    assert sight_of(read_graph(made.content()), 2)[0].reach == (7, 7)


def deep(mode: str) -> Building:
    made = Building(size=64)
    fine = made.conv(5)
    made.pool()
    made.conv(dilations=[2, 2], pads=[2] * 4)
    half = made.last
    made.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    made.conv()
    made.enlarge(mode=mode, coordinate_transformation_mode="half_pixel")
    made.add("Add", half)
    weights = RNG.normal(size=(1, 1, 2, 2)).astype(np.float32)
    made.add("ConvTranspose", made.store(weights), strides=[2, 2])
    made.add("Mul", fine)
    made.add("LeakyRelu")
    return made


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_tiles_give_what_the_whole_gives_beyond_the_reach(mode: str) -> None:
    content = deep(mode).content()
    (seen,) = sight_of(read_graph(content), 2)
    assert seen.coarsest == (4, 4)
    freed, reach = without_sizes(content, (2, 3)), max(seen.reach)
    pixels = RNG.normal(size=(1, 1, 160, 160))
    whole = run(freed, pixels)
    first, last = 24, 152
    tile = run(freed, pixels[..., first:last, first:last])
    inner = slice(reach, -reach)
    part = whole[..., first:last, first:last]
    np.testing.assert_allclose(tile[..., inner, inner], part[..., inner, inner], rtol=1e-5, atol=1e-5)
    assert abs(tile - part).max() > 1e-3, "nearer to the cut it does not"
    off = run(freed, pixels[..., first + 1 : last + 1, first + 1 : last + 1])
    part = whole[..., first + 1 : last + 1, first + 1 : last + 1]
    assert abs(off - part)[..., inner, inner].max() > 1e-3, "nor where pooling sees other pixels together"


MOVES = ("conv", "wide", "uneven", "strided", "max", "mean", "nearest", "linear", "cubic", "transposed")


def drawn(moves: list[str]) -> Building:
    """A network of random operations that ends on the grid of the image."""
    made, factor = Building(size=64), 1
    for move in [*moves, "nearest", "nearest"]:
        if move in ("strided", "max", "mean") and factor == 4:
            continue
        if move in ("nearest", "linear", "cubic", "transposed") and factor == 1:
            continue
        if move == "conv":
            made.conv()
        elif move == "wide":
            made.conv(3, dilations=[2, 2], pads=[2] * 4)
        elif move == "uneven":
            made.conv(2, pads=[0, 0, 1, 1])
        elif move == "strided":
            made.conv(3, strides=[2, 2])
        elif move in ("max", "mean"):
            kind = "MaxPool" if move == "max" else "AveragePool"
            made.add(kind, kernel_shape=[2, 2], strides=[2, 2])
        elif move == "transposed":
            weights = made.store(RNG.normal(size=(1, 1, 4, 4)).astype(np.float32))
            made.add("ConvTranspose", weights, strides=[2, 2], pads=[1] * 4)
        else:
            made.enlarge(mode=move, coordinate_transformation_mode="half_pixel")
        down, up = ("strided", "max", "mean"), ("nearest", "linear", "cubic", "transposed")
        factor = factor * 2 if move in down else factor // 2 if move in up else factor
        made.add("Tanh")
    return made


@given(st.lists(st.sampled_from(MOVES), min_size=1, max_size=7), st.integers(1, 6), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_no_network_sees_farther_than_its_graph_says(moves: list[str], top: int, left: int) -> None:
    content = drawn(moves).content()
    (seen,) = sight_of(read_graph(content), 2)
    assert seen.factors == (1, 1)
    session = onnxruntime.InferenceSession(without_sizes(content, (2, 3)), providers=["CPUExecutionProvider"])
    pixels = RNG.normal(size=(1, 1, 256, 256)).astype(np.float32)
    step, reach = seen.coarsest[0], seen.reach[0]
    y, x = top * step, left * step
    side = (200 // step) * step
    (whole,) = session.run(None, {"x": pixels})
    (tile,) = session.run(None, {"x": np.ascontiguousarray(pixels[..., y : y + side, x : x + side])})
    inner = slice(reach, side - reach)
    part = whole[..., y : y + side, x : x + side][..., inner, inner]
    assert part.size, "the tile is larger than what is seen"
    np.testing.assert_allclose(tile[..., inner, inner], part, rtol=1e-4, atol=1e-5)


def without_padding(made: Building) -> None:
    made.conv(pads=[0] * 4)


def padding_by_size(made: Building) -> None:
    made.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)


def automatic(made: Building) -> None:
    weights = made.store(np.ones((1, 1, 3, 3), np.float32))
    made.add("Conv", weights, auto_pad="SAME_UPPER")


def over_all(made: Building) -> None:
    made.add("GlobalAveragePool")


def normalised(made: Building) -> None:
    made.add("InstanceNormalization", made.store(np.ones(1, np.float32)), made.store(np.zeros(1, np.float32)))


def measuring(made: Building) -> None:
    numbers = [made.store(np.ones(1, np.float32)) for _ in range(4)]
    made.add("BatchNormalization", *numbers, training_mode=1)


def written_size(made: Building) -> None:
    made.pool()
    sizes = made.store(np.array([1, 1, 32, 32], np.int64))
    made.add("Resize", "", "", sizes, mode="nearest")


def corners(made: Building) -> None:
    made.pool()
    made.enlarge(mode="linear", coordinate_transformation_mode="align_corners")


def by_a_fraction(made: Building) -> None:
    made.pool()
    made.enlarge(1.5)


def beyond(made: Building) -> None:
    made.enlarge(2)


def stored_map(made: Building) -> None:
    made.add("Add", made.store(np.zeros((1, 1, 32, 32), np.float32)))


def along_x(made: Building) -> None:
    made.add("Softmax")


def side_by_side(made: Building) -> None:
    made.add("Concat", made.last, axis=3)


def reshaped(made: Building) -> None:
    made.add("Reshape", made.store(np.array([1, 1, 32, 32], np.int64)))


def other_grid(made: Building) -> None:
    fine = made.last
    made.conv(strides=[2, 2])
    made.add("Concat", fine, axis=1)


def computed_weights(made: Building) -> None:
    made.add("Conv", "x")


REFUSED = (
    *(without_padding, padding_by_size, automatic, over_all, normalised, measuring, written_size, corners),
    *(by_a_fraction, beyond, stored_map, along_x, side_by_side, reshaped, other_grid, computed_weights),
)


@pytest.mark.parametrize("spoil", REFUSED, ids=lambda spoil: spoil.__name__)
def test_other_operations_keep_the_size_of_the_card(spoil: Any, tmp_path: Path) -> None:
    made = Building()
    made.conv()
    spoil(made)
    with pytest.raises(ValueError):
        sight_of(read_graph(made.content()), 2)
    described, engine = package(made, tmp_path)
    assert free_sizes(described, engine) is described and engine.free_axes == ()


def test_a_coarser_output_is_followed_but_no_size_is_given_up(tmp_path: Path) -> None:
    made = Building()
    made.conv(strides=[2, 2])
    (seen,) = sight_of(read_graph(made.content()), 2)
    assert (seen.factors, seen.coarsest) == ((2, 2), (2, 2))
    described, engine = package(made, tmp_path)
    assert free_sizes(described, engine) is described


def package(
    made: Building, folder: Path, *, size: int | None = 32, names: str = "batch channel y x", **of_output: Any
) -> tuple[ModelDescription, OnnxEngine]:
    """A description as that of a file that fixes its size, and what runs it."""
    path = folder / "weights.onnx"
    path.write_bytes(made.content())

    def tensor(name: str, **more: Any) -> Tensor:
        axes = []
        for axis in names.split():
            spatial = axis in ("z", "y", "x")
            axes.append(Axis(name=axis, size=size if spatial else 1, **more if spatial else {}))  # type: ignore[arg-type]
        return Tensor(id=name, axes=tuple(axes))

    description = ModelDescription(
        format_version="0.5.4",
        name="mine",
        inputs=(tensor("raw"),),
        outputs=(tensor("map", **{"halo": 3} | of_output),),
        weights=(),
    )
    return description, OnnxEngine(path)


def test_a_package_takes_any_size_from_that_of_its_card_on(tmp_path: Path) -> None:
    described, engine = package(unet(), tmp_path)
    free = free_sizes(described, engine)
    assert engine.free_axes == (2, 3)
    for axis in free.inputs[0].spatial:
        assert (axis.size, axis.smallest, axis.step, axis.align) == (None, 32, 2, 2)
    assert [axis.halo for axis in free.outputs[0].spatial] == [7, 7], "what it sees, where the card says less"
    assert free.inputs[0].axes[:2] == described.inputs[0].axes[:2]
    found = engine.run(RNG.normal(size=(1, 1, 48, 70)))[0]
    assert found.shape == (1, 1, 48, 70)
    far, _ = package(unet(), tmp_path, halo=20)
    assert [axis.halo for axis in free_sizes(far, OnnxEngine(engine.weights)).outputs[0].spatial] == [20, 20]


@pytest.mark.parametrize(
    "options",
    [
        {"size": None},
        {"size": 33},
        {"names": "batch y x channel"},
        {"names": "y x"},
        {"ratio": 0.5},
        {"offset": -4.0},
    ],
    ids=str,
)
def test_other_descriptions_stay_as_they_are(options: dict[str, Any], tmp_path: Path) -> None:
    described, engine = package(unet(), tmp_path, **options)
    assert free_sizes(described, engine) is described and engine.free_axes == ()


def test_weights_that_cannot_be_read_stay_for_the_engine_to_refuse(tmp_path: Path) -> None:
    described, engine = package(unet(), tmp_path)
    engine.weights.write_bytes(engine.weights.read_bytes()[:100])
    assert free_sizes(described, engine) is described
    engine.weights.unlink()
    assert free_sizes(described, engine) is described


def test_a_tied_axis_stays_tied(tmp_path: Path) -> None:
    described, engine = package(unet(), tmp_path)
    axes = tuple(axis.model_copy(update={"tied": axis.name == "x"}) for axis in described.inputs[0].axes)
    tied = described.model_copy(update={"inputs": (described.inputs[0].model_copy(update={"axes": axes}),)})
    assert free_sizes(tied, engine) is tied
