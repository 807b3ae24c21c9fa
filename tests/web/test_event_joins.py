"""The panel of an event's page that says which events are one."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import make_event, make_localization, make_observer, make_user
from tom.events.joins import EventJoin
from tom.events.models import EventLocalization, NonLocalizedEvent

pytestmark = pytest.mark.django_db
GW, GRB = "S261120zza", "GRB261120Z"


@pytest.fixture
def vera(client: Client) -> User:
    user = make_observer("vera")
    client.force_login(user)
    return user


@pytest.fixture
def pair() -> tuple[NonLocalizedEvent, NonLocalizedEvent]:
    return make_event(GW), make_event(GRB, kind="grb", alert_types=("INITIAL",))


def page(client: Client, name: str) -> str:
    return " ".join(client.get(f"/events/{name}/").text.split())


def test_a_person_joins_two_events_and_takes_them_apart(client: Client, vera: User, pair) -> None:
    assert f'aria-label="Join {GRB}"' in page(client, GW)

    answer = client.post(f"/events/{GRB}/join/", {"other": GW.lower()})

    assert answer.headers["Location"] == f"/events/{GW}/"
    shown = page(client, GW)
    assert f'Joined: {GRB} <span class="quiet">by vera' in shown
    assert client.get(f"/events/{GRB}/").headers["Location"] == f"/events/{GW}/"
    assert GRB not in client.get("/events/").text
    assert [row["event_id"] for row in client.get("/api/events/").json()["results"]] == [GW]
    assert client.get(f"/api/events/{GRB}/").json()["event_id"] == GW
    assert client.get(f"/search/?q={GRB}").headers["Location"] == f"/events/{GW}/"

    client.post(f"/events/{GW}/joins/{EventJoin.objects.get().pk}/part/")

    assert f"{GW} and {GRB} taken apart" in page(client, GW)
    assert client.get(f"/events/{GRB}/").status_code == 200


def test_a_person_takes_a_mission_out(client: Client, vera: User, pair) -> None:
    gw, grb = pair
    grb.sequences.update(sender="Swift")
    client.post(f"/events/{GW}/join/", {"other": GRB})
    assert "Take out what Swift says" in page(client, GW)

    client.post(f"/events/{GW}/messages/{gw.sequences.get(sender='Swift').pk}/split/")

    assert client.get(f"/events/{GRB}/").status_code == 200
    assert grb.sequences.count() == 1


def test_an_event_is_joined_by_its_published_name(client: Client, vera: User, pair) -> None:
    client.post(f"/events/{GRB}/join/", {"other": GW.replace("S", "GW")})

    assert EventJoin.objects.get().kept.event_id == GW


@pytest.mark.parametrize("other", ["", "nobody's", GW, "9" * 300])
def test_what_names_no_other_event_is_said(client: Client, vera: User, pair, other: str) -> None:
    answer = client.post(f"/events/{GW}/join/", {"other": other}, follow=True)

    assert answer.status_code == 200
    assert "Name an event." in answer.text or "There is no other event" in answer.text
    assert not EventJoin.objects.exists()


def test_a_reader_sees_the_panel_without_its_buttons(client: Client, pair) -> None:
    client.force_login(make_user("reader"))

    assert 'name="other"' not in page(client, GW)
    assert client.post(f"/events/{GW}/join/", {"other": GRB}).status_code == 403
    assert not EventJoin.objects.exists()


def test_a_test_is_not_joined_with_a_live_event(client: Client, vera: User, pair) -> None:
    _, grb = pair
    NonLocalizedEvent.objects.filter(pk=grb.pk).update(test_reasons=["a test"])
    assert GRB not in page(client, GW)

    answer = client.post(f"/events/{GW}/join/", {"other": GRB}, follow=True)

    assert "One of them is a test" in answer.text


def test_times_or_maps_that_differ_are_said_before_two_events_are_joined(
    client: Client, vera: User, pair, django_assert_max_num_queries
) -> None:
    gw, grb = pair
    elsewhere = make_localization(ra=20.0, dec=-60.0, sigma_deg=3.0)
    EventLocalization.objects.filter(pk=grb.used_id).update(localization=elsewhere)
    NonLocalizedEvent.objects.filter(pk=grb.pk).update(time=gw.time - timedelta(days=30))

    with django_assert_max_num_queries(20):
        asked = client.post(f"/events/{GW}/join/", {"other": GRB})

    said = " ".join(asked.text.split())
    assert asked.status_code == 422
    assert "Their times are 30 d apart." in said
    for event, days in ((gw, 0), (grb, 30)):
        time = gw.time - timedelta(days=days)
        assert f'/events/{event.event_id}/">{event.event_id}</a>' in said
        assert f">{time:%Y-%m-%d %H:%M:%S}</td>" in said
    assert "Of the smaller map, 0.0% lies in the larger one's 99% region." in said
    assert not EventJoin.objects.exists()

    client.post(f"/events/{GW}/join/", {"other": GRB, "anyway": "yes"})

    assert EventJoin.objects.get().other == grb


def test_events_without_a_time_or_a_map_are_joined_at_once(client: Client, vera: User) -> None:
    make_event(GW)
    make_event(GRB, kind="grb", localized=False, time=None)

    client.post(f"/events/{GW}/join/", {"other": GRB})

    assert EventJoin.objects.exists()
