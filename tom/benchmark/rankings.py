"""The form of a file of rankings: JSON lines, one list at one hour of one night in each.

    {"seed": 9001, "hour": 14, "order": ["ZTF26abcdefg", "ZTF26hijklmn"],
     "chances": [0.31, 0.02], "none": 0.6}

`docs/benchmark.md` says what each key means.
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

ROUNDING = 1e-6
NEEDED: Final = ("seed", "hour", "order")


class BadRankingError(ValueError):
    """A line is no list at an hour: it says which line, and what is wrong."""


@dataclass(frozen=True)
class Listed:
    """A list at an hour of a night, the best candidate first.

    `hour` is counted from the merger. `chances` are those of the candidates, in the same order,
    that they are the counterpart, and `none` that no candidate is it, 0 to 1 each; both None: the
    ranking has no chances. Their sum is at most 1: the rest is for candidates not listed.
    """

    seed: int
    hour: float
    order: tuple[str, ...]
    chances: tuple[float, ...] | None
    none: float | None

    def __post_init__(self) -> None:
        """Refuse what is no list."""
        if len(set(self.order)) != len(self.order):
            _refuse("a candidate stands twice in one list")
        if not math.isfinite(self.hour):
            _refuse("the hour is no number")
        if (self.chances is None) != (self.none is None):
            _refuse("chances and none go together")
        if self.chances is not None and self.none is not None:
            self._check_chances(self.chances, self.none)

    def _check_chances(self, chances: tuple[float, ...], none: float) -> None:
        if len(chances) != len(self.order):
            _refuse("each candidate needs one chance")
        if not all(0 <= each <= 1 for each in (*chances, none)):
            _refuse("a chance is not between 0 and 1")
        if math.fsum(chances) + none > 1 + ROUNDING:
            _refuse("the chances add up to more than 1: at most one candidate is the counterpart")

    def rank(self, name: str | None) -> int | None:
        """Return the place of a candidate, from 1; None: it is not listed."""
        return self.order.index(name) + 1 if name in self.order else None

    def chance(self, name: str | None) -> float | None:
        """Return the chance of a candidate, 0 if it is not listed; None: there are no chances."""
        if self.chances is None:
            return None
        rank = self.rank(name)
        return self.chances[rank - 1] if rank else 0.0


def write_rankings(lists: Iterable[Listed], file: Path) -> None:
    """Write lists into a file."""
    file.write_text("".join(_line(each) + "\n" for each in lists))


def read_rankings(file: Path) -> list[Listed]:
    """Read the lists of a file.

    Raises
    ------
    BadRankingError
        If a line is no list, if there is none, or if the file is no text in UTF-8.
    """
    try:
        with file.open(encoding="utf-8-sig") as lines:
            found = list(_read_lines(lines))
    except UnicodeDecodeError as error:
        message = f"it is no text in UTF-8 (byte {error.object[error.start]:#04x})"
        raise BadRankingError(message) from error
    if not found:
        _refuse("there is no list in it")
    return found


def _line(listed: Listed) -> str:
    record: dict[str, Any] = {
        "seed": listed.seed,
        "hour": listed.hour,
        "order": list(listed.order),
    }
    if listed.chances is not None:
        record |= {"chances": list(listed.chances), "none": listed.none}
    return json.dumps(record)


def _read_lines(lines: Iterable[str]) -> Iterator[Listed]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _listed(json.loads(line))
        except (ValueError, OverflowError, RecursionError) as error:
            message = f"line {number}: {error}"
            raise BadRankingError(message) from error


def _listed(record: Any) -> Listed:
    if not isinstance(record, dict):
        _refuse("it is no JSON object")
    unknown = set(record) - {*NEEDED, "chances", "none"}
    if unknown:
        _refuse(f"unknown keys: {', '.join(sorted(unknown))}")
    missing = [key for key in NEEDED if key not in record]
    if missing:
        _refuse(f"it lacks {', '.join(missing)}")
    if type(record["seed"]) is not int or record["seed"] < 0:
        _refuse("the seed is no whole number of 0 or more")
    chances, none = record.get("chances"), record.get("none")
    return Listed(
        seed=record["seed"],
        hour=_number(record["hour"], "the hour"),
        order=tuple(_names(record["order"])),
        chances=None if chances is None else tuple(_numbers(chances)),
        none=None if none is None else _number(none, "none"),
    )


def _names(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        _refuse("the order is no list of names")
    return list(value)


def _numbers(value: Any) -> list[float]:
    if not isinstance(value, list):
        _refuse("the chances are no list of numbers")
    return [_number(each, "a chance") for each in value]


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse(f"{what} is no number")
    return float(value)


def _refuse(message: str) -> NoReturn:
    raise BadRankingError(message)
