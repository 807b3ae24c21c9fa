"""What is said of an event: its chain, its maps, what it may be, and whether it looks real."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from django.db.models import F

from tom.events.localizations import choose_localization, missions_with_maps
from tom.events.models import EventSequence, NonLocalizedEvent
from tom.web.links import detectors_of
from tom.web.templatetags.sky import ranked_classes

LEAST_SHOWN: Final = 0.005


class MassBin(NamedTuple):
    """The chance of the chirp mass to lie between two masses, in solar masses."""

    low: float
    high: float
    chance: float


def read_facts(event: NonLocalizedEvent) -> dict[str, Any]:
    """Read an event's chain and its maps, for a page; two queries."""
    uses = list(
        event.localizations.select_related("localization__realness").defer(
            "localization__fits", "localization__packed"
        )
    )
    sequences = list(
        event.sequences.select_related("localization__localization", "set_aside_by")
        .defer("details", "localization__localization__fits", "localization__localization__packed")
        .annotate(
            instruments=F("details__event__instruments"),
            chirp_masses=F("details__event__mchirp_source"),
        )
    )
    return {
        "event": event,
        "chosen": choose_localization(event, uses),
        "localizations": uses,
        "missions": missions_with_maps(uses),
        "sequences": sequences,
        "classes": ranked_classes(event.classification),
        "detectors": detectors_of(sequences),
        "masses": chirp_masses_of(sequences),
    }


def chirp_masses_of(sequences: Sequence[EventSequence]) -> list[MassBin]:
    """The bins of the newest message that has some and was not set aside, without near zeros.

    Each sequence has been given what its message says of them as `chirp_masses`.
    """
    for sequence in reversed(sequences):
        told = getattr(sequence, "chirp_masses", None)
        if isinstance(told, dict) and sequence.set_aside is None:
            edges, chances = told["bin_edges"], told["probabilities"]
            bins = map(MassBin, edges[:-1], edges[1:], chances)
            return [each for each in bins if each.chance >= LEAST_SHOWN]
    return []
