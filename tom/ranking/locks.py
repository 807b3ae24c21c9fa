"""One ranking of an event at a time, and none while some of it is forgotten."""

from collections.abc import Iterable

from django.db import connection

from tom.events.models import NonLocalizedEvent

# A number of our own among the database's advisory locks: with an event's key, its ranking.
RANKING_KEY = 7_201_002


def claim_ranking(event: NonLocalizedEvent) -> bool:
    """Be the one that ranks the event until the transaction ends; False: another is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [RANKING_KEY, event.pk])
        claimed: bool = cursor.fetchone()[0]
    return claimed


def hold_rankings(event_ids: Iterable[int]) -> None:
    """Let no ranking of these events be under way until the caller's transaction ends.

    A ranking locks its candidates in one order; who forgets some of them matches others after.
    """
    with connection.cursor() as cursor:
        for pk in event_ids:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [RANKING_KEY, pk])
