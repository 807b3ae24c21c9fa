"""Hosts are found for many targets at once, again only where something changed, and kept."""

import math
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.factories import make_event, make_target
from tom.candidates import hosts
from tom.candidates.hosts import find_other_hosts, note_catalogues, note_given_redshifts
from tom.candidates.services import match_event
from tom.events.models import NonLocalizedEvent
from tom.galaxies.association import find_hosts, look_for_galaxies
from tom.galaxies.completeness import EDGES
from tom.galaxies.loading import load_catalogue
from tom.galaxies.mapping import read_mapping
from tom.galaxies.models import Catalogue, Galaxy, HostMatch, HostSearch
from tom.pipeline import rank
from tom.ranking.curves import usual_shares
from tom.ranking.models import RankedCandidate
from tom.ranking.services import newest_ranking, rank_event, unlike
from tom.ranking.terms.distance import OF_KIND
from tom.sky import healpix29
from tom.targets.models import TargetSummary
from tom.targets.redshifts import keep_redshift

pytestmark = pytest.mark.django_db
GFO = {"ra": 197.450354, "dec": -23.381484}
GLADE_2 = Path(__file__).parent / "glade_2.toml"


def make_catalogue(name: str = "made") -> Catalogue:
    return Catalogue.objects.create(
        name=name,
        licence="ours",
        citation="us",
        n_galaxies=0,
        n_refused=0,
        sha256=name,
        loaded=timezone.now(),
        completeness={"edges_mpc": EDGES.tolist(), "shares": [0.4] * (len(EDGES) - 1)},
    )


def make_galaxy(catalogue: Catalogue, number: str, **fields: object) -> Galaxy:
    """A bright galaxy at 40 Mpc where the made targets are."""
    given = {
        "ra": 197.45,
        "dec": -23.38,
        "distance_mpc": 40.0,
        "distance_error_mpc": 1.0,
        "distance_kind": "spectroscopic",
        "diameter_arcsec": 90.0,
        "axis_ratio": 0.9,
        "position_angle_deg": 20.0,
        "b_magnitude": 13.0,
    } | fields
    return Galaxy.objects.create(
        catalogue=catalogue,
        number=number,
        healpix29=int(healpix29(given["ra"], given["dec"])),
        **given,
    )


def best(target) -> HostMatch:
    return target.host_searches.latest("pk").matches.order_by("-share")[0]


def test_ngc_4993_is_at2017gfo_s_first_host(real_data) -> None:
    path = real_data / "gw" / "galaxies" / "GW170817_galaxies_GLADE.csv"
    load_catalogue(path, read_mapping(GLADE_2), progress=lambda n: None)
    target = make_target("AT2017gfo", **GFO)

    assert find_hosts([target.pk]) == 1

    host = best(target)
    assert (host.number, host.distance_mpc) == ("667145", 33.806)
    assert host.separation_arcsec == pytest.approx(9.9, abs=0.2)
    assert host.ratio == pytest.approx(0.45, abs=0.03)
    assert host.chance_coincidence < 0.01
    assert host.share > 0.8
    assert host.share + host.search.none_share == pytest.approx(1, abs=1e-6)


def test_without_a_catalogue_no_host_is_sought() -> None:
    assert find_hosts([make_target().pk]) == 0
    assert not HostSearch.objects.exists()


def test_without_a_catalogue_a_given_redshift_is_a_distance_and_taken_back_is_none() -> None:
    target, other = make_target(), make_target()
    keep_redshift(target.pk, 0.01)

    assert find_hosts([target.pk, other.pk]) == 1
    given = target.host_searches.get()
    assert find_hosts([target.pk, other.pk]) == 0
    keep_redshift(target.pk, None)
    assert find_hosts([target.pk, other.pk]) == 1

    assert given.distance_mpc == pytest.approx(44.6, abs=0.5)
    assert given.none_share == 1
    assert target.host_searches.latest("pk").distance_mpc is None


def test_a_place_far_from_every_galaxy_is_known_to_have_none() -> None:
    make_galaxy(make_catalogue(), "a", ra=10.0, dec=10.0)
    target = make_target()

    find_hosts([target.pk])

    assert target.host_searches.get().none_share == 1
    assert not HostMatch.objects.exists()


def test_whether_a_galaxy_is_listed_is_told_of_many_places_in_two_queries(
    django_assert_num_queries,
) -> None:
    there, above, off = (int(healpix29(197.45, dec)) for dec in (-23.38, -23.372, -23.6))
    assert look_for_galaxies([there]) is None
    make_galaxy(make_catalogue("b"), "a")
    make_catalogue("a")

    with django_assert_num_queries(2):
        names, shares = look_for_galaxies([off, there, above, there])

    assert names == ("a", "b")
    assert shares[0] == 0
    assert 0.9 < shares[2] < shares[1] == shares[3] < 1
    assert not HostSearch.objects.exists()


def test_what_is_listed_is_what_a_search_without_a_redshift_finds() -> None:
    make_galaxy(make_catalogue(), "a", dec=-23.37)
    target = make_target()
    find_hosts([target.pk])
    search = target.host_searches.get()

    _, (share,) = look_for_galaxies([search.healpix29])

    assert 0 < share < 1
    assert share == pytest.approx(1 - search.none_share)


def test_the_nearest_in_light_radii_comes_first_and_the_shares_sum_to_one() -> None:
    catalogue = make_catalogue()
    make_galaxy(catalogue, "small but near", dec=-23.382, diameter_arcsec=4.0, b_magnitude=19.0)
    make_galaxy(catalogue, "large", dec=-23.385)
    make_galaxy(catalogue, "far off", dec=-23.50)
    target = make_target()

    find_hosts([target.pk])

    search = target.host_searches.get()
    assert best(target).number == "large"
    shares = [match.share for match in search.matches.all()]
    assert sum(shares) + search.none_share == pytest.approx(1, abs=1e-3)


def test_a_search_is_repeated_only_after_the_place_the_redshift_or_the_catalogues_changed() -> None:
    catalogue = make_catalogue()
    make_galaxy(catalogue, "a")
    target, other = make_target(), make_target(ra=197.5)

    assert find_hosts([target.pk, other.pk]) == 2
    assert find_hosts([target.pk, other.pk]) == 0
    keep_redshift(target.pk, 0.01)
    assert find_hosts([target.pk, other.pk]) == 1
    TargetSummary.objects.filter(pk=other.pk).update(healpix29=int(healpix29(197.6, -23.38)))
    assert find_hosts([target.pk, other.pk]) == 1
    make_catalogue("another")
    assert find_hosts([target.pk, other.pk]) == 2


def test_a_given_redshift_chooses_among_galaxies_in_one_line() -> None:
    catalogue = make_catalogue()
    make_galaxy(catalogue, "before")
    behind = {"distance_mpc": 200.0, "diameter_arcsec": 20.0, "b_magnitude": 16.5}
    make_galaxy(catalogue, "behind", dec=-23.3825, **behind)
    target = make_target()

    find_hosts([target.pk])
    assert best(target).number == "before"
    keep_redshift(target.pk, 0.0443)  # 202 Mpc
    find_hosts([target.pk])

    assert best(target).number == "behind"
    search = target.host_searches.latest("pk")
    assert search.distance_mpc == pytest.approx(202, abs=2)
    assert best(target).share > 0.9


def test_of_two_catalogues_rows_for_one_galaxy_the_surer_one_counts() -> None:
    make_galaxy(make_catalogue("first"), "photo", distance_kind="photometric")
    make_galaxy(make_catalogue("second"), "spec", dec=-23.3805)
    target = make_target()

    find_hosts([target.pk])

    (match,) = target.host_searches.get().matches.all()
    assert (match.catalogue, match.number) == ("second", "spec")


def test_the_number_of_queries_does_not_depend_on_that_of_targets() -> None:
    make_galaxy(make_catalogue(), "a")
    few = [make_target().pk]
    many = [make_target(ra=197.45 + number / 1000).pk for number in range(12)]

    with CaptureQueriesContext(connection) as one:
        find_hosts(few)
    with CaptureQueriesContext(connection) as twelve:
        find_hosts(many)

    assert len(one) == len(twelve)


def distance_term(ranking) -> dict:
    place = ranking.places.get()
    return next(term for term in place.read_terms() if term["name"] == "distance")


def test_the_host_s_distance_moves_the_ranking_and_an_old_ranking_can_be_repeated() -> None:
    event, target = make_event(), make_target()
    match_event(event)
    before = rank_event(event)
    catalogue = make_catalogue()
    make_galaxy(catalogue, "at the map's distance")

    find_other_hosts(event)
    after = rank_event(event)

    assert distance_term(before)["missing"]
    term = distance_term(after)
    assert not term["missing"]
    assert term["log_lr_low"] < term["log_lr"] < term["log_lr_high"]
    assert term["log_lr"] > 3
    # A new load that says something else leaves the old rankings as they were.
    Galaxy.objects.all().delete()
    Catalogue.objects.all().delete()
    make_galaxy(make_catalogue("new"), "far", distance_mpc=400.0, b_magnitude=16.0)
    find_other_hosts(event)
    last = rank_event(event)
    assert distance_term(last)["log_lr"] < 0
    assert target.host_searches.count() == 2
    assert [unlike(ranking) for ranking in (before, after, last)] == [0, 0, 0]


def test_where_no_galaxy_is_listed_what_the_catalogue_lacks_at_the_maps_distance_counts() -> None:
    event, _ = make_event(), make_target()
    match_event(event)
    catalogue = make_catalogue()  # it lists .4 of the light as far as it reaches
    make_galaxy(catalogue, "elsewhere", ra=100.0, dec=20.0)

    find_other_hosts(event)
    term = distance_term(rank_event(event))

    in_galaxies = usual_shares() @ list(OF_KIND.values())
    assert not term["missing"]
    assert math.exp(term["log_lr"]) == pytest.approx(
        0.6 / (0.6 * in_galaxies + 1 - in_galaxies), rel=0.05
    )


def test_many_hosts_are_searched_after_a_ranking_that_makes_another_due(monkeypatch) -> None:
    monkeypatch.setattr(hosts, "FIRST", 2)
    event = make_event()
    for number in range(5):
        make_target(ra=197.45 + number / 100)
    match_event(event)
    make_galaxy(make_catalogue(), "a")
    NonLocalizedEvent.objects.update(rank_version=5, ranked_version=0)

    rank(event.pk)

    assert HostSearch.objects.count() == 5
    due = NonLocalizedEvent.objects.get()
    assert (due.rank_version, due.ranked_version) == (6, 5)
    rank(event.pk)
    due.refresh_from_db()
    assert (due.rank_version, due.ranked_version) == (6, 6)
    places = RankedCandidate.objects.newest().filter(event=event)
    terms = [term for place in places for term in place.read_terms() if term["name"] == "distance"]
    assert [term["missing"] for term in terms] == [False] * 5


def test_a_given_redshift_counts_before_the_galaxy_and_before_a_survey_s_host() -> None:
    event, target = make_event(), make_target()
    match_event(event)
    make_galaxy(make_catalogue(), "a")
    TargetSummary.objects.update(host_distance_mpc=40.0, host_distance_error_mpc=1.0)
    find_other_hosts(event)
    by_survey = distance_term(rank_event(event))

    keep_redshift(target.pk, 0.1)
    find_other_hosts(event)
    by_redshift = distance_term(rank_event(event))

    assert by_survey["log_lr"] > 3
    assert by_redshift["log_lr"] < -2


def test_a_change_that_moves_hosts_makes_the_candidates_events_due() -> None:
    event, target = make_event(), make_target()
    match_event(event)
    NonLocalizedEvent.objects.update(rank_version=5, ranked_version=5)

    note_given_redshifts([target.pk])
    assert NonLocalizedEvent.objects.get().rank_version == 6
    assert note_catalogues(since=event.time) == 1
    assert NonLocalizedEvent.objects.get().rank_version == 7
    assert newest_ranking(event) is None
