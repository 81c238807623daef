"""Networks whose card fixes the size of their input, though their operations take any.

Where every operation of a network looks at pixels around a place, and at nothing else, it gives the same for
a place in a large tile as in a small one, if both are cut at multiples of its coarsest grid and the place
lies as far from their ends as the network sees. Both numbers follow from the graph. Anything that is not
known to be such an operation (a mean over all pixels, a size written into the graph) leaves the card's size
as it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from veriscope.methods.zoo.description import AxisName, ModelDescription, Tensor
from veriscope.methods.zoo.engines import OnnxEngine
from veriscope.methods.zoo.onnx_graph import Graph, Node, read_graph

__all__ = ["Sight", "free_sizes", "sight_of"]

_OF_EACH = frozenset(
    (
        *("Relu", "LeakyRelu", "ThresholdedRelu", "Elu", "Selu", "Celu", "Gelu", "Mish", "HardSwish"),
        *("Sigmoid", "HardSigmoid", "Tanh", "Softplus", "Softsign", "Exp", "Log", "Sqrt", "Abs", "Neg"),
        *("Identity", "Dropout", "BatchNormalization"),
    )
)
_OF_TWO = frozenset(("Add", "Sub", "Mul", "Div", "PRelu", "Clip", "Min", "Max", "Sum", "Pow"))
_NEIGHBOURS = {"nearest": 1, "linear": 2, "bilinear": 2}
"""Places of the coarse grid that matter to a pixel of the fine one, by kind of interpolation."""
_ALIGNED = ("half_pixel", "pytorch_half_pixel", "asymmetric", "half_pixel_symmetric")


@dataclass(frozen=True, slots=True)
class Sight:
    """What a value of a network sees of the image.

    Parameters
    ----------
    factors
        Pixels of the image per place, along each axis.
    reach
        Pixels of the image on each side that it depends on, along each axis; at least that many.
    coarsest
        Largest factors on the way: tiles have to start and end at multiples of these.
    """

    factors: tuple[int, ...]
    reach: tuple[int, ...]
    coarsest: tuple[int, ...]


def free_sizes(description: ModelDescription, engine: OnnxEngine) -> ModelDescription:
    """Describe a network as one that takes any size, where its operations do, and let it take them.

    Parameters
    ----------
    description
        Of a package.
    engine
        That runs its ONNX weights, and has not begun.

    Returns
    -------
    ModelDescription
        The same if its sizes are free already, or have to stay. Else with free lengths along z, y and x from
        those of the card on, tiles that are cut where the coarsest grid of the network allows it, and a halo
        of all that it sees.
    """
    images = [item for item in description.inputs if not item.optional]
    if len(images) != 1 or not _is_fixed(images[0]):
        return description
    try:
        free = _freed(description, images[0], engine.weights.read_bytes())
    except (OSError, ValueError):  # of files that cannot be read the engine says what is wrong
        return description
    if free is None:
        return description
    engine.free_axes = tuple(range(2, 2 + len(images[0].spatial)))
    return free


def _freed(description: ModelDescription, image: Tensor, content: bytes) -> ModelDescription | None:
    seen = sight_of(read_graph(content), len(image.spatial))
    if len(seen) < len(description.outputs) or not all(_fits(out, image) for out in description.outputs):
        return None
    if any(any(factor != 1 for factor in one.factors) for one in seen[: len(description.outputs)]):
        return None
    places = range(len(image.spatial))
    steps = [math.lcm(*(one.coarsest[i] for one in seen)) for i in places]
    if any((axis.size or 1) % step for axis, step in zip(image.spatial, steps, strict=True)):
        return None
    changed = {
        axis.name: axis.model_copy(update={"size": None, "smallest": axis.size, "step": step, "align": step})
        for axis, step in zip(image.spatial, steps, strict=True)
    }
    halos = {axis.name: max(one.reach[i] for one in seen) for i, axis in enumerate(image.spatial)}
    free = image.model_copy(update={"axes": tuple(changed.get(axis.name, axis) for axis in image.axes)})
    inputs = tuple(free if item is image else item for item in description.inputs)
    outputs = tuple(_seeing(out, halos) for out in description.outputs)
    return description.model_copy(update={"inputs": inputs, "outputs": outputs})


def _is_fixed(tensor: Tensor) -> bool:
    return tensor.names == ("batch", "channel", *(axis.name for axis in tensor.spatial)) and all(
        axis.size is not None and not axis.tied for axis in tensor.spatial
    )


def _fits(out: Tensor, image: Tensor) -> bool:
    """Tell whether an output has the pixels of the image."""
    return out.names == image.names and all(axis.ratio == 1 and axis.offset == 0 for axis in out.spatial)


def _seeing(out: Tensor, halos: Mapping[AxisName, int]) -> Tensor:
    """Say of an output how far the network sees, where the card says less."""
    axes = [
        axis.model_copy(update={"size": None, "halo": max(axis.halo, halos[axis.name])})
        if axis.name in halos
        else axis
        for axis in out.axes
    ]
    return out.model_copy(update={"axes": tuple(axes)})


def sight_of(graph: Graph, n_axes: int) -> list[Sight]:
    """Say what each output of a network sees of its image.

    Parameters
    ----------
    graph
        Of the network.
    n_axes
        Number of spatial axes; they come last, after batch and channel.

    Returns
    -------
    list of Sight
        One for each output.

    Raises
    ------
    ValueError
        If an operation is not known to look at the surroundings of a place alone, whatever the size.
    """
    if len(graph.inputs) != 1:
        raise ValueError(f"takes {len(graph.inputs)} arrays")
    ones, zeros = (1,) * n_axes, (0,) * n_axes
    known = {name: Sight(ones, zeros, ones) for name in graph.inputs}
    constants = dict(graph.values)
    for node in graph.nodes:
        if node.kind == "Constant":
            if (value := node.attributes.get("value")) is None:
                raise ValueError("Constant without a small tensor")
            constants[node.outputs[0]] = value
            continue
        seen = [known[name] for name in node.inputs if name in known]
        stored = [name for name in node.inputs if name and name not in known]
        if not seen or any(name not in constants and name not in graph.shapes for name in stored):
            raise ValueError(f"{node.kind} has inputs that are not known")
        known[node.outputs[0]] = _after(node, seen, Graph((), graph.shapes, constants, {}, ()), n_axes)
    return [known[name] for name in graph.outputs]


def _after(node: Node, seen: Sequence[Sight], stored: Graph, n_axes: int) -> Sight:
    """Say what the output of an operation sees."""
    joined = _joined(seen)
    if node.attributes.get("training_mode"):
        raise ValueError(f"{node.kind} that measures the whole")
    if node.kind in _OF_EACH and len(seen) == 1 and len(node.outputs) == 1:
        return joined
    if node.kind in _OF_TWO:
        for name in node.inputs:
            shape = stored.values[name].shape if name in stored.values else stored.shapes.get(name, ())
            if any(length != 1 for length in shape[-n_axes:]):
                raise ValueError(f"{node.kind} with stored values for each place")
        return joined
    if node.kind == "Concat" and node.attributes.get("axis") in (1, -1 - n_axes):
        return joined
    if node.kind == "Softmax" and node.attributes.get("axis") == 1:
        return joined
    if node.kind in ("Conv", "ConvTranspose", "MaxPool", "AveragePool") and len(seen) == 1:
        return _around(node, joined, stored, n_axes)
    if node.kind in ("Resize", "Upsample") and len(seen) == 1:
        return _enlarged(node, joined, stored, n_axes)
    raise ValueError(f"{node.kind} is not known to look at the surroundings of a place alone")


def _joined(seen: Sequence[Sight]) -> Sight:
    if len({one.factors for one in seen}) > 1:
        raise ValueError("values of different grids meet")
    return Sight(
        seen[0].factors,
        tuple(max(values) for values in zip(*(one.reach for one in seen), strict=True)),
        tuple(math.lcm(*values) for values in zip(*(one.coarsest for one in seen), strict=True)),
    )


def _around(node: Node, seen: Sight, stored: Graph, n_axes: int) -> Sight:
    """Follow a window that moves over all places, with so much padding that none is lost."""
    options = node.attributes
    if options.get("auto_pad", "NOTSET") != "NOTSET" or options.get("ceil_mode", 0):
        raise ValueError(f"{node.kind} whose padding depends on the size")
    if "output_shape" in options:
        raise ValueError(f"{node.kind} with a size")
    # Windows of weights are as their shape says; of pooling there are none.
    weights = stored.shapes.get(node.inputs[1], ())[-n_axes:] if len(node.inputs) > 1 else ()
    kernel = options.get("kernel_shape") or list(weights)
    if len(kernel) != n_axes:
        raise ValueError(f"{node.kind} with a window of {len(kernel)} axes")
    pads = options.get("pads") or [0] * 2 * n_axes
    strides, dilations = (options.get(key) or [1] * n_axes for key in ("strides", "dilations"))
    more = options.get("output_padding") or [0] * n_axes
    factors, reach, coarsest = list(seen.factors), list(seen.reach), list(seen.coarsest)
    for i, (size, step, apart) in enumerate(zip(kernel, strides, dilations, strict=True)):
        span, padding = (size - 1) * apart, pads[i] + pads[n_axes + i]
        if node.kind == "ConvTranspose":
            if span + 1 - padding + more[i] != step or factors[i] % step:
                raise ValueError("ConvTranspose that does not enlarge by a whole number")
            reach[i] += factors[i] * (math.ceil(span / step) + 1)  # and where in its place a pixel lies
            factors[i] //= step
            continue
        if not -step <= padding - span - 1 < 0:
            raise ValueError(f"{node.kind} that loses places at the border")
        reach[i] += factors[i] * max(pads[i], span - pads[i])
        factors[i] *= step
        coarsest[i] = math.lcm(coarsest[i], factors[i])
    return Sight(tuple(factors), tuple(reach), tuple(coarsest))


def _enlarged(node: Node, seen: Sight, stored: Graph, n_axes: int) -> Sight:
    """Follow a grid that is made finer by a whole number."""
    options = node.attributes
    aligned = options.get("coordinate_transformation_mode", "half_pixel") in _ALIGNED
    name = node.inputs[1 if node.kind == "Upsample" else 2] if len(node.inputs) > 1 else ""
    scales = stored.values.get(name)
    if not aligned or options.get("antialias") or scales is None or scales.shape != (2 + n_axes,):
        raise ValueError(f"{node.kind} that depends on the size")
    if any(value != round(value) for value in scales.tolist()) or (scales[:2] != 1).any():
        raise ValueError(f"{node.kind} by a fraction")
    steps = [round(value) for value in scales[2:].tolist()]
    if any(factor % step for factor, step in zip(seen.factors, steps, strict=True)):
        raise ValueError(f"{node.kind} beyond the pixels of the image")
    # A pixel lies anywhere in the place that it is from, and in the next ones if it is interpolated.
    near = _NEIGHBOURS.get(options.get("mode", "nearest"), 3)
    reach = tuple(r + near * factor for r, factor in zip(seen.reach, seen.factors, strict=True))
    factors = tuple(factor // step for factor, step in zip(seen.factors, steps, strict=True))
    return Sight(factors, reach, seen.coarsest)
