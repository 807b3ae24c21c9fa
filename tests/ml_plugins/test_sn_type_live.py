"""`sn_type` on the site: judged in its own process, stored, explained, ranked by where it helps."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from ml_plugins.outbursts.scope import CLASSES
from ml_plugins.sn_type import SnType
from tests.factories import make_event, make_target
from tom.candidates.services import match_event
from tom.ranking.services import rank_event
from tom.scoring.explanations import explain_top
from tom.scoring.hosts import host_of
from tom.scoring.judging import score_due
from tom.scoring.models import Score
from tom.scoring.opinions import ranked_classes
from tom.scoring.services import scorers

pytestmark = pytest.mark.django_db


@pytest.fixture
def alone(settings: Settings) -> Iterator[None]:
    """The only scorer of the site, with as little memory and patience as a site may give it."""
    settings.SCORERS = ["ml_plugins.sn_type.SnType"]
    settings.SCORER_MEMORY_MB, settings.SCORER_PATIENCE_SECONDS = 2000, 10.0
    scorers.cache_clear()
    host_of.cache_clear()
    yield
    host_of("sn_type").stop()
    host_of.cache_clear()
    scorers.cache_clear()


@pytest.mark.usefixtures("alone")
def test_the_site_stores_its_opinions_its_silences_and_its_reasons() -> None:
    event = make_event()
    for name, ra, points in (("young", 197.45, 6), ("older", 197.46, 16)):
        make_target(name, ra=ra, points=points)
    match_event(event)

    score_due(most=10)
    rank_event(event)
    (scorer,) = scorers()
    explained = explain_top(event, scorer)

    told = {score.target.name: score for score in Score.objects.select_related("target")}
    assert (told["young"].probability, told["young"].reason) == (None, "too few detections")
    assert set(told["older"].probability or {}) == set(CLASSES)
    assert sum((told["older"].probability or {}).values()) == pytest.approx(1)
    assert (told["older"].sigma or 0) > 0
    assert explained == 1
    told["older"].refresh_from_db()
    assert [part["name"] for part in told["older"].explanation] == [
        *("colour", "rise", "fall", "width")
    ]


def test_lists_of_supernovae_are_ranked_by_it_and_those_of_kilonovae_are_not() -> None:
    assert ranked_classes(SnType.spec, ["supernova Ia"]) == ("supernova Ia",)
    assert not ranked_classes(SnType.spec, ["kilonova"])
