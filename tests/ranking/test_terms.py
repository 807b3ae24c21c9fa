"""Each term of the surroundings is graded, bounded, and on average 1 for unrelated sources."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ranking.one import (
    brightness_term,
    col,
    distance_term,
    earlier_activity_term,
    fuse_one,
    sky_map_term,
    solar_system_term,
    star_term,
)
from tom.ranking.columns import Columns
from tom.ranking.terms import TERMS, brightness, distance, earlier_activity, sky_map, star
from tom.ranking.weighing import Share

MISSING = [
    sky_map_term(None),
    distance_term(None),
    brightness_term(None),
    brightness_term(None, None),
    star_term(separation_arcsec=None, star_score=None),
    earlier_activity_term(epochs=None, age_days=None),
    solar_system_term(None),
]


@pytest.mark.parametrize("term", MISSING, ids=lambda term: term.name)
def test_what_was_not_looked_up_counts_one_and_could_go_either_way(term):
    assert term.missing
    assert term.log_lr == 0
    assert term.log_lr_low < 0 < term.log_lr_high


def test_the_terms_of_one_candidate_share_no_datum():
    alike = {term.name: term for term in MISSING}
    assert len(fuse_one(0.01, *alike.values()).terms) == 6


def test_a_term_of_many_candidates_is_the_term_of_each():
    separations = col(0.2, None, math.inf, 0.7)

    many = star.weigh(separation_arcsec=separations, star_score=col(0.9, 0.1, None, None))

    scores = (0.9, 0.1, None, None)
    for row, (separation, score) in enumerate(zip((0.2, None, math.inf, 0.7), scores, strict=True)):
        alone = star_term(separation_arcsec=separation, star_score=score)
        assert many.term(row) == alone


def known(**columns):
    """What is known of one candidate: nothing but these."""
    nothing = dict.fromkeys(Columns.__dataclass_fields__, None)
    given = {name: col(value) for name, value in (nothing | columns).items()}
    flags = ("has_map", "was_looked_up")
    return Columns(**given | {name: given[name] == 1 for name in flags})


def read(columns):
    return {term.NAME: term.weigh(**term.read(columns)).term(0) for term in TERMS}


def test_of_what_nobody_looked_up_every_term_is_missing():
    assert all(term.missing for term in read(known()).values())


def test_without_a_map_the_place_is_not_known_and_where_it_does_not_reach_only_its_failure():
    reached_not = read(known(has_map=1))["sky map"]

    assert read(known(probdensity=0.3))["sky map"].missing
    assert not reached_not.missing
    assert math.exp(reached_not.log_lr) == pytest.approx(sky_map.MAP_FAILS.value)


@pytest.mark.parametrize("name", ["star", "minor planet"])
def test_an_alert_that_names_no_neighbour_says_that_there_is_none(name):
    assert not read(known(was_looked_up=1))[name].missing
    assert read(known(was_looked_up=1))[name].log_lr > 0


def test_a_uniform_sky_map_moves_nothing():
    assert sky_map_term(1 / (4 * math.pi)).log_lr == pytest.approx(0)


def test_the_sky_map_counts_as_its_density_over_the_average():
    gw170817 = sky_map_term(0.0346792 * (180 / math.pi) ** 2)  # per deg2 to per sr

    assert math.exp(gw170817.log_lr) == pytest.approx(0.98 * 0.0346792 * 41252.96 + 0.02)


def test_off_the_map_is_bounded_by_the_maps_own_failures():
    assert math.exp(sky_map_term(0.0).log_lr) == pytest.approx(sky_map.MAP_FAILS.value)


@given(st.lists(st.floats(0, 1e4), min_size=2, max_size=2).map(sorted))
def test_more_density_is_never_less_evidence(densities):
    low, high = map(sky_map_term, densities)

    assert low.log_lr <= high.log_lr


def test_a_host_at_a_usual_distance_moves_nothing():
    assert distance_term(1.0).log_lr == pytest.approx(0)


def test_a_host_at_a_wrong_distance_may_be_the_wrong_host():
    assert math.exp(distance_term(0.0).log_lr) == pytest.approx(distance.HOST_IS_WRONG.value)


@given(
    st.floats(0.02, 50),
    st.floats(0, 1),
    st.floats(0.01, 5),
    st.floats(0.01, 1e4),
    st.floats(0, 1),
)
def test_galaxies_count_as_the_counterparts_density_over_that_of_the_kind(
    overlap, host_share, elsewhere, light, source
):
    term = distance_term(overlap, host_share, elsewhere=elsewhere, light=light, source=source)

    counterparts = light * (host_share * overlap + (1 - host_share) * elsewhere)
    unrelated = source * light + (1 - source)
    assert math.exp(term.log_lr) == pytest.approx(counterparts / unrelated)


def test_a_galaxy_at_the_maps_distance_says_more_of_what_lies_in_no_galaxy_otherwise():
    about = {"overlap": 4.0, "host_share": 0.99, "elsewhere": 0.5, "light": 300.0}

    supernova, asteroid = (distance_term(**about, source=source) for source in (1.0, 0.0))

    assert math.exp(supernova.log_lr) < 4.0
    assert math.exp(asteroid.log_lr) > 1000


def test_where_no_galaxy_is_listed_the_page_says_so():
    term = distance_term(0.4, 0.0, elsewhere=0.4, light=0.5)

    assert term.reason == "no listed galaxy is near: 0.4 times as usual as in the background"


def test_a_brightness_that_no_kilonova_has_may_be_another_kind_of_light():
    assert math.exp(brightness_term(0.0).log_lr) == pytest.approx(brightness.OUTLIERS.value)
    assert brightness_term(1.0).log_lr == pytest.approx(0)
    assert brightness_term(1.0).reason == (
        "19.0 mag 0.6 days after the merger is 1 times as usual for a kilonova at 80 Mpc"
        " as for the list"
    )


def test_a_star_on_the_spot_weighs_against():
    star = star_term(separation_arcsec=0.2, star_score=0.98)
    galaxy = star_term(separation_arcsec=0.2, star_score=0.02)

    assert star.log_lr < math.log(0.1)
    assert star.log_lr < galaxy.log_lr < 0  # a nucleus may be active


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_more_it_is_a_star_the_more_it_weighs_against(first, second):
    low, high = sorted([first, second])

    terms = [star_term(separation_arcsec=0.5, star_score=score) for score in (low, high)]

    assert terms[0].log_lr >= terms[1].log_lr - 1e-12  # scores may differ by a rounding


def test_a_star_farther_than_an_arcsecond_is_no_star_on_the_spot():
    assert star_term(separation_arcsec=1.01, star_score=1.0).log_lr > 0


def test_no_catalogued_source_is_known_absence_not_ignorance():
    term = star_term(separation_arcsec=math.inf, star_score=None)

    assert not term.missing
    assert term.value is None


def test_stars_average_to_one_over_unrelated_sources():
    """The ratios, weighted by how often an unrelated source shows each, sum to 1."""
    share = star.SOURCE.value
    on = math.exp(star_term(separation_arcsec=0.1, star_score=1.0).log_lr)
    nucleus = math.exp(star_term(separation_arcsec=0.1, star_score=0.0).log_lr)
    off = math.exp(star_term(separation_arcsec=math.inf, star_score=None).log_lr)

    assert share.star * on + share.nucleus * nucleus + share.neither * off == pytest.approx(1)


def test_earlier_activity_weighs_more_with_each_epoch_down_to_a_floor():
    logs = [earlier_activity_term(epochs=n, age_days=5.0).log_lr for n in range(12)]

    assert logs == sorted(logs, reverse=True)
    assert logs[0] > 0 > logs[1]
    assert logs[11] > math.log(1e-3)


def test_a_first_sight_alone_weighs_less_than_an_epoch_of_ours():
    dark = earlier_activity_term(epochs=0, age_days=None)
    sight = earlier_activity_term(epochs=0, age_days=None, sight_age_days=5.0)
    epoch = earlier_activity_term(epochs=1, age_days=5.0)

    assert dark.log_lr > 0 > sight.log_lr > epoch.log_lr
    assert sight.log_lr_low < sight.log_lr < sight.log_lr_high


def test_light_too_faint_for_one_epoch_weighs_by_the_sum_of_many():
    """Of a supernova that rises, each forced epoch may be at 3 sigma, and all of them at 8."""
    logs = {
        z: earlier_activity_term(epochs=0, age_days=None, stacked=z) for z in (0.0, 3.0, 5.0, 9.0)
    }
    dark, told = earlier_activity_term(epochs=0, age_days=None), logs[5.0].reason

    assert logs[0.0].log_lr > logs[3.0].log_lr > logs[5.0].log_lr > logs[9.0].log_lr
    assert dark.log_lr > logs[3.0].log_lr
    assert -3.5 < logs[9.0].log_lr < logs[5.0].log_lr < -1.5  # bad subtractions have such sums, too
    assert told == (
        "no earlier epoch of 5 sigma; forced epochs of the last days before add up to 5 sigma"
    )
    assert logs[0.0].reason == dark.reason == "dark here before the event"


@pytest.mark.parametrize("sigma", [-1e6, -60.0, 1e6, math.inf])
def test_the_largest_sums_are_numbers(sigma):
    assert earlier_activity_term(epochs=0, age_days=None, stacked=sigma).log_lr < -0.5


def test_an_earlier_epoch_weighs_less_where_all_others_are_dark_and_more_where_they_are_not():
    epoch, dark, shone = (
        earlier_activity_term(epochs=1, age_days=5.0, stacked=z).log_lr for z in (None, 0.0, 6.0)
    )

    assert dark > epoch + 0.5
    assert shone < epoch - 1
    assert shone > math.log(1e-3) - 1


@pytest.mark.parametrize("source", [0.0, 0.35, 0.9])
def test_the_mean_ratio_over_sources_by_their_sums_is_one(source):
    """Of sources without an epoch, `source` of them shone; their sums are drawn as assumed."""
    z = np.linspace(-150, 150, 300_001)
    dark_before = {"epochs": 0.0, "age_days": np.nan, "sight_age_days": np.nan}
    rows = {name: np.full(len(z), value) for name, value in dark_before.items()}
    share = Share(source, source, source)
    rows |= {"stacked": z, "unseen": np.zeros(len(z))}
    ratio = np.exp(earlier_activity.weigh(**rows, source=share).log_lr)
    off = np.exp(-np.abs(z) / 10) / 10
    dark = 0.97 * np.exp(-0.5 * ((z - 0.5) / 1.1) ** 2) / (1.1 * np.sqrt(2 * np.pi))
    dark += 0.03 * off / 2
    shone = np.where(z > 0, 0.9, 0.1) * off

    mean = ((1 - source) * dark + source * shone) @ ratio * (z[1] - z[0])

    # What has no earlier epoch is the rarer the more sources shone with one.
    assert mean * (1 - source) == pytest.approx(1, abs=1e-3)


def test_older_activity_weighs_less():
    recent = earlier_activity_term(epochs=5, age_days=3.0)
    ancient = earlier_activity_term(epochs=5, age_days=3000.0)

    assert recent.log_lr < ancient.log_lr < 0


@given(st.lists(st.floats(0, 30), min_size=2, max_size=2).map(sorted))
def test_the_nearer_the_minor_planet_the_more_it_weighs_against(separations):
    near, far = map(solar_system_term, separations)

    assert near.log_lr <= far.log_lr


def test_a_minor_planet_on_the_spot_weighs_heavily_and_one_far_off_hardly():
    assert solar_system_term(0.3).log_lr < math.log(0.01)
    assert abs(solar_system_term(25.0).log_lr) < 0.5


separations = st.floats(0, 60)


@given(separations, st.floats(0, 1), st.integers(0, 50), st.floats(0, 5000), st.floats(0, 1e5))
def test_every_term_lies_in_its_interval(separation, score, epochs, age, number):
    terms = [
        sky_map_term(number),
        distance_term(number),
        brightness_term(number),
        star_term(separation_arcsec=separation, star_score=score),
        earlier_activity_term(epochs=epochs, age_days=age),
        solar_system_term(separation),
    ]

    assert all(term.log_lr_low <= term.log_lr <= term.log_lr_high for term in terms)


@pytest.mark.parametrize(
    ("overlap", "told"),
    [
        (1e-165, "the host's distance does not fit the map's"),
        (0.0, "the host's distance does not fit the map's"),
        (0.25, "the host's distance fits 0.25 times as well as a background galaxy's"),
    ],
)
def test_a_distance_that_does_not_fit_is_told_in_words(overlap: float, told: str) -> None:
    assert distance_term(overlap).reason == told


def test_where_the_map_has_no_distance_no_redshift_of_a_host_is_missed():
    assert distance_term(None, in_3d=0.0).reason == "the map has no distance here"
    assert distance_term(None).reason == "no distance of the host"
    assert not distance_term(1.5, in_3d=0.0).missing
