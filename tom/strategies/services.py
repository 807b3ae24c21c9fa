"""Find the strategy that makes an event's list."""

from tom.events.models import EventKind, NonLocalizedEvent
from tom.strategies.models import Strategy

# Days before and after an event in which a candidate must have been detected, if the kind has no
# row; None: no limit.
WINDOWS: dict[str, tuple[float | None, float | None]] = {
    EventKind.GW: (1.0, 14.0),
    EventKind.GRB: (0.1, 30.0),
    EventKind.NEUTRINO: (365.0, 30.0),
    EventKind.FRB: (None, None),
    EventKind.UNKNOWN: (1.0, 14.0),
}


def strategies_of_kinds() -> dict[str, Strategy]:
    """Return the strategy of every kind of event; a default one if somebody deleted its row."""
    first = {
        kind: Strategy(name=kind, kind=kind, days_before=before, days_after=after)
        for kind, (before, after) in WINDOWS.items()
    }
    return first | {row.kind: row for row in Strategy.objects.exclude(kind="")}


def strategy_of(event: NonLocalizedEvent) -> Strategy:
    """Return the strategy of the event's kind."""
    return strategies_of_kinds()[event.kind]
