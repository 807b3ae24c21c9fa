import numpy as np
import pytest

from tom.benchmark.conditions import FILL, draw_conditions
from tom.demo.ephemeris import altitude, equatorial, sun_longitude
from tom.demo.fields import draw_in_field, field_at, field_centre

MERGER = 2461000.9  # in the evening at Greenwich


@pytest.fixture(scope="module")
def fields():
    ra = np.array([30.0, 38.0, 46.0, 54.0])
    return np.unique(field_at(ra, np.full(4, 35.0))[0])


def conditions_of(fields, seed):
    rng = np.random.default_rng(seed)
    return draw_conditions(covered=fields, follow_up=fields, merger_jd=MERGER, rng=rng)


def test_no_exposure_is_by_day_or_low(fields):
    exposures = conditions_of(fields, 1).exposures

    assert np.all(altitude(exposures.jd, *equatorial(sun_longitude(exposures.jd))) < -12)
    assert np.all(altitude(exposures.jd, *field_centre(exposures.field)) > 25)


def test_weather_takes_nights_after_the_merger_too(fields):
    seen = [conditions_of(fields, seed) for seed in range(30)]
    first = [
        np.any((each.exposures.jd > MERGER) & (each.exposures.jd < MERGER + 1)) for each in seen
    ]

    assert 0.05 < 1 - np.mean(first) < 0.55


def test_gaps_take_their_share_of_places(fields):
    conditions, rng = conditions_of(fields, 2), np.random.default_rng(3)
    kept = whole = 0
    for _ in range(400):
        field = int(rng.choice(fields))
        kept += len(conditions.over(*draw_in_field(field, rng)).jd)
        whole += int(np.sum(conditions.exposures.field == field))

    assert kept / whole == pytest.approx(FILL, abs=0.04)


def test_a_wide_map_is_not_covered_in_a_night():
    fields = np.unique(field_at(np.linspace(0, 350, 300), np.full(300, 35.0))[0])
    every = np.unique(np.concatenate([fields + step for step in (-60, -30, 0, 30, 60)]))
    exposures = conditions_of(every, 4).exposures
    night = (exposures.jd > MERGER) & (exposures.jd < MERGER + 1)

    assert len(np.unique(exposures.field[night])) < len(every)
    assert exposures.seconds.max() < 180
