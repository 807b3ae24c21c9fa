"""What a click, a page and the sweep set off for plans, pointings and maps: a case for each arrow.

Nudges are read from a real Redis. Cut an arrow, and its case fails.
"""

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests import factories
from tests.galaxies.test_association import make_catalogue, make_galaxy
from tests.lookups import api_server
from tests.planning.nights import END, START, make_telescope
from tests.web.test_plans import typed
from tests.woken import woken
from tom import pipeline, sweeping
from tom.events.models import NonLocalizedEvent
from tom.events.preparing import prepare_map
from tom.lookups.pointings import want_pointings
from tom.planning import services
from tom.planning.models import Plan
from tom.planning.plain import Task
from tom.planning.schedule import Wanted
from tom.pointings.models import PointingQuery, Source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("servers")]


@pytest.fixture(autouse=True)
def empty_queues() -> None:
    cache.clear()  # what is on its way
    woken()


@pytest.fixture
def event() -> NonLocalizedEvent:
    return factories.make_event("S261120ab")


@pytest.fixture
def observer(client: Client) -> Client:
    client.force_login(factories.make_observer("vera"))
    return client


def test_who_wants_a_plan_wakes_its_making(
    observer, event, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        observer.post("/events/S261120ab/plan/", typed())

    assert ("make_plan", Plan.objects.get().pk) in woken()


def test_the_sweep_wakes_the_making_of_a_plan_that_nobody_began(event) -> None:
    task = Task(make_telescope(), Wanted(START, END))
    plan = services.make_plan(event, event.used, task, form={}, by=factories.make_observer())

    sweeping.sweep()

    assert ("make_plan", plan.pk) in woken()


def test_who_asks_a_service_for_pointings_wakes_the_question(
    observer, event, settings: Settings, django_capture_on_commit_callbacks
) -> None:
    settings.TREASURE_MAP_TOKEN = "t0ken"

    with django_capture_on_commit_callbacks(execute=True):
        observer.post("/events/S261120ab/coverage/services/treasuremap/")

    assert ("ask_pointings", PointingQuery.objects.get().pk) in woken()


def test_the_sweep_wakes_a_question_that_nobody_asked(event, settings: Settings) -> None:
    settings.TREASURE_MAP_TOKEN = "t0ken"
    query = want_pointings(event, Source.TREASURE_MAP, now=timezone.now())

    sweeping.sweep()

    assert ("ask_pointings", query) in woken()


def test_an_answered_question_wakes_the_tracing_of_its_fields(event, settings: Settings) -> None:
    settings.TREASURE_MAP_TOKEN = "t0ken"
    query = want_pointings(event, Source.TREASURE_MAP, now=timezone.now())
    assert query is not None

    with api_server.running() as relay:
        settings.LOOKUP_RELAY = relay.url
        pipeline.ask_pointings(query)

    assert ("trace",) in woken()


def test_a_page_without_a_list_of_galaxies_wakes_its_making(observer, event) -> None:
    make_galaxy(make_catalogue(), "7")

    observer.get("/events/S261120ab/galaxies/")

    assert ("prepare", event.pk) in woken()


def test_a_page_without_a_sketch_wakes_its_making_and_one_with_it_does_not(observer, event) -> None:
    observer.get("/events/S261120ab/")
    assert ("prepare", event.pk) in woken()

    prepare_map(event)
    observer.get("/events/S261120ab/")
    assert ("prepare", event.pk) not in woken()
