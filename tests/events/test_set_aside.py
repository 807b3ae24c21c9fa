"""A message that is wrong is set aside by a person; one dated in the future rules nothing."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from tests.factories import make_observer, make_skymap, make_user
from tests.streams.packets import make_gwalert_json
from tom import intake
from tom.events.localizations import chosen_localization
from tom.events.models import EventSequence, NonLocalizedEvent
from tom.reports.alarms.models import Alarm
from tom.sky import write_skymap
from tom.streams.claims import replay_message
from tom.streams.models import MessageState
from tom.streams.services import store_message

pytestmark = pytest.mark.django_db

NOW = timezone.now()
MINUTE = timedelta(minutes=1)
GOOD, BETTER = (write_skymap(make_skymap(sigma_deg=size)) for size in (5.0, 3.0))


def work(kind: str, time: datetime, *, far: float = 1e-10, **values: object):
    event = None if kind == "RETRACTION" else {"time": (NOW - 90 * MINUTE).isoformat(), "far": far}
    if event:
        event |= values.pop("event", {"skymap": GOOD})
    payload = make_gwalert_json(
        alert_type=kind, time_created=time.isoformat(), event=event, **values
    )
    message, _ = store_message("igwn.gwalert", payload)
    intake.work_message(message.pk)
    message.refresh_from_db()
    return message


def newest_sequence() -> EventSequence:
    return EventSequence.objects.latest("number")


def aside(client, **form: str) -> NonLocalizedEvent:
    sequence = newest_sequence()
    path = f"/events/{sequence.event.event_id}/messages/{sequence.pk}/aside/"
    assert client.post(path, form).status_code == 302
    return NonLocalizedEvent.objects.get()


def test_a_message_of_2099_rules_nothing_neither_its_facts_nor_its_map(client):
    work("PRELIMINARY", NOW - 60 * MINUTE)
    work("UPDATE", datetime(2099, 1, 1, tzinfo=NOW.tzinfo), far=1.0, event={"skymap": BETTER})
    work("INITIAL", NOW - 30 * MINUTE, far=2e-10)

    event = NonLocalizedEvent.objects.get()
    client.force_login(make_user())

    assert (event.alert_type, event.far) == ("INITIAL", 2e-10)
    assert chosen_localization(event).localization.fits.tobytes() == GOOD
    assert "is dated in the future" in client.get(f"/events/{event}/").text


def test_a_retraction_of_2099_does_not_retract():
    work("PRELIMINARY", NOW - 60 * MINUTE)
    work("RETRACTION", datetime(2099, 1, 1, tzinfo=NOW.tzinfo))

    assert not NonLocalizedEvent.objects.get().retracted


def test_a_message_alone_rules_whatever_its_date():
    work("PRELIMINARY", datetime(2099, 1, 1, tzinfo=NOW.tzinfo))

    assert NonLocalizedEvent.objects.get().far == 1e-10


def test_a_message_a_little_ahead_of_our_clock_rules():
    work("PRELIMINARY", NOW - 60 * MINUTE)
    work("UPDATE", NOW + 20 * MINUTE, far=3e-10)

    assert NonLocalizedEvent.objects.get().alert_type == "UPDATE"


def test_a_message_set_aside_lets_the_others_rule_and_is_taken_back(client):
    client.force_login(make_observer("vera"))
    work("PRELIMINARY", NOW - 60 * MINUTE)
    work("UPDATE", NOW - 30 * MINUTE, far=2e-10, event={"skymap": BETTER})

    without = aside(client)
    page = client.get(f"/events/{without}/").text

    assert (without.alert_type, without.far) == ("PRELIMINARY", 1e-10)
    assert chosen_localization(without).localization.fits.tobytes() == GOOD
    assert "Set aside </span>" in " ".join(page.split())
    assert "by vera" in page

    again = aside(client, undo="1")

    assert (again.alert_type, again.far) == ("UPDATE", 2e-10)
    assert chosen_localization(again).localization.fits.tobytes() == BETTER


def test_a_wrong_retraction_set_aside_makes_the_event_live_again(client):
    client.force_login(make_observer())
    work("PRELIMINARY", NOW - 60 * MINUTE)
    work("RETRACTION", NOW - 30 * MINUTE)
    assert NonLocalizedEvent.objects.get().retracted

    assert aside(client).is_live


def test_a_retraction_set_aside_that_comes_again_is_no_news_but_a_new_one_is(client):
    def causes() -> list[str]:
        return list(Alarm.objects.order_by("pk").values_list("cause", flat=True))

    client.force_login(make_observer())
    work("PRELIMINARY", NOW - 60 * MINUTE)
    work("RETRACTION", NOW - 30 * MINUTE)
    assert causes() == ["significant", "retraction"]
    assert aside(client).is_live
    assert causes() == ["significant", "retraction", "restored"]

    work("RETRACTION", NOW - 30 * MINUTE, urls={"gracedb": "on another stream"})  # the same
    assert NonLocalizedEvent.objects.get().is_live
    assert len(causes()) == 3

    work("RETRACTION", NOW - 20 * MINUTE)  # a new word, which nobody set aside
    assert NonLocalizedEvent.objects.get().retracted
    assert causes()[3:] == ["retraction"]

    work("UPDATE", NOW - 10 * MINUTE)
    assert causes()[4:] == ["restored"]


def test_an_event_whose_every_message_was_set_aside_reaches_nothing_real(client):
    client.force_login(make_observer())
    work("PRELIMINARY", NOW - 60 * MINUTE)

    without = aside(client)

    assert not without.is_live
    assert (without.far, without.significant, without.alert_type) == (None, None, "")
    assert chosen_localization(without) is None
    assert client.get(f"/events/{without}/").status_code == 200
    assert aside(client, undo="1").is_live


def test_a_later_message_does_not_bring_back_what_was_set_aside(client):
    client.force_login(make_observer())
    work("PRELIMINARY", NOW - 60 * MINUTE)
    work("UPDATE", NOW - 30 * MINUTE, far=2e-10)
    aside(client)

    work("INITIAL", NOW - 40 * MINUTE, far=4e-10)

    assert NonLocalizedEvent.objects.get().alert_type == "INITIAL"


# --- What cannot be used is left out ----------------------------------------------------------
BROKEN = {
    "own": ({"skymap": GOOD[:3000]}, {"combined_skymap": BETTER}, ["skymap ("]),
    "combined": ({"skymap": GOOD}, {"combined_skymap": BETTER[:3000]}, ["combined_skymap ("]),
    "both": ({"skymap": b"x"}, {"combined_skymap": b""}, ["skymap ("]),
    "no base64": ({"skymap": "?"}, {"combined_skymap": BETTER}, ["event.skymap ? (the map is not"]),
    "both cut": (
        {"skymap": GOOD[:3000]}, {"combined_skymap": BETTER[:4000]},
        ["skymap (", "combined_skymap ("],
    ),
}  # fmt: skip
COINCIDENCE = {"gcn_notice_id": 7, "observatory": "Fermi", "search": "GRB"}


@pytest.mark.parametrize(("event", "combined", "faults"), BROKEN.values(), ids=BROKEN)
def test_a_map_that_cannot_be_read_takes_nothing_else_with_it(client, event, combined, faults):
    client.force_login(make_observer())

    message = work(
        "PRELIMINARY", NOW - 5 * MINUTE, event=event, external_coinc=COINCIDENCE | combined
    )

    found = NonLocalizedEvent.objects.get()
    page = client.get(f"/events/{found}/").text
    readable = [fits for fits in (*event.values(), *combined.values()) if fits in (GOOD, BETTER)]
    kept = [use.localization.fits.tobytes() for use in found.localizations.all()]
    assert (found.far, found.classification["BNS"], found.significant) == (1e-10, 0.95, True)
    assert Alarm.objects.get(event=found).cause == "significant"
    assert kept == readable
    assert message.state == MessageState.STORED
    assert "Left out" in page
    for fault in faults:
        assert fault in message.reason
        assert fault in page.replace("&#x27;", "'")


def test_a_map_that_could_not_be_read_is_stored_by_a_replay(monkeypatch, client):
    client.force_login(make_observer())
    with monkeypatch.context() as patch:
        patch.setattr("tom.events.brought.keep_map", fail)
        message = work("PRELIMINARY", NOW - 5 * MINUTE)
    event = NonLocalizedEvent.objects.get()
    assert "not today" in client.get(f"/events/{event}/").text

    assert replay_message(message)
    intake.work_message(message.pk)

    message.refresh_from_db()
    assert (message.state, message.reason) == (MessageState.STORED, "")
    assert chosen_localization(event).localization.fits.tobytes() == GOOD
    assert newest_sequence().localization is not None
    assert "Left out" not in client.get(f"/events/{event}/").text


def fail(fits: bytes) -> None:
    reason = "not today"
    raise MemoryError(reason)


def test_a_replay_that_mends_nothing_says_so_again():
    message = work("PRELIMINARY", NOW - 5 * MINUTE, event={"skymap": GOOD[:3000]})
    reason = message.reason

    replay_message(message)
    intake.work_message(message.pk)

    message.refresh_from_db()
    assert (message.state, message.reason) == (MessageState.STORED, reason)


def test_an_alert_whose_map_ended_its_worker_twice_is_stored_without_it():
    payload = make_gwalert_json(event={"skymap": GOOD})
    message, _ = store_message("igwn.gwalert", payload)
    type(message).objects.filter(pk=message.pk).update(attempts=2)

    intake.work_message(message.pk)

    message.refresh_from_db()
    event = NonLocalizedEvent.objects.get()
    assert event.far == 1e-10
    assert not event.localizations.exists()
    assert "skymap (its reading ended the worker)" in message.reason


NONSENSE = {"far": -3, "properties": {"HasNS": -999, "HasRemnant": 0.5}}


def test_a_fact_outside_of_its_range_is_left_out_and_named_on_the_page(client):
    client.force_login(make_observer())
    classes = {"BNS": 0.9, "NSBH": 1e300, "BBH": -5}
    work("PRELIMINARY", NOW - 5 * MINUTE, event=NONSENSE | {"classification": classes})

    event = NonLocalizedEvent.objects.get()
    page = client.get(f"/events/{event}/").text

    assert (event.far, event.classification, event.properties) == (
        None,
        {"BNS": 0.9},
        {"HasRemnant": 0.5},
    )
    assert "event.far -3 (negative)" in page
    assert "event.classification.NSBH 1e+300 (more than" in page
    assert "event.properties.HasNS -999 (less than" in page


def test_an_event_that_its_own_message_puts_in_the_future_has_no_time():
    work("PRELIMINARY", NOW - 5 * MINUTE, event={"time": "2098-01-01T00:00:00Z", "skymap": None})

    event = NonLocalizedEvent.objects.get()

    assert event.time is None
    assert newest_sequence().left_out == [
        "event.time 2098-01-01 00:00:00 (after the message itself)"
    ]


@pytest.mark.parametrize(
    ("mean", "std", "stored", "named"),
    [
        (-5.0, 3.0, (None, None), "the map's distance -5 Mpc"),
        (float("inf"), 1.0, (None, None), "the map's distance inf Mpc"),
        (40.0, -5.0, (40.0, None), "the distance's error -5 Mpc"),
        (40.0, 8.0, (40.0, 8.0), ""),
    ],
)
def test_a_distance_that_cannot_be_is_left_out_and_named(client, mean, std, stored, named):
    client.force_login(make_observer())
    cards = {b"DISTMEAN": mean, b"DISTSTD": std}
    fits = write_skymap(make_skymap())
    for name, value in cards.items():
        start = fits.index(name)
        card = f"{name.decode():8}= {value!r:>20}".encode().ljust(80)
        fits = fits[:start] + card + fits[start + 80 :]

    work("PRELIMINARY", NOW - 5 * MINUTE, event={"skymap": fits})

    event = NonLocalizedEvent.objects.get()
    row = chosen_localization(event).localization
    page = client.get(f"/events/{event}/").text.replace("&#x27;", "'")
    assert (row.distance_mean, row.distance_std) == stored
    assert ("Left out" in page) == bool(named)
    assert named in page
