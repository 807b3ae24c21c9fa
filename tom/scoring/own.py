"""A scorer that a person adds in the browser: what it is made of, and how its process makes it.

Pure: no Django. The site keeps the parts in the database; they reach the scorer's process through
a pipe, and are no files there.
"""

import hashlib
import importlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from tom.scoring.contract import Scorer, ScorerKind, ScorerSpec

OWN: Final = "-"
"""What stands for the path of such a scorer."""
PREFIX: Final = "own_"
"""What the name of each scorer of one's own begins with: no installed one has such a name."""
MOST_MEMORY_MB: Final = 4000
LOADING_SECONDS: Final = 8.0
"""So long of a processor may take to load what a person brought, with what it imports."""
WAITING_SECONDS: Final = 20
"""So long it may take in all: it may also sleep."""
MOST_SECONDS: Final = 5.0
"""The most that one may ask for each object."""


@dataclass(frozen=True)
class Parts:
    """What a scorer of one's own is made of.

    Attributes
    ----------
    path : str
        The dotted path of the class that makes it.
    spec : ScorerSpec
    artefact : bytes
        The ONNX model, or the source of the filter.
    options : mapping
        What else its kind asks for, as JSON has it.
    memory_mb : int
        The most address space of its process, MiB.
    """

    path: str
    spec: ScorerSpec
    artefact: bytes = field(repr=False)
    options: Mapping[str, Any]
    memory_mb: int

    @property
    def sha256(self) -> str:
        """The hash of the artefact."""
        return hash_of(self.artefact)

    @property
    def spec_fields(self) -> dict[str, Any]:
        """The specification as JSON; `spec_of` reads it."""
        fields: dict[str, Any] = json.loads(json.dumps(asdict(self.spec)))
        return fields

    def pack(self) -> bytes:
        """Return all of it as bytes: a line of JSON, then the artefact."""
        head = {"path": self.path, "spec": self.spec_fields, "options": dict(self.options)}
        return json.dumps(head).encode() + b"\n" + self.artefact


class Layout(NamedTuple):
    """A form in which an ONNX model may take its input.

    `inputs` are those of its specification; `words` say what the model gets.
    """

    label: str
    inputs: tuple[str, ...]
    words: str


LAYOUTS: Final[Mapping[str, Layout]] = {
    "features": Layout(
        "named features of the light curve in g and r",
        ("lightcurve:g>=1,r>=1",),
        "float32 (n, k): the features that you name, in your order; NaN is one that cannot be read",
    ),
    "lightcurve": Layout(
        "the points of the light curve",
        ("lightcurve:any>=1",),
        "float32 (n, 200, 6), the newest 200 measured points in order of time, then zeros: days"
        " since the first detection, flux and error (uJy), band (0 to 5: ugrizy; 6: another),"
        " 1 for a detection, 1 for a point",
    ),
    "cutouts": Layout(
        "cutouts of 63 x 63 pixels",
        ("cutouts",),
        "float32 (n, 63, 63, 3) or (n, 3, 63, 63): science, template, difference, each divided by"
        " its norm, with 0 for a pixel without a value",
    ),
}


class NotFencedError(ValueError):
    """The machine cannot fence in a process, and this kind of scorer must be."""


def hash_of(artefact: bytes) -> str:
    """Return the SHA-256 of an artefact, in hexadecimal digits."""
    return hashlib.sha256(artefact).hexdigest()


class Maker(Protocol):
    """A class of scorers that are made of parts; `RUNS_CODE`: they run what a person wrote."""

    RUNS_CODE: bool

    def __call__(self, spec: ScorerSpec, artefact: bytes, options: Mapping[str, Any], /) -> Scorer:
        """Make the scorer; raises ValueError if the parts are of no use."""


def make_scorer(packed: bytes, *, fenced: bool) -> Scorer:
    """Make the scorer of these packed parts, in its own process.

    `fenced` is what `tom.scoring.fence.shut_in` returned.

    Raises
    ------
    NotFencedError
        If it runs code, and its process has no namespaces of its own.
    """
    line, _, artefact = packed.partition(b"\n")
    head = json.loads(line)
    module, _, name = head["path"].rpartition(".")
    maker: Maker = getattr(importlib.import_module(module), name)
    if maker.RUNS_CODE and not fenced:
        message = "the kernel of this machine gives a process no namespaces of its own"
        raise NotFencedError(message)
    return maker(spec_of(head["spec"]), artefact, head["options"])


def spec_of(fields: Mapping[str, Any]) -> ScorerSpec:
    """Return the specification that was stored as JSON."""
    tuples = {name: tuple(fields[name]) for name in ("inputs", "classes", "prior")}
    return ScorerSpec(**{**fields, **tuples, "kind": ScorerKind(fields["kind"])})
