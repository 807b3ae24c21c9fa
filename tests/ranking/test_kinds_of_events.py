"""What a list seeks and weighs by its event's kind: a burst's afterglow, what nuclei do."""

from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module

import numpy as np
import pytest
from django.apps import apps
from pytest_django import Settings

from tests.factories import MERGER, make_event, make_target
from tom.candidates.services import match_event
from tom.events.models import EventKind, NonLocalizedEvent
from tom.ranking.curves import OTHERS, OTHERS_OF
from tom.ranking.models import RankedCandidate
from tom.ranking.opinions import term_name
from tom.ranking.services import newest_ranking, rank_event, unlike
from tom.scoring.hosts import host_of
from tom.scoring.judging import score_due
from tom.scoring.opinions import ranked_classes
from tom.scoring.services import scorers
from tom.strategies.models import SOUGHT, Strategy
from tom.strategies.services import SOUGHT_OF, TERMS_OF, WINDOWS, strategies_of_kinds
from tom.targets.models import LightCurvePoint

pytestmark = pytest.mark.django_db


def ranked(kind: EventKind) -> tuple[NonLocalizedEvent, dict[str, float]]:
    """An event, ranked by the strategy that its kind has by itself; its candidate's terms."""
    event = make_event(kind=kind, distance_mpc=None)
    Strategy.objects.all().delete()
    match_event(event)
    score_due(most=10)
    rank_event(event)
    (place,) = RankedCandidate.objects.filter(event=event)
    return event, {term["name"]: term["log_lr"] for term in place.read_terms()}


def make_afterglow() -> None:
    """A source that fades by a power of the time since the merger, faster than any kilonova."""
    target = make_target(points=6)
    for point in LightCurvePoint.objects.filter(target=target).exclude(kind="limit"):
        days = (point.time - MERGER) / timedelta(days=1)
        point.flux = 1e5 * days**-3.0
        point.flux_error = point.flux / 30
        point.save()


def test_of_a_burst_light_that_fades_as_an_afterglow_says_more_than_of_a_merger() -> None:
    make_afterglow()
    _, merger = ranked(EventKind.GW)
    event, burst = ranked(EventKind.GRB)

    usual, afterglows = OTHERS.value, OTHERS_OF[EventKind.GRB].value
    assert 1 < burst["later light"] - merger["later light"] <= np.log(afterglows / usual) + 1e-6
    assert newest_ranking(event).basis["brightness"]["others"] == list(OTHERS_OF[EventKind.GRB])
    assert unlike(newest_ranking(event)) == 0


@pytest.fixture
def disruptions(settings: Settings) -> Iterator[None]:
    """A scorer of tidal disruptions beside those of the site."""
    settings.SCORERS = [*settings.SCORERS, "ml_plugins.tde.Tde"]
    for cached in (scorers, host_of):
        cached.cache_clear()
    yield
    host_of("tde").stop()
    for cached in (scorers, host_of):
        cached.cache_clear()


@pytest.mark.usefixtures("disruptions")
def test_of_a_neutrino_no_kilonova_is_weighed_and_earlier_activity_says_nothing() -> None:
    make_target(points=6)
    event, terms = ranked(EventKind.NEUTRINO)

    assert set(terms) == {*TERMS_OF[EventKind.NEUTRINO], *(_weighing("tde") & _weighing("agn"))}
    assert any(name.startswith("tde ") for name in terms)
    assert newest_ranking(event).basis["sought"] == ["tde", "agn"]


def _weighing(label: str) -> set[str]:
    """The names of the terms of the scorers whose opinion on a class counts."""
    return {term_name(scorer.spec) for scorer in scorers() if ranked_classes(scorer.spec, [label])}


def test_an_upgrade_changes_what_a_kind_seeks_unless_people_chose() -> None:
    Strategy.objects.all().delete()
    for kind, (before, after) in WINDOWS.items():
        Strategy.objects.create(name=kind, kind=kind, days_before=before, days_after=after)
    Strategy.objects.filter(kind=EventKind.NEUTRINO).update(weights={"tde": 0.5})
    migration = import_module("tom.strategies.migrations.0008_sought_of_kinds")

    migration.seek(apps, None)

    rows = strategies_of_kinds()
    assert rows[EventKind.GRB].sought == SOUGHT_OF[EventKind.GRB]
    assert rows[EventKind.NEUTRINO].sought == [SOUGHT]
    Strategy.objects.filter(kind=EventKind.NEUTRINO).update(weights={})
    migration.seek(apps, None)
    row = Strategy.objects.get(kind=EventKind.NEUTRINO)
    assert (row.sought, row.terms) == (
        SOUGHT_OF[EventKind.NEUTRINO],
        TERMS_OF[EventKind.NEUTRINO],
    )
    assert Strategy.objects.filter(sought=[SOUGHT]).count() == 3

    migration.seek_as_before(apps, None)

    assert Strategy.objects.filter(sought=[SOUGHT], terms=[]).count() == 5
