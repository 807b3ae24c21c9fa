"""The host galaxies that surveys tell in their packets: a target's first one stays."""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from django.db import connection

from tom.records.alert import Host, ObjectAlert
from tom.targets.models import Program
from tom.targets.objects import ObjectKey
from tom.targets.sightings import key_of

_LEAST_ERROR: Final = 1e-4
"""Of a redshift whose error nobody tells: 30 km/s."""
KEEP = """
    UPDATE targets_targetsummary s
    SET host_name = n.name, host_distance_mpc = n.mpc, host_distance_error_mpc = n.error_mpc
    FROM unnest(%s::bigint[], %s::text[], %s::float8[], %s::float8[])
        AS n(target_id, name, mpc, error_mpc)
    WHERE s.target_id = n.target_id AND s.host_name = '' AND s.host_distance_mpc IS NULL
"""


def keep_hosts(alerts: Iterable[ObjectAlert], targets: Mapping[ObjectKey, int]) -> int:
    """Keep the hosts that alerts tell of targets that have none; return how many were kept.

    The distance is the luminosity distance in Planck's cosmology of 2018, in Mpc. A host is shown
    to whoever sees the target, so what an alert of a private program tells is not kept.
    """
    told = [alert for alert in alerts if alert.host]
    if not told:
        return 0
    public = set(Program.objects.filter(public=True).values_list("survey", "number"))
    hosts = {
        targets[key_of(alert)]: alert.host
        for alert in told
        if alert.host and (alert.survey, alert.program) in public
    }
    if not hosts:
        return 0
    mpc, error_mpc = _distances(list(hosts.values()))
    names = [_name_of(host) for host in hosts.values()]
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [list(hosts), names, mpc, error_mpc])
        return int(cursor.rowcount)


def _distances(hosts: list[Host]) -> tuple[list[float], list[float]]:
    from astropy.cosmology import Planck18  # slow to import

    redshifts = np.array([host.redshift for host in hosts])
    errors = np.array([host.redshift_error or _LEAST_ERROR for host in hosts])
    least = np.maximum(redshifts - errors, redshifts * 1e-3)
    near, far, here = (
        Planck18.luminosity_distance(each).to_value("Mpc")
        for each in (least, redshifts + errors, redshifts)
    )
    return here.tolist(), ((far - near) / 2).tolist()


def _name_of(host: Host) -> str:
    """What a page calls a galaxy that has no name: where it is, and its redshift."""
    parts = []
    if host.ra is not None and host.dec is not None:
        parts.append(f"{host.ra:.5f} {host.dec:+.5f}")
    elif host.separation_arcsec is not None:
        parts.append(f"at {host.separation_arcsec:.1f} arcsec")
    return ", ".join([*parts, f"z = {host.redshift:.3g}"])
