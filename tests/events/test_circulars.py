"""A circular is linked with its event, whichever comes first; its number may be a half."""

import importlib
import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from tom_targets.base_models import BaseTarget

from tests.factories import make_event, make_message, make_observer, make_user
from tests.streams.packets import make_circular, make_gwalert_json
from tom import intake
from tom.events.models import Circular, NonLocalizedEvent
from tom.events.services import record_notice
from tom.records import Notice
from tom.records.notice import NoticeType
from tom.streams.models import MessageState
from tom.streams.services import store_message
from tom.targets.models import LightCurvePoint

pytestmark = pytest.mark.django_db


def work(payload: bytes, topic: str):
    message, _ = store_message(topic, payload)
    intake.work_message(message.pk)
    message.refresh_from_db()
    return message


def send_circular(number: object = 1, **values: object):
    return work(make_circular(circularId=number, **values), "gcn.circulars")


def send_alert() -> None:
    work(make_gwalert_json(superevent_id="S261120ab", event={"skymap": None}), "igwn.gwalert")


NAMES = [
    *("LIGO/Virgo/KAGRA S261120ab", "LIGO/VIRGO/KAGRA S261120ab", "LIGO/Virgo/Kagra S261120ab"),
    *("KAGRA/Virgo/LIGO S261120ab", "LIGO-Virgo-KAGRA S261120ab", "LVK S261120ab", "S261120ab"),
    *("LIGO Virgo KAGRA s261120ab", "LIGO/Virgo S261120ab ", "S261120AB", "ligo/virgo/S261120ab"),
]


@pytest.mark.parametrize("comes_first", ["event", "circular"])
def test_a_circular_is_linked_however_it_writes_the_detectors(comes_first):
    if comes_first == "event":
        send_alert()
    for number, name in enumerate(NAMES, start=1):
        send_circular(number, eventId=name, subject="A report")
    send_circular(99, eventId=None, subject="LIGO/VIRGO S261120ab: report")
    send_circular(100, eventId="LIGO/Virgo/KAGRA S261120abc", subject="Another event")
    send_circular(101, eventId="GRB 261120A", subject="Coincident with S261120ab")
    if comes_first == "circular":
        send_alert()

    linked = Circular.objects.filter(event__event_id="S261120ab")

    assert {int(row.circular_id) for row in linked} == {*range(1, len(NAMES) + 1), 99}


@pytest.mark.parametrize(
    ("event_id", "name"),
    [("GRB 261120A", "grb261120a"), ("IceCube-261120A", "IC 261120A"), ("EP261120a", "EP 261120a")],
)
def test_a_circular_of_another_kind_of_event_is_linked(event_id, name):
    event = make_event(event_id, alert_types=())

    send_circular(eventId=name)

    assert Circular.objects.get().event == event


FERMI = "GBM) triggered and located GRB 261120A (trigger 785000000.126 / 261120402).\n\nThe"
SWIFT = "report further analysis of BAT GRB 261120A (trigger #1390001)\n(A, et al., GCN 4)."


@pytest.mark.parametrize("comes_first", ["event", "circulars"])
@pytest.mark.parametrize(
    ("event_id", "body", "subject"),
    [
        ("bn261120402", FERMI, "Fermi Gamma-ray Burst Monitor trigger 785000000/261120402 is not"),
        ("Swift-1390001", SWIFT, "Swift Trigger 1390001 is not a GRB"),
    ],
)
def test_a_circular_is_linked_by_the_trigger_that_its_mission_names(
    event_id: str, body: str, subject: str, comes_first: str
) -> None:
    """What others then say of that name is of the event, too."""
    notice = Notice(
        sender="Made", kind="grb", names=(event_id, "GBM-785000000"), type=NoticeType.INITIAL,
        time=datetime(2026, 11, 20, tzinfo=UTC),
    )  # fmt: skip
    if comes_first == "event":
        record_notice(make_message(), notice)
    send_circular(1, eventId="GRB 261120A", subject="GRB 261120A: an afterglow")
    send_circular(2, eventId="GRB 261120A", subject="GRB 261120A: its place", body=body)
    send_circular(3, eventId=None, subject=subject)
    send_circular(4, eventId="GRB 261120B", subject="GRB 261120B: unlike that of", body=body)
    if comes_first == "circulars":
        record_notice(make_message(), notice)
    send_circular(5, eventId="GRB 261120A", subject="GRB 261120A: its host")

    (event,) = NonLocalizedEvent.objects.all()
    assert sorted(event.circulars.values_list("circular_id", flat=True)) == [1, 2, 3, 5]


def test_a_name_of_one_event_is_not_given_to_another_by_a_circular():
    one, two = (make_event(name, alert_types=(), kind="grb") for name in ("Swift-1390001", "x"))
    NonLocalizedEvent.objects.filter(pk=two.pk).update(names=["GRB261120A"])

    send_circular(1, eventId="GRB 261120A", subject="GRB 261120A", body=SWIFT)

    one.refresh_from_db()
    assert "GRB261120A" not in one.names
    assert Circular.objects.get().event == two


@pytest.mark.parametrize("number", [18453.5, "18453.5"])
def test_a_half_numbered_circular_has_a_page(client, number):
    client.force_login(make_user())
    send_circular(18454.0, subject="The whole")

    message = send_circular(number, subject="The half")

    half, whole = client.get("/circulars/18453.5/"), client.get("/circulars/18454/")
    assert message.state == MessageState.STORED
    assert "GCN Circular 18453.5<" in half.text
    assert "The half" in half.text
    assert "GCN Circular 18454<" in whole.text
    assert client.get("/circulars/18454.0/").status_code == 200
    assert client.get("/circulars/18455/").status_code == 404


def test_the_page_of_an_event_leads_to_its_half_numbered_circular(client):
    client.force_login(make_user())
    send_alert()
    send_circular(18453.5, eventId="S261120ab")

    assert 'href="/circulars/18453.5/"' in client.get("/events/S261120ab/").text


@pytest.mark.parametrize(
    "milliseconds", [-62_135_596_800_000, 253_402_300_000_000, 4_070_908_800_000]
)
def test_a_circular_of_a_wrong_time_is_dated_by_when_it_came(milliseconds):
    message = send_circular(createdOn=milliseconds)

    circular = Circular.objects.get()

    assert abs(circular.created_on - message.received) < timedelta(seconds=1)
    assert message.state == MessageState.STORED
    assert "left out: createdOn" in message.reason


def make_mail(number: object = "40000", **values: object) -> bytes:
    """A circular as Hopskotch passes it on: an e-mail's header and body."""
    header = {
        "title": "GCN CIRCULAR", "number": number, "date": "26/01/01 06:00:00 GMT",
        "subject": "LIGO/Virgo/KAGRA S261120ab: a candidate", "from": "A. Person <a@example.org>",
    }  # fmt: skip
    return json.dumps({"header": header, "body": "We report ..."} | values).encode()


GCN = make_circular(circularId=40_000, eventId="S261120ab")
TELLINGS = [
    ("gcn.circulars", GCN),
    ("gcn.circulars.gravitational_wave", GCN),
    ("gcn.circulars.gamma_ray_burst", GCN + b"\n"),
    ("gcn.circulars", make_mail()),
]


@pytest.mark.parametrize("tellings", [TELLINGS, TELLINGS[::-1]], ids=["gcn first", "mail first"])
def test_a_circular_on_several_topics_is_one_text_at_its_event(client, tellings):
    send_alert()
    client.force_login(make_user())

    messages = [work(payload, topic) for topic, payload in tellings]

    circular = Circular.objects.get()
    assert (circular.version, circular.event.event_id) == (1, "S261120ab")
    assert circular.created_on == datetime(2026, 1, 1, 6, 0, 0, 123_000, tzinfo=UTC)
    known = [message.state for message in messages].count(MessageState.KNOWN)
    assert known == len(tellings) - circular.versions.count()
    assert client.get("/events/S261120ab/").text.count('href="/circulars/40000/"') == 1


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_the_newest_version_of_a_circular_is_shown_and_the_others_are_kept(client, order):
    client.force_login(make_user())
    for version in order:
        send_circular(40_000, version=version, subject=f"As of {version}", body=f"text {version}")
        work(
            make_circular(circularId=40_000, version=version, subject="copy"), "gcn.circulars.other"
        )

    page = client.get("/circulars/40000/").text
    kept = Circular.objects.get().versions.all()

    assert "As of 3" in page
    assert [row.version for row in kept] == [1, 2, 3]
    for row in kept:
        leads = f'href="/circulars/40000/?version={row.message_id}"' in page
        assert leads is (row.version < 3)
        older = client.get(f"/circulars/40000/?version={row.message_id}").text
        assert f"text {row.version}" in older
        assert f"version {row.version}" in " ".join(older.split())
    for odd in ("0", "x", "", "9" * 30):
        assert "As of 3" in client.get("/circulars/40000/", {"version": odd}).text


def test_an_edit_that_names_no_version_replaces_one_that_names_none_either():
    work(make_mail(), "gcn.circulars")
    edit = work(make_mail(body="We correct ..."), "gcn.circulars")
    work(make_mail(body="We correct ...  "), "gcn.circulars")

    circular = Circular.objects.get()

    assert (circular.body, circular.message) == ("We correct ...", edit)
    assert circular.versions.count() == 2


@pytest.mark.parametrize(
    ("date", "left_out"), [("yesterday", True), ("26/13/01 06:00:00 GMT", True), (None, False)]
)
def test_a_mail_without_a_date_that_can_be_read_is_dated_by_when_it_came(date, left_out):
    header = json.loads(make_mail())["header"] | {"date": date}

    message = work(make_mail(header=header), "gcn.circulars")

    assert message.state == MessageState.STORED
    assert ("createdOn" in message.reason) is left_out
    assert abs(Circular.objects.get().created_on - message.received) < timedelta(seconds=1)


def test_circulars_kept_before_are_linked_by_the_migration():
    event = make_event("S261120ab", alert_types=())
    row = Circular.objects.create(
        circular_id=7, subject="", body="", created_on=event.created, message=make_message(),
        event_name="KAGRA-Virgo S261120ab",
    )  # fmt: skip
    migration = importlib.import_module("tom.events.migrations.0004_link_circulars")

    migration.link(apps, None)

    row.refresh_from_db()
    assert (row.event, row.names) == (event, ["S261120AB"])


SAYS = """The 90% credible region is 1,851 deg2.
RA, Dec = 285.88784, +40.89668, with an uncertainty of 2.2 arcsec.
r = 17.71 +/- 0.05 mag (MJD=60204.40175)"""


def test_a_circular_s_page_offers_what_it_says_and_nothing_is_stored_of_it(client):
    send_alert()
    client.force_login(make_observer())
    send_circular(7, eventId="LIGO/Virgo/KAGRA S261120ab", subject="Observations", body=SAYS)

    page = " ".join(client.get("/circulars/7/").text.split())

    assert 'href="/targets/new/?position=285.887840%20%2B40.896680"' in page
    assert "90% within 1,851 deg²" in page
    assert "2023-09-17T09:38:31,r,17.71,0.05" in page
    assert not BaseTarget.objects.exists()
    assert not LightCurvePoint.objects.exists()


def test_a_circular_that_says_nothing_of_this_kind_has_no_panel(client):
    client.force_login(make_observer())
    send_circular(7, subject="Observations", body="We plan to observe it.")

    assert "What it seems to say" not in client.get("/circulars/7/").text


def test_an_event_that_a_circular_takes_back_stays_live_and_its_page_says_so(client):
    send_alert()
    client.force_login(make_observer())
    subject = "LIGO/Virgo/KAGRA S261120ab: Retraction of GW candidate"
    send_circular(7, eventId=None, subject=subject, body="S261120ab is no longer a candidate.")
    event = NonLocalizedEvent.objects.get()

    doubted = client.get(f"/events/{event.event_id}/").text
    send_circular(7, version=2, eventId=None, subject="S261120ab: report", body="It is real.")
    edited = client.get(f"/events/{event.event_id}/").text

    assert event.is_live
    assert "“S261120ab is no longer a candidate.”" in doubted
    assert "A circular says that" not in edited


def test_a_retracted_event_is_not_doubted_as_well(client):
    send_alert()
    client.force_login(make_observer())
    send_circular(7, eventId=None, subject="S261120ab: Retraction", body="It is retracted.")
    NonLocalizedEvent.objects.update(retracted=True)

    assert "A circular says that" not in client.get("/events/S261120ab/").text


def test_circulars_from_before_are_read_by_the_upgrade():
    send_circular(7, subject="GRB 230904B is not a GRB", body="It is due to particle activity.")
    Circular.objects.update(takes_back="")

    importlib.import_module("tom.events.migrations.0018_circular_takes_back").read_kept(apps, None)

    assert Circular.objects.get().takes_back == "GRB 230904B is not a GRB"
