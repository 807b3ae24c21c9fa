"""Where a target is: the place that its earliest alert gives, with what is known of it there."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import numpy as np
from django.conf import settings
from django.db import connection

from tom.records.alert import ObjectAlert
from tom.sky import galactic, healpix29, milky_way_ebv
from tom.sky.extinction import EbvMap, read_ebv_map
from tom.targets.copy import Table, copy_rows

DIGITS = 9
PLACE = {
    "ra": "float8",
    "dec": "float8",
    "position_time": "timestamptz",
    "position_alert": "text",
    "galactic_lng": "float8",
    "galactic_lat": "float8",
    "healpix29": "bigint",
    "ebv": "float8",
    "ebv_error": "float8",
}
MOVED_TARGETS = Table("moved_targets", {"target_id": "bigint", **PLACE})


def earliest(alerts: Iterable[ObjectAlert]) -> ObjectAlert:
    """The alert whose position counts: whichever comes first, the place is the same."""
    return min(alerts, key=lambda alert: (alert.time, alert.alert_id))


def place_rows(alerts: Sequence[ObjectAlert]) -> list[tuple[object, ...]]:
    """Return the columns of `PLACE` of each alert."""
    ra = [alert.ra for alert in alerts]
    dec = [alert.dec for alert in alerts]
    longitude, latitude = galactic(ra, dec)
    ebv, ebv_error = milky_way_ebv(ra, dec, dust=dust_map())
    # The last bits follow the size of the array: without them a place is the same in any batch.
    figures = [np.round(values, DIGITS) for values in (longitude, latitude, ebv, ebv_error)]
    longitude, latitude, ebv, ebv_error = figures
    sky = [values.tolist() for values in (longitude, latitude, healpix29(ra, dec), ebv, ebv_error)]
    return [
        (alert.ra, alert.dec, alert.time, alert.alert_id, *place)
        for alert, *place in zip(alerts, *sky, strict=True)
    ]


def figures_at(ra: float, dec: float) -> dict[str, float]:
    """Return what is known of a place: its HEALPix id, its reddening and its galactic angles."""
    longitude, latitude = galactic(ra, dec)
    ebv, ebv_error = milky_way_ebv(ra, dec, dust=dust_map())
    figures = {
        "galactic_lng": longitude,
        "galactic_lat": latitude,
        "ebv": ebv,
        "ebv_error": ebv_error,
    }
    rounded = {name: round(float(value), DIGITS) for name, value in figures.items()}
    return rounded | {"healpix29": int(healpix29(ra, dec))}


def move_audiences(alerts: Mapping[int, ObjectAlert]) -> None:
    """Put audiences' summaries, by their keys, where these alerts saw the target."""
    if not alerts:
        return
    rows = place_rows(list(alerts.values()))
    with connection.cursor() as cursor:
        moved = ((pk, *row) for pk, row in zip(alerts, rows, strict=True))
        copy_rows(cursor, MOVED_TARGETS, moved)
        cursor.execute(
            """
            UPDATE targets_audiencesummary s
            SET ra = m.ra, dec = m.dec, position_time = m.position_time,
                position_alert = m.position_alert, healpix29 = m.healpix29, ebv = m.ebv,
                ebv_error = m.ebv_error
            FROM moved_targets m WHERE s.id = m.target_id
            """
        )


def move_targets(alerts: Mapping[int, ObjectAlert]) -> None:
    """Put targets, by their ids, where these alerts saw them."""
    if not alerts:
        return
    rows = place_rows(list(alerts.values()))
    with connection.cursor() as cursor:
        copy_rows(cursor, MOVED_TARGETS, ((pk, *row) for pk, row in zip(alerts, rows, strict=True)))
        cursor.execute(
            """
            UPDATE tom_targets_basetarget t
            SET ra = m.ra, dec = m.dec, galactic_lng = m.galactic_lng, galactic_lat = m.galactic_lat
            FROM moved_targets m WHERE t.id = m.target_id
            """
        )
        cursor.execute(
            """
            UPDATE targets_targetsummary s
            SET position_time = m.position_time, position_alert = m.position_alert,
                healpix29 = m.healpix29, ebv = m.ebv, ebv_error = m.ebv_error
            FROM moved_targets m WHERE s.target_id = m.target_id
            """
        )


@cache
def dust_map() -> EbvMap | None:
    """The observatory's map of E(B-V), read once; None: there is none."""
    return read_ebv_map(settings.EBV_MAP) if settings.EBV_MAP else None
