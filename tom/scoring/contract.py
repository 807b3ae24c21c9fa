"""The contract of a scoring plugin: its specification, its answers, its reasons to abstain.

Pure numpy. A plugin imports from this module, and from no other module of the project.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from tom.scoring.batch import Batch, BoolArray, Curve, FloatArray, IntArray, StrArray
from tom.scoring.inputs import (
    INPUTS,
    Classified,
    Host,
    Listed,
    Redshift,
    RedshiftSource,
    Spectrum,
    base_of,
)
from tom.taxonomy import find_class

__all__ = [
    "Batch",
    "BoolArray",
    "Classified",
    "Contribution",
    "Curve",
    "FloatArray",
    "Host",
    "IntArray",
    "InvalidSpecError",
    "Listed",
    "Reason",
    "Redshift",
    "RedshiftSource",
    "ScoreBatch",
    "Scorer",
    "ScorerKind",
    "ScorerSpec",
    "Spectrum",
    "StrArray",
    "Trainable",
]

NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
VERSION = re.compile(r"\d+\.\d+\.\d+")
SHA256 = re.compile(r"[0-9a-f]{64}")
MOST_POINTS = 200


class InvalidSpecError(ValueError):
    """A plugin's specification breaks the contract; the plugin's author must correct it."""


class Reason(IntEnum):
    """Why a scorer gives no opinion on an object; 0: it can give one."""

    OK = 0
    TOO_FEW_POINTS = 1
    NO_COLOUR = 2
    MISSING_INPUT = 3
    OUT_OF_SCOPE = 4
    FAILED = 5
    BREAKER_OPEN = 6
    CIRCULAR = 7
    NOT_GIVEN = 8
    NOTHING_HERE = 9

    @property
    def text(self) -> str:
        """The reason as a person reads it."""
        return _REASON_TEXT[self]


_REASON_TEXT = {
    Reason.OK: "scored",
    Reason.TOO_FEW_POINTS: "too few detections",
    Reason.NO_COLOUR: "no colour measured",
    Reason.MISSING_INPUT: "an input is missing",
    Reason.OUT_OF_SCOPE: "outside what the scorer was made for",
    Reason.FAILED: "the scorer failed on this object",
    Reason.BREAKER_OPEN: "the scorer rests after too many failures",
    Reason.CIRCULAR: "its redshift may come from the spectrum that gives its type",
    Reason.NOT_GIVEN: "the site has given the scorer no file",
    Reason.NOTHING_HERE: "the scorer knows nothing at this place",
}


class ScorerKind(StrEnum):
    """The meaning of a scorer's numbers.

    A probability of a class is given under the scorer's prior. A likelihood ratio compares a class
    with all others, and is 0 or more. Chances are made of these two kinds alone. A rank and an
    anomaly (any number, higher is more) are shown, and can put a list without an event in order.
    """

    PROBABILITY = "probability"
    RANK = "rank"
    ANOMALY = "anomaly"
    LIKELIHOOD_RATIO = "likelihood_ratio"


@dataclass(frozen=True)
class ScorerSpec:
    """The specification of a scorer; it is checked when it is made.

    Attributes
    ----------
    name, version : str
        `lower_case`; `major.minor.patch`. Together they identify a score.
    inputs : tuple of str
        The data that it reads, `name` or `name:condition`: a base name of
        `tom.scoring.inputs.INPUTS`, or a part of one (`alert.star`). The ranking uses each once.
    classes : tuple of str
        The classes, in the order of the columns of its `probability`.
    prior : tuple of float
        The class shares of its training, in the order of `classes`; they sum to 1. A single class
        has 1.
    batch_size : int
        The most objects in one call.
    seconds_per_object : float
        The time that it may take, in seconds for each object.
    licence : str
        SPDX identifier.
    card : str
        File of the model card, in the folder of the plugin's module.
    artefact, artefact_sha256 : str or None
        File of the fitted numbers, in the same folder, and its hash. Text or ONNX, not a pickle.
    trained_on : str or None
        File of the objects that it was fitted on, in the same folder: a line for each of their
        names, the first 16 hexadecimal digits of the name's SHA-256. `manage.py evaluate` does not
        measure the fitted scorer on these.
    """

    name: str
    version: str
    inputs: tuple[str, ...]
    classes: tuple[str, ...]
    prior: tuple[float, ...]
    licence: str
    card: str
    kind: ScorerKind = ScorerKind.PROBABILITY
    batch_size: int = 512
    seconds_per_object: float = 0.01
    artefact: str | None = None
    artefact_sha256: str | None = None
    trained_on: str | None = None

    def __post_init__(self) -> None:
        """Refuse a specification that breaks the contract.

        Raises
        ------
        InvalidSpecError
            If a rule is broken; the text names the first one.
        """
        rules = (
            (bool(NAME.fullmatch(self.name)), "name must be lower_case, 2 to 40 characters"),
            (bool(VERSION.fullmatch(self.version)), "version must be major.minor.patch"),
            (self.kind in set(ScorerKind), "kind is unknown"),
            (bool(self.inputs) and all(self.inputs), "inputs must name what it reads"),
            (len(set(self.input_names)) == len(self.inputs), "an input is named twice"),
            (
                all(base_of(name) in INPUTS for name in self.inputs),
                f"inputs must be of {', '.join(INPUTS)}",
            ),
            (len(self.classes) >= 1 and all(self.classes), "classes must be named"),
            (len(set(self.classes)) == len(self.classes), "a class is named twice"),
            (
                self.kind != ScorerKind.PROBABILITY or len(self.classes) >= 2,
                "a probability needs two classes or more",
            ),
            (np.shape(self.prior) == (len(self.classes),), "prior must be one share per class"),
            (all(share > 0 for share in self.prior), "prior: a share is more than 0"),
            (_adds_up(self.prior), "prior: the shares add up to 1, and one of several is below 1"),
            (self.batch_size >= 1, "batch_size must be at least 1"),
            (self.seconds_per_object > 0, "seconds_per_object must be positive"),
            (bool(self.licence), "licence must be given"),
            (_is_bare(self.card), "card must be a file in the plugin's folder"),
            (
                self.trained_on is None or _is_bare(self.trained_on),
                "trained_on must be a file in the plugin's folder",
            ),
            (
                self._artefact_is_declared(),
                "artefact needs a file in the plugin's folder and its sha256",
            ),
        )
        for holds, rule in rules:
            if not holds:
                message = f"scorer {self.name!r}: {rule}"
                raise InvalidSpecError(message)

    @property
    def input_names(self) -> tuple[str, ...]:
        """The inputs without their conditions."""
        return tuple(item.partition(":")[0] for item in self.inputs)

    def prior_of(self, label: str) -> float:
        """Return the prior of one class; raise KeyError if the scorer has no such class."""
        return dict(zip(self.classes, self.prior, strict=True))[label]

    def _artefact_is_declared(self) -> bool:
        if self.artefact is None or self.artefact_sha256 is None:
            return self.artefact is None and self.artefact_sha256 is None
        return _is_bare(self.artefact) and bool(SHA256.fullmatch(self.artefact_sha256))


@dataclass(frozen=True, eq=False)
class ScoreBatch:
    """Opinions on n objects, row by row; every number is finite.

    Attributes
    ----------
    probability : array, shape (n, n_classes)
        A number for each class, with the meaning of the scorer's `kind`. For the kind
        `probability`, each row sums to 1.
    sigma : array, shape (n,)
        Standard deviation of the first class's natural log odds, 0 or more: how far unknown data
        on this object could move the opinion.
    """

    probability: FloatArray
    sigma: FloatArray


@dataclass(frozen=True)
class Contribution:
    """One part of an opinion: how far it moved the first class's natural log odds.

    `lines` is a small light curve that the page draws beside the text: days, band and magnitude of
    each of its points, at most `MOST_POINTS`; empty: nothing is drawn.
    """

    object_id: str
    name: str
    log_lr: float
    text: str
    value: float | None = None
    lines: Sequence[tuple[float, str, float]] = ()


@runtime_checkable
class Scorer(Protocol):
    """A scoring plugin. Its answers depend only on the batch: no clock, no network, no state."""

    @property
    def spec(self) -> ScorerSpec:
        """Its specification."""

    def setup(self, artefacts: Path) -> None:
        """Load files from the plugin's folder, or from the one that the site gives it.

        Called once in a process. A scorer that declares no artefact gets the folder
        `scorers/NAME` of TOM_HOME, if there is one.
        """

    def eligible(self, batch: Batch) -> IntArray:
        """Return a `Reason` per object, shape (n,); `Reason.OK`: it can give an opinion."""

    def score(self, batch: Batch) -> ScoreBatch:
        """Score eligible objects: vectorised, deterministic, independent of their order."""

    def explain(self, batch: Batch) -> Sequence[Contribution]:
        """Return the parts of each opinion; called on demand."""


@runtime_checkable
class Trainable(Protocol):
    """A scorer that `manage.py evaluate` can fit again, on some of the objects of a file."""

    def fit(self, batch: Batch, labels: Sequence[str]) -> bytes:
        """Return the artefact fitted to these objects alone; `labels` are of its classes."""


def check_names(spec: ScorerSpec) -> None:
    """Refuse a class that has another name here: lists and labels would never find it.

    A class that is not in the tree of `tom.taxonomy`, as `other`, may have any name. A tag of a
    person's filter is no class: it is not checked.

    Raises
    ------
    InvalidSpecError
        If a class is spelled otherwise.
    """
    for name in spec.classes:
        ours = find_class(name)
        if ours not in {None, name}:
            message = f"scorer {spec.name!r}: for the class {name!r} write {ours!r}"
            raise InvalidSpecError(message)


def _adds_up(prior: tuple[float, ...]) -> bool:
    below = len(prior) == 1 or all(share < 1 for share in prior)
    return below and bool(abs(sum(prior) - 1) < 1e-6)


def _is_bare(name: str) -> bool:
    return bool(name) and Path(name).name == name and not name.startswith(".")
