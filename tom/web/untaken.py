"""Messages that came to nothing: dead letters, and what no parser takes."""

from collections import Counter
from typing import Final

from django.db.models import Count, Q, QuerySet

from tom.forms.recognition import has_form
from tom.intake_verdicts import NO_PARSER
from tom.streams.models import AlertMessage, MessageState
from tom.streams.sources import plain

Place = tuple[str, str]
"""A broker, written plainly, and a topic."""
MOST_READ: Final = 10_000
DEAD: Final = Q(state=MessageState.DEAD)
UNTAKEN: Final = Q(state=MessageState.UNHANDLED, reason__startswith=NO_PARSER)


def untaken_of(topic: str, n: int) -> int:
    """How many untaken messages of a topic are told.

    Of a topic of which no form is known nothing else is expected than that no parser takes them.
    """
    return n if n and has_form(topic) else 0


def count_untaken() -> tuple[Counter[Place], Counter[Place]]:
    """How many messages of each broker and topic are dead, and how many no parser takes.

    Of the unhandled ones the newest `MOST_READ` are read: a survey that renames a field brings
    millions of them.
    """
    dead, untaken = Counter[Place](), Counter[Place]()
    for broker, topic, n in _by_place(AlertMessage.objects.filter(DEAD)):
        dead[plain(broker), topic] += n
    unhandled = AlertMessage.objects.filter(state=MessageState.UNHANDLED).order_by("-received")
    newest = AlertMessage.objects.filter(UNTAKEN, pk__in=unhandled.values("pk")[:MOST_READ])
    for broker, topic, n in _by_place(newest):
        untaken[plain(broker), topic] += untaken_of(topic, n)
    return dead, untaken


def _by_place(rows: QuerySet[AlertMessage]) -> QuerySet[AlertMessage, tuple[str, str, int]]:
    return rows.values_list("broker", "topic").annotate(n=Count("pk"))
