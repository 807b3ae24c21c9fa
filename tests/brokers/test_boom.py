"""BOOM's notices: objects become targets, and candidates of the events that the notices name."""

import json
import math
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tom_dataproducts.models import PhotometryReducedDatum

from tests.factories import make_event
from tests.streams.packets import make_detection, make_ztf_packet
from tom import intake
from tom.brokers.boom import read_notice
from tom.candidates.models import EventCandidate
from tom.candidates.services import match_event
from tom.events.models import NonLocalizedEvent
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.forms.networks import FILE_TOPIC
from tom.forms.recognition import identify
from tom.records.alert import PointKind
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import store_message
from tom.targets.models import LightCurvePoint
from tom.targets.objects import SurveyObject

TOPIC = "gcn.notices.boom.alert"
NAME, EVENT = "ZTF26aaaaaaa", "S260101ab"
START = "2026-01-02T05:00:00.000Z"
SOUND = {"event_name": NAME, "instrument": "ZTF", "filter": "ztfg", "mag_system": "AB"}


def make_target_row(**values: Any) -> dict[str, Any]:
    return {
        "event_name": NAME,
        "ra": 10.0,
        "dec": 60.0,
        "classification_scores": {"SN II": 0.9},
        "gcn_crossmatch": [{"ref_type": "GW", "ref_instrument": "LVK", "ref_ID": EVENT}],
        **values,
    }


def make_point_row(**values: Any) -> dict[str, Any]:
    point = {"observation_start": START, "mag": 18.4, "mag_error": 0.1, "limiting_mag": 20.5}
    return {**SOUND, **point, **values}


def make_notice(targets: Any = None, photometry: Any = None) -> bytes:
    return json.dumps(
        {
            "$schema": "https://gcn.nasa.gov/schema/main/gcn/notices/boom/alert.schema.json",
            "alert_datetime": "2026-01-02T06:00:00Z",
            "mission": "Boom",
            "data": {
                "targets": [make_target_row()] if targets is None else targets,
                "photometry": [make_point_row()] if photometry is None else photometry,
            },
        }
    ).encode()


def work(payload: bytes, topic: str = TOPIC) -> AlertMessage:
    message, _ = store_message(topic, payload)
    intake.work_alerts()
    intake.work_message(message.pk)
    message.refresh_from_db()
    return message


def candidates(event: NonLocalizedEvent) -> list[str]:
    return list(event.candidates.values_list("target__name", flat=True))


@pytest.mark.parametrize("topic", [TOPIC, FILE_TOPIC])
def test_a_notice_is_known_by_its_topic_or_its_content(topic: str) -> None:
    assert identify(topic, make_notice()) == "gcn.boom"


def test_a_notice_tells_of_light_curves_classes_and_events() -> None:
    limit = make_point_row(mag=None, observation_start="2026-01-01T05:00:00Z", filter="ztfr")
    other = make_point_row(instrument="ATLAS", filter="atlaso")

    told = read_notice(make_notice(photometry=[make_point_row(), limit, other]))

    (alert,) = told.alerts
    assert (alert.survey, alert.object_id, alert.ra, alert.dec) == ("ZTF", NAME, 10.0, 60.0)
    dark, bright = alert.points
    assert (dark.kind, dark.band, dark.magnitude_limit) == (PointKind.LIMIT, "r", 20.5)
    assert (bright.kind, bright.band) == (PointKind.ALERT, "g")
    assert bright.time == datetime(2026, 1, 2, 5, 0, 15, tzinfo=UTC)
    assert bright.flux_njy == pytest.approx(10 ** (0.4 * (31.4 - 18.4)))
    assert bright.signal_to_noise == pytest.approx(2.5 / math.log(10) / 0.1)
    (said,) = told.opinions
    assert said.judgements[0].probabilities == {"SN II": 0.9}
    assert said.tags == (f"matches {EVENT}",)
    assert [(each.object_id, each.event) for each in told.memberships] == [(NAME, EVENT)]
    assert told.left_out == ("photometry of ATLAS (not ZTF's own)",)


@pytest.mark.parametrize("error", [0.0, -0.1, 99.0, 1e20])
def test_an_error_that_cannot_be_makes_no_point(error: float) -> None:
    odd = make_point_row(filter="ztfr", mag_error=error)

    (alert,) = read_notice(make_notice(photometry=[make_point_row(), odd])).alerts

    assert [point.band for point in alert.points] == ["g"]


def test_an_object_of_rubin_has_its_number_and_no_light_curve() -> None:
    told = read_notice(make_notice([make_target_row(event_name="LSST170028503837573120")], []))

    assert told.alerts == ()
    assert (told.opinions[0].survey, told.opinions[0].object_id) == ("LSST", "170028503837573120")
    assert told.left_out[0].startswith("the light curves of 1 targets")


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (make_notice("x"), MalformedAlertError),
        (b"[]", MalformedAlertError),
        (make_notice([{"event_name": "M31"}]), UnhandledAlertError),
        (make_notice([]), UnhandledAlertError),
    ],
)
def test_what_has_no_object_is_refused_with_a_reason(payload: bytes, error: type) -> None:
    with pytest.raises(error, match=r".+"):
        read_notice(payload)


# --- The rows -----------------------------------------------------------------------------------
def test_a_notice_of_very_many_objects_and_points_is_read_at_once() -> None:
    names = [f"ZTF26aaaa{chr(97 + n // 26)}{chr(97 + n % 26)}a" for n in range(500)]
    rows = [make_point_row(event_name=name) for name in names for _ in range(40)]
    payload = make_notice([make_target_row(event_name=name) for name in names], rows)
    begun = time.process_time()

    told = read_notice(payload)

    assert time.process_time() - begun < 10  # half a second; each object looked through all rows
    assert len(told.alerts) == 500


@pytest.mark.django_db
def test_an_object_becomes_a_target_and_a_candidate_wherever_the_map_puts_the_event() -> None:
    event = make_event(EVENT)
    elsewhere = make_event("S260101zz")

    message = work(make_notice())

    assert (message.state, message.reason) == (MessageState.STORED, "")
    assert candidates(event) == [NAME]
    assert candidates(elsewhere) == []
    row = EventCandidate.objects.get()
    assert row.is_public
    assert row.credible_level_2d is not None
    assert row.credible_level_2d > 0.99  # far from the map
    event.refresh_from_db()
    assert event.rank_version > event.ranked_version

    match_event(event)
    assert candidates(event) == [NAME]


@pytest.mark.django_db
def test_the_event_may_come_after_the_notice_that_names_it() -> None:
    work(make_notice())

    event = make_event(EVENT)
    match_event(event)

    assert candidates(event) == [NAME]


@pytest.mark.django_db
def test_a_notice_on_a_test_topic_makes_no_candidate_of_a_live_event() -> None:
    event = make_event(EVENT)

    work(make_notice(), topic="gcn.notices.boom.alert.test")
    match_event(event)

    assert candidates(event) == []


@pytest.mark.django_db
def test_ztf_s_own_packet_and_the_notice_tell_of_one_detection() -> None:
    jd = 2_461_042.708_333_333  # 2026-01-02 05:00:00
    packet = make_ztf_packet(object_id=NAME, jd=jd, fid=1, ra=10.0, dec=60.0)
    work(make_notice())
    work(packet, topic="ztf_20260102_programid1")

    assert SurveyObject.objects.get().object_id == NAME
    rows = LightCurvePoint.objects.filter(kind="alert", band="g")
    assert rows.count() == 1
    assert rows.get().key.isdigit()


@pytest.mark.django_db
@pytest.mark.parametrize("order", ["notice first", "survey first"])
def test_a_flux_has_the_survey_s_own_sign_which_the_notice_leaves_out(order: str) -> None:
    jd = 2_461_042.708_333_333  # 2026-01-02 05:00:00
    place = {"object_id": NAME, "ra": 10.0, "dec": 60.0}
    before = make_detection(jd=jd, fid=1, magpsf=18.4, isdiffpos="f")
    packet = make_ztf_packet(jd=jd + 1, history=[before], **place)
    told = [(make_notice(), TOPIC), (packet, "ztf_20260102_programid1")]

    for payload, topic in told if order == "notice first" else reversed(told):
        work(payload, topic=topic)

    (row,) = LightCurvePoint.objects.filter(band="g")
    assert row.key == str(before["candid"])
    assert row.flux == pytest.approx(-(10 ** (0.4 * (31.4 - 18.4))))
    assert not PhotometryReducedDatum.objects.get(bandpass="g").brightness


@pytest.mark.django_db
def test_the_real_notice_makes_its_target_a_candidate_of_the_event_it_names(
    real_data: Path,
) -> None:
    event = make_event("S251117bs")

    message = work((real_data / "gw/gcn/boom.alert.example.json").read_bytes())

    assert message.state == MessageState.STORED
    assert message.reason == "stored, but left out: photometry of ATLAS, IOO (not ZTF's own)"
    assert candidates(event) == ["ZTF25acffkdr"]
    assert LightCurvePoint.objects.count() == 3
