"""The coverage page: what it shows whom, its filters, and the tables that people bring."""

import csv
import io
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests import factories
from tests.factories import MERGER
from tests.pointings.made import told
from tom.events.models import NonLocalizedEvent
from tom.pointings.footprints import compute_ranges, due_footprints
from tom.pointings.keeping import keep_pointings
from tom.pointings.models import Pointing, PointingTable, Source, Status
from tom.targets.models import LightCurvePoint, PointKind

pytestmark = pytest.mark.django_db
PAGE = "/events/S261120ab/coverage/"


@pytest.fixture(autouse=True)
def forgotten() -> None:
    cache.clear()


@pytest.fixture
def event() -> NonLocalizedEvent:
    return factories.make_event("S261120ab", time=MERGER)


@pytest.fixture
def team() -> Group:
    return factories.make_group("team")


@pytest.fixture
def observer(client: Client, team: Group) -> Client:
    client.force_login(factories.make_observer("vera", groups=[team]))
    return client


def keep(event: NonLocalizedEvent | None, *pointings: object, group: Group | None = None) -> None:
    keep_pointings(pointings, source=Source.TABLE, event=event, group=group)
    compute_ranges(due_footprints())


def shown(client: Client, query: str = "") -> str:
    answer = client.get(f"{PAGE}{query}")
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def test_an_event_without_pointings_says_what_to_do(observer: Client, event) -> None:
    candidate = factories.make_candidate(event, rank=1)

    text = shown(observer)

    assert "No pointing is known for this event" in text
    assert candidate.target.name in text  # its own light curve has limits, too
    assert f"{PAGE}upload/" in text
    assert "/events/S261120ab/coverage/" in observer.get("/events/S261120ab/").text


def test_an_event_without_a_map_says_so(observer: Client) -> None:
    keep(factories.make_event("S261120ab", localized=False, time=MERGER), told("1"))

    assert "No sky map has come for this event" in shown(observer)


def test_the_page_shows_fields_figures_gaps_and_limits(observer: Client, event) -> None:
    candidate = factories.make_candidate(event)
    LightCurvePoint.objects.create(
        target=candidate.target,
        survey="ZTF",
        kind=PointKind.LIMIT,
        key="limit",
        time=MERGER - timedelta(days=1),
        band="g",
        flux_error=200.0,
        program=factories.make_program(),
    )
    keep(event, told("1", ra=candidate.target.ra, dec=candidate.target.dec, depth=22.25))

    text = shown(observer)

    assert '<path class="telescope-0" d="M' in text
    assert "Eye (La Silla)" in text
    assert "3.14 deg²" in text
    assert "22.25 r" in text
    assert "23.90 g" in text
    assert "What is left" in text
    assert 'data-url="/events/S261120ab/coverage/curve.json"' in text


def test_the_filters_choose_what_counts(observer: Client, event) -> None:
    keep(
        event,
        told("1"),
        told("2", ra=199.0, instrument="Ear", status=Status.PLANNED),
        told("3", ra=195.0, time=MERGER + timedelta(days=5)),
        told("4", ra=196.0, time=MERGER - timedelta(days=5)),
        told("5", ra=197.0, status=Status.CANCELLED),
    )

    def counted(query: str = "") -> list[str]:
        return observer.get(f"{PAGE}curve.json{query}").json()["telescope"]

    eye, ear = "Eye (La Silla)", "Ear (La Silla)"
    assert counted() == [eye, eye]
    assert counted("?days=3") == [eye]
    assert counted("?status=planned") == [ear]
    assert sorted(counted("?status=both")) == [ear, eye, eye]
    assert counted("?status=both&instrument=Ear") == [ear]
    assert counted("?status=nonsense&days=-1&magnitude=1e999") == [eye, eye]


def test_the_magnitude_decides_how_far_one_sees(observer: Client, event) -> None:
    keep(event, told("1", depth=18.0))

    bright = observer.get(f"{PAGE}curve.json?magnitude=-19").json()
    faint = observer.get(f"{PAGE}curve.json?magnitude=-12").json()

    assert bright["probability"] == faint["probability"]
    assert bright["within_reach"][0] > 0.9 * bright["probability"][0]
    assert faint["within_reach"][0] < 0.1 * faint["probability"][0]


def test_a_private_pointing_counts_for_its_group_alone(
    observer: Client, event, team: Group
) -> None:
    keep(event, told("1"))
    keep(event, told("2", ra=199.0, instrument="Secret eye"), group=team)
    stranger = Client()
    stranger.force_login(factories.make_observer("stranger"))

    assert "Secret eye" in shown(observer)
    assert "Secret eye" not in shown(stranger)
    ours = observer.get(f"{PAGE}curve.json").json()["probability"]
    theirs = stranger.get(f"{PAGE}curve.json").json()["probability"]
    assert (len(ours), len(theirs)) == (2, 1)
    assert "Secret eye" not in stranger.get(f"{PAGE}pointings.csv").text
    answer = stranger.get("/api/events/S261120ab/pointings/").json()
    assert [row["external_id"] for row in answer["results"]] == ["1"]


def test_the_page_asks_as_often_for_many_pointings_as_for_one(
    observer: Client, event, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    candidates = [factories.make_candidate(event, rank=rank) for rank in range(1, 6)]
    keep(event, *(told(f"{n}", ra=190.0 + n / 10) for n in range(60)))
    compute_ranges(due_footprints())
    assert candidates

    with django_assert_max_num_queries(45):
        shown(observer)


def test_the_csv_holds_what_a_table_needs(observer: Client, event) -> None:
    keep(event, told("1", team="=cmd()"), told("2", status=Status.PLANNED))

    rows = list(csv.DictReader(io.StringIO(observer.get(f"{PAGE}pointings.csv").text)))

    assert [row["id"] for row in rows] == ["1"]
    assert (rows[0]["instrument"], rows[0]["depth"], rows[0]["ra"]) == ("Eye", "21.0", "197.45")
    assert rows[0]["team"] == "'=cmd()"


# --- Tables -------------------------------------------------------------------------------------
def table(*rows: str) -> str:
    return "\n".join(("observation_id,ra,dec,obstime,filter,limmag", *rows))


GOOD = (
    f"1,197.45,-23.38,{MERGER:%Y-%m-%dT%H:%M:%S},r,22.5",
    f"2,199.0,-23.38,{MERGER + timedelta(hours=2):%Y-%m-%dT%H:%M:%S},i,22.1",
)


def upload(client: Client, text: str, **more: object) -> object:
    given = {"text": text, "instrument": "DECam", "for": "public", "do": "store"}
    return client.post(f"{PAGE}upload/", {**given, **more})


def test_a_table_is_shown_before_it_is_stored(observer: Client, event) -> None:
    answer = upload(observer, table(*GOOD), do="check")

    assert answer.status_code == 200
    assert "Store 2 pointings" in answer.text
    assert not Pointing.objects.exists()


def test_a_table_with_a_bad_row_is_not_stored_and_the_row_is_named(observer, event) -> None:
    answer = upload(observer, table(*GOOD, "3,500,0,58000,r,21"))

    assert answer.status_code == 422
    assert "Row 3" in answer.text
    assert "is no place" in answer.text
    assert not Pointing.objects.exists()


def test_a_table_is_stored_once_and_taken_back(observer: Client, event, team: Group) -> None:
    for _ in range(2):
        answer = upload(observer, table(*GOOD), **{"for": team.pk})
        assert answer.headers["Location"] == PAGE

    assert Pointing.objects.filter(event=event, group=team).count() == 2
    text = shown(observer)
    assert "2 pointings were stored." in text
    assert "2 were known already." in text

    first = PointingTable.objects.get()
    assert first.n_pointings == 2
    observer.post(f"{PAGE}tables/{first.pk}/undo/")
    assert not Pointing.objects.exists()


def test_nobody_takes_back_the_table_of_another_or_sees_a_groups(observer, event, team) -> None:
    upload(observer, table(*GOOD))
    upload(observer, table(*GOOD), **{"for": team.pk})
    public, private = PointingTable.objects.order_by("pk")
    stranger = Client()
    stranger.force_login(factories.make_observer("stranger"))

    assert stranger.post(f"{PAGE}tables/{public.pk}/undo/").status_code == 403
    assert stranger.post(f"{PAGE}tables/{private.pk}/undo/").status_code == 404
    assert PointingTable.objects.count() == 2


def test_who_may_not_upload_is_told_whom_to_ask(client: Client, event) -> None:
    client.force_login(factories.make_user("reader"))

    answer = client.post(f"{PAGE}upload/", {"text": table(*GOOD), "for": "public", "do": "store"})

    assert answer.status_code == 403
    assert not Pointing.objects.exists()


def test_a_file_that_is_no_text_is_refused_with_this_reason_alone(observer: Client, event) -> None:
    answer = upload(observer, "", file=SimpleUploadedFile("night.csv", b"time,ra\xff"))

    assert answer.status_code == 422
    assert "The file is not UTF-8 text." in answer.text
    assert "This table cannot be read" not in answer.text


@pytest.mark.parametrize("text", ["", "a", "1,2\n3,4", "x" * 1_000_001])
def test_what_is_no_table_is_refused_with_the_reason(observer: Client, event, text: str) -> None:
    answer = upload(observer, text)

    assert answer.status_code == 422
    assert "This table cannot be read" in answer.text or "no column holds the time" in answer.text


# --- The API ------------------------------------------------------------------------------------
ROUTE = "/api/events/S261120ab/pointings/"
ROW = {"instrument": "decam", "ra": "197.45", "dec": "-23.38", "time": "2026-11-20T01:00:00Z"}


def send(client: Client, *rows: dict, group: str | None = None) -> object:
    body = {"group": group, "pointings": list(rows)}
    return client.post(ROUTE, body, content_type="application/json")


def test_pointings_are_sent_once_by_the_api(observer: Client, event) -> None:
    first, again = send(observer, ROW), send(observer, ROW)

    assert (first.status_code, first.json()) == (201, {"added": 1, "known": 0})
    assert again.json() == {"added": 0, "known": 1}
    (row,) = observer.get(ROUTE).json()["results"]
    assert (row["instrument"], row["facility"], row["group"]) == ("DECam", "Blanco", None)
    assert len(row["rings"][0]) > 20


def test_the_api_stores_all_or_none(observer: Client, event) -> None:
    answer = send(observer, ROW, {**ROW, "dec": "95"})

    assert answer.status_code == 400
    assert "2: 197.45 95 is no place" in answer.json()["pointings"][0]
    assert not Pointing.objects.exists()


def test_the_api_keeps_pointings_for_a_group_of_ones_own_alone(observer, event, team) -> None:
    factories.make_group("others")

    assert send(observer, ROW, group="others").status_code == 400
    assert send(observer, ROW, group="team").status_code == 201
    assert Pointing.objects.get().group == team
    assert observer.post(ROUTE, {"pointings": [ROW]}, "application/json").status_code == 400
