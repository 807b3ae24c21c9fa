"""Positions of the Sun and Moon over Palomar, exact enough for a simulated night."""

import numpy as np

from tom.sky.arrays import FloatArray

LATITUDE = 33.3558
LONGITUDE = -116.8597
J2000 = 2451545.0
SYNODIC_MONTH = 29.530589
A_NEW_MOON = 2451550.1  # JD of the new moon of 6 January 2000


def sun_longitude(jd: FloatArray) -> FloatArray:
    """Return the Sun's ecliptic longitude in degrees, good to 0.02 degrees.

    Source: The Astronomical Almanac, low-precision formulae for the Sun (section C).
    """
    days = np.asarray(jd, dtype=float) - J2000
    anomaly = np.deg2rad(357.528 + 0.9856003 * days)
    longitude = 280.460 + 0.9856474 * days + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly)
    return np.asarray(longitude % 360.0)


def equatorial(longitude: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Turn degrees along the ecliptic into right ascension and declination in degrees."""
    obliquity = np.deg2rad(23.439)
    angle = np.deg2rad(longitude)
    ra = np.rad2deg(np.arctan2(np.cos(obliquity) * np.sin(angle), np.cos(angle))) % 360.0
    return ra, np.rad2deg(np.arcsin(np.sin(obliquity) * np.sin(angle)))


def ecliptic_latitude(ra: FloatArray, dec: FloatArray) -> FloatArray:
    """Return the ecliptic latitude in degrees of ICRS positions in degrees."""
    obliquity = np.deg2rad(23.439)
    alpha, delta = np.deg2rad(ra), np.deg2rad(dec)
    height = np.sin(delta) * np.cos(obliquity) - np.cos(delta) * np.sin(obliquity) * np.sin(alpha)
    return np.asarray(np.rad2deg(np.arcsin(height)))


def altitude(jd: FloatArray, ra: FloatArray, dec: FloatArray) -> FloatArray:
    """Return the altitude in degrees above Palomar's horizon; the arguments broadcast."""
    sidereal = 280.46061837 + 360.98564736629 * (np.asarray(jd) - J2000) + LONGITUDE
    hour_angle = np.deg2rad(sidereal - ra)
    delta, phi = np.deg2rad(dec), np.deg2rad(LATITUDE)
    sine = np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.cos(hour_angle)
    return np.asarray(np.rad2deg(np.arcsin(np.clip(sine, -1, 1))))


def moon_age(jd: FloatArray) -> FloatArray:
    """Return the mean phase of the Moon in degrees: 0 new, 180 full."""
    return np.asarray((np.asarray(jd) - A_NEW_MOON) / SYNODIC_MONTH % 1.0 * 360.0)


def moonlight(jd: FloatArray, ra: FloatArray, dec: FloatArray) -> FloatArray:
    """Return how much the Moon disturbs a field, 0 (none) to 1 (full and near).

    The mean Moon on the ecliptic: wrong by up to several degrees, which no limiting
    magnitude notices.
    """
    phase = moon_age(jd)
    moon_ra, moon_dec = equatorial(sun_longitude(jd) + phase)
    lit = (1 - np.cos(np.deg2rad(phase))) / 2
    cosine = np.sin(np.deg2rad(dec)) * np.sin(np.deg2rad(moon_dec)) + np.cos(
        np.deg2rad(dec)
    ) * np.cos(np.deg2rad(moon_dec)) * np.cos(np.deg2rad(ra - moon_ra))
    nearness = 0.4 + 0.6 * (1 + cosine) / 2
    return np.asarray(np.where(altitude(jd, moon_ra, moon_dec) > 0, lit**1.5 * nearness, 0.0))
