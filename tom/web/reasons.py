"""Why a candidate's weight moved between two rankings: the terms that differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reason:
    """A part of the score that moved: its name, its logarithm before and after, and why."""

    name: str
    before: float
    after: float
    text: str

    @property
    def change(self) -> float:
        """What it adds to the natural logarithm of the weight."""
        return self.after - self.before


def moved_terms(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> list[Reason]:
    """The terms that differ, the one that moved most first; a term that is missing says 0."""
    then = {term["name"]: term for term in before}
    now = {term["name"]: term for term in after}
    found = [_reason(name, then.get(name), now.get(name)) for name in {**now, **then}]
    moved = [reason for reason in found if reason.change]
    return sorted(moved, key=lambda reason: -abs(reason.change))


def _reason(name: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> Reason:
    then, now = (0.0 if term is None else float(term["log_lr"]) for term in (before, after))
    return Reason(name, then, now, "" if after is None else after["reason"])
