"""Locks: a list is ranked by one worker at a time, and not while some of it is deleted."""

from collections.abc import Iterable

from django.db import connection

from tom.events.models import NonLocalizedEvent
from tom.strategies.models import Strategy

# The number of our advisory lock for an event's ranking; the second number is the event's key.
RANKING_KEY = 7_201_002
# The number for a list without an event; the second number is the strategy's key.
LIST_KEY = 7_201_005


def claim_ranking(event: NonLocalizedEvent) -> bool:
    """Claim the ranking of the event until the transaction ends; False: another worker has it."""
    return _claim(RANKING_KEY, event.pk)


def claim_list(strategy: Strategy) -> bool:
    """Claim the ranking of the list until the transaction ends; False: another worker has it."""
    return _claim(LIST_KEY, strategy.pk)


def _claim(kind: int, pk: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [kind, pk])
        claimed: bool = cursor.fetchone()[0]
    return claimed


def hold_rankings(event_ids: Iterable[int]) -> None:
    """Let no ranking of these events, or of a list without an event, run during this transaction.

    A ranking locks its candidates in a fixed order. The caller deletes candidates and matches
    others, in another order: the two could wait for each other.
    """
    with connection.cursor() as cursor:
        for pk in event_ids:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [RANKING_KEY, pk])
        for pk in Strategy.objects.filter(kind="").order_by("pk").values_list("pk", flat=True):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LIST_KEY, pk])
