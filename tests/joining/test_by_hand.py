"""A burst that a person made by hand first, and its mission's notice that comes later."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import make_lead, make_message
from tests.streams.packets import make_circular
from tests.web.test_events_by_hand import make
from tom import intake
from tom.events.joins import EventJoin
from tom.events.models import NonLocalizedEvent
from tom.events.services import record_notice
from tom.records import Notice
from tom.records.notice import NoticeType
from tom.streams.services import store_message

pytestmark = pytest.mark.django_db
WHEN = datetime(2026, 11, 20, 21, 0, 20, tzinfo=UTC)
RA, DEC = 197.45, -23.38


@pytest.fixture
def vera(client: Client) -> User:
    user = make_lead("vera")
    client.force_login(user)
    return user


def tell(topic: str = "gcn.notices.other", **values: object) -> None:
    """A notice of a mission that declares nothing, by GCN's core schema."""
    notice = {
        "$schema": "https://gcn.nasa.gov/schema/main/gcn/notices/other/alert.schema.json",
        "alert_type": "initial",
        "alert_datetime": (WHEN + timedelta(minutes=5)).isoformat(),
        "mission": "Other",
        "id": "t7",
        "trigger_time": WHEN.isoformat(),
        "ra": RA,
        "dec": DEC,
        "ra_dec_error": 0.05,
        **values,
    }
    message, _ = store_message(topic, json.dumps(notice).encode())
    intake.work_message(message.pk)


def shown() -> list[str]:
    return sorted(NonLocalizedEvent.objects.values_list("event_id", flat=True))


def test_a_missions_notice_of_the_same_name_gives_the_event_its_name_and_its_page(
    client: Client, vera: User
) -> None:
    made = make(client)

    tell(id=None, event_name=["GRB 261120Z"])

    (name,) = shown()
    event = NonLocalizedEvent.objects.get()
    assert not event.is_by_hand
    assert event.sequences.count() == 2
    assert event.used is not None
    assert event.used.sender == "Other"  # the smaller one
    old = client.get(f"/events/{made.event_id}/", follow=True)
    assert old.redirect_chain == [(f"/events/{name}/", 302)]
    assert "Told by hand by <b>vera</b>" in old.text
    assert client.get(f"/api/events/{made.event_id}/").json()["event_id"] == name
    assert client.get(f"/search/?q={made.event_id}", follow=True).redirect_chain[-1][0] == (
        f"/events/{name}/"
    )


def test_taken_apart_the_hand_s_event_is_back_and_no_later_notice_joins_them(
    client: Client, vera: User
) -> None:
    made = make(client)
    tell(id=None, event_name=["GRB 261120Z"])
    (name,) = shown()
    later = (WHEN + timedelta(hours=1)).isoformat()

    client.post(f"/events/{name}/joins/{EventJoin.objects.get().pk}/part/")
    tell(id=None, event_name=["GRB 261120Z"], alert_type="update", alert_datetime=later)
    circular, _ = store_message("gcn.circulars", make_circular(eventId="GRB 261120Z"))
    intake.work_message(circular.pk)

    assert shown() == sorted([made.event_id, name])
    mission = NonLocalizedEvent.objects.get(event_id=name)
    assert (mission.sequences.count(), made.sequences.count()) == (2, 1)
    assert mission.circulars.count() == 1
    assert client.get(f"/events/{made.event_id}/").status_code == 200


@pytest.mark.parametrize("first", ["hand", "mission"])
def test_a_notice_that_agrees_in_time_and_place_is_of_the_same_event(
    client: Client, vera: User, first: str
) -> None:
    if first == "mission":
        tell()
    made_id = "HAND-mine"
    client.post(
        "/events/new/",
        {
            "name": "mine",
            "kind": "unknown",
            "time": "2026-11-20 21:00",
            "position": f"{RA + 0.05} {DEC}",
            "radius": "0.5",
            "unit": "deg",
            "containment": "90",
        },
    )
    if first == "hand":
        tell()

    (name,) = shown()
    assert not name.startswith("HAND-")
    join = EventJoin.objects.get()
    assert (join.other.event_id, join.by) == (made_id, None)
    client.post(f"/events/{name}/joins/{join.pk}/part/")
    tell(alert_type="update", alert_datetime=(WHEN + timedelta(hours=1)).isoformat())
    assert shown() == sorted([made_id, name])


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, {"ra": RA + 5}),
        ({}, {"trigger_time": (WHEN + timedelta(minutes=2)).isoformat()}),
        ({}, {"alert_tense": "test"}),
        ({"is_test": "on"}, {}),
        ({"kind": "frb"}, {"event_name": ["GRB 261120B"]}),
    ],
)
def test_what_does_not_agree_is_left_to_people(
    client: Client, vera: User, said: dict[str, str], told: dict[str, object]
) -> None:
    make(client, **({"name": "mine", "kind": "unknown"} | said))

    tell(**told)

    assert len(shown()) == 2


def test_what_its_maker_retracted_agrees_with_nothing(client: Client, vera: User) -> None:
    made = make(client, name="mine", kind="unknown")
    client.post(f"/events/by-hand/{made.sequences.get().pk}/", {"do": "retract"})

    tell()

    assert len(shown()) == 2
    assert not NonLocalizedEvent.objects.exclude(pk=made.pk).get().retracted


def test_a_mission_s_retraction_leaves_what_a_person_said(client: Client, vera: User) -> None:
    make(client, name="mine", kind="unknown")
    tell()
    later = (WHEN + timedelta(hours=1)).isoformat()

    tell(alert_type="retraction", alert_datetime=later)

    event = NonLocalizedEvent.objects.get()
    assert not event.retracted
    assert event.used is not None
    assert event.used.sender == "By hand"


def test_no_stream_names_an_event_that_a_person_made(client: Client, vera: User) -> None:
    made = make(client, name="mine")
    told = Notice(
        sender="Other", kind="grb", names=("HAND-mine",), type=NoticeType.INITIAL, time=WHEN
    )

    event = record_notice(make_message(kind="gcn.notice"), told).event

    assert made.sequences.count() == 1
    assert not event.is_by_hand
