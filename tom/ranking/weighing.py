"""Evidence on many candidates at once: log likelihood ratios as arrays, with their reasons.

The hypothesis is "this candidate is the event's counterpart". Evidence enters as natural-log
likelihood ratios against the mix of unrelated sources that an alert stream shows.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


# Said of a term that asks for a distance in the map: no observation of a source supplies one.
NO_DISTANCE_IN_MAP: Final = "the map has no distance here"


class Share(NamedTuple):
    """An assumed probability, and the lower and upper end of its range; 0 to 1."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Term:
    """One piece of evidence for one candidate: a row of `Weighed`.

    Attributes
    ----------
    name : str
    log_lr, log_lr_low, log_lr_high : float
        Natural log of the likelihood ratio, averaged over its uncertainty, and the ends of its
        central 90%. If the data are missing: 0, with a wide interval.
    inputs : frozenset of str
        The data that the term uses; no other term of the candidate uses them.
    reason : str
        One sentence for a person.
    value : float or None
        The measured value, if there is one.
    missing : bool
        Whether the data are missing.
    """

    name: str
    log_lr: float
    log_lr_low: float
    log_lr_high: float
    inputs: frozenset[str]
    reason: str
    value: float | None = None
    missing: bool = False


@dataclass(frozen=True, eq=False)
class Weighed:
    """One piece of evidence for n candidates.

    Attributes
    ----------
    name, inputs
        As in a `Term`.
    log_lr, low, high : array, shape (n,)
        Natural logs, finite, low <= log_lr <= high. If the data are missing, `log_lr` is 0.
    value : array, shape (n,)
        The measured value; NaN or infinite: there is none to show.
    missing : array of bool, shape (n,)
        Whether the data are missing.
    reason : function of a row
        One sentence for a person.
    mark : array of int, shape (n,)
        A number that differs for two rows with equal numbers but different reasons.
    """

    name: str
    inputs: frozenset[str]
    log_lr: FloatArray
    low: FloatArray
    high: FloatArray
    value: FloatArray
    missing: BoolArray
    reason: Callable[[int], str]
    mark: IntArray

    def __post_init__(self) -> None:
        """Check the arrays and the inputs.

        Raises
        ------
        ValueError
            If a number is not finite, the logs are not in order, or there is no input.
        """
        ordered = (self.low <= self.log_lr) & (self.log_lr <= self.high)
        finite = np.isfinite(self.low) & np.isfinite(self.high)
        if not np.all(ordered & finite):
            message = f"term {self.name!r}: low <= log_lr <= high must hold and be finite"
            raise ValueError(message)
        if not self.inputs:
            message = f"term {self.name!r} declares no input"
            raise ValueError(message)

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.log_lr)

    def term(self, row: int) -> Term:
        """Return the evidence on one candidate."""
        value = float(self.value[row])
        return Term(
            name=self.name,
            log_lr=float(self.log_lr[row]),
            log_lr_low=float(self.low[row]),
            log_lr_high=float(self.high[row]),
            inputs=self.inputs,
            reason=self.reason(row),
            value=value if np.isfinite(value) else None,
            missing=bool(self.missing[row]),
        )

    def texts(self, rows: Sequence[int]) -> list[str]:
        """Return these rows as JSON, in the order of `KEPT`.

        We write the JSON ourselves, with nine digits: for 25,000 candidates this takes most of the
        time of a ranking.
        """
        at = np.asarray(rows, np.int64)
        columns = (self.log_lr, self.low, self.high, self.value, self.missing, self.mark)
        unknown: dict[tuple[object, ...], str] = {}
        made = []
        for row, log_lr, low, high, value, missing, mark in zip(
            rows, *(column[at].tolist() for column in columns), strict=True
        ):
            if missing and (mark, low, high) in unknown:
                made.append(unknown[mark, low, high])
                continue
            shown = f"{value:.9g}" if -np.inf < value < np.inf else "null"
            text = encode_basestring_ascii(self.reason(row))
            made.append(TEXT % (log_lr, low, high, shown, _BOOLS[missing], text))
            if missing:
                unknown[mark, low, high] = made[-1]
        return made


TEXT = "[%.9g,%.9g,%.9g,%s,%s,%s]"
_BOOLS = {True: "true", False: "false"}
# The fields of a term that a place stores. The ranking stores its name and its inputs.
KEPT = ("log_lr", "log_lr_low", "log_lr_high", "value", "missing", "reason")


def layout_of(terms: Iterable[Weighed]) -> list[dict[str, Any]]:
    """Return the names and inputs of terms, as a ranking stores them once for all its places."""
    return [{"name": term.name, "inputs": sorted(term.inputs)} for term in terms]


def read_terms(
    layout: Sequence[dict[str, Any]], kept: Sequence[Sequence[Any]]
) -> list[dict[str, Any]]:
    """Return the terms of a place: the ranking's `layout` with the values `kept` by the place."""
    return [
        {**named, **dict(zip(KEPT, values, strict=True))}
        for named, values in zip(layout, kept, strict=True)
    ]


class Side(NamedTuple):
    """One case of a term, for the candidates with `where` true.

    `logs` are natural logs of shape (k, n) or (k,): the central value first, then the ends of its
    range. A case that is `missing` has the log ratio 0, between the worst and the best possible.
    """

    where: BoolArray
    logs: FloatArray
    reason: Callable[[int], str]
    missing: bool = False


def over(
    chance: Share, share: Share, ratio: Callable[[float, float], npt.ArrayLike], n: int
) -> FloatArray:
    """Return the natural log ratio at two shares and at the corners of their ranges, (5, n)."""
    corners = [(c, s) for c in chance[1:] for s in share[1:]]
    ratios = [ratio(c, s) for c, s in [(chance.value, share.value), *corners]]
    stacked = np.stack([np.broadcast_to(np.asarray(each, float), n) for each in ratios])
    return np.asarray(np.log(stacked))


def unknown(where: BoolArray, reason: str, *, worst: float, best: float) -> Side:
    """Return the side of missing data: ratio 1, with `worst` and `best` as its natural logs."""
    return Side(where, np.array([0.0, worst, best]), lambda row: reason, missing=True)


def weighed(name: str, inputs: frozenset[str], value: FloatArray, sides: Iterable[Side]) -> Weighed:
    """Make a term of its sides; each candidate belongs to the first side that is true for it."""
    n = len(value)
    log_lr, low, high = np.zeros(n), np.zeros(n), np.zeros(n)
    missing, side_of = np.zeros(n, bool), np.full(n, -1)
    kept = list(sides)
    for number, side in enumerate(kept):
        rows = side.where & (side_of < 0)
        logs = side.logs if side.logs.ndim == 2 else side.logs[:, None]
        for column, values in ((log_lr, logs[0]), (low, logs.min(0)), (high, logs.max(0))):
            column[rows] = np.broadcast_to(values, n)[rows]
        missing[rows] = side.missing
        side_of[rows] = number
    return Weighed(
        name=name,
        inputs=inputs,
        log_lr=log_lr,
        low=low,
        high=high,
        value=np.where(missing, np.nan, value),
        missing=missing,
        reason=lambda row: kept[side_of[row]].reason(row),
        mark=side_of.astype(np.int64),
    )


def logistic(log_odds: float) -> float:
    """Return the probability (0 to 1) of natural log odds, without overflow."""
    odds = math.exp(-abs(log_odds))
    return (1.0 if log_odds >= 0 else odds) / (1 + odds)
