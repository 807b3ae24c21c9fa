"""Check a schedule by other means than those that made it, before anybody uses it.

Positions of the sky, the Sun and the Moon are astropy's. What the fields see is found by looking at
places drawn evenly from the map, and at where each stands from a field's middle.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import astropy.units as u
import numpy as np
from astropy.coordinates import AltAz, EarthLocation, SkyCoord, get_body, get_sun
from astropy.time import Time
from astropy.utils import iers

from tom.planning.schedule import Pointing, Schedule
from tom.planning.telescope import Telescope, reach_deg, shape_of
from tom.planning.wanted import ONCE, Visits
from tom.sky import Shape, SkyMap, radec_of
from tom.sky.arrays import BoolArray, FloatArray, IntArray

PLACES = 50_000
# How far the share of the places may lie from the probability: many times what even places allow.
TOLERANCE = 0.004
MOMENT_S = 0.05
Corners = tuple[tuple[float, float], ...]


def check_schedule(
    schedule: Schedule,
    skymap: SkyMap,
    telescope: Telescope,
    *,
    start: datetime,
    end: datetime,
    most: int | None = None,
    visits: Visits = ONCE,
    weights: FloatArray | None = None,
    covered: Sequence[Mapping[str, Any]] = (),
) -> list[str]:
    """Find what is wrong with a schedule.

    Parameters
    ----------
    start, end, most
        The span and the count that were asked for.
    visits
        How often each field was to be observed, how far apart and in which bands.
    weights
        What each row of the map counts, shape `(n,)`; None: its probability.
    covered
        The fields that count nothing, as a task names them.

    Returns
    -------
    list of str
        A sentence for each fault; empty: it is right.
    """
    pointings = schedule.pointings
    if not pointings:
        return [] if abs(schedule.probability) < TOLERANCE else ["There is no pointing."]
    with (
        iers.conf.set_temp("auto_download", False),
        iers.conf.set_temp("auto_max_age", None),
        iers.conf.set_temp("iers_degraded_accuracy", "ignore"),
    ):
        faults = [
            *_check_times(pointings, telescope, start=start, end=end, most=most),
            *_check_visits(pointings, telescope, visits),
            *_check_sky(pointings, telescope),
        ]
        rows = skymap.probability if weights is None else weights
        return faults + list(_check_probability(schedule, skymap, telescope, rows, covered))


def _check_times(
    pointings: Sequence[Pointing],
    telescope: Telescope,
    *,
    start: datetime,
    end: datetime,
    most: int | None,
) -> Iterator[str]:
    if most is not None and len(pointings) > most:
        yield f"There are {len(pointings)} pointings; {most} were asked for."
    slack = timedelta(seconds=MOMENT_S)
    for each in pointings:
        if each.start < start - slack or each.end > end + slack:
            yield f"Pointing {each.number} lies outside the span."
        length = (each.end - each.start).total_seconds()
        if abs(length - telescope.exposure_s) > MOMENT_S:
            yield f"Pointing {each.number} lasts {length:.1f} s instead of an exposure."
    places = SkyCoord([p.ra for p in pointings] * u.deg, [p.dec for p in pointings] * u.deg)
    apart = places[:-1].separation(places[1:]).deg
    for before, after, angle in zip(pointings, pointings[1:], apart.tolist(), strict=False):
        free = (after.start - before.end).total_seconds()
        move = telescope.settle_s + angle / telescope.slew_deg_s
        change = telescope.filter_change_s if before.band != after.band else 0.0
        if free < -MOMENT_S:
            yield f"Pointing {after.number} begins before {before.number} ends."
        elif free < max(move, telescope.overhead_s, change) - MOMENT_S:
            yield f"The move from {before.number} to {after.number} does not fit."


def _check_visits(
    pointings: Sequence[Pointing], telescope: Telescope, visits: Visits
) -> Iterator[str]:
    """Look at the exposures of each place in the order of their times."""
    bands = visits.bands or (telescope.band,) * visits.n
    of_place: dict[tuple[float, float], list[Pointing]] = {}
    for each in sorted(pointings, key=lambda each: each.start):
        of_place.setdefault((each.ra, each.dec), []).append(each)
    for found in of_place.values():
        first = found[0].number
        if len(found) != visits.n:
            yield f"The field of pointing {first} has {len(found)} visits, not {visits.n}."
        if tuple(each.band for each in found) != bands[: len(found)]:
            yield f"The visits of the field of pointing {first} are in other bands than asked."
        for before, after in pairwise(found):
            apart = (after.start - before.start).total_seconds()
            if apart < visits.apart_s - MOMENT_S:
                yield f"Pointings {before.number} and {after.number} are {apart:.0f} s apart."


def _check_sky(pointings: Sequence[Pointing], telescope: Telescope) -> Iterator[str]:
    """Look at the limits at the start, at the middle and at the end of each exposure."""
    shares = np.array([0.0, 0.5, 1.0])
    begin = np.array([p.start.timestamp() for p in pointings])[:, np.newaxis]
    length = np.array([(p.end - p.start).total_seconds() for p in pointings])[:, np.newaxis]
    time = Time((begin + length * shares).ravel(), format="unix", scale="utc")
    site = telescope.site
    here = EarthLocation.from_geodetic(site.longitude, site.latitude, site.elevation_m)
    frame = AltAz(obstime=time, location=here)
    ra, dec = (np.repeat([getattr(p, name) for p in pointings], 3) for name in ("ra", "dec"))
    field = SkyCoord(ra * u.deg, dec * u.deg).transform_to(frame)
    moon = get_body("moon", time, here).transform_to(frame)
    sun = get_sun(time).transform_to(frame)
    altitude = field.alt.deg
    thick = 1 / (np.sin(np.radians(altitude + 244 / (165 + 47 * np.maximum(altitude, 0) ** 1.1))))
    limits = (
        ("is too low", altitude < telescope.altitude_min_deg),
        ("is too low", (altitude <= 0) | (thick > telescope.airmass_max)),
        ("is not in the dark", sun.alt.deg > telescope.sun_altitude_max_deg),
        (
            "is too near the Moon",
            (field.separation(moon).deg < telescope.moon_separation_min_deg) & (moon.alt.deg > 0),
        ),
    )
    for words, broken in limits:
        for at in np.flatnonzero(broken.reshape(-1, 3).any(axis=1)).tolist():
            yield f"Pointing {pointings[at].number} {words}."


def _check_probability(
    schedule: Schedule,
    skymap: SkyMap,
    telescope: Telescope,
    rows: FloatArray,
    covered: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    ids, total = _draw(skymap, rows)
    ra, dec = radec_of(ids)
    places = SkyCoord(ra * u.deg, dec * u.deg)
    free = np.ones(len(ids), dtype=np.bool_)
    for other in covered:
        at = other["ra"], other["dec"], other["position_angle_deg"]
        free &= ~_in_field(places, shape_of(other["shape"]), *at)
    for each in schedule.pointings:
        at = each.ra, each.dec, telescope.position_angle_deg
        inside = _in_field(places, telescope.field, *at)
        gain = total * float(np.mean(inside & free))
        if abs(gain - each.gain) > TOLERANCE:
            yield f"Pointing {each.number} adds {gain:.4f}, not {each.gain:.4f}."
        free &= ~inside
    seen = sum(each.gain for each in schedule.pointings)
    if abs(seen - schedule.probability) > 1e-9 * len(schedule.pointings) + 1e-9:
        yield f"The pointings' gains sum to {seen:.4f}, not to {schedule.probability:.4f}."
    if schedule.bound < schedule.probability - 1e-9:
        yield "The bound is lower than the probability."


def _draw(skymap: SkyMap, rows: FloatArray) -> tuple[IntArray, float]:
    """Draw places of equal probability along the sky's nested order; and what all rows count."""
    total = float(rows.sum())
    upto = np.cumsum(rows)
    at = (np.arange(PLACES) + 0.5) / PLACES * upto[-1]
    row = np.minimum(np.searchsorted(upto, at, side="right"), len(rows) - 1)
    share = np.clip(1 - (upto[row] - at) / np.where(rows[row] > 0, rows[row], 1), 0, 1 - 1e-9)
    size = (skymap.stop29[row] - skymap.start29[row]).astype(np.float64)
    return skymap.start29[row] + (share * size).astype(np.int64), total


def _in_field(places: SkyCoord, shape: Shape, ra: float, dec: float, angle: float) -> BoolArray:
    """Return which places a field holds, shape `(n,)`; its place and its angle in degrees."""
    inside = np.zeros(len(places), dtype=np.bool_)
    middle = SkyCoord(ra * u.deg, dec * u.deg)
    apart = middle.separation(places)
    near = np.flatnonzero(apart.deg <= min(reach_deg(shape) + 0.01, 89.0))
    if shape.radius_deg:
        return np.asarray(apart.deg <= shape.radius_deg, dtype=np.bool_)
    turned = middle.position_angle(places[near]).rad - np.radians(angle)
    # In the plane that touches the sky at the field's middle, great circles are lines.
    distance = np.tan(apart[near].rad)
    x, y = distance * np.sin(turned), distance * np.cos(turned)
    for polygon in shape.polygons:
        inside[near] |= _in_polygon(x, y, polygon)
    return inside


def _in_polygon(x: FloatArray, y: FloatArray, polygon: Corners) -> BoolArray:
    """Count how often the line from each point to the right crosses the outline: odd is inside."""
    corners = np.asarray(polygon, dtype=np.float64)
    lon, lat = np.radians(corners.T)
    corner_x, corner_y = np.tan(lon), np.tan(lat) / np.cos(lon)
    odd = np.zeros(len(x), dtype=np.bool_)
    for i in range(len(corner_x)):
        x0, y0, x1, y1 = corner_x[i - 1], corner_y[i - 1], corner_x[i], corner_y[i]
        if y0 != y1:
            between = (y0 > y) != (y1 > y)
            odd ^= between & (x < x0 + (y - y0) / (y1 - y0) * (x1 - x0))
    return odd
