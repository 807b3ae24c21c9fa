"""Scores of a ranking: how soon it finds the counterpart, at what cost, how true its chances."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tom.benchmark.nights import HardNight
from tom.benchmark.rankings import Listed
from tom.benchmark.sights import Watch

TOP: Final = 3
MINUTES_EACH: Final = 10  # of telescope on one candidate
EACH_HOUR: Final = 3  # candidates that the telescope observes after each hour with news
WHEN_HOURS: Final = (24, 48, 72, 150)
LAST_HOUR: Final = 150  # what is never found counts as found then
LEAST: Final = 1e-12  # a chance of 0 has no logarithm
EMPTY: Final = Listed(0, 0.0, (), (), 1.0)


class MissingNightError(ValueError):
    """A ranking lacks a night, or has one that is not asked for."""


class UnknownNameError(ValueError):
    """A ranking lists what no alert of its night has told of by then."""


@dataclass(frozen=True)
class Answer:
    """The truth of a night: the counterpart's name, and the hour of its first alert.

    None and infinity: nothing in any list is the counterpart. `hours` are those at which a list is
    looked at: the whole hours after the merger that follow some alert.
    """

    seed: int
    counterpart: str | None
    first_hour: float
    hours: tuple[int, ...]


@dataclass(frozen=True)
class Outcome:
    """What a ranking was worth in one night.

    Attributes
    ----------
    seed, has_counterpart
        Which night, and whether there was something to find.
    hours
        From the merger to the first list with the counterpart in its first three; 150: never.
    soonest
        The first hour at which it could be listed at all: no ranking needs less.
    found
        Whether it came that far.
    minutes
        Of telescope spent on others before the counterpart was observed.
    ranks
        The counterpart's place at each of `WHEN_HOURS`; None: it is not listed.
    log_loss
        Minus the natural logarithm of the chance of what was true, at each of `WHEN_HOURS`; None:
        the ranking has no chances.
    sums
        The sum of the candidates' chances at each of them; None: it has no chances.
    said
        Each chance said at 48 h, of candidates and of none, and whether it was true.
    """

    seed: int
    has_counterpart: bool
    hours: float
    soonest: float
    found: bool
    minutes: float
    ranks: Mapping[int, int | None]
    log_loss: Mapping[int, float | None]
    sums: Mapping[int, float | None]
    said: Sequence[tuple[float, bool]]


def answer_of(night: HardNight) -> Answer:
    """Return the truth of a night."""
    name = night.counterpart
    first = math.inf if name is None else float(night.sent[list(night.names).index(name)][0])
    return Answer(night.seed, name, first, tuple(Watch(night).hours))


def check_names(night: HardNight, lists: Iterable[Listed]) -> None:
    """Check that lists of a night have only what its alerts have told of by then.

    Raises
    ------
    UnknownNameError
        If a list has another name, or one that an alert tells only later.
    """
    first = {name: sent[0] for name, sent in zip(night.names, night.sent, strict=True) if len(sent)}
    for listed in lists:
        for name in listed.order:
            if name not in first:
                fault = (
                    f"no alert of this night is of {name!r}"
                    " (is --size the one with which the night was written?)"
                )
            elif first[name] > listed.hour:
                fault = f"the first alert of {name!r} comes at hour {first[name]:.2f}"
            else:
                continue
            message = f"night {night.seed}, hour {listed.hour:g}: {fault}"
            raise UnknownNameError(message)


def score(answers: Sequence[Answer], lists: Sequence[Listed]) -> list[Outcome]:
    """Score a ranking, night by night.

    Raises
    ------
    MissingNightError
        If the lists are not of the nights of the answers.
    """
    of_night: dict[int, list[Listed]] = {}
    for listed in sorted(lists, key=lambda each: each.hour):
        of_night.setdefault(listed.seed, []).append(listed)
    wanted = {answer.seed for answer in answers}
    if wanted != set(of_night):
        differing = ", ".join(str(seed) for seed in sorted(wanted ^ set(of_night)))
        message = f"these nights are only in the ranking, or not in it: {differing}"
        raise MissingNightError(message)
    return [score_night(answer, of_night[answer.seed]) for answer in answers]


def score_night(answer: Answer, lists: Sequence[Listed]) -> Outcome:
    """Score the lists of one night, in the order of time."""
    standing = {hour: list_at(lists, hour) for hour in {*answer.hours, *WHEN_HOURS}}
    ranks = {hour: standing[hour].rank(answer.counterpart) for hour in answer.hours}
    at_top = [hour for hour, rank in ranks.items() if rank is not None and rank <= TOP]
    later = [hour for hour in answer.hours if hour >= answer.first_hour]
    at_48 = standing[48]
    return Outcome(
        seed=answer.seed,
        has_counterpart=answer.counterpart is not None,
        hours=float(min([*at_top, LAST_HOUR])),
        soonest=float(min([*later, LAST_HOUR])),
        found=bool(at_top),
        minutes=minutes_on_others(answer, standing),
        ranks={hour: standing[hour].rank(answer.counterpart) for hour in WHEN_HOURS},
        log_loss={hour: log_loss(answer, standing[hour], hour) for hour in WHEN_HOURS},
        sums={hour: _sum(standing[hour]) for hour in WHEN_HOURS},
        said=said_and_true(answer, at_48, 48),
    )


def list_at(lists: Sequence[Listed], hour: float) -> Listed:
    """Return the newest list at an hour; before the first one nothing is listed."""
    known = [each for each in lists if each.hour <= hour]
    if known:
        return known[-1]
    has_chances = not lists or lists[0].chances is not None
    return EMPTY if has_chances else Listed(0, 0.0, (), None, None)


def minutes_on_others(answer: Answer, standing: Mapping[int, Listed]) -> float:
    """Work down the list: the telescope observes three a listed hour that were not yet observed.

    It stops when it has observed the counterpart. Returns the minutes spent on others.
    """
    spent: set[str] = set()
    for hour in answer.hours:
        waiting = [name for name in standing[hour].order if name not in spent][:EACH_HOUR]
        if answer.counterpart in waiting:
            return float(MINUTES_EACH * (len(spent) + waiting.index(answer.counterpart)))
        spent.update(waiting)
    return float(MINUTES_EACH * len(spent))


def log_loss(answer: Answer, listed: Listed, hour: float) -> float | None:
    """Return minus the logarithm of the chance of what is true at an hour; None: no chances.

    Until the counterpart's first alert, that none of the list is it is true.
    """
    is_there = answer.first_hour <= hour
    chance = listed.chance(answer.counterpart) if is_there else listed.none
    return None if chance is None else -math.log(max(chance, LEAST))


def said_and_true(answer: Answer, listed: Listed, hour: float) -> list[tuple[float, bool]]:
    """Return each chance of a list, with that of none, and whether it was true."""
    if listed.chances is None or listed.none is None:
        return []
    is_there = answer.first_hour <= hour
    pairs = [
        (chance, is_there and name == answer.counterpart)
        for name, chance in zip(listed.order, listed.chances, strict=True)
    ]
    return [*pairs, (listed.none, not is_there)]


def _sum(listed: Listed) -> float | None:
    return None if listed.chances is None else math.fsum(listed.chances)
