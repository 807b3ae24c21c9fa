"""Whether a scorer works or rests, and which worker uses it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.db import connection
from django.db.models import F
from django.utils import timezone

from tom.scoring.models import ScorerState

FIRST_REST: Final = timedelta(seconds=10)
LONGEST_REST: Final = timedelta(minutes=10)
# The number of our advisory lock for a scorer's work; the second number is the key of its state.
JUDGING_KEY = 7_201_003


def note_death(name: str, reason: str) -> None:
    """Let a scorer rest after a failure, longer after each failure in a row."""
    state, _ = ScorerState.objects.get_or_create(scorer=name)
    note_failure(state, reason)


def note_failure(state: ScorerState, reason: str) -> None:
    """Do the same as `note_death`, for a state that was read."""
    now = timezone.now()
    rest = min(FIRST_REST * 2 ** min(state.failures, 10), LONGEST_REST)
    ScorerState.objects.filter(pk=state.pk).update(
        failures=F("failures") + 1, rests_until=now + rest, detail=reason[:300], failed_at=now
    )


def rests(state: ScorerState) -> bool:
    """Whether a scorer rests now."""
    return state.rests_until is not None and state.rests_until > timezone.now()


@contextmanager
def alone(name: str) -> Iterator[ScorerState | None]:
    """Claim the scorer for the block; yield None if another worker has it.

    The lock belongs to the connection. So a killed worker leaves no lock.
    """
    state, _ = ScorerState.objects.get_or_create(scorer=name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [JUDGING_KEY, state.pk])
        if not cursor.fetchone()[0]:
            yield None
            return
        try:
            state.refresh_from_db()
            yield state
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [JUDGING_KEY, state.pk])
