"""Where the Sun and the Moon are."""

from typing import NamedTuple

import erfa
import numpy as np

from tom.sky.arrays import FloatArray

MJD_ZERO = 2400000.5
TT_MINUS_UTC_DAYS = 69.184 / 86400
EARTH_RADIUS_AU = 6378.137 / 149597870.7


class SunMoon(NamedTuple):
    """The Sun and the Moon as seen from the Earth's centre: ICRS degrees, right ascension first.

    `moon_illumination` is the share of its disk that is lit, 0 to 1. From a site the Moon stands up
    to a degree off.
    """

    sun: tuple[float, float]
    moon: tuple[float, float]
    moon_illumination: float


def sun_and_moon(mjd: float) -> SunMoon:
    """Find the Sun and the Moon at a moment, MJD UTC."""
    times = np.array([mjd])
    sun, moon = sun_vectors(times), moon_vectors(times)
    lit = float((1 - np.sum(sun * moon)) / 2)
    (sun_ra, sun_dec), (moon_ra, moon_dec) = radec_of_rows(sun), radec_of_rows(moon)
    return SunMoon(
        sun=(float(sun_ra[0]), float(sun_dec[0])),
        moon=(float(moon_ra[0]), float(moon_dec[0])),
        moon_illumination=lit,
    )


def sun_vectors(mjd: FloatArray) -> FloatArray:
    """Return unit vectors to the Sun at moments in MJD UTC, shape `(t, 3)`."""
    heliocentric, _ = erfa.epv00(MJD_ZERO, mjd + TT_MINUS_UTC_DAYS)
    return _normalized(-heliocentric["p"])


def moon_vectors(mjd: FloatArray, zenith: FloatArray | None = None) -> FloatArray:
    """Return unit vectors to the Moon at moments in MJD UTC, shape `(t, 3)`.

    Seen from the site that has these zeniths, unit vectors of shape `(t, 3)`: the parallax reaches
    a degree. None: from the Earth's centre.
    """
    geocentric = erfa.moon98(MJD_ZERO, mjd + TT_MINUS_UTC_DAYS)["p"]
    here = 0.0 if zenith is None else EARTH_RADIUS_AU * zenith
    return _normalized(geocentric - here)


def radec_of_rows(vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Turn unit vectors of shape `(t, 3)` into ICRS degrees, each of shape `(t,)`."""
    x, y, z = vectors.T
    return np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arcsin(z))


def _normalized(vectors: FloatArray) -> FloatArray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), dtype=np.float64)
