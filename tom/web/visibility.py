"""Where a target is up tonight: the plot and the table of pages."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from django.utils.safestring import SafeString
from tom_targets.base_models import BaseTarget

from tom.followup.facilities.contract import Instrument
from tom.followup.services import available_facilities
from tom.followup.sites import site_named
from tom.sky.visibility import (
    TWILIGHT_DEG,
    Constraints,
    Night,
    datetime_of,
    observable_now,
    observable_tonight,
)
from tom.web.plots.airmass import COLOURS, draw_altitude


@dataclass(frozen=True)
class SiteTonight:
    """One site's line: whether the target is up now, for how long, and when best (UTC)."""

    site: str
    colour: int
    is_up: bool
    why_not: str
    hours: float
    why_none: str  # where the hours are 0
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


@dataclass(frozen=True)
class Limits:
    """The limits within which a target shall be observed, and the time."""

    airmass_max: float = 2.0
    moon_min_deg: float = 20.0
    start: datetime | None = None
    end: datetime | None = None


def instruments_by_site() -> dict[str, Instrument]:
    """The first instrument of every site of the configured facilities."""
    instruments: dict[str, Instrument] = {}
    for facility in available_facilities().values():
        for instrument in facility.instruments():
            for site in instrument.sites:
                instruments.setdefault(site, instrument)
    return instruments


def constraints_of(instrument: Instrument, limits: Limits | None = None) -> Constraints:
    """What makes a target observable with an instrument, within the limits of a form."""
    asked = limits or Limits()
    return Constraints(
        airmass_max=asked.airmass_max,
        moon_separation_min_deg=asked.moon_min_deg,
        altitude_min_deg=instrument.altitude_min_deg,
        hour_angle_max_hours=instrument.hour_angle_max_hours,
    )


def tonight_at_sites(target: BaseTarget, now: datetime) -> Nights:
    """Every site of the configured facilities, each with the limits of its first instrument."""
    return _nights(target, instruments_by_site(), now, Limits())


def tonight_for(
    target: BaseTarget, instrument: Instrument, now: datetime, limits: Limits
) -> Nights:
    """The sites of one instrument, within the limits of a form."""
    return _nights(target, dict.fromkeys(instrument.sites, instrument), now, limits)


def _nights(
    target: BaseTarget, instruments: Mapping[str, Instrument], now: datetime, limits: Limits
) -> Nights:
    ra, dec = position_of(target)
    begin = max(now, limits.start or now)
    is_over = limits.end is not None and limits.end <= now
    nights, rows = [], []
    for number, (name, instrument) in enumerate(instruments.items()):
        constraints = constraints_of(instrument, limits)
        site = site_named(name)
        night = observable_tonight(
            site, ra=ra, dec=dec, when=begin, until=limits.end, constraints=constraints
        )
        present = observable_now(site, ra=ra, dec=dec, when=now, constraints=constraints)
        nights.append(night)
        row = _row(night, present, number % COLOURS)
        rows.append(replace(row, why_none="the window has ended") if is_over else row)
    return Nights(rows, draw_altitude(nights, now=now))


def _row(night: Night, present: Night, colour: int) -> SiteTonight:
    best_mjd = float(night.best_mjd[0])
    best = int(np.argmin(np.abs(night.mjd - best_mjd))) if np.isfinite(best_mjd) else None
    return SiteTonight(
        site=night.site.name,
        colour=colour,
        is_up=bool(present.observable[0, 0]),
        why_not=_why_not(present),
        hours=float(night.hours[0]),
        why_none=_why_not(night),
        best=None if best is None else datetime_of(best_mjd),
        airmass=None if best is None else float(night.airmass[0, best]),
        moon_deg=float(
            present.moon_separation_deg[0, 0]
            if best is None
            else night.moon_separation_deg[0, best]
        ),
    )


def _why_not(night: Night) -> str:
    """Say what keeps the target from being observed at any of the night's times."""
    match night.limit():
        case "window" | "dark":
            darkest = night.sun_altitude_deg.min()
            if len(night.mjd) > 1:
                return "no dark time is left"
            return "daylight" if darkest > 0 else "twilight"
        case "high":
            dark = night.sun_altitude_deg <= TWILIGHT_DEG
            highest = night.altitude_deg[0, dark].max()
            return "below the horizon" if highest <= 0 else "too low"
        case "hour angle":
            return "too far from the meridian"
        case "moon":
            return "too near the Moon"
        case _:
            return ""
