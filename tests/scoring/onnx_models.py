"""Small ONNX models for tests, written by hand in protobuf's wire format.

The numbers of the fields are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from collections.abc import Sequence

import numpy as np

FLOAT, INTEGER = 1, 7


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    body = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    found = b""
    while value > 0x7F:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def _tensor(name: str, array: np.ndarray, kind: int) -> bytes:
    dims = b"".join(_number(1, size) for size in array.shape)
    return dims + _number(2, kind) + _bytes(8, name) + _bytes(9, array.tobytes())


def _in_a_file(name: str, shape: Sequence[int], file: str) -> bytes:
    """A tensor whose bytes stand in another file."""
    dims = b"".join(_number(1, size) for size in shape)
    place = _bytes(13, _bytes(1, "location") + _bytes(2, file))
    return dims + _number(2, FLOAT) + _bytes(8, name) + place + _number(14, 1)


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    dims = b"".join(
        _bytes(1, _bytes(2, size) if isinstance(size, str) else _number(1, size)) for size in shape
    )
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, FLOAT) + _bytes(2, dims)))


def _node(kind: str, inputs: Sequence[str], output: str) -> bytes:
    names = b"".join(_bytes(1, name) for name in inputs)
    return names + _bytes(2, output) + _bytes(4, kind)


def make_model(
    shape: Sequence[int | str],
    weights: np.ndarray,
    *,
    side: int = 0,
    times: int = 0,
    file: str = "",
    opset: int = 13,
) -> bytes:
    """Write a model: flatten (n, ...), multiply by (k, c) weights, softmax.

    With `file` the weights are said to be there: those given tell their shape alone.

    With `side`, it also makes a matrix of so many rows and columns, and multiplies it `times`
    times with itself: large, it needs memory; often, it needs time.
    """
    nodes = [
        _node("Flatten", ["x"], "flat"),
        _node("MatMul", ["flat", "weights"], "sums"),
        _node("Softmax", ["sums"], "y"),
    ]
    ends = _bytes(12, _value("y", ["n", weights.shape[1]]))
    if side:
        nodes += [_node("ReduceMean", ["flat"], "mean"), _node("Expand", ["mean", "side"], "0")]
        nodes += [_node("MatMul", [str(k), str(k)], str(k + 1)) for k in range(times)]
        nodes.append(_node("ReduceMean", [str(times)], "z"))
        ends += _bytes(12, _value("z", [1, 1]))
    graph = b"".join(_bytes(1, node) for node in nodes) + _bytes(2, "made")
    kept = _tensor("weights", np.asarray(weights, "<f4"), FLOAT)
    graph += _bytes(5, _in_a_file("weights", weights.shape, file) if file else kept)
    graph += _bytes(5, _tensor("side", np.array([side, side], "<i8"), INTEGER)) if side else b""
    graph += _bytes(11, _value("x", shape)) + ends
    operators = _bytes(8, _bytes(1, "") + _number(2, opset))
    return _number(1, 8) + operators + _bytes(7, graph)
