"""Why a candidate's weight moved between two rankings: the terms that differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from tom.ranking.expected import Piece, pieces_of

# What changes less looks the same, with two decimals; and of a chance, with two digits.
LEAST_CHANGE: Final = 0.005
LEAST_SHARE: Final = 0.1
NO_MEANS: Final[Mapping[str, Any]] = MappingProxyType({})
BY_THE_LIST: Final = "it says the same; what is usual in the list changed"


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


def moved_terms(
    before: Sequence[dict[str, Any]],
    after: Sequence[dict[str, Any]],
    *,
    usual_before: Mapping[str, Any] = NO_MEANS,
    usual_after: Mapping[str, Any] = NO_MEANS,
) -> list[Reason]:
    """The terms that differ, the one that moved most first; a term that is missing says 0.

    `usual_before` and `usual_after` are the means of the list by which terms were divided
    (`tom.ranking.means`). Where they alone differ, the reason is that, and not what the term says.
    """
    then = {term["name"]: term for term in before}
    now = {term["name"]: term for term in after}
    found = [_reason(name, then.get(name), now.get(name)) for name in {**now, **then}]
    told = [
        replace(reason, text=BY_THE_LIST)
        if _is_by_the_list(reason, usual_before, usual_after)
        else reason
        for reason in found
        if abs(reason.change) >= LEAST_CHANGE
    ]
    return sorted(told, key=lambda reason: -abs(reason.change))


def _is_by_the_list(reason: Reason, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    change = _log_mean(before, reason.name) - _log_mean(after, reason.name)
    return bool(change) and abs(reason.change - change) < LEAST_CHANGE


def _log_mean(means: Mapping[str, Any], name: str) -> float:
    """The logarithm by which a term was divided; 0: it was not."""
    log_mean, _, divides = means.get(name, (0.0, 0, False))
    return float(log_mean) if divides else 0.0


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
    return Reason(name, then, now, "" if after is None else after["reason"])
