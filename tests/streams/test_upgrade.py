"""What earlier versions stored is stored as the present one has it: reasons, names of brokers."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from tests.factories import make_message
from tom.streams.models import (
    AlertMessage,
    HeartbeatGap,
    StreamHealth,
    StreamPosition,
    TopicMinute,
)

pytestmark = pytest.mark.django_db

OLD = {
    "no usable objectId: 'ZTF26secrets'": "no usable objectId",
    "no usable position: ra 197.45, dec -93.3": "no usable position",
    "no usable detection: candid 12, {'jd': 2461000.5, 'magpsf': 17.3}": "no usable detection",
    "no parser takes this: plain text: 'M 17.3 at\\n10 20'": "no parser takes this: plain text",
    "no parser takes this: a JSON text: 17.3": "no parser takes this: a JSON text",
    "no parser takes this: no known format, begins with b'17.3'": (
        "no parser takes this: no known format"
    ),
    "no parser takes this: XML, a VOEvent with ivorn ivo://x/y#17.3": (
        "no parser takes this: XML, a VOEvent with ivorn ivo://x/y"
    ),
    "no parser takes this: a reference to a message kept at https://x.org/17.3": (
        "no parser takes this: a reference to a message kept elsewhere"
    ),
    "not a packet: a JSON object with keys ZTF26secrets": "not a packet: a JSON object",
    "failed 5 times: ValueError: no such number: '17.3'": (
        "failed 5 times: ValueError: see the worker's log"
    ),
    "Avro record does not fit its schema: EOFError: 17.3": (
        "Avro record does not fit its schema: EOFError"
    ),
    "no parser takes this: blank": "no parser takes this: blank",
    "failed 5 times: its worker died each time": "failed 5 times: its worker died each time",
}


@pytest.mark.parametrize(("old", "new"), OLD.items())
def test_a_stored_reason_quotes_nothing_after_the_upgrade(old: str, new: str) -> None:
    private = make_message(kind="unknown", state="dead", reason=old)
    public = make_message(kind="gcn.circular", state="dead", reason=old)

    import_module("tom.streams.migrations.0002_unquoted_reasons").clean_reasons(apps, None)

    kept = dict(AlertMessage.objects.values_list("pk", "reason"))
    assert kept == {private.pk: new, public.pk: old}


OLD_NAMES = ("Kafka.Example.org:9092", "kafka.example.org")


def move_to_plain_names() -> None:
    migration = import_module("tom.streams.migrations.0020_plain_brokers")
    with connection.cursor() as cursor:
        cursor.execute(migration.POSITIONS + migration.HEALTH)


def test_two_names_of_a_broker_become_one_position_that_is_the_last_one() -> None:
    now = timezone.now()
    given = [(OLD_NAMES[0], 7, 70, 3, 5), (OLD_NAMES[1], 7, 90, 2, 1), (OLD_NAMES[0], 8, 40, 1, 9),
             (OLD_NAMES[1], 8, None, 4, 0)]  # fmt: skip
    for broker, partition, offset, claim, days in given:
        row = StreamPosition.objects.create(
            broker=broker, group="g", topic="t", partition=partition, offset=offset, claim=claim
        )
        moved = now - timedelta(days=days)
        StreamPosition.objects.filter(pk=row.pk).update(updated=moved)

    move_to_plain_names()

    kept = StreamPosition.objects.order_by("partition")
    assert [(row.broker, row.partition, row.offset, row.claim) for row in kept] == [
        ("kafka.example.org", 7, 90, 3),  # whoever holds a claim keeps it from being given again
        ("kafka.example.org", 8, 40, 4),
    ]


def test_the_reports_under_two_names_of_a_broker_become_one() -> None:
    now = timezone.now().replace(second=0, microsecond=0)
    old, new = (
        StreamHealth.objects.create(
            stream=name, topic="t", messages=10 + n, lost=n, reported=now - timedelta(days=1 - n)
        )
        for n, name in enumerate(OLD_NAMES)
    )
    alone = StreamHealth.objects.create(stream="OTHER:9092", topic="t", messages=4)
    for health, messages in ((old, 2), (new, 3), (alone, 4)):
        TopicMinute.objects.create(health=health, minute=now, messages=messages)
    HeartbeatGap.objects.create(health=old, began=now, ended=now)

    move_to_plain_names()

    rows = StreamHealth.objects.order_by("stream").values_list("pk", "stream", "messages", "lost")
    assert list(rows) == [(new.pk, "kafka.example.org", 21, 1), (alone.pk, "other", 4, 0)]
    minutes = TopicMinute.objects.order_by("health__stream").values_list("health", "messages")
    assert list(minutes) == [(new.pk, 5), (alone.pk, 4)]
    assert HeartbeatGap.objects.get().health_id == new.pk
