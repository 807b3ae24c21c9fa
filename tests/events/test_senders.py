"""Several missions' messages of one event: each mission speaks, and retracts, for itself."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps

from tests.factories import make_message, make_skymap
from tom.events.localizations import chosen_localization
from tom.events.models import EventSequence, NonLocalizedEvent
from tom.events.services import record_notice
from tom.records import Notice
from tom.records.notice import NoticeMap, NoticeType, Product
from tom.sky import write_skymap

pytestmark = pytest.mark.django_db

TIME = datetime(2026, 1, 1, 5, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MAP = NoticeMap(product=Product.SKYMAP, author="a", fits=write_skymap(make_skymap()))


def record(sender: str, **values: object) -> NonLocalizedEvent:
    notice = Notice(
        **{
            "sender": sender,
            "kind": "grb",
            "names": ("GRB260101A",),
            "type": NoticeType.INITIAL,
            "time": TIME,
            **values,
        }
    )
    return record_notice(make_message(kind="gcn.notice"), notice).event


def chain(event: NonLocalizedEvent) -> list[tuple[str, str]]:
    return list(event.sequences.values_list("sender", "alert_type"))


def test_two_missions_messages_of_one_type_and_time_are_two_in_the_chain() -> None:
    record("Fermi GBM", facts={"note": "ours"})
    event = record("Swift", facts={"note": "theirs"})

    assert sorted(chain(event)) == [("Fermi GBM", "INITIAL"), ("Swift", "INITIAL")]
    notes = event.sequences.order_by("sender").values_list("details__note", flat=True)
    assert list(notes) == ["ours", "theirs"]


def test_a_mission_without_a_form_of_its_own_takes_back_its_own_map_alone() -> None:
    record("Black CAT", maps=(MAP,))
    record("Other", maps=(MAP,), time=TIME)
    event = record("Black CAT", type=NoticeType.RETRACTION, time=TIME + HOUR)

    assert not event.retracted
    used = chosen_localization(event)
    assert used is not None
    assert used.sender == "Other"
    aside = event.localizations.filter(set_aside=True).values_list("sender", flat=True)
    assert list(aside) == ["Black CAT"]

    event = record("Other", type=NoticeType.RETRACTION, time=TIME + HOUR)
    assert event.retracted


def test_an_upgrade_names_the_mission_of_each_message() -> None:
    for kind, details, sender in (
        ("igwn.json", {}, "LVK"),
        ("gcn.swift.guano", {}, "Swift"),
        ("gcn.notice", {"mission": "Black CAT", "instrument": "x"}, "BlackCAT"),
        ("gcn.notice", {"instrument": "a/b"}, "a-b"),
        ("gcn.notice", {}, "GCN"),
    ):
        event = NonLocalizedEvent.objects.create(event_id=f"{kind}-{sender}")
        row = EventSequence.objects.create(
            event=event,
            alert_type="INITIAL",
            time_created=TIME,
            message=make_message(kind=kind),
            details=details,
        )
        import_module("tom.events.migrations.0014_senders_of_messages").name_the_senders(apps, None)
        row.refresh_from_db()
        assert row.sender == sender
