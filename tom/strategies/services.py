"""Find the strategy that makes an event's list, and the one that a person ranks targets by."""

from typing import NamedTuple

from django.contrib.auth.models import User
from django.db.models import QuerySet

from tom.events.models import EventKind, NonLocalizedEvent
from tom.kept_queries import Given, kept_query
from tom.strategies.models import Strategy, StrategyChoice, kilonova
from tom.targets.visible import Reader, reader_of

# Days before and after an event in which a candidate must have been detected, if the kind has no
# row; None: no limit.
WINDOWS: dict[str, tuple[float | None, float | None]] = {
    EventKind.GW: (1.0, 14.0),
    EventKind.GRB: (0.1, 30.0),
    EventKind.NEUTRINO: (365.0, 30.0),
    EventKind.FRB: (None, None),
    EventKind.UNKNOWN: (1.0, 14.0),
}


# What is sought, if the kind has no row; a kind that is not here: a kilonova.
SOUGHT_OF: dict[str, list[str]] = {
    EventKind.GRB: ["gamma-ray burst afterglow", "kilonova"],
    EventKind.NEUTRINO: ["tde", "agn"],
}
# The terms that are weighed beside the scorers, if the kind has no row; a kind that is not here:
# all. A nucleus that flares may have been active for years.
TERMS_OF: dict[str, list[str]] = {EventKind.NEUTRINO: ["sky map", "star", "minor planet"]}


def strategies_of_kinds() -> dict[str, Strategy]:
    """Return the strategy of every kind of event; a default one if somebody deleted its row."""
    first = {
        kind: Strategy(
            name=f"Events of the kind {EventKind(kind).label}",
            kind=kind,
            sought=SOUGHT_OF.get(kind, kilonova()),
            terms=TERMS_OF.get(kind, []),
            days_before=before,
            days_after=after,
        )
        for kind, (before, after) in WINDOWS.items()
    }
    return first | {row.kind: row for row in _of_kinds()}


@kept_query
def _of_kinds() -> QuerySet[Strategy]:
    return Strategy.objects.exclude(kind="")


def strategy_of(event: NonLocalizedEvent) -> Strategy:
    """Return the strategy of the event's kind."""
    return strategies_of_kinds()[event.kind]


class Chosen(NamedTuple):
    """The strategy by whose list a person ranks targets; None: by none. `is_own`: they chose so."""

    strategy: Strategy | None
    is_own: bool


def lists_for(user: User) -> list[Strategy]:
    """Return the strategies without an event whose lists a person can choose, by name."""
    return _lists_for(reader_of(user))


@kept_query
def _lists_for(reader: Reader) -> QuerySet[Strategy]:
    return Strategy.objects.visible_to(reader.person).without_event().order_by("name")


def list_of(key: int | None, user: User) -> Strategy | None:
    """Return that of `lists_for` which has this key; None: the person sees no such list."""
    return next((row for row in lists_for(user) if row.pk == key), None)


def chosen_by(user: User) -> Chosen:
    """Return what a person chose."""
    choice = next(iter(_choices_of(user=user.pk)), None)
    if choice is None:
        return Chosen(None, is_own=False)
    return Chosen(list_of(choice.strategy_id, user), is_own=True)


@kept_query
def _choices_of(*, user: Given) -> QuerySet[StrategyChoice]:
    return StrategyChoice.objects.filter(user=user)


def choose_strategy(user: User, strategy: Strategy | None) -> None:
    """Keep by whose list a person wants targets ranked; None: by none."""
    StrategyChoice.objects.update_or_create(user=user, defaults={"strategy": strategy})
