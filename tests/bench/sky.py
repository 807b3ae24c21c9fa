"""A sky map of 19,200 rows against a million targets; visibility of a thousand."""

from datetime import UTC, datetime

import numpy as np
from django.db import connection, transaction

from tests.bench.measure import median_ms, timed
from tom.candidates.services import match_event
from tom.demo.localization import draw_arcs, make_skymap
from tom.demo.packets import to_jd
from tom.events.localizations import chosen_localization, skymap_of
from tom.events.locks import change_events
from tom.events.models import NonLocalizedEvent
from tom.sky import (
    Site,
    SkyMap,
    altitudes,
    credible_levels,
    credible_ranges,
    healpix29,
    levels_2d,
    levels_3d,
    mjd_of,
    observable_tonight,
    pack,
    unpack,
)
from tom.sky.arrays import FloatArray, IntArray
from tom.strategies.services import strategy_of
from tom.targets.models import TargetSummary

WHEN = datetime(2026, 11, 20, 4, tzinfo=UTC)
DAY_MINUTES, STEP_MINUTES = 1440, 10
TIMES = 5


def draw_places(n: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Draw directions all over the sky, ICRS degrees."""
    return rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))


def measure_in_memory(n: int, rng: np.random.Generator) -> dict[str, float]:
    """Find the credible levels of n targets in numpy, the map new to the process each time."""
    packed = pack(make_skymap(draw_arcs(to_jd(WHEN), rng)[1]))
    ids = healpix29(*draw_places(n, rng))
    distance = rng.uniform(1, 300, n)

    def fresh() -> SkyMap:
        return unpack(packed)  # what is kept of a map is kept by the map itself

    return {
        "rows": fresh().n,
        "targets": n,
        "level_of_every_row_ms": median_ms(lambda: credible_levels(fresh()), times=TIMES),
        "levels_2d_ms": median_ms(lambda: levels_2d(fresh(), ids), times=TIMES),
        "levels_3d_ms": median_ms(lambda: levels_3d(fresh(), ids, distance), times=TIMES),
        "levels_3d_with_errors_ms": median_ms(
            lambda: levels_3d(fresh(), ids[: n // 100], distance[: n // 100], 5.0), times=1
        ),
    }


def measure_in_database(event: NonLocalizedEvent) -> dict[str, object]:
    """Find an event's candidates among all targets: by the index, by numpy, and stored."""
    chosen = chosen_localization(event)
    assert chosen is not None
    skymap, level = skymap_of(chosen.localization_id), strategy_of(event).level_stored
    with timed() as fetched:
        ids = _every_place()
        inside = int((levels_2d(skymap, ids) <= level).sum())
    return {
        "rows": skymap.n,
        "targets": len(ids),
        "ranges": len(credible_ranges(skymap, level)),
        "inside": inside,
        "candidates": event.candidates.count(),
        "match_event_ms": median_ms(lambda: _match(event), times=TIMES),
        "fetch_all_and_levels_2d_ms": round(1000 * fetched.seconds, 1),
    }


@transaction.atomic
def _match(event: NonLocalizedEvent) -> None:
    change_events()
    match_event(event)


def _every_place() -> IntArray:
    with connection.cursor() as cursor:
        cursor.execute(TargetSummary.objects.values("healpix29").query.sql_with_params()[0])
        return np.fromiter((row[0] for row in cursor), np.int64)


def measure_visibility(n_targets: int, n_sites: int, rng: np.random.Generator) -> dict[str, float]:
    """Find the altitude at each site through 24 hours, and whole nights with Sun and Moon."""
    ra, dec = draw_places(n_targets, rng)
    sites = [
        Site(f"site {i}", float(lat), float(lon))
        for i, (lon, lat) in enumerate(zip(*draw_places(n_sites, rng), strict=True))
    ]
    mjd = mjd_of(WHEN) + np.arange(0, DAY_MINUTES, STEP_MINUTES) / DAY_MINUTES
    return {
        "targets": n_targets,
        "sites": n_sites,
        "times": len(mjd),
        "altitudes_ms": median_ms(lambda: altitudes(sites, ra=ra, dec=dec, mjd=mjd), times=TIMES),
        "observable_tonight_ms": median_ms(
            lambda: [observable_tonight(site, ra=ra, dec=dec, when=WHEN) for site in sites],
            times=TIMES,
        ),
    }
