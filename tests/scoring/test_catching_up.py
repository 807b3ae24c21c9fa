"""A scorer judges what was stored before it came, when a person asks for it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tests.factories import make_group, make_lead, make_program, make_target
from tests.woken import woken
from tom.pipeline import judge
from tom.scoring import judging
from tom.scoring.catching_up import catch_up, catching_up, hand_out_stored
from tom.scoring.models import CatchUp, DueScore, Score
from tom.scoring.services import scorers
from tom.sweeping import sweep
from tom.targets.models import AudienceSummary, TargetSummary

pytestmark = pytest.mark.django_db

FIRST, LATER = "fast_transient", "kilonova"
PATHS = {FIRST: "ml_plugins.fast_transient.FastTransient", LATER: "ml_plugins.kilonova.Kilonova"}


@pytest.fixture(autouse=True)
def two_scorers(settings: Settings) -> Iterator[None]:
    settings.SCORERS = [PATHS[FIRST]]
    scorers.cache_clear()
    yield
    scorers.cache_clear()


@pytest.fixture
def lead(client: Client) -> Client:
    client.force_login(make_lead("leda"))
    return client


def add_the_later_one(settings: Settings) -> None:
    """Two targets are judged by the first scorer; then another one is installed."""
    for _ in range(2):
        make_target()
    judging.score_due(most=10)
    settings.SCORERS = list(PATHS.values())
    scorers.cache_clear()
    assert judging.score_due(most=10) == 0


def of_the_later_one() -> int:
    return Score.objects.filter(scorer=LATER).count()


def test_a_new_scorer_judges_what_is_stored_once_it_is_asked(
    settings: Settings, lead: Client
) -> None:
    add_the_later_one(settings)
    make_target()  # which waits for both

    lead.post(f"/scorers/{LATER}/stored/", {"do": "judge", "seen": "all"})
    while catching_up():
        judge(LATER)
    judge(LATER)

    assert of_the_later_one() == 2
    assert Score.objects.filter(scorer=FIRST).count() == 2
    row = CatchUp.objects.get()
    assert (row.total, row.looked_at, row.handed_out) == (3, 3, 2)
    page = lead.get("/scorers/").text
    assert "of 3\n      targets looked at, 2 light curves were given to it" in page
    assert "asked for by leda" in page


def test_what_it_judged_it_does_not_judge_again(settings: Settings) -> None:
    add_the_later_one(settings)
    catch_up(FIRST, since=None, by=make_lead())

    assert hand_out_stored(FIRST, most=10)

    assert not DueScore.objects.exists()
    assert not hand_out_stored(FIRST, most=10)
    assert CatchUp.objects.get().ended


def test_it_goes_on_from_where_it_was_and_only_when_nothing_waits(settings: Settings) -> None:
    add_the_later_one(settings)
    catch_up(LATER, since=None, by=make_lead())

    assert hand_out_stored(LATER, most=1)
    assert not hand_out_stored(LATER, most=1)  # what is new would wait for more
    assert DueScore.objects.count() == 1
    judging.judge_due(LATER, most=10)
    assert hand_out_stored(LATER, most=1)
    judging.judge_due(LATER, most=10)

    assert of_the_later_one() == 2


def test_only_what_was_detected_since_then_also_by_points_that_few_may_see(
    settings: Settings,
) -> None:
    add_the_later_one(settings)
    long_ago, now = timezone.now() - timedelta(days=9), timezone.now()
    secret = TargetSummary.objects.order_by("pk").first()
    program = make_program(group=make_group())
    told = {"healpix29": secret.healpix29, "last_detection": now, "scored_version": 1}
    AudienceSummary.objects.create(target_id=secret.pk, programs=[program.pk], **told)
    TargetSummary.objects.update(last_detection=long_ago)
    catch_up(LATER, since=now - timedelta(days=7), by=make_lead())

    hand_out_stored(LATER, most=10)

    assert set(DueScore.objects.values_list("target", flat=True)) == {secret.pk}
    assert CatchUp.objects.get().total == 1


def test_the_sweep_wakes_it_and_it_wakes_itself_until_it_is_through(settings: Settings) -> None:
    add_the_later_one(settings)
    woken()
    sweep()
    assert ("judge", LATER) not in woken()
    catch_up(LATER, since=None, by=make_lead())

    sweep()
    assert ("judge", LATER) in woken()
    judge(LATER)
    assert ("judge", LATER) in woken()


def test_it_is_asked_for_once_at_a_time_and_stops_when_it_is_told(
    settings: Settings, lead: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    add_the_later_one(settings)
    address = f"/scorers/{LATER}/stored/"

    assert lead.post(address, {"do": "judge", "seen": "last year"}).status_code == 422
    assert lead.post("/scorers/nobody/stored/", {"seen": "all"}).status_code == 404
    lead.post(address, {"do": "judge", "seen": "30"})
    again = lead.post(address, {"do": "judge", "seen": "all"}, follow=True)
    assert "kilonova judges what is stored already." in again.text
    assert CatchUp.objects.get().since is not None
    assert "Stop it" in lead.get("/scorers/").text
    lead.post(address, {"do": "stop"})

    assert catching_up() == []
    assert not hand_out_stored(LATER, most=10)
    with django_assert_max_num_queries(28):
        lead.get("/scorers/")
