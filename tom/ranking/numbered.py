"""Lists without an event in the order of a scorer's number, and not of a chance.

An anomaly says how rare a target is and not what it is, so no chance follows from it. Its number
itself is the weight of a place. A target without a number is not in such a list.

A number can be compared with those of the target's class: by how many spreads it lies above the
median of those that everybody sees. Both are robust, and stay as they are while about as many
targets of the class are there: else each new target would move all others.
"""

import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tom.ranking.case import Case, read_opinions
from tom.ranking.opinions import term_name
from tom.ranking.pooling import Posterior
from tom.ranking.weighing import FloatArray, Weighed
from tom.scoring.contract import ScorerKind, ScorerSpec

if TYPE_CHECKING:  # a basis has the constants of this module
    from tom.ranking.basis import Basis

KINDS: Final = (ScorerKind.ANOMALY, ScorerKind.RANK)
"""The kinds whose number can put a list in order; a class is said by one of the others."""
LEAST_OF_CLASS: Final = 10
"""So many targets of a class tell what is usual for it."""
LIKELIER_THAN_NOT: Final = 0.5
KEPT_WITHIN: Final = 0.1
"""What is usual for a class is found anew where its targets are more or fewer by this share."""
LARGEST: Final = 1e12
SPREAD: Final = (16.0, 84.0)
"""Percentiles; half the way between is one standard deviation, if the numbers are normal."""

Usual = tuple[int, float, float]


def tells_classes(spec: ScorerSpec) -> bool:
    """Whether a scorer says of which class a target is, of several."""
    return spec.kind == ScorerKind.PROBABILITY and len(spec.classes) > 1


def put_in_order(
    case: Case, basis: "Basis", former: Mapping[str, Any] | None = None
) -> tuple[Case, "Basis", Posterior]:
    """Return the entries that have a number, and the number of each as its weight.

    Parameters
    ----------
    case, basis
        The list and what it is made by; `basis.by` names the scorer. If `basis.usual` is None, what
        is usual for each class is found, and stands in the basis that is returned.
    former
        The basis of the ranking before, as it was stored; None: there is none.
    """
    spec = basis.spec_of(basis.by)
    if spec is None or spec.kind not in KINDS:
        return _nothing(case, basis)
    value = read_opinions(case, spec, spec.classes[:1]).values[0]
    has_number = np.isfinite(value)
    case, value = case.take(has_number), np.clip(value[has_number], -LARGEST, LARGEST)
    if not basis.within:
        return case, basis, _posterior(spec, value, [""] * len(value))
    return _within_classes(case, basis, spec, value, former)


def _nothing(case: Case, basis: "Basis") -> tuple[Case, "Basis", Posterior]:
    none = np.zeros(0)
    return case.take(np.zeros(len(case), bool)), basis, Posterior(none, none, none, ())


def _within_classes(
    case: Case,
    basis: "Basis",
    spec: ScorerSpec,
    value: FloatArray,
    former: Mapping[str, Any] | None,
) -> tuple[Case, "Basis", Posterior]:
    by_class = basis.spec_of(basis.within)
    if by_class is None or not tells_classes(by_class):
        return _nothing(case, basis)
    labels = _classes(case, by_class)
    usual = basis.usual
    if usual is None:
        kept = _kept_usual(basis, former)
        usual = _usual(value[case.seen_by_all], labels[case.seen_by_all], kept)
        basis = replace(basis, usual=usual)
    known = np.isin(labels, list(usual))
    case, value, labels = case.take(known), value[known], labels[known]
    median = np.array([usual[label][1] for label in labels.tolist()])
    spread = np.array([usual[label][2] for label in labels.tolist()])
    number = np.clip((value - median) / spread, -LARGEST, LARGEST)
    told = [
        f"{own:.3g}; {middle:.3g} is usual for {label}, give or take {width:.2g}"
        for own, middle, width, label in zip(
            value.tolist(), median.tolist(), spread.tolist(), labels.tolist(), strict=True
        )
    ]
    return case, basis, _posterior(spec, number, told, also=by_class)


def _classes(case: Case, spec: ScorerSpec) -> Any:
    """Return the class of each entry that is likelier than not; "": there is none."""
    values = read_opinions(case, spec, spec.classes).values
    chances = np.nan_to_num(values, nan=0.0)
    names = np.array([*spec.classes, ""], object)
    best = np.where(chances.max(0) >= LIKELIER_THAN_NOT, chances.argmax(0), len(spec.classes))
    return names[best]


def _usual(value: FloatArray, labels: Any, kept: Mapping[str, Usual]) -> dict[str, list[Any]]:
    """Return by class how many there are, the median of their numbers, and their spread."""
    found: dict[str, list[Any]] = {}
    for label in sorted({*labels.tolist()} - {""}):
        own = value[labels == label]
        before = kept.get(label)
        if before is not None and abs(len(own) - before[0]) <= KEPT_WITHIN * before[0]:
            found[label] = [*before]
        elif len(own) >= LEAST_OF_CLASS:
            low, middle, high = np.percentile(own, [SPREAD[0], 50.0, SPREAD[1]]).tolist()
            if high > low:
                found[label] = [len(own), middle, (high - low) / 2]
    return found


def _kept_usual(basis: "Basis", former: Mapping[str, Any] | None) -> Mapping[str, Usual]:
    """What was usual by the same versions of the same scorers."""
    names = ("by", "within", "specs", "rule")
    present = {name: getattr(basis, name) for name in names}
    if former is None or present != {name: former.get(name) for name in names}:
        return {}
    return former.get("usual") or {}


def _posterior(
    spec: ScorerSpec, number: FloatArray, told: list[str], *, also: ScorerSpec | None = None
) -> Posterior:
    inputs = frozenset(spec.input_names).union(also.input_names if also else ())
    term = Weighed(
        name=term_name(spec),
        inputs=inputs,
        log_lr=number,
        low=number,
        high=number,
        value=number,
        missing=np.zeros(len(number), bool),
        reason=told.__getitem__,
        mark=np.array([zlib.crc32(text.encode()) for text in told], np.int64),
    )
    return Posterior(number, number, number, (term,))
