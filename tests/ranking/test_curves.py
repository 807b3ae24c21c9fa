"""Later light: on average 1 for unrelated sources; a limit counts if it would have shown it."""

import itertools
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import MERGER, make_event, make_target
from tom.candidates.services import match_event
from tom.ranking import curves
from tom.ranking.curves import KINDS, Kind, Members, fit_shares, log_ratio, read_later
from tom.ranking.firsts import first_of
from tom.ranking.services import rank_event, unlike
from tom.ranking.visits import Visits, risen_again
from tom.sky.kilonovae import BANDS
from tom.sky.looks import LEAST_ERROR, LIMIT_SOFTNESS, RANGE
from tom.targets.models import LightCurvePoint
from tom.targets.summary import refresh_summaries

G, R = BANDS.index("g"), BANDS.index("r")
NAN = np.nan
# The modulus of 100 Mpc, and its error.
MODULUS, ERROR = 35.0, 0.4
SOFT = LIMIT_SOFTNESS
OTHERS = curves.OTHERS.value


def looks(*points: tuple[float, int, float, float]) -> Visits:
    """Looks at one place: days, band, magnitude (NaN: nothing seen), limit."""
    days, band, magnitude, limit = (np.array(column) for column in zip(*points, strict=True))
    error = np.where(np.isnan(magnitude), NAN, 0.05)
    return Visits(
        np.zeros(len(days), int), band, days, magnitude, error, limit, np.full(len(days), -1)
    )


def ratio_of(*points: tuple[float, int, float, float], modulus: float = MODULUS) -> float:
    visits = looks(*points)
    members = Members(
        first_of(visits, 1), np.array([modulus]), np.array([ERROR]), np.zeros((1, len(BANDS)))
    )
    shares = curves.usual_shares()
    return float(
        np.exp(log_ratio(read_later(visits, members, visits.take(np.arange(0))), shares, OTHERS)[0])
    )


# AT2017gfo at 100 Mpc, about.
FIRST = (0.6, R, 19.5, 21.0)


def test_what_fades_as_a_kilonova_is_likelier_than_what_stays_or_is_seen_but_once() -> None:
    fades = ratio_of(FIRST, (1.6, R, 20.1, 21.0), (1.6, G, 20.6, 21.0))
    stays = ratio_of(FIRST, (1.6, R, 19.5, 21.0), (2.6, R, 19.5, 21.0), (3.6, R, 19.4, 21.0))
    once = ratio_of(FIRST, (0.65, R, NAN, 21.0), (0.7, R, NAN, 21.0))

    assert fades > 4
    assert stays < 0.1
    assert once < 0.1


def test_what_comes_again_once_among_many_dark_looks_is_most_likely_an_artefact() -> None:
    dark = [(0.6 + day, R, NAN, 21.0) for day in range(1, 9)]
    visits = looks(FIRST, *dark, (9.6, R, 19.4, 21.0))
    members = Members(
        first_of(visits, 1), np.array([MODULUS]), np.array([ERROR]), np.zeros((1, len(BANDS)))
    )

    [logs] = read_later(visits, members, visits.take(np.arange(0))).kinds

    assert list(KINDS)[int(logs.argmax())] == "artefact"


def test_a_red_star_that_varies_by_half_a_magnitude_is_a_variable_by_its_light() -> None:
    """An alert of a variable shows the light above its mean, with the star's own colour."""
    red = [(0.43, G, 19.2, 20.5), (1.43, G, 18.9, 20.5)]
    others = [(0.46, R, 18.4, 20.5), (1.4, R, 17.8, 20.5), (1.46, R, NAN, 20.5)]
    points = sorted([(0.4, R, 18.0, 20.5), *red, *others])
    visits = looks(*points)
    members = Members(
        first_of(visits, 1), np.array([MODULUS]), np.array([ERROR]), np.zeros((1, len(BANDS)))
    )

    [logs] = read_later(visits, members, visits.take(np.arange(0))).kinds

    assert list(KINDS)[int(logs.argmax())] == "variable"
    assert ratio_of(*points) < 0.3


# As of a type IIb: its shock cools, then it rises: days, magnitudes in r.
COOLS = ((0.6, 19.5), (1.6, 20.0), (3.6, 20.4))
RISES = ((5.6, 19.7), (6.6, 19.4), (7.6, 19.1), (8.6, 18.9))


def test_what_rises_again_falls_with_each_look_and_without_end() -> None:
    points = [(days, R, magnitude, 21.0) for days, magnitude in (*COOLS, *RISES)]

    told = [ratio_of(*points[: 1 + further]) for further in range(2, len(points))]

    assert told[0] > 0.3
    assert all(after < before / 5 for before, after in itertools.pairwise(told))
    assert told[-1] < 1e-6


def test_what_fades_as_no_kilonova_of_the_family_is_still_worth_a_look() -> None:
    """An afterglow: its brightness is a power of the time since the merger."""
    nights = [
        (days, band, 18.0 + 2.5 * 1.2 * np.log10(days / 0.2) - 0.3 * (band == R), 24.0)
        for days in (0.2, 0.5, 1.2, 2.2, 4.2)
        for band in (G, R)
    ]

    assert ratio_of(*nights, modulus=42.0) > 0.02


def test_a_supernova_that_cooled_and_rose_is_by_its_light_a_slow_source_and_no_variable() -> None:
    points = [(days, R, magnitude, 21.0) for days, magnitude in (*COOLS, *RISES)]
    visits = looks(*points)
    members = Members(
        first_of(visits, 1), np.array([MODULUS]), np.array([ERROR]), np.zeros((1, len(BANDS)))
    )

    later = read_later(visits, members, visits.take(np.arange(0)))

    kinds = curves.kinds_of(later, curves.usual_shares())[0]
    assert kinds[list(KINDS).index("slow")] > 0.9


def test_a_rise_counts_in_its_own_band_after_it_was_fainter() -> None:
    fades = looks((0.6, G, 19.0, 21.0), (0.7, R, 18.5, 21.0), (1.6, G, 19.9, 21.0))
    rises = looks(
        (0.6, R, 19.0, 21.0), (1.6, R, 20.2, 21.0), (3.6, R, NAN, 21.0), (5.6, R, 18.8, 21.0)
    )
    shakes = looks((0.6, R, 19.0, 21.0), (1.6, R, 19.1, 21.0), (2.6, R, 19.0, 21.0))
    both = [np.concatenate(columns) for columns in zip(fades, rises, strict=True)]
    both[0] = np.repeat([0, 1], [len(fades.row), len(rises.row)])

    assert risen_again(Visits(*both), 3) == pytest.approx([0, 1.4, 0])
    assert risen_again(shakes, 1) == pytest.approx([0])
    assert risen_again(fades.take(np.arange(0)), 2) == pytest.approx([0, 0])


def test_no_ratio_is_too_small_or_too_large_for_a_number() -> None:
    later = curves.Later(
        *np.array([[-4e3, 4e3], [-4e3, -4e3]]),
        np.zeros((2, len(KINDS))),
        *2 * [np.ones(2, int)],
        np.zeros(2),
    )

    told = np.exp(log_ratio(later, curves.usual_shares(), OTHERS))

    assert np.all(np.isfinite(told) & (told > 0))


def test_many_looks_in_one_night_say_about_what_three_say() -> None:
    """A template is off by the same in all looks of a night; real stars had up to 345 of them."""
    few = [FIRST, *((0.6 + hours / 24, R, 19.5 + 0.1 * hours, 21.0) for hours in (0.5, 2.0, 3.5))]
    between = [
        (0.6 + hours / 24, R, 19.5 + 0.1 * hours, 21.0) for hours in np.linspace(0.6, 3.4, 60)
    ]

    assert ratio_of(*sorted([*few, *between])) == pytest.approx(ratio_of(*few), rel=0.05)


def test_looks_of_other_nights_and_bands_all_count() -> None:
    nights = [FIRST, *((0.6 + day, R, 19.5 + 0.6 * day, 23.0) for day in (1, 2, 3, 4))]

    assert ratio_of(*nights) < ratio_of(*nights[:3]) / 5


def test_a_limit_that_would_have_shown_it_lowers_the_ratio_and_a_shallow_one_does_not() -> None:
    before = ratio_of(FIRST, (1.6, R, 20.1, 21.0))

    would_have = ratio_of((0.3, R, NAN, 21.5), FIRST, (1.6, R, 20.1, 21.0))
    shallow = ratio_of((0.3, R, NAN, 17.0), FIRST, (1.6, R, 20.1, 21.0))
    late = ratio_of(FIRST, (1.6, R, 20.1, 21.0), (6.6, R, NAN, 20.0))

    assert would_have < before / 2
    assert shallow == pytest.approx(before, rel=0.05)
    assert late > before / 2


def test_without_a_further_look_nothing_is_said() -> None:
    visits = looks(FIRST)
    members = Members(
        first_of(visits, 1), np.array([MODULUS]), np.array([ERROR]), np.zeros((1, len(BANDS)))
    )

    later = read_later(visits, members, visits.take(np.arange(0)))

    assert later.looks.tolist() == [0]
    assert log_ratio(later, curves.usual_shares(), OTHERS) == pytest.approx([0])


def test_a_limit_of_what_was_never_detected_says_nothing() -> None:
    assert ratio_of((0.6, R, NAN, 21.0), (1.6, R, NAN, 21.0)) == pytest.approx(1)


def test_without_a_distance_the_fading_still_tells() -> None:
    fades = ratio_of(FIRST, (1.6, G, 21.0, 22.0), (2.6, R, 21.3, 22.0), modulus=NAN)
    stays = ratio_of(FIRST, (1.6, G, 19.6, 22.0), (2.6, R, 19.5, 22.0), modulus=NAN)

    assert fades > 1 > stays > 0


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3), st.floats(31, 37))
def test_the_mean_ratio_over_sources_of_the_kinds_is_one(
    seed: int, further: int, modulus: float
) -> None:
    random, n = np.random.default_rng(seed), 20_000
    visits = draw_sources(n, further, random)
    members = Members(
        first_of(visits, n), np.full(n, modulus), np.full(n, 0.5), np.zeros((n, len(BANDS)))
    )

    later = read_later(visits, members, visits.take(np.arange(0)))
    ratio = np.exp(log_ratio(later, curves.usual_shares(), OTHERS))

    assert later.looks.tolist() == [further] * n
    assert ratio.mean() == pytest.approx(1, abs=0.04 + 4 * ratio.std() / np.sqrt(n))


def draw_sources(n: int, further: int, random: np.random.Generator) -> Visits:
    """Sources by the usual shares, first seen at 1 day and 19 mag, looked at each later day."""
    kinds = list(KINDS.values())
    drawn = random.choice(len(kinds), n, p=curves.usual_shares())
    rows, days = np.repeat(np.arange(n), 1 + further), np.tile(np.arange(1.0, further + 2), n)
    magnitude, limit = np.full((n, 1 + further), 19.0), np.full((n, 1 + further), 20.5)
    for number, kind in enumerate(kinds):
        chosen = np.flatnonzero(drawn == number)
        magnitude[chosen, 1:] = draw_looks(kind, len(chosen), further, limit[0, 0], random)
    seen = ~np.isnan(magnitude.ravel())
    return Visits(
        row=rows,
        band=np.full(len(rows), R),
        days=days,
        magnitude=magnitude.ravel(),
        error=np.where(seen, SOFT, NAN),
        limit=limit.ravel(),
        field=np.full(len(rows), -1),
    )


def draw_looks(
    kind: Kind, n: int, further: int, limit: float, random: np.random.Generator
) -> np.ndarray:
    slope = random.choice(kind.slopes, n)[:, None] * np.arange(1, further + 1)
    scatter = random.choice(kind.scatters, n)[:, None]
    spread = np.sqrt(SOFT**2 + LEAST_ERROR**2 + scatter**2 + SOFT**2)
    magnitude = 19.0 + slope + random.normal(0, spread, (n, further))
    magnitude[random.uniform(size=(n, further)) < kind.dark] = np.inf
    odd = random.uniform(size=(n, further)) < kind.odd
    anywhere = 19.0 + RANGE * random.uniform(-0.5, 0.5, (n, further))
    seen = np.where(odd, anywhere, magnitude)
    return np.where(seen > limit, NAN, seen)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_shares_of_the_kinds_are_found(seed: int) -> None:
    n = 2000
    visits = draw_sources(n, 3, np.random.default_rng(seed))
    members = Members(
        first_of(visits, n), np.full(n, 35.0), np.full(n, 0.5), np.zeros((n, len(BANDS)))
    )

    shares = fit_shares(read_later(visits, members, visits.take(np.arange(0))).kinds)

    assert shares.sum() == pytest.approx(1)
    assert shares == pytest.approx(curves.usual_shares(), abs=0.12)


def test_of_no_sources_the_shares_are_the_usual_ones() -> None:
    assert fit_shares(np.zeros((0, len(KINDS)))) == pytest.approx(curves.usual_shares())


def later_of(ranking: Any, name: str = "a") -> dict[str, Any]:
    (place,) = ranking.places.filter(candidate__target__name=name, programs=[])
    return next(term for term in place.read_terms() if term["name"] == "later light")


def again(point: LightCurvePoint, **changed: Any) -> None:
    """Store a point again, with some of its fields changed."""
    new = {f.attname: getattr(point, f.attname) for f in point._meta.fields}
    for generated in ("id", "stored", "xact"):
        new.pop(generated)
    LightCurvePoint.objects.create(**new | changed)
    refresh_summaries([point.target_id])


@pytest.mark.django_db
def test_what_is_told_of_one_exposure_twice_moves_nothing() -> None:
    event = make_event()
    make_target("a")
    match_event(event)
    ranking = rank_event(event)
    for point in LightCurvePoint.objects.filter(kind="alert"):
        again(point, kind="forced", key=f"forced {point.key}")
        again(point, kind="limit", key=f"limit {point.key}", flux=None)

    assert rank_event(event) is None
    term = later_of(ranking)
    assert "seen in 5 of 5 further looks" in term["reason"]
    assert unlike(ranking) == 0


@pytest.mark.django_db
@pytest.mark.parametrize(("magnitude", "is_lower"), [(22.0, True), (14.0, False)])
def test_a_limit_since_the_merger_enters_the_list(magnitude: float, is_lower: bool) -> None:
    event = make_event()
    make_target("a")
    match_event(event)
    before = later_of(rank_event(event))
    point = LightCurvePoint.objects.filter(kind="limit").get()
    fainter = 10 ** (-0.4 * (magnitude - 20.8))
    again(
        point,
        key="later",
        time=MERGER + timedelta(hours=8),
        flux_error=point.flux_error * fainter,
    )

    after = later_of(rank_event(event))

    assert "of 6 further looks" in after["reason"]
    assert (after["log_lr"] < before["log_lr"] - 0.5) == is_lower
