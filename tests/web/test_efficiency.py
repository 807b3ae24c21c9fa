"""The efficiency page: whom it tells what, its states, its CSV, and the API."""

import csv
import io
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tests import factories
from tests.factories import MERGER
from tests.pointings.made import told
from tom.events.models import NonLocalizedEvent
from tom.pointings.estimating import MOST_ATTEMPTS, due_efficiencies, work_efficiency
from tom.pointings.footprints import compute_ranges, due_footprints
from tom.pointings.keeping import keep_pointings
from tom.pointings.models import Source
from tom.pointings.prepared import Efficiency, EfficiencyState

pytestmark = pytest.mark.django_db
PAGE = "/events/S261120ab/coverage/efficiency/"
CSV = "/events/S261120ab/coverage/efficiency.csv"
API = "/api/events/S261120ab/efficiency/"


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


def keep(event: NonLocalizedEvent, *pointings: object, group: Group | None = None) -> None:
    keep_pointings(pointings, source=Source.TABLE, event=event, group=group)
    compute_ranges(due_footprints())


def work() -> None:
    for pk in due_efficiencies(timezone.now()):
        work_efficiency(pk)


def shown(client: Client, query: str = "") -> str:
    answer = client.get(f"{PAGE}{query}")
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def test_it_is_asked_for_once_computed_apart_and_then_shown(
    observer: Client, event, django_assert_max_num_queries
) -> None:
    keep(event, told("1"), told("2", ra=199.0, band="i"), told("3", depth=None))

    assert "is being computed" in shown(observer)
    assert 'hx-trigger="every 2s"' in shown(observer)
    assert observer.get(CSV).status_code == 202
    assert Efficiency.objects.get().state == EfficiencyState.WAITING
    work()
    with django_assert_max_num_queries(25):
        text = shown(observer)

    assert "hx-trigger" not in text.split('id="efficiency"')[1].split(">")[0]
    assert '<svg class="heat"' in text
    assert "Chance to have caught AT2017gfo" in text
    assert "2 pointings count. 1 without a depth in AB magnitudes or Jy does not." in text
    assert "Upper limits, if nothing was found" in text
    assert "/coverage/efficiency/" in observer.get("/events/S261120ab/coverage/").text
    part = observer.get(f"{PAGE}?part=efficiency").text
    assert "<html" not in part
    assert "efficiency.csv" in part


def test_private_pointings_count_for_their_group_alone(observer: Client, event, team) -> None:
    keep(event, told("1"))
    keep(event, told("2", ra=199.0, depth=23.0), group=team)
    stranger = Client()
    stranger.force_login(factories.make_user("stranger"))
    for client in (observer, stranger):
        assert client.get(API).json()["state"] == "waiting"
    work()

    ours, theirs = (client.get(API).json()["found"] for client in (observer, stranger))

    assert (ours["pointings"], theirs["pointings"]) == (2, 1)
    assert ours["covered"] > 1.5 * theirs["covered"]
    assert Efficiency.objects.count() == 2


def test_a_pointing_before_the_event_would_have_caught_nothing(observer: Client, event) -> None:
    keep(event, told("1", time=MERGER - timedelta(days=1)))

    assert observer.get(API).json()["state"] == "no pointing"
    assert not Efficiency.objects.exists()


def test_the_filters_ask_another_question(observer: Client, event) -> None:
    keep(event, told("1"), told("2", ra=199.0, instrument="Ear", time=MERGER + timedelta(days=5)))
    for query in ("", "?instrument=Ear", "?days=3"):
        observer.get(f"{API}{query}")
    work()

    def pointings(query: str) -> int:
        return observer.get(f"{API}{query}").json()["found"]["pointings"]

    assert [pointings(query) for query in ("", "?instrument=Ear", "?days=3")] == [2, 1, 1]
    assert observer.get(f"{API}?status=planned").json()["state"] == "no pointing"
    assert "No pointing after the event answers these filters" in shown(observer, "?status=planned")


def test_the_csv_has_the_grid_and_the_api_the_limits(observer: Client, event) -> None:
    keep(event, told("1", depth=20.0))
    observer.get(PAGE)
    work()

    rows = list(csv.DictReader(io.StringIO(observer.get(CSV).text)))
    answer = observer.get(API).json()

    found = answer["found"]
    assert len(rows) == len(found["declines"]) * len(found["magnitudes"])
    steady = [row for row in rows if float(row["decline_mag_per_day"]) == 0]
    assert float(steady[0]["chance_once"]) == pytest.approx(found["covered"], abs=1e-4)
    assert float(steady[0]["chance_twice"]) == 0
    assert answer["levels"] == [0.9, 0.95]
    limits = answer["limits"][found["declines"].index(0)]
    assert limits["over_map"] == [None, None]
    assert -20 < limits["within_fields"][1] < limits["within_fields"][0] < -10


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"localized": False}, "No sky map has come for this event"),
        ({"time": None}, "The time of this event is not known"),
    ],
)
def test_what_is_missing_is_said(observer: Client, about, says) -> None:
    keep(factories.make_event("S261120ab", **{"time": MERGER, **about}), told("1"))

    assert says in shown(observer)
    assert not Efficiency.objects.exists()


def test_fields_that_are_not_computed_are_waited_for_and_a_failure_is_said(
    observer: Client, event
) -> None:
    keep_pointings([told("1")], source=Source.TABLE, event=event, group=None)
    assert "is being computed" in shown(observer)
    assert not Efficiency.objects.exists()

    compute_ranges(due_footprints())
    shown(observer)
    Efficiency.objects.update(attempts=MOST_ATTEMPTS)
    due_efficiencies(timezone.now())

    assert "could not be computed:</b> it was broken off each time" in shown(observer)
