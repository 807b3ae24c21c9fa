"""The dark span of the coming night at a site."""

from datetime import datetime, timedelta

import numpy as np

from tom.sky import Site, datetime_of, mjd_of, sun_altitude

STEP_MINUTES = 5
HOURS_AHEAD = 36


def next_dark(
    site: Site, *, now: datetime, sun_altitude_max_deg: float
) -> tuple[datetime, datetime] | None:
    """Find the dark span that is under way or comes next; None: it does not get dark in time."""
    mjd = mjd_of(now) + np.arange(0, HOURS_AHEAD * 60, STEP_MINUTES) / 1440
    dark = sun_altitude(site, mjd) <= sun_altitude_max_deg
    if not dark.any():
        return None
    first = int(np.argmax(dark))
    light = np.flatnonzero(~dark[first:])
    last = first + (int(light[0]) if len(light) else len(dark) - first) - 1
    begin, end = (
        datetime_of(float(mjd[at])).replace(second=0, microsecond=0) for at in (first, last)
    )
    if end - begin < timedelta(minutes=STEP_MINUTES):
        return None
    return begin, end
