"""Einstein Probe: GCN's public notices become events; what its own service tells stays private."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.factories import make_admin, make_observer
from tom import intake
from tom.events.localizations import chosen_localization, skymap_of
from tom.events.models import NonLocalizedEvent
from tom.formats.errors import MalformedAlertError
from tom.forms.event_names import find_names
from tom.forms.networks import FILE_TOPIC
from tom.forms.recognition import identify
from tom.forms.registry import forms
from tom.forms.topics import is_private_topic
from tom.records import Notice
from tom.reports.notifications.follows import follow
from tom.reports.notifications.models import Notification
from tom.sky import healpix29, levels_2d
from tom.streams.models import AlertMessage
from tom.streams.services import store_message

TOPIC = "gcn.notices.einstein_probe.wxt.alert"
SCHEMA = "https://gcn.nasa.gov/schema/main/gcn/notices/einstein_probe/wxt/alert.schema.json"
PRIVATE = ["einstein_probe.wxt", "EinsteinProbe.fxt", "ep_alerts", "ep.wxt.triggers"]


def make_notice(**values: Any) -> bytes:
    notice = {
        "$schema": SCHEMA,
        "instrument": "WXT",
        "trigger_time": "2026-01-01T05:04:46.43Z",
        "id": ["01709131234"],
        "ra": 120,
        "dec": 40,
        "ra_dec_error": 0.05,
    }
    return json.dumps(notice | values).encode()


def read_notice(payload: bytes) -> Notice:
    parse = forms()["gcn.einstein_probe.wxt"].parse
    assert parse is not None
    notice = parse(payload)
    assert isinstance(notice, Notice)
    return notice


def work(payload: bytes, topic: str = TOPIC) -> AlertMessage:
    message, _ = store_message(topic, payload)
    intake.work_message(message.pk)
    message.refresh_from_db()
    return message


@pytest.mark.parametrize("topic", [TOPIC, FILE_TOPIC])
def test_a_notice_is_known_by_its_topic_or_its_content(topic: str) -> None:
    assert identify(topic, make_notice()) == "gcn.einstein_probe.wxt"


@pytest.mark.django_db
def test_a_trigger_becomes_an_event_with_the_map_of_its_circle() -> None:
    message = work(make_notice())

    event = NonLocalizedEvent.objects.get()
    assert (message.state, message.reason) == ("stored", "")
    assert (event.event_id, event.is_live) == ("EP-WXT-01709131234", True)
    assert event.time == datetime(2026, 1, 1, 5, 4, 46, 430_000, tzinfo=UTC)
    chosen = chosen_localization(event)
    assert chosen is not None
    # The circle of 0.05 degrees holds 90%.
    assert chosen.localization.area_90 == pytest.approx(3.1416 * 0.05**2, rel=0.1)
    level = levels_2d(skymap_of(chosen.localization_id), healpix29([120.04], [40.0]))[0]
    assert 0.5 < level < 0.66  # 1 - exp(-(0.0306 / 0.0233)**2 / 2) is 0.578


@pytest.mark.django_db
def test_the_real_example_is_stored(real_data: Path) -> None:
    path = real_data / "gw" / "gcn" / "einstein_probe.wxt.alert.example.json"

    assert work(path.read_bytes()).state == "stored"
    assert NonLocalizedEvent.objects.get().event_id == "EP-WXT-01708973486"


@pytest.mark.parametrize(
    "values", [{"trigger_time": None}, {"trigger_time": "x"}, {"id": [], "ra": None}]
)
def test_what_lacks_its_time_or_tells_of_no_event_is_malformed(values: dict[str, Any]) -> None:
    with pytest.raises(MalformedAlertError):
        read_notice(make_notice(**values))


@pytest.mark.parametrize("id_", [[], ["../x"], ["123"]])
def test_a_place_without_a_number_of_a_trigger_stays_unidentified(id_: list[str]) -> None:
    assert read_notice(make_notice(id=id_)).names == ()


def test_a_map_is_read_and_its_address() -> None:
    url, fits = "https://example.org/ep.fits", b"SIMPLE  = a map"

    notice = read_notice(make_notice(healpix_url=url, healpix_file=b64encode(fits).decode()))

    assert notice.addresses == {"skymap": url}
    assert [(each.author, each.fits) for each in notice.maps] == [("WXT", fits)]


def test_a_name_of_ours_is_found_in_a_text() -> None:
    assert find_names("Swift follow-up of EP-WXT-01709131234") == ["EPWXT01709131234"]


@pytest.mark.django_db
@pytest.mark.parametrize("topic", PRIVATE)
def test_what_comes_on_a_topic_of_its_own_service_is_shown_to_nobody(
    topic: str, client: Client
) -> None:
    observer = make_observer()
    follow(observer, kind="topic", value=topic)
    message = work(make_notice(title="A secret source", message_text="", submitter="x"), topic)
    client.force_login(observer)

    page = client.get(f"/messages/{message.pk}/").text
    given = client.get(f"/messages/{message.pk}/bytes/")
    client.force_login(make_admin())
    whole = client.get(f"/messages/{message.pk}/bytes/").content

    assert message.state == "unhandled"
    assert not NonLocalizedEvent.objects.exists()
    assert "secret" not in page
    assert "WXT" not in page
    assert given.status_code == 403
    assert b"A secret source" in whole
    assert "secret" not in Notification.objects.get().title
    assert is_private_topic(topic)


@pytest.mark.parametrize("topic", [TOPIC, "hermes.discovery", "gcn.circulars", "epoch", "deep.x"])
def test_other_topics_are_not_private(topic: str) -> None:
    assert not is_private_topic(topic)
