"""The detection that a survey alert is about, as far as it decides whether the alert is kept."""

from dataclasses import dataclass
from datetime import datetime


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
