"""Services of pointings, against a server that answers as they do, and others that misbehave.

No real service can be reached from a test. The answers have the fields and forms of the services'
own code, which `tom/pointings/treasure_map.py` and `tom/pointings/obsloctap.py` name.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from tests.factories import make_event, make_observer
from tests.lookups import api_server
from tom.events.models import NonLocalizedEvent
from tom.lookups.pointings import ask_service, due_queries, want_pointings
from tom.pointings.footprints import compute_ranges, due_footprints
from tom.pointings.models import Pointing, PointingQuery, QueryState, Source, Status
from tom.pointings.obsloctap import EPOCH
from tom.sky import circle

pytestmark = pytest.mark.django_db
HOST = "treasuremap.space"
MAP = f"{HOST}/api/v1"
TIME = datetime(2019, 8, 14, 21, 11, tzinfo=UTC)
TOKEN = "t0ken-of-the-map"
ZTF_ROW = {
    "id": 101,
    "position": "POINT(13.37 -24.29)",
    "instrumentid": 47,
    "instrument_name": "ZTF",
    "band": "r",
    "pos_angle": 0.0,
    "depth": 20.5,
    "depth_err": None,
    "depth_unit": "ab_mag",
    "time": "2019-08-15T03:12:00.123000",
    "status": "completed",
    "username": "observer",
    "central_wave": 6417.0,
    "bandwidth": 1506.0,
}
OTHER_ROW = {
    **ZTF_ROW,
    "id": 102,
    "position": "POINT (14 -25)",
    "instrumentid": 999,
    "instrument_name": "Somebody's eye",
    "depth": 1e-4,
    "depth_unit": "flux_jy",
    "status": "planned",
}
SQUARE = "POLYGON ((-0.5 -0.5, 0.5 -0.5, 0.5 0.5, -0.5 0.5, -0.5 -0.5))"
VISIT = {
    "t_planning": 58709.9,
    "target_name": "lowdust",
    "obs_id": "2019081500042",
    "s_ra": 13.4,
    "s_dec": -24.2,
    "s_fov": 3,
    "t_min": (TIME + timedelta(hours=5) - EPOCH) / timedelta(days=1),
    "t_exptime": 30.0,
    "em_min": 5.52e-07,
    "em_max": 6.91e-07,
    "facility_name": "Vera C. Rubin Observatory",
    "instrument_name": "LSSTCam",
    "execution_status": "Performed",
    "rubin_rot_sky_pos": 12.0,
}


@pytest.fixture
def api(settings: Any) -> Iterator[api_server.Api]:
    cache.clear()
    with api_server.running() as running:
        settings.LOOKUP_RELAY = running.url
        settings.LOOKUP_SECONDS = 2.0
        settings.TREASURE_MAP_TOKEN = TOKEN
        settings.OBSLOCTAP_URL = "https://rubin.example.org/obsloctap/schedule"
        yield running
    cache.clear()


@pytest.fixture
def event() -> NonLocalizedEvent:
    return make_event("S190814bv", time=TIME)


def ask(event: NonLocalizedEvent, source: Source = Source.TREASURE_MAP) -> PointingQuery:
    pk = want_pointings(event, source, now=timezone.now())
    assert pk is not None
    ask_service(pk)
    return PointingQuery.objects.get(pk=pk)


def serve_map(api: api_server.Api, *rows: object) -> None:
    api.serve("GET", f"{MAP}/pointings?graceid=S190814bv", list(rows))


def test_the_treasure_maps_pointings_are_kept_once(api, event) -> None:
    serve_map(api, ZTF_ROW, OTHER_ROW)
    api.serve("GET", f"{MAP}/footprints?id=999", [{"instrumentid": 999, "footprint": SQUARE}])

    first = ask(event)

    assert (first.state, first.added, first.known, first.left_out) == (QueryState.DONE, 2, 0, 0)
    one, other = Pointing.objects.order_by("external_id")
    assert (one.instrument, one.facility, one.team, one.band) == ("ZTF", "Palomar", "observer", "r")
    assert one.time == datetime(2019, 8, 15, 3, 12, 0, 123000, UTC)
    assert (one.ra, one.dec, one.depth, one.depth_unit) == (13.37, -24.29, 20.5, "ab_mag")
    assert (other.instrument, other.status) == ("Somebody's eye", Status.PLANNED)
    compute_ranges(due_footprints())
    other.footprint.refresh_from_db()
    assert other.footprint.area_deg2 == pytest.approx(1, rel=0.02)
    assert {sent["api_token"] for sent in api.sent} == {TOKEN}
    assert TOKEN not in str([call[1:3] for call in api.asked])


def test_the_treasure_map_is_asked_for_the_name_that_others_know(api) -> None:
    serve_map(api, ZTF_ROW)

    assert ask(make_event("HAND-S190814bv", time=TIME)).added == 1


def test_a_plan_that_was_carried_out_says_so_when_asked_again(api, event, settings) -> None:
    settings.LOOKUP_CACHE_MINUTES = 0
    serve_map(api, {**ZTF_ROW, "status": "planned"})
    ask(event)
    serve_map(api, ZTF_ROW)

    again = ask(event)

    assert (again.added, again.known) == (0, 1)
    assert Pointing.objects.get().status == Status.COMPLETED


def test_the_same_is_not_asked_again_too_soon_nor_twice_at_once(api, event) -> None:
    serve_map(api, ZTF_ROW)
    ask(event)

    assert want_pointings(event, Source.TREASURE_MAP, now=timezone.now()) is None
    later = timezone.now() + timedelta(hours=1)
    assert want_pointings(event, Source.TREASURE_MAP, now=later) is not None
    assert want_pointings(event, Source.TREASURE_MAP, now=later) is None
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"position": "POINT EMPTY"},
        {"position": "POINT(13 -124)"},
        {"position": None},
        {"time": "soon"},
        {"time": None},
        {"status": "maybe"},
        {"id": None},
        {"instrumentid": 999, "instrument_name": "Nobody's"},
    ],
)
def test_a_row_that_cannot_be_used_is_counted_and_costs_no_other(api, event, change) -> None:
    serve_map(api, {**ZTF_ROW, **change}, {**ZTF_ROW, "id": 7}, "[]")

    query = ask(event)

    assert (query.state, query.added, query.left_out) == (QueryState.DONE, 1, 1)
    assert Pointing.objects.get().external_id == "7"


@pytest.mark.parametrize(
    ("mood", "why"),
    [
        (403, "refuses the credential"),
        (500, "the error 500"),
        ({"Retry-After": "90"}, "left alone for 90 s"),
        (3.0, "no answer within 2 s"),
        (b"<html>", "not understood"),
        (b'{"errors": ["no"]}', "not understood"),
        (b"[" + b"[" * 200_000, "not understood"),
        (b'["' + b"[" * 200_000 + b'"]', "not understood"),
        (api_server.TRICKLE, "no answer within 2 s"),
    ],
)
def test_a_service_that_fails_says_why_in_words(api, event, mood, why) -> None:
    serve_map(api, ZTF_ROW)
    api.moods[HOST] = mood

    query = ask(event)

    assert query.state == QueryState.FAILED
    assert why in query.reason
    assert TOKEN not in query.reason
    assert not Pointing.objects.exists()


def test_without_its_setting_a_service_is_not_asked(api, event, settings) -> None:
    settings.TREASURE_MAP_TOKEN = ""

    assert want_pointings(event, Source.TREASURE_MAP, now=timezone.now()) is None
    assert api.asked == []


def test_a_service_that_lists_by_time_is_not_asked_of_an_event_without_one(
    api, event, client
) -> None:
    NonLocalizedEvent.objects.update(time=None)
    client.force_login(make_observer())

    ask(NonLocalizedEvent.objects.get(), Source.OBSLOCTAP)

    shown = " ".join(client.get(f"/events/{event.event_id}/coverage/services/").text.split())
    assert "Not asked: the event has no time." in shown
    assert "could not be read" not in shown
    assert api.asked == []


def test_what_nobody_asked_is_due_and_what_was_broken_off_has_failed(api, event) -> None:
    now = timezone.now()
    waiting = want_pointings(event, Source.TREASURE_MAP, now=now)
    lost = want_pointings(event, Source.OBSLOCTAP, now=now)
    long_ago = now - timedelta(minutes=1)
    PointingQuery.objects.filter(pk=lost).update(state=QueryState.ASKING, asked=long_ago)

    assert due_queries(now) == [waiting]
    assert PointingQuery.objects.get(pk=lost).state == QueryState.FAILED


# --- ObsLocTAP ----------------------------------------------------------------------------------
SCHEDULE = "rubin.example.org/obsloctap/schedule?start=2019-08-14+21%3A11%3A00&time=48"


def test_rubins_list_of_visits_becomes_pointings_that_name_no_event(api, event) -> None:
    planned = {**VISIT, "obs_id": "", "execution_status": "Scheduled", "s_ra": 20.0}
    late = {**VISIT, "obs_id": "late", "t_min": VISIT["t_min"] + 30}
    api.serve("GET", SCHEDULE, [VISIT, planned, late, {**VISIT, "s_dec": 99}])

    query = ask(event, Source.OBSLOCTAP)

    assert (query.reason, query.added, query.left_out) == ("", 2, 1)
    one, other = Pointing.objects.order_by("ra")
    assert one.event is None
    assert (one.instrument, one.band, one.exposure_s) == ("LSSTCam", "r", 30)
    assert (one.position_angle, one.status) == (12, Status.COMPLETED)
    assert abs(one.time - TIME - timedelta(hours=5)) < timedelta(seconds=1)
    assert other.status == Status.PLANNED
    assert set(Pointing.objects.about(event)) == {one, other}


def test_a_forecast_that_is_no_longer_told_is_dropped(api, event, settings) -> None:
    settings.LOOKUP_CACHE_MINUTES = 0
    planned = {**VISIT, "obs_id": "", "execution_status": "Scheduled"}
    api.serve("GET", SCHEDULE, [VISIT, planned, {**planned, "s_ra": 20.0}])
    ask(event, Source.OBSLOCTAP)
    api.serve("GET", SCHEDULE, [VISIT, {**planned, "s_ra": 30.0}])

    ask(event, Source.OBSLOCTAP)

    left = Pointing.objects.order_by("ra").values_list("ra", "status")
    assert list(left) == [(13.4, Status.COMPLETED), (30.0, Status.PLANNED)]


def test_a_tap_service_is_asked_in_adql_and_answers_in_csv(api, event, settings) -> None:
    settings.OBSLOCTAP_URL = "https://tap.example.org/tap"
    given = {**VISIT, "instrument_name": "Wide eye", "s_fov": 2.0}
    names = [name for name in given if not name.startswith(("rubin", "target", "t_planning"))]
    body = ",".join(names) + "\n" + ",".join(str(given[name]) for name in names) + "\n"
    api.moods["tap.example.org"] = body.encode()

    query = ask(event, Source.OBSLOCTAP)

    assert (query.reason, query.added) == ("", 1)
    row = Pointing.objects.get()
    assert row.footprint.shape["radius_deg"] == circle(1.0).radius_deg
    ((_, path, asked, _),) = api.asked
    assert path == "tap.example.org/tap/sync"
    assert "FROM ivoa.obsplan WHERE t_min >= 58709.88" in dict(asked)["QUERY"]
