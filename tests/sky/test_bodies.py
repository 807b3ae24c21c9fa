"""The Sun and the Moon on the map, against astropy's."""

import numpy as np
import pytest
from astropy.coordinates import get_body
from astropy.time import Time

from tom.sky import separation_arcsec
from tom.sky.bodies import sun_and_moon

ARCMIN = 60


@pytest.mark.parametrize("mjd", [57982.52, 60310.0, 61365.3])
def test_they_stand_where_astropy_says_seen_from_the_middle_of_the_earth(mjd) -> None:
    found = sun_and_moon(mjd)

    for name, place in (("sun", found.sun), ("moon", found.moon)):
        body = get_body(name, Time(mjd, format="mjd"))
        # Astropy's positions have the aberration, 20 arcsec, in them.
        there = body.gcrs.ra.deg, body.gcrs.dec.deg
        assert separation_arcsec(*place, *there) < ARCMIN, name


def test_the_full_moon_is_lit_and_the_new_moon_is_not() -> None:
    full, new = 60334.75, 60320.50  # 25 and 11 January 2024

    assert sun_and_moon(full).moon_illumination > 0.99
    assert sun_and_moon(new).moon_illumination < 0.01
    assert np.isfinite(sun_and_moon(new).moon).all()
