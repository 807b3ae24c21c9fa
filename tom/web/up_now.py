"""Which candidates can be observed now, and from which sites."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import reduce
from operator import or_

import numpy as np
from django.db.models import Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cos, Radians, Sin
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual
from tom_targets.base_models import BaseTarget

from tom.followup.sites import site_named
from tom.sky import PresentSky, observable_now, present_sky
from tom.web.known import Figure, place_of
from tom.web.visibility import constraints_of, instruments_by_site

ANYWHERE = "any"


def find_up(asked: str, programs: Collection[int], *, now: datetime) -> Q:
    """Candidates that can be observed now from the site asked for, or from any.

    By positions as a reader of these programs knows them. Another word asks for nothing.
    """
    sites = instruments_by_site()
    if asked in sites:
        sites = {asked: sites[asked]}
    elif asked != ANYWHERE:
        return Q()
    ra, dec = (place_of(name, "target", programs) for name in ("ra", "dec"))
    found = [
        _is_in(sky, ra, dec)
        for site, instrument in sites.items()
        if (sky := present_sky(site_named(site), when=now, constraints=constraints_of(instrument)))
    ]
    return reduce(or_, found) if found else Q(pk__in=[])


def sites_up(targets: Iterable[BaseTarget], *, now: datetime) -> Mapping[int, list[str]]:
    """The sites from which each of these targets can be observed now, by the target's key."""
    placed = [row for row in targets if row.ra is not None and row.dec is not None]
    up: dict[int, list[str]] = {row.pk: [] for row in placed}
    if not placed:
        return up
    ra, dec = np.array([(row.ra, row.dec) for row in placed], dtype=np.float64).T
    for site, instrument in instruments_by_site().items():
        limits = constraints_of(instrument)
        night = observable_now(site_named(site), ra=ra, dec=dec, when=now, constraints=limits)
        for at in np.flatnonzero(night.observable[:, 0]):
            up[placed[at].pk].append(site)
    return up


def _is_in(sky: PresentSky, ra: Figure, dec: Figure) -> Q:
    height = _cosine(ra, dec, sky.zenith_ra, sky.zenith_dec)
    holds = Q(GreaterThanOrEqual(height, float(np.sin(np.radians(sky.altitude_min_deg)))))
    if sky.hour_angle_max_deg < 180:
        hours = Cos(Radians(ra - Value(sky.zenith_ra)))
        holds &= Q(GreaterThanOrEqual(hours, float(np.cos(np.radians(sky.hour_angle_max_deg)))))
    if sky.moon is not None:
        to_moon = float(np.cos(np.radians(sky.moon_separation_min_deg)))
        holds &= Q(LessThanOrEqual(_cosine(ra, dec, *sky.moon), to_moon))
    return holds


def _cosine(ra: Figure, dec: Figure, to_ra: float, to_dec: float) -> Combinable:
    """The cosine of the angle between a target and a place, degrees."""
    sine, cosine = float(np.sin(np.radians(to_dec))), float(np.cos(np.radians(to_dec)))
    along = Cos(Radians(ra - Value(to_ra)))
    return Sin(Radians(dec)) * Value(sine) + Cos(Radians(dec)) * Value(cosine) * along
