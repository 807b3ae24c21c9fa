"""Messages that came to nothing: dead letters, and what no parser takes."""

from collections import Counter
from typing import Final

from django.db.models import Count, Q

from tom.forms.recognition import has_form
from tom.intake_verdicts import NO_PARSER
from tom.streams.models import AlertMessage, MessageState
from tom.streams.sources import plain

Place = tuple[str, str]
"""A broker, written plainly, and a topic."""
DEAD: Final = Q(state=MessageState.DEAD)
UNTAKEN: Final = Q(state=MessageState.UNHANDLED, reason__startswith=NO_PARSER)


def untaken_of(topic: str, n: int) -> int:
    """How many untaken messages of a topic are told.

    Of a topic of which no form is known nothing else is expected than that no parser takes them.
    """
    return n if n and has_form(topic) else 0


def count_untaken() -> tuple[Counter[Place], Counter[Place]]:
    """How many messages of each broker and topic are dead, and how many no parser takes."""
    dead, untaken = Counter[Place](), Counter[Place]()
    rows = AlertMessage.objects.filter(DEAD | UNTAKEN).values_list("broker", "topic", "state")
    for broker, topic, state, n in rows.annotate(n=Count("pk")):
        if state == MessageState.DEAD:
            dead[plain(broker), topic] += n
        else:
            untaken[plain(broker), topic] += untaken_of(topic, n)
    return dead, untaken
