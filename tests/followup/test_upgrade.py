"""An upgrade from before the outbox: every request keeps what it had."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tests.factories import make_target
from tests.followup.conftest import make_request
from tom.followup.models import ObservationRequest
from tom.followup.states import RequestState

BEFORE, AFTER = ("followup", "0004_private_requests"), ("followup", "0005_outbox_columns")


@pytest.fixture(autouse=True)
def todays_tables(transactional_db: None) -> Iterator[None]:
    """Whatever happens: other tests want today's tables."""
    yield
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.mark.django_db(transaction=True)
def test_requests_keep_their_times_and_what_was_being_sent_has_a_deadline(
    target: BaseTarget, observer: User
) -> None:
    now = timezone.now()
    times = {"tried_at": now, "due_at": now + timedelta(hours=1)}
    waiting = make_request(target, observer, state=RequestState.RETRY_AT, attempts=3, **times)
    sending = make_request(
        make_target(),
        observer,
        state=RequestState.SUBMITTING,
        attempts=1,
        tried_at=now,
        due_at=None,
    )
    MigrationExecutor(connection).migrate([BEFORE])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sent, retry_at FROM followup_observationrequest WHERE id = %s", [waiting.pk]
        )
        assert cursor.fetchall() == [(times["tried_at"], times["due_at"])]

    MigrationExecutor(connection).migrate([AFTER])

    rows = ObservationRequest.objects.values_list("attempts", "tried_at", "due_at")
    assert rows.get(pk=waiting.pk) == (3, *times.values())  # later columns are not there yet
    assert rows.get(pk=sending.pk) == (1, now, now + timedelta(seconds=90))
