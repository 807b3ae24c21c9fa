"""Events that people make by hand: by the form and by the API, through the chain of every event."""

from base64 import b64encode
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from tests.factories import (
    MERGER,
    make_candidate,
    make_event,
    make_observer,
    make_skymap,
    make_target,
)
from tests.reports.alarms.conftest import make_rule, make_step
from tom import intake
from tom.events.models import NonLocalizedEvent
from tom.followup.services import request_observation
from tom.followup.states import RequestState
from tom.forms.by_hand import SENDER, TOPIC
from tom.records.notice import NoticeType
from tom.sky import write_skymap
from tom.streams.claims import replay_message
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import store_message
from tom.web import event_by_hand

pytestmark = pytest.mark.django_db
WHEN = "2026-11-20 21:00:00"


@pytest.fixture
def vera(client: Client) -> User:
    user = make_observer("vera")
    client.force_login(user)
    return user


def form(**changes: object) -> dict[str, object]:
    return {
        "name": "GRB261120Z",
        "kind": "grb",
        "time": WHEN,
        "position": "197.45 -23.38",
        "radius": "6",
        "unit": "arcmin",
        "containment": "90",
        "why": "told by phone",
        **changes,
    }


def make(client: Client, **changes: object) -> NonLocalizedEvent:
    answer = client.post("/events/new/", form(**changes))
    assert answer.status_code == 302, answer.text
    return NonLocalizedEvent.objects.get(event_id=answer.headers["Location"].split("/")[2])


def test_a_form_makes_an_event_with_chain_map_and_candidates(client: Client, vera: User) -> None:
    near = make_target(ra=197.45, dec=-23.38)

    made = make(client, time=f"{MERGER:%Y-%m-%d %H:%M}")

    (told,) = made.sequences.all()
    message = AlertMessage.objects.get(pk=told.message_id)
    assert (made.event_id, told.sender) == ("HAND-GRB261120Z", SENDER)
    assert (message.topic, message.state) == (TOPIC, MessageState.STORED)
    assert made.used is not None
    # A circle of 6 arcmin that holds 90%.
    assert made.used.localization.area_90 == pytest.approx(3.1416 * 0.01, rel=0.05)
    assert [row.target for row in made.candidates.all()] == [near]
    assert made.is_live
    page = client.get(f"/events/{made.event_id}/").text
    assert "Made by hand by <b>vera</b>" in page
    assert "told by phone" in page
    assert "By hand" in client.get("/events/").text


def test_an_event_by_hand_calls_an_alarm_unless_it_is_a_test(client: Client, vera: User) -> None:
    make_step(make_rule(only_significant=False), vera)
    now = f"{timezone.now():%Y-%m-%d %H:%M:%S}"

    live, test = make(client, time=now), make(client, time=now, is_test="on")

    assert live.alarms.count() == 1
    assert (test.event_id, test.is_live) == ("HAND-GRB261120Z-test", False)
    assert test.alarms.count() == 0


def test_a_name_may_be_written_with_its_space(client: Client, vera: User) -> None:
    assert make(client, name="GRB 261120Z").event_id == "HAND-GRB261120Z"


def test_a_map_is_uploaded_and_a_damaged_one_refused(client: Client, vera: User) -> None:
    fits = write_skymap(make_skymap())
    nowhere = {"position": "", "radius": ""}

    damaged = form(map=SimpleUploadedFile("a.fits", fits[:3000]), **nowhere)
    refused = client.post("/events/new/", damaged)
    large = form(map=SimpleUploadedFile("a.fits", b"\0" * 16_060_000), **nowhere)
    too_large = client.post("/events/new/", large)
    made = make(client, map=SimpleUploadedFile("a.fits", fits), **nowhere)

    assert (refused.status_code, too_large.status_code) == (422, 422)
    assert "It cannot be used" in refused.text
    assert "The map has 16.1 MB, more than 16 MB." in too_large.text
    assert made.used is not None
    assert bytes(made.used.localization.fits) == fits


def test_the_work_of_a_large_map_is_a_workers(
    client: Client, vera: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_by_hand, "_WORKED_AT_ONCE", 1_000)
    fits = SimpleUploadedFile("a.fits", write_skymap(make_skymap()))

    page = client.post("/events/new/", form(map=fits, position="", radius=""), follow=True)

    message = AlertMessage.objects.get()
    assert page.redirect_chain[-1][0] == f"/messages/{message.pk}/"
    assert "Your message is kept and waits to be worked on." in page.text
    assert not NonLocalizedEvent.objects.exists()

    intake.work_message(message.pk)
    assert NonLocalizedEvent.objects.get().used is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "S261120ab"}, "A mission calls its own events so"),
        ({"name": "two/words"}, "A name has 1 to 40"),
        ({"position": "", "radius": ""}, "Give a position with its error, or a map."),
        ({"radius": ""}, "needs the radius"),
        ({"position": "here"}, "This is not a position"),
        ({"time": "2999-01-01 00:00"}, "lies in the future"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(
    client: Client, vera: User, changes: dict[str, object], said: str
) -> None:
    answer = client.post("/events/new/", form(**changes))

    assert answer.status_code == 422
    assert said in answer.text
    assert not AlertMessage.objects.exists()


def test_a_name_makes_one_event(client: Client, vera: User) -> None:
    made = make(client)
    again = client.post("/events/new/", form())
    assert again.status_code == 422
    assert f'href="/events/{made.event_id}/"' in again.text


def test_an_event_by_hand_that_is_joined_to_a_missions_gives_it_no_name(
    client: Client, vera: User
) -> None:
    made, gw = make(client, name="mine", kind="gw"), make_event("S261120ab")

    client.post(f"/events/{made.event_id}/join/", {"other": gw.event_id, "anyway": "yes"})

    assert NonLocalizedEvent.objects.get() == gw


def test_its_maker_corrects_it_and_nobody_else(client: Client, vera: User) -> None:
    made = make(client)
    address = f"/events/by-hand/{made.sequences.get().pk}/"
    shown = client.get(address).text
    assert 'value="197.45 -23.38"' in shown
    assert f'href="{address}"' in client.get(f"/events/{made.event_id}/").text

    client.post(address, form(do="correct", position="10 20", radius="1", unit="deg"))
    client.post(address, form(do="correct", position="10 20", radius="1", unit="deg"))

    made.refresh_from_db()
    assert [row.alert_type for row in made.sequences.all()] == ["INITIAL", "UPDATE"]
    assert made.used is not None
    assert made.used.localization.max_ra == pytest.approx(10, abs=0.1)
    client.force_login(make_observer("otto"))
    assert client.get(address).status_code == 404
    assert client.post(address, {"do": "retract"}).status_code == 404
    assert address not in client.get(f"/events/{made.event_id}/").text


def test_a_retraction_holds_what_is_not_sent_and_stays(
    client: Client, vera: User, settings
) -> None:
    settings.PRACTICE_TELESCOPE = True
    made = make(client)
    address, now = f"/events/by-hand/{made.sequences.get().pk}/", timezone.now()
    target = make_target()
    make_candidate(made, target)
    request = request_observation(
        target=target,
        event=made,
        facility="PRACTICE",
        instrument="PRACTICE-IMAGER",
        spec={
            "exposures": [{"element": "g", "seconds": 60}],
            "start": now.isoformat(),
            "end": (now + timedelta(days=1)).isoformat(),
        },
        by=vera,
    )

    client.post(address, {"do": "retract", "why": "it was a glitch"})
    client.post(address, {"do": "retract"})
    client.post(address, form(do="correct", radius="7"))

    made.refresh_from_db()
    request.refresh_from_db()
    assert made.retracted
    assert made.sequences.count() == 2
    assert request.state == RequestState.HELD
    assert "Retracted." in client.get(f"/events/{made.event_id}/").text


def test_a_replay_of_its_message_changes_nothing(client: Client, vera: User) -> None:
    made = make(client)
    message = AlertMessage.objects.get()

    assert replay_message(message)
    intake.work_message(message.pk)

    assert NonLocalizedEvent.objects.get() == made
    assert made.sequences.count() == 1


def test_what_a_stream_or_a_file_brings_is_never_an_event_by_hand(
    client: Client, vera: User
) -> None:
    make(client)
    payload = bytes(AlertMessage.objects.get().payload or b"")
    NonLocalizedEvent.objects.all().delete()

    for topic in ("file", "by.hand", "gcn.notices.other", "hermes.test"):
        message, _ = store_message(topic, payload)
        intake.work_message(message.pk)

    assert not NonLocalizedEvent.objects.exists()


def test_the_api_makes_corrects_and_retracts_one(client: Client, vera: User) -> None:
    def call(method: str, address: str, **values: object):
        return getattr(client, method)(address, values, content_type="application/json")

    told = {"time": "2026-11-20T21:00:00Z", "circle": {"ra": 1, "dec": 2, "radius_deg": 3}}
    named = {"name": "mine", "kind": "unknown"}
    address = "/api/events/HAND-mine/by-hand/"

    made = call("post", "/api/events/", **told, **named)
    again = call("post", "/api/events/", **told, **named)
    other = call("post", "/api/events/", **told, **(named | {"name": "IC261120A-x/y"}))
    fits = b64encode(write_skymap(make_skymap())).decode()
    corrected = call("put", address, time=told["time"], map=fits)
    damaged = call("put", address, time=told["time"], map=fits[:4000])
    retracted = call("delete", address, why="wrong")
    again_retracted = call("delete", address, why="wrong")

    assert (made.status_code, made.json()["event_id"]) == (201, "HAND-mine")
    assert made.json()["is_by_hand"]
    assert made.json()["sequences"][0]["by"] == "vera"
    assert (again.status_code, again.json()["existing"]) == (409, "HAND-mine")
    assert (other.status_code, list(other.json())) == (400, ["name"])
    assert corrected.json()["area_90"] != made.json()["area_90"]
    assert (damaged.status_code, list(damaged.json())) == (400, ["map"])
    assert (retracted.status_code, retracted.json()["retracted"]) == (200, True)
    assert again_retracted.status_code == 200
    assert len(again_retracted.json()["sequences"]) == 3
    client.force_login(make_observer())
    assert call("put", address, **told).status_code == 404


def test_a_retraction_takes_back_what_a_person_said_alone(client: Client, vera: User) -> None:
    from tests.events.test_senders import record

    record("Swift")
    kept = NonLocalizedEvent.objects.get()
    made = make(client, name="mine")
    client.post(f"/events/{made.event_id}/join/", {"other": kept.event_id})
    first = kept.sequences.get(sender=SENDER)

    client.post(f"/events/by-hand/{first.pk}/", {"do": "retract"})

    kept.refresh_from_db()
    assert [row.alert_type for row in kept.sequences.filter(sender=SENDER)] == [
        NoticeType.INITIAL,
        NoticeType.RETRACTION,
    ]
    assert not kept.retracted
