"""The detection that a survey alert is about, as far as it decides whether the alert is kept."""

from dataclasses import dataclass
from datetime import datetime

from tom.records.alert import ObjectAlert


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What every survey says of a trigger, in units that they share.

    Attributes
    ----------
    survey, object_id, alert_id
        As the alert's own record has them.
    time
        Middle of the exposure, aware, UTC.
    ra, dec
        ICRS, degrees.
    band
        Its name in the survey.
    flux_njy
        Difference flux in nJy, signed (negative: fainter than the reference).
    program
        Number of the survey's program that took the exposure.
    reliability
        The survey's own score that it is real, 0 to 1; None where it gives none.
    is_solar_system
        Whether the survey matched it with a known object of the Solar System.
    """

    survey: str
    object_id: str
    alert_id: str
    time: datetime
    ra: float
    dec: float
    band: str
    flux_njy: float
    program: int
    reliability: float | None
    is_solar_system: bool


def trigger_of(alert: ObjectAlert) -> Trigger:
    """Return what an alert is about: of a light curve that a broker tells, its newest detection."""
    point = max(alert.points, key=lambda point: (point.is_trigger, point.key == alert.alert_id))
    scores = [alert.scores.get(name) for name in ("reliability", "drb", "rb")]
    return Trigger(
        survey=alert.survey,
        object_id=alert.object_id,
        alert_id=alert.alert_id,
        time=alert.time,
        ra=alert.ra,
        dec=alert.dec,
        band=point.band,
        flux_njy=point.flux_njy,
        program=alert.program,
        reliability=next((each for each in scores if each is not None), point.real_bogus),
        is_solar_system=alert.solar_system is not None,
    )
