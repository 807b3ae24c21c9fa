"""Brightness at the map's distance: on average 1 for unrelated sources, learnt from the list."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import (
    MERGER,
    make_event,
    make_group,
    make_localization,
    make_program,
    make_target,
)
from tom.candidates.services import match_event, match_targets
from tom.events.models import EventLocalization, Localization, NonLocalizedEvent
from tom.ranking.lights import background, fit_background
from tom.ranking.models import Ranking
from tom.ranking.services import rank_event, unlike
from tom.ranking.terms import brightness
from tom.sky import build_skymap, pack
from tom.sky.kilonovae import chance_brighter
from tom.strategies.models import Strategy
from tom.targets.audiences import ensure_audiences
from tom.targets.models import LightCurvePoint
from tom.targets.summary import refresh_audiences

FIT = {"slope": 0.4, "depth": 20.5, "width": 0.3}
EVERY = np.linspace(5, 26, 20_001)


def draw_unrelated(count: int, random: np.random.Generator) -> np.ndarray:
    """Magnitudes of sources that a survey to 20.5 mag finds."""
    mass = np.cumsum(background(EVERY, FIT) * found(EVERY))
    return np.interp(random.uniform(0, mass[-1], count), mass, EVERY)


def found(magnitude: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return np.asarray(ndtr((FIT["depth"] - magnitude) / FIT["width"]))


def test_the_density_of_what_is_found_is_one() -> None:
    assert np.trapezoid(background(EVERY, FIT) * found(EVERY), EVERY) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_fit_finds_how_the_number_of_sources_grows_and_where_it_ends(seed: int) -> None:
    fit = fit_background(draw_unrelated(300, np.random.default_rng(seed)))

    assert fit["slope"] == pytest.approx(FIT["slope"], abs=0.1)
    assert fit["depth"] == pytest.approx(FIT["depth"], abs=0.3)
    assert fit["sources"] == 300


def test_of_one_source_the_fit_is_about_what_is_usual() -> None:
    fit = fit_background(np.array([19.0]))

    assert fit["slope"] == 0.4
    assert 18 < fit["depth"] < 21


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.floats(30, 200), st.floats(0.1, 0.35), st.floats(0.3, 2))
def test_the_mean_ratio_over_unrelated_sources_is_one(
    seed: int, distance: float, share: float, days: float
) -> None:
    """Each band, and each place's distance, with the counted chance to find a kilonova."""
    random, n = np.random.default_rng(seed), 20_000
    magnitude = draw_unrelated(n, random)
    modulus = 5 * np.log10(distance * random.lognormal(0, 0.2, n)) + 25
    error = np.full(n, 5 / np.log(10) * share)
    band, when = random.integers(0, 6, n), days * random.uniform(0.8, 1.2, n)
    whole = np.sqrt(error**2 + 0.33**2)
    reach = chance_brighter(
        band=band, days=when, magnitude=20.5 - modulus, sigma=np.hypot(whole, 0.3)
    )
    ratio = ratios_of(magnitude, band, when, modulus, error, in_reach=float(reach.mean()))

    logs = brightness.weigh(
        ratio=ratio, low=ratio, high=ratio, magnitude=magnitude, days=when, distance_mpc=modulus
    ).log_lr
    spread = np.exp(logs).std() / np.sqrt(n)
    assert np.exp(logs).mean() == pytest.approx(1, abs=0.02 + 4 * spread)


def ratios_of(
    magnitude: np.ndarray,
    band: np.ndarray,
    days: np.ndarray,
    modulus: np.ndarray,
    error: np.ndarray,
    *,
    in_reach: float,
) -> np.ndarray:
    from tom.ranking import lights
    from tom.ranking.firsts import Firsts

    none = np.zeros_like(magnitude)
    firsts = Firsts(band, days, magnitude, none)
    places = lights.Places(modulus, error, np.zeros((len(band), 6)))
    return lights.ratios(firsts, places, FIT | {"in_reach": in_reach})[0]


def term_of(ranking: Ranking | None, name: str) -> dict[str, Any]:
    assert ranking is not None
    (place,) = ranking.places.filter(candidate__target__name=name, programs=[])
    return next(term for term in place.read_terms() if term["name"] == "brightness")


def dim(name: str, magnitudes: float) -> None:
    """Make all points of a target fainter."""
    for point in LightCurvePoint.objects.filter(target__name=name, kind="alert"):
        share = 10 ** (-0.4 * magnitudes)
        point.flux, point.flux_error = point.flux * share, point.flux_error * share
        point.save()


def a_list(*names: str, **event: Any) -> NonLocalizedEvent:
    made = make_event(**event)
    for name in names:
        make_target(name)
    match_event(made)
    return made


@pytest.mark.django_db
def test_what_is_as_bright_as_a_kilonova_there_comes_before_what_is_not() -> None:
    event = a_list("fits", "faint")
    dim("faint", 2.9)  # 20.4 mag at 14 h and 40 Mpc

    ranking = rank_event(event)

    fits, faint = term_of(ranking, "fits"), term_of(ranking, "faint")
    assert fits["log_lr"] > 0 > faint["log_lr"]
    assert fits["value"] == pytest.approx(17.5, abs=1e-6)
    assert "17.5 mag 0.58 days after the merger" in fits["reason"]
    assert "at 42.4 Mpc" in fits["reason"]
    assert all(term["log_lr_low"] < term["log_lr"] < term["log_lr_high"] for term in (fits, faint))
    assert unlike(ranking) == 0


@pytest.mark.django_db
def test_a_detection_whose_error_nobody_gave_counts_without_one() -> None:
    event = a_list("a")
    LightCurvePoint.objects.filter(kind="alert").update(flux_error=None)

    term = term_of(rank_event(event), "a")

    assert not term["missing"]
    assert term["log_lr"] > 0


@pytest.mark.django_db
def test_a_map_without_a_distance_says_nothing_and_no_number_is_lost() -> None:
    event = a_list("a")
    flat = build_skymap(level=[0] * 12, ipix=range(12), probdensity=[1 / (4 * np.pi)] * 12)
    without = make_localization()
    Localization.objects.filter(pk=without.pk).update(packed=pack(flat))
    EventLocalization.objects.filter(event=event).update(localization=without)

    ranking = rank_event(event)

    term = term_of(ranking, "a")
    assert term["missing"]
    assert term["log_lr"] == 0
    assert term["reason"] == "the map has no distance here"
    piece = ranking.basis["expected"]["pieces"][-1]
    assert piece == ["it is bright enough", 0.8, "surveys are deep enough for 80% of counterparts"]
    assert ranking.basis["brightness"]["found"] is None


@pytest.mark.django_db
def test_the_chance_that_surveys_are_deep_enough_falls_with_the_distance() -> None:
    event = a_list("a")
    other = make_event()
    far = make_localization(distance_mpc=400.0)
    EventLocalization.objects.filter(event=other).update(localization=far)
    match_event(other)

    near, there = rank_event(event), rank_event(other)

    chances = [ranking.basis["expected"]["pieces"][-1][1] for ranking in (near, there)]
    assert chances[0] > 0.3 > 0.05 > chances[1] > 0
    assert "of kilonovae at 4" in there.basis["expected"]["pieces"][-1][2]


@pytest.mark.django_db
def test_one_more_source_moves_no_other_and_a_quarter_more_fit_anew() -> None:
    event = a_list(*"abcdefgh")
    first = rank_event(event)
    make_target("one more")
    match_event(event)
    second = rank_event(event)
    for name in ("two more", "three more"):
        make_target(name)
    match_event(event)
    third = rank_event(event)

    assert second.basis["brightness"] == first.basis["brightness"]
    assert second.places.count() == 1
    assert first.basis["brightness"]["sources"] == 8
    assert third.basis["brightness"]["sources"] == 11
    assert third.places.count() == 11


@pytest.mark.django_db
def test_private_points_change_the_place_of_their_readers_alone() -> None:
    event, private = a_list("a", "b"), make_program(2, group=make_group())
    before = rank_event(event)
    point = LightCurvePoint.objects.filter(target__name="a", kind="alert").earliest("time")
    new = {f.attname: getattr(point, f.attname) for f in point._meta.fields}
    for generated in ("id", "stored", "xact"):
        new.pop(generated)
    earlier = {"key": "earlier", "time": MERGER + timedelta(hours=2), "program_id": private.pk}
    LightCurvePoint.objects.create(**new | earlier)
    refresh_audiences(row.pk for row in ensure_audiences([point.target_id]))
    match_targets([point.target_id])

    after = rank_event(event)

    assert after.basis["brightness"] == before.basis["brightness"]
    own = after.places.filter(programs=[private.pk]).get()
    term = next(term for term in own.read_terms() if term["name"] == "brightness")
    assert "0.083 days" in term["reason"]
    assert not after.places.filter(programs=[]).exists()
    assert unlike(after) == 0


@pytest.mark.django_db
def test_a_strategy_that_seeks_no_kilonova_does_not_weigh_it() -> None:
    event = a_list("a")
    Strategy.objects.filter(kind="gw").update(sought=["supernova"])

    ranking = rank_event(event)

    assert ranking.basis["brightness"] is None
    assert "brightness" not in [term["name"] for term in ranking.layout]
