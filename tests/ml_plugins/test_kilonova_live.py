"""`kilonova` in an event's list: what it reads enters once."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.factories import make_event, make_target
from tom.candidates.services import match_event
from tom.ranking.models import RankedCandidate
from tom.ranking.services import rank_event
from tom.scoring.hosts import host_of
from tom.scoring.judging import score_due
from tom.scoring.services import scorers
from tom.strategies.models import Strategy

pytestmark = pytest.mark.django_db


@pytest.fixture
def both(settings: Settings) -> Iterator[None]:
    """The two scorers of kilonovae."""
    settings.SCORERS = [
        "ml_plugins.fast_transient.FastTransient",
        "ml_plugins.kilonova.Kilonova",
    ]
    scorers.cache_clear()
    host_of.cache_clear()
    yield
    for name in ("fast_transient", "kilonova"):
        host_of(name).stop()
    host_of.cache_clear()
    scorers.cache_clear()


@pytest.mark.usefixtures("both")
def test_it_is_left_to_later_light_and_without_it_is_one_term_with_fast_transient() -> None:
    event = make_event()
    make_target("a")
    match_event(event)
    score_due(most=100)

    rank_event(event)
    beside = {t["name"]: t for t in RankedCandidate.objects.latest("pk").read_terms()}
    Strategy.objects.update(terms=["star"])
    rank_event(event)
    alone = {t["name"]: t for t in RankedCandidate.objects.latest("pk").read_terms()}

    (left,) = [term for name, term in beside.items() if "kilonova 2." in name]
    assert beside["later light"]["log_lr"] != 0
    assert "kilonova with chance" in left["reason"]
    assert "“later light” weighs the same points" in left["reason"]
    (pooled,) = [name for name in alone if "kilonova 2." in name]
    assert "fast_transient" in pooled
    assert alone[pooled]["log_lr"] != 0
