"""A person's own model in ONNX, with the form of input that they declare."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as faults

from ml_plugins.onnx.layouts import LAYOUTS, Float32Array, Layout
from tom.scoring.contract import (
    Batch,
    Contribution,
    FloatArray,
    IntArray,
    ScoreBatch,
    ScorerKind,
    ScorerSpec,
)

FAR_FROM_ONE: Final = 1e-3
"""How far a row of float32 probabilities may be from the sum 1."""
LEAST_CHANCE: Final = 1e-12
MOST_NAMED: Final = 3
"""How many missing features are named."""
CURE: Final = 'give a number under "A missing feature is", or a model that takes NaN'
FAULTS: Final = (
    *(faults.Fail, faults.InvalidArgument, faults.InvalidGraph, faults.InvalidProtobuf),
    *(faults.NotImplemented, faults.RuntimeException),
)
ITS_SOURCE: Final = re.compile(
    r"\[ONNXRuntimeError\] : \d+ : \w+ : |/onnxruntime_src/\S+ .*?\) (?=[A-Z])"
)
"""What onnxruntime tells of its own source in a fault, before it tells what is wrong."""


class Onnx:
    """Runs the model for one object at a time: so no answer hangs on the other objects."""

    RUNS_CODE = False

    def __init__(self, spec: ScorerSpec, artefact: bytes, options: Mapping[str, Any]) -> None:
        """Take the parts.

        Raises
        ------
        ValueError
            If an option is of no use.
        """
        self.spec = spec
        self._model = artefact
        self._layout: Layout = LAYOUTS[options["layout"]](options)
        self._sigma = float(options.get("sigma", 1.0))

    def setup(self, artefacts: Path) -> None:
        """Load the model; compare the shape of its input with that of the layout.

        Raises
        ------
        ValueError
            If it is no model that can be loaded, or takes another input.
        """
        how = onnxruntime.SessionOptions()
        how.intra_op_num_threads = how.inter_op_num_threads = 1
        how.use_deterministic_compute = True
        how.log_severity_level = 4
        with _told_plainly():
            self._session = onnxruntime.InferenceSession(
                self._model, how, providers=["CPUExecutionProvider"]
            )
        self._input, self._last_first = self._check_input()

    def eligible(self, batch: Batch) -> IntArray:
        """Return whether each object has the input of the layout."""
        reasons = [int(self._layout.reason(batch, row)) for row in range(len(batch))]
        return np.array(reasons, np.int64)

    def score(self, batch: Batch) -> ScoreBatch:
        """Return the model's numbers; `sigma` is the one that was declared."""
        rows = [self._answer_of(batch, row) for row in range(len(batch))]
        answers = np.array(rows, float).reshape(-1, len(self.spec.classes))
        return ScoreBatch(answers, np.full(len(batch), self._sigma))

    def explain(self, batch: Batch) -> Sequence[Contribution]:
        """Return the answer itself: a network tells no parts."""
        first = self.score(batch).probability[:, 0]
        moved = np.zeros(len(batch))
        if self.spec.kind == ScorerKind.PROBABILITY:
            moved = _log_odds(first) - _log_odds(np.array([self.spec.prior[0]]))
        return [
            Contribution(str(name), "the model", float(each), f"{self.spec.classes[0]} {value:.3g}")
            for name, each, value in zip(batch.object_ids, moved, first, strict=True)
        ]

    def _check_input(self) -> tuple[str, bool]:
        """Return the name of the model's input, and whether its last axis comes first."""
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            message = f"the model has {len(inputs)} inputs ({', '.join(i.name for i in inputs)})"
            raise ValueError(message)
        (asked,) = inputs
        if asked.type != "tensor(float)":
            message = f"the model takes {asked.type}, not tensor(float)"
            raise ValueError(message)
        shapes = self._layout.shapes
        for number, shape in enumerate(shapes):
            if _fits(asked.shape, (1, *shape)):
                return asked.name, number > 0
        given = " or ".join(str(("n", *shape)).replace("'", "") for shape in shapes)
        message = f"the model takes the shape {tuple(asked.shape)}, and this input has {given}"
        raise ValueError(message)

    def _answer_of(self, batch: Batch, row: int) -> FloatArray:
        given = self._layout.read(batch, row)
        answer = self._answer(given)
        if np.all(np.isfinite(answer)):
            return answer
        message = f"the model's answer is not finite ({', '.join(f'{each:g}' for each in answer)})"
        missing = self._layout.missing(given)
        if missing:
            rest = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
            message += f", as NaN was given for {'; '.join(missing[:MOST_NAMED])}{rest}: {CURE}"
        raise ValueError(message)

    def _answer(self, given: Float32Array) -> FloatArray:
        moved = np.moveaxis(given, -1, 0) if self._last_first else given
        with _told_plainly():
            told = self._session.run(None, {self._input: np.ascontiguousarray(moved)[None]})
        k = len(self.spec.classes)
        for output in told:
            values = np.asarray(output, float) if _is_floats(output) else np.empty(0)
            if values.shape in {(1, k), (k,)} and (k > 1 or values.size == 1):
                return self._shares(values.reshape(k))
            if k == 2 and self.spec.kind == ScorerKind.PROBABILITY and values.size == 1:
                return np.array([values.item(), 1 - values.item()])
        if not any(map(_is_floats, told)):
            kinds = ", then ".join(map(_kind, told))
            message = f"its first output is {kinds}, not floating-point numbers"
            raise ValueError(message)
        shapes = ", ".join(str(np.shape(output)) for output in told)
        message = f"the model answers with {shapes} for one object of {k} classes"
        raise ValueError(message)

    def _shares(self, values: FloatArray) -> FloatArray:
        """Return a row whose sum is 1 to float64, if it is 1 to float32; else as it is."""
        total = float(values.sum())
        is_share = self.spec.kind == ScorerKind.PROBABILITY and abs(total - 1) < FAR_FROM_ONE
        return values / total if is_share else values


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Raise a fault of onnxruntime as a ValueError that says what is wrong with the model.

    Where it found no memory, it is a MemoryError.
    """
    try:
        yield
    except faults.InvalidProtobuf as error:
        message = "it is no model in ONNX, or it is damaged"
        raise ValueError(message) from error
    except FAULTS as error:
        message = ITS_SOURCE.sub("", str(error)).strip()
        if "allocate memory" in message or "bad_alloc" in message:
            raise MemoryError(message.rpartition("Status Message: ")[2]) from error
        if "External data" in message:
            message = "its weights are in another file: save it as one file"
        raise ValueError(message) from error


def _fits(asked: Sequence[Any], shape: Sequence[int]) -> bool:
    """Whether a shape is what a model asks for; a dimension without a number may be any."""
    if len(asked) != len(shape):
        return False
    return all(
        not isinstance(want, int) or want == have for want, have in zip(asked, shape, strict=True)
    )


def _is_floats(output: object) -> bool:
    return isinstance(output, np.ndarray) and output.dtype.kind == "f"


def _kind(output: object) -> str:
    """Return what an output is that holds no floating-point numbers."""
    if not isinstance(output, np.ndarray):
        return "a list of maps (convert the model without ZipMap)"
    return "text" if output.dtype.kind in "OSU" else str(output.dtype)


def _log_odds(chance: FloatArray) -> FloatArray:
    inside = np.clip(chance, LEAST_CHANCE, 1 - LEAST_CHANCE)
    odds: FloatArray = np.log(inside / (1 - inside))
    return odds
