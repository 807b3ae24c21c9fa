"""What the database finds up now is what the night finds, at the positions each reader knows."""

from datetime import UTC, datetime

import numpy as np
import pytest

from tests import factories
from tom.candidates.models import EventCandidate
from tom.followup.sites import site_named
from tom.sky import observable_now
from tom.targets.models import AudienceSummary
from tom.web.known import join_standings
from tom.web.up_now import find_up, sites_up
from tom.web.visibility import constraints_of, instruments_by_site

pytestmark = pytest.mark.django_db
NIGHTS = [
    datetime(2026, 3, 20, 4, 0, tzinfo=UTC),
    datetime(2026, 5, 2, 20, 0, tzinfo=UTC),  # the full Moon stands over the Canaries
    datetime(2026, 11, 26, 3, 0, tzinfo=UTC),
]


@pytest.fixture
def places() -> list[tuple[float, float]]:
    event = factories.make_event()
    generator = np.random.default_rng(3)
    ra, dec = generator.uniform(0, 360, 60), np.degrees(np.arcsin(generator.uniform(-1, 1, 60)))
    for a, d in zip(ra, dec, strict=True):
        target = factories.make_target(ra=float(a), dec=float(d), points=0)
        factories.make_candidate(event, target)
    return list(zip(ra, dec, strict=True))


def expected(places: list[tuple[float, float]], asked: str, now: datetime) -> list[bool]:
    ra, dec = np.array(places).T
    sites = {site: each for site, each in instruments_by_site().items() if asked in ("any", site)}
    found = [
        observable_now(
            site_named(site), ra=ra, dec=dec, when=now, constraints=constraints_of(instrument)
        ).observable[:, 0]
        for site, instrument in sites.items()
    ]
    return list(np.any(found, axis=0))


@pytest.mark.parametrize("now", NIGHTS)
@pytest.mark.parametrize("asked", ["any", "Cerro Tololo", "Teide"])
def test_the_database_finds_what_the_night_does(
    places: list[tuple[float, float]], now: datetime, asked: str
) -> None:
    rows = list(EventCandidate.objects.order_by("pk").select_related("target"))

    found = set(
        EventCandidate.objects.filter(find_up(asked, [], now=now)).values_list("pk", flat=True)
    )
    told = sites_up([row.target for row in rows], now=now)

    wanted = expected(places, asked, now)
    assert [row.pk in found for row in rows] == wanted
    by_row = [told[row.target_id] for row in rows]
    assert [bool(sites) if asked == "any" else asked in sites for sites in by_row] == wanted


def test_the_nights_of_these_tests_tell_something_apart(places: list[tuple[float, float]]) -> None:
    found = [sum(expected(places, "any", now)) for now in NIGHTS]

    assert all(5 < number < 55 for number in found)


def test_a_target_without_a_position_is_up_nowhere() -> None:
    target = factories.make_target(points=0)
    target.ra = target.dec = None
    target.save()
    factories.make_candidate(factories.make_event(), target)

    assert not EventCandidate.objects.filter(find_up("any", [], now=NIGHTS[0])).exists()
    assert sites_up([target], now=NIGHTS[0]) == {}


def test_a_reader_finds_a_target_where_they_know_it_to_stand() -> None:
    program = factories.make_program(2, group=factories.make_group())
    target = factories.make_target(ra=10.0, dec=80.0, points=0)  # never high over Chile
    factories.make_candidate(factories.make_event(), target)
    AudienceSummary.objects.create(
        target=target, programs=[program.pk], healpix29=0, ra=197.0, dec=-23.0
    )

    public, member = (
        join_standings(EventCandidate.objects.all(), programs).filter(
            find_up("Cerro Tololo", programs, now=NIGHTS[0])
        )
        for programs in ([], [program.pk])
    )

    assert not public.exists()
    assert member.exists()
