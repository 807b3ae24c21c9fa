"""Where a target is up tonight: the plot and the table of pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.utils.safestring import SafeString
from tom_targets.base_models import BaseTarget

from tom.followup.facilities.contract import Instrument
from tom.followup.services import available_facilities
from tom.followup.sites import SITES
from tom.sky.visibility import Night, Site, datetime_of, mjd_of, observable_tonight
from tom.web.plots.airmass import COLOURS, draw_altitude

DARK_DEG = -12.0


@dataclass(frozen=True)
class SiteTonight:
    """One site's line: whether the target is up now, for how long, and when best (UTC)."""

    site: str
    colour: int
    is_up: bool
    why_not: str
    hours: float
    best: datetime | None
    airmass: float | None
    moon_deg: float


@dataclass(frozen=True)
class Nights:
    """The sites of a page."""

    rows: list[SiteTonight]
    plot: SafeString


def position_of(target: BaseTarget) -> tuple[float, float]:
    """Where a target is, ICRS degrees.

    Raises
    ------
    ValueError
        If it has no fixed position; targets with a summary of ours do.
    """
    if target.ra is None or target.dec is None:
        message = f"{target.name} has no fixed position"
        raise ValueError(message)
    return target.ra, target.dec


def tonight_at_sites(target: BaseTarget, now: datetime) -> Nights:
    """Every site of the configured facilities."""
    names = dict.fromkeys(
        site
        for facility in available_facilities().values()
        for instrument in facility.instruments()
        for site in instrument.sites
    )
    return _nights(target, names, now)


def tonight_for(target: BaseTarget, instrument: Instrument, now: datetime) -> Nights:
    """The sites of one instrument."""
    return _nights(target, instrument.sites, now)


def _nights(target: BaseTarget, names: Iterable[str], now: datetime) -> Nights:
    if target.ra is None or target.dec is None:
        return Nights([], SafeString(""))
    sites: list[Site] = [SITES[name] for name in names]
    ra, dec = position_of(target)
    nights = [observable_tonight(site, ra=ra, dec=dec, when=now) for site in sites]
    rows = [_row(night, number % COLOURS, now) for number, night in enumerate(nights)]
    return Nights(rows, draw_altitude(nights, now=now))


def _row(night: Night, colour: int, now: datetime) -> SiteTonight:
    at = min(int(np.searchsorted(night.mjd, mjd_of(now))), len(night.mjd) - 1)
    best_mjd = float(night.best_mjd[0])
    best = int(np.argmin(np.abs(night.mjd - best_mjd))) if np.isfinite(best_mjd) else None
    is_up = bool(night.observable[0, at]) and abs(night.mjd[at] - mjd_of(now)) < 1 / 24
    return SiteTonight(
        site=night.site.name,
        colour=colour,
        is_up=is_up,
        why_not="" if is_up else _why_not(night, at),
        hours=float(night.hours[0]),
        best=None if best is None else datetime_of(best_mjd),
        airmass=None if best is None else float(night.airmass[0, best]),
        moon_deg=float(night.moon_separation_deg[0, at if best is None else best]),
    )


def _why_not(night: Night, at: int) -> str:
    if night.altitude_deg[0, at] <= 0:
        return "below the horizon"
    if night.sun_altitude_deg[at] > DARK_DEG:
        return "daylight" if night.sun_altitude_deg[at] > 0 else "twilight"
    return "too low" if night.altitude_deg[0, at] < 30 else "too near the Moon"
