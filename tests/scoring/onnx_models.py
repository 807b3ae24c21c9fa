"""Small ONNX models for tests, written by hand in protobuf's wire format.

The numbers of the fields are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from collections.abc import Sequence

import numpy as np

FLOAT, INTEGER, TEXT = 1, 7, 8


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


def _value(name: str, shape: Sequence[int | str], kind: int = FLOAT) -> bytes:
    dims = b"".join(
        _bytes(1, _bytes(2, size) if isinstance(size, str) else _number(1, size)) for size in shape
    )
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, dims)))


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
    zipped: Sequence[str] = (),
) -> bytes:
    """Write a model: flatten (n, ...), multiply by (k, c) weights, softmax.

    With `zipped` the answer is a list of maps from these names, as scikit-learn's converter makes.

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
    if zipped:
        names = b"".join(_bytes(9, name) for name in zipped) + _number(20, 8)
        labels = _bytes(5, _bytes(1, "classlabels_strings") + names)
        nodes.append(_node("ZipMap", ["y"], "maps") + labels + _bytes(7, "ai.onnx.ml"))
        ends = _bytes(12, _bytes(1, "maps"))
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
    operators += _bytes(8, _bytes(1, "ai.onnx.ml") + _number(2, 1))
    return _number(1, 8) + operators + _bytes(7, graph)


def make_constant(shape: Sequence[int | str], *answers: np.ndarray) -> bytes:
    """Write a model that gives the same whole numbers or texts for every (n, ...) input."""
    graph, ends = _bytes(2, "made"), b""
    for number, answer in enumerate(answers):
        name, kind = f"y{number}", TEXT if answer.dtype.kind == "U" else INTEGER
        graph = _bytes(1, _node("Identity", [f"kept{number}"], name)) + graph
        kept = _texts if kind == TEXT else _tensor
        graph += _bytes(5, kept(f"kept{number}", answer, kind))
        ends += _bytes(12, _value(name, answer.shape, kind))
    graph += _bytes(11, _value("x", shape)) + ends
    return _number(1, 8) + _bytes(8, _bytes(1, "") + _number(2, 13)) + _bytes(7, graph)


def _texts(name: str, array: np.ndarray, kind: int) -> bytes:
    dims = b"".join(_number(1, size) for size in array.shape)
    texts = b"".join(_bytes(6, each) for each in array.reshape(-1).tolist())
    return dims + _number(2, kind) + texts + _bytes(8, name)
