"""What is said of an event: its chain, its maps, what it may be, and whether it looks real."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from django.db.models import Case, F, JSONField, QuerySet, Value, When

from tom.events.localizations import choose_localization, voices_with_maps
from tom.events.models import EventLocalization, EventSequence, NonLocalizedEvent
from tom.forms.by_hand import SENDER
from tom.kept_queries import Given, kept_query
from tom.records.notice import NoticeType
from tom.web.links import detectors_of
from tom.web.stated_figures import figures_told, stated_figures, stated_place
from tom.web.templatetags.sky import ranked_classes

LEAST_SHOWN: Final = 0.005


class MassBin(NamedTuple):
    """The chance of the chirp mass to lie between two masses, in solar masses."""

    low: float
    high: float
    chance: float


def read_facts(event: NonLocalizedEvent) -> dict[str, Any]:
    """Read an event's chain and its maps, for a page; two queries."""
    uses, sequences = _uses(event=event.pk), _sequences(event=event.pk)
    for row in (*uses, *sequences):
        row.event = event
    by_key = {use.pk: use for use in uses}
    for row in sequences:
        if row.localization_id in by_key:
            row.localization = by_key[row.localization_id]
    chosen = choose_localization(event, uses)
    return {
        "event": event,
        "chosen": chosen,
        "localizations": uses,
        "voices": voices_with_maps(uses),
        "sequences": sequences,
        "classes": ranked_classes(event.classification),
        "detectors": detectors_of(sequences),
        "masses": chirp_masses_of(sequences),
        "figures": stated_figures(sequences),
        "stated_place": stated_place(sequences, chosen),
        "by_hand": _making(sequences),
    }


@kept_query
def _uses(*, event: Given) -> QuerySet[EventLocalization]:
    rows = EventLocalization.objects.filter(event=event)
    return rows.select_related("localization__realness").defer(
        "localization__fits", "localization__packed"
    )


@kept_query
def _sequences(*, event: Given) -> QuerySet[EventSequence]:
    rows = EventSequence.objects.filter(event=event).select_related("set_aside_by")
    return rows.defer("details").annotate(
        instruments=F("details__event__instruments"),
        chirp_masses=F("details__event__mchirp_source"),
        by_hand=said_by_hand(),
        figures=figures_told(),
    )


def said_by_hand() -> Case:
    """What a message tells of the person who wrote it by hand; null of any other message."""
    return Case(
        When(sender=SENDER, then=F("details")), default=Value(None, output_field=JSONField())
    )


def _making(sequences: Sequence[EventSequence]) -> list[EventSequence]:
    """The messages by which people made the event: one, or more if such events were joined."""
    made = (row for row in sequences if row.sender == SENDER)
    return [row for row in made if row.alert_type == NoticeType.INITIAL]


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
