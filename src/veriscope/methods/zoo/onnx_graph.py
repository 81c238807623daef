"""The graph of an ONNX file, read as data: what it computes, and a copy that states no sizes.

Only what the Protocol Buffers encoding of ONNX needs (https://protobuf.dev/programming-guides/encoding,
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto): the library `onnx` is no part of the base install.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Graph", "Node", "read_graph", "without_sizes"]

_FLOAT, _INT64 = 1, 7
_GRAPH, _OPSET = 7, 8
_NODE, _INITIALIZER, _INPUT, _OUTPUT, _VALUE_INFO = 1, 5, 11, 12, 13


@dataclass(frozen=True, slots=True)
class Node:
    """One operation.

    Parameters
    ----------
    kind
        Such as ``Conv``; with its domain before it, where that is not ONNX's own.
    inputs, outputs
        Names of values; an optional input that is left out is empty.
    attributes
        Integers, numbers, text and lists of them, and tensors, by name.
    """

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Graph:
    """What a file computes.

    Parameters
    ----------
    nodes
        In the order in which they run.
    shapes
        Shape of every stored value, by its name.
    values
        Content of those that are small, by name.
    inputs
        Shape of every input that is not stored, by name; None where a length is free.
    outputs
        Names.
    """

    nodes: tuple[Node, ...]
    shapes: Mapping[str, tuple[int, ...]]
    values: Mapping[str, NDArray[Any]]
    inputs: Mapping[str, tuple[int | None, ...]]
    outputs: tuple[str, ...]


_MOST_FIELDS, _MOST_VALUES = 100_000, 16
"""Of a message, and of a stored value whose content matters: a file may be made to take hours to read."""
_Field = tuple[int, int, Any, int, int]
"""Number, wire type and value, and where in the message it begins and ends."""


def _fields(message: memoryview) -> Iterator[_Field]:
    place, end, count = 0, len(message), 0
    while place < end:
        count += 1
        if count > _MOST_FIELDS:
            raise ValueError(f"a message has more than {_MOST_FIELDS} fields")
        begin = place
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        value: Any
        if wire == 0:
            value, place = _varint(message, place)
        elif wire == 2:
            length, place = _varint(message, place)
            value = message[place : place + length]
            place += length
        elif wire in (1, 5):
            width = 8 if wire == 1 else 4
            value = message[place : place + width]
            place += width
        else:
            raise ValueError(f"wire type {wire} is none of ONNX")
        if place > end:
            raise ValueError("the file is cut short")
        yield number, wire, value, begin, place


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        if place >= len(message):
            raise ValueError("the file is cut short")
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
    raise ValueError("a number is too long")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def read_graph(content: bytes) -> Graph:
    """Read the graph of an ONNX file.

    Parameters
    ----------
    content
        Of the file.

    Returns
    -------
    Graph
        Weights are not copied.

    Raises
    ------
    ValueError
        If it is no ONNX file, or holds something that is not understood.
    """
    try:
        return _graph(memoryview(content))
    except (TypeError, OverflowError) as error:
        raise ValueError(f"a field has another type than ONNX gives it: {error}") from error


def _graph(message: memoryview) -> Graph:
    graphs = [value for number, wire, value, _, _ in _fields(message) if (number, wire) == (_GRAPH, 2)]
    if len(graphs) != 1:
        raise ValueError(f"it has {len(graphs)} graphs, not one")
    nodes, shapes, values = [], dict[str, tuple[int, ...]](), dict[str, NDArray[Any]]()
    inputs, outputs = dict[str, tuple[int | None, ...]](), list[str]()
    for number, _, value, _, _ in _fields(graphs[0]):
        if number == _NODE:
            nodes.append(_node(value))
        elif number == _INITIALIZER:
            name, shape, content_of = _tensor(value)
            shapes[name] = shape
            if content_of is not None:
                values[name] = content_of
        elif number == _INPUT:
            name, lengths = _value_info(value)
            inputs[name] = lengths
        elif number == _OUTPUT:
            outputs.append(_value_info(value)[0])
    free = {name: lengths for name, lengths in inputs.items() if name not in shapes}
    return Graph(tuple(nodes), shapes, values, free, tuple(outputs))


def _text(value: memoryview) -> str:
    return bytes(value).decode("utf-8")


def _node(message: memoryview) -> Node:
    inputs, outputs, attributes = list[str](), list[str](), dict[str, Any]()
    kind = domain = ""
    for number, _, value, _, _ in _fields(message):
        if number == 1:
            inputs.append(_text(value))
        elif number == 2:
            outputs.append(_text(value))
        elif number == 4:
            kind = _text(value)
        elif number == 5:
            name, content = _attribute(value)
            attributes[name] = content
        elif number == 7:
            domain = _text(value)
    if domain not in ("", "ai.onnx"):
        kind = f"{domain}.{kind}"
    return Node(kind, tuple(inputs), tuple(outputs), attributes)


def _attribute(message: memoryview) -> tuple[str, Any]:
    name = ""
    content: Any = None
    floats, ints = list[float](), list[int]()
    for number, wire, value, _, _ in _fields(message):
        if number == 1:
            name = _text(value)
        elif number == 2:
            content = float(np.frombuffer(value, "<f4")[0])
        elif number == 3:
            content = _signed(value)
        elif number == 4:
            content = bytes(value).decode("utf-8", "replace")
        elif number == 5:
            content = _tensor(value)[2]
        elif number == 7:
            floats += np.frombuffer(value, "<f4").tolist()
        elif number == 8:
            ints += [_signed(value)] if wire == 0 else _packed(value)
    return name, content if content is not None else floats or ints


def _packed(message: memoryview) -> list[int]:
    found, place = list[int](), 0
    while place < len(message):
        if len(found) >= _MOST_FIELDS:
            raise ValueError(f"a list has more than {_MOST_FIELDS} numbers")
        value, place = _varint(message, place)
        found.append(_signed(value))
    return found


def _tensor(message: memoryview) -> tuple[str, tuple[int, ...], NDArray[Any] | None]:
    """Name, shape, and content where it is one of a few numbers."""
    name, kind = "", 0
    dims, plain = list[int](), list[tuple[int, int, Any]]()
    raw: memoryview | None = None
    for number, wire, value, _, _ in _fields(message):
        if number == 1:
            dims += [_signed(value)] if wire == 0 else _packed(value)
        elif number == 2:
            kind = value
        elif number in (4, 7):
            plain.append((number, wire, value))
        elif number == 8:
            name = _text(value)
        elif number == 9:
            raw = value
    shape = tuple(dims)
    if kind not in (_FLOAT, _INT64) or math.prod(shape) > _MOST_VALUES:
        return name, shape, None
    dtype = "<f4" if kind == _FLOAT else "<i8"
    flat = np.frombuffer(raw, dtype) if raw is not None else np.array(_plain(plain), dtype)
    return name, shape, flat.reshape(shape) if flat.size == math.prod(shape) else None


def _plain(fields: Sequence[tuple[int, int, Any]]) -> list[float]:
    """Give numbers that are stored one by one, or packed."""
    found = list[float]()
    for number, wire, value in fields:
        if number == 4:
            found += np.frombuffer(value, "<f4").tolist()
        else:
            found += [_signed(value)] if wire == 0 else _packed(value)
    return found


def _value_info(message: memoryview) -> tuple[str, tuple[int | None, ...]]:
    name, lengths = "", list[int | None]()
    for number, _, value, _, _ in _fields(message):
        if number == 1:
            name = _text(value)
        elif number == 2:
            for dim in _inside(value, (1, 2, 1)):
                found = [v for n, wire, v, _, _ in _fields(dim) if (n, wire) == (1, 0)]
                lengths.append(found[0] if found else None)
    return name, tuple(lengths)


def _inside(message: memoryview, path: tuple[int, ...]) -> Iterator[memoryview]:
    """Give all messages at the end of a path of field numbers."""
    for number, wire, value, _, _ in _fields(message):
        if number == path[0] and wire == 2:
            yield from [value] if len(path) == 1 else _inside(value, path[1:])


def without_sizes(content: bytes, axes: Collection[int]) -> bytes:
    """Copy an ONNX file, without the sizes that it states for its inputs and outputs.

    Parameters
    ----------
    content
        Of the file.
    axes
        Places of the axes of inputs whose lengths become free; those of outputs, and of values between, are
        left to be inferred.

    Returns
    -------
    bytes
        Content of a file with the same operations and weights.
    """

    def of_graph(graph: memoryview) -> bytes:
        return _edited(graph, {_INPUT: of_input, _OUTPUT: of_output, _VALUE_INFO: None})

    def of_input(info: memoryview) -> bytes:
        return _edited(info, {2: lambda kind: _edited(kind, {1: lambda one: _edited(one, {2: of_shape})})})

    def of_output(info: memoryview) -> bytes:
        return _edited(info, {2: lambda kind: _edited(kind, {1: lambda one: _edited(one, {2: None})})})

    def of_shape(shape: memoryview) -> bytes:
        dims = [bytes(value) for number, _, value, _, _ in _fields(shape) if number == 1]
        named = [_message(2, f"free{i}".encode()) if i in axes else dim for i, dim in enumerate(dims)]
        return b"".join(_message(1, dim) for dim in named)

    return _edited(memoryview(content), {_GRAPH: of_graph})


def _edited(message: memoryview, edits: Mapping[int, Any]) -> bytes:
    """Copy a message with some of its fields made anew; None: left out."""
    parts = list[bytes | memoryview]()
    for number, wire, value, begin, end in _fields(message):
        if number not in edits or wire != 2:
            parts.append(message[begin:end])
        elif (edit := edits[number]) is not None:
            parts.append(_message(number, edit(value)))
    return b"".join(parts)


def _message(number: int, content: bytes) -> bytes:
    return _number(number << 3 | 2) + _number(len(content)) + content


def _number(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
