"""Why a candidate's weight moved between two rankings: the terms that differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tom.ranking.expected import Piece, pieces_of

# What changes less looks the same, with two decimals; and of a chance, with two digits.
LEAST_CHANGE: Final = 0.005
LEAST_SHARE: Final = 0.1
BY_OTHERS: Final = "says the same; the list, or its other evidence, makes that more or less usual"


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
    moved = [reason for reason in found if abs(reason.change) >= LEAST_CHANGE]
    return sorted(moved, key=lambda reason: -abs(reason.change))


def moved_pieces(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> list[tuple[Piece, Piece]]:
    """What is expected of an event, as two rankings have it: each piece that differs by a tenth."""
    if not before or not after:
        return []
    then = {piece.name: piece for piece in pieces_of(before)}
    pairs = [(then[piece.name], piece) for piece in pieces_of(after) if piece.name in then]
    return [(was, piece) for was, piece in pairs if _differs(was.chance, piece.chance)]


def _differs(before: float, after: float) -> bool:
    low, high = sorted((before, after))
    return low < high * (1 - LEAST_SHARE)


def _reason(name: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> Reason:
    then, now = (0.0 if term is None else float(term["log_lr"]) for term in (before, after))
    return Reason(name, then, now, _text(before, after))


def _text(before: dict[str, Any] | None, after: dict[str, Any] | None) -> str:
    """Why a term moved: what it says now, if it said something else before."""
    if after is None:
        return ""
    is_same = before is not None and all(before[key] == after[key] for key in ("reason", "value"))
    return BY_OTHERS if is_same else str(after["reason"])
