"""What a survey alert holds once parsed: positions in ICRS degrees, times in UTC, fluxes in nJy."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

AB_ZERO_POINT_NJY = 31.4
"""AB magnitude of 1 nJy: m = 31.4 - 2.5 log10(F / nJy)."""
NAMELESS = "~"
"""How the key of a point begins whose teller left the survey's own id out.

Such a point is the survey's own one of its target, kind and band within `SAME_EPOCH`.
"""
SAME_EPOCH = timedelta(milliseconds=100)
"""How far apart two tellers may put one exposure: no survey takes two so close together."""


class PointKind(StrEnum):
    """How a light curve point came to be."""

    ALERT = "alert"
    LIMIT = "limit"
    FORCED = "forced"


@dataclass(frozen=True, slots=True)
class Point:
    """One epoch of a light curve.

    Attributes
    ----------
    kind
        An alert's own detection, an upper limit, or photometry forced at the position.
    key
        The survey's identity of the measurement, never a measured value.
    time
        Middle of the exposure, aware, UTC.
    band
        Its name in the survey, as the survey declares it.
    flux_njy
        Difference flux in nJy, signed (negative: fainter than the reference); NaN for a limit.
    flux_error_njy
        One sigma in nJy; for a limit a fifth of the 5 sigma limiting flux.
    program
        Number of the survey's program that took the exposure.
    magnitude_limit
        5 sigma limiting AB magnitude of the exposure, from its global noise.
    is_trigger
        Whether this is the detection the alert is about. Its copy is preferred to a later one
        from an alert's history, whose magnitudes are rounded.
    real_bogus
        The survey's own real-bogus score of this detection, 0 to 1, or None.
    is_at_peak
        Whether its source had no centre, so that the flux was measured at the brightest pixel.
    """

    kind: PointKind
    key: str
    time: datetime
    band: str
    flux_njy: float
    flux_error_njy: float
    program: int
    magnitude_limit: float | None = None
    is_trigger: bool = False
    real_bogus: float | None = None
    is_at_peak: bool = False

    @property
    def signal_to_noise(self) -> float:
        """Signed flux over its error; NaN for a limit."""
        return self.flux_njy / self.flux_error_njy

    @property
    def merit(self) -> tuple[object, ...]:
        """What decides which of two copies of a point is kept: the greater.

        A trigger's own copy comes before the rounded one of a later alert's history. Of two that
        differ besides, which came first is of no account.
        """
        flux = -math.inf if math.isnan(self.flux_njy) else self.flux_njy
        real_bogus = -math.inf if self.real_bogus is None else self.real_bogus
        return (self.is_trigger, self.time, flux, self.flux_error_njy, real_bogus)


@dataclass(frozen=True, slots=True)
class NearbyStar:
    """The nearest Pan-STARRS source within 30 arcsec: a star where the score is near 1."""

    separation_arcsec: float
    star_galaxy_score: float | None  # 0 galaxy, 1 star, 0.5 not known
    magnitudes: Mapping[str, float] = field(default_factory=dict)  # AB, by band (g, r, i, z)


@dataclass(frozen=True, slots=True)
class ReferenceSource:
    """The nearest source in the survey's own reference image."""

    separation_arcsec: float
    magnitude: float | None


@dataclass(frozen=True, slots=True)
class SolarSystemMatch:
    """A known minor planet near the position at the time of the exposure."""

    name: str
    separation_arcsec: float | None
    magnitude: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The galaxy that a survey takes an object to belong to.

    `redshift` is above 0; its error is one sigma, or None. `ra` and `dec` are ICRS degrees, or
    both None, and `separation_arcsec` the distance to the object, or None.
    """

    redshift: float
    redshift_error: float | None = None
    ra: float | None = None
    dec: float | None = None
    separation_arcsec: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateChange:
    """A moment from which images are subtracted from another template: the zero of a band moves.

    `time` is that of the first point on the new one, aware, UTC. `before_njy` and `after_njy` are
    the flux of either template at the object's place: differences of one fall by what it rose.
    """

    band: str
    time: datetime
    before_njy: float
    after_njy: float
    program: int


@dataclass(frozen=True, slots=True)
class ObjectAlert:
    """One survey alert: the detection that caused it, its history and its surroundings.

    Attributes
    ----------
    survey, object_id, alert_id
        The alert's identity. Ids are strings, since they exceed 2**53.
    time
        Middle of the exposure of the triggering detection, aware, UTC.
    ra, dec
        ICRS degrees.
    points
        Trigger, history, limits and forced photometry, one per key, in order of time. Where only
        the new part of a history was read, the trigger and that part.
    history
        Digests of the entries of its history that need no reading again once its points are
        stored (`tom.formats.entries`); none where they cannot be told.
    program
        Number of the survey's program of the trigger.
    is_by_hand
        Whether a person brought it: then it says nothing of the surroundings.
    is_retold
        Whether a broker tells the light curve without the survey's packet: then, too.
    other_names
        What others call the object, where its survey says so: a target with one of them is it.
    history_start
        When the survey says that it first saw something here, or None.
    first_seen
        Earliest of the survey's own start of history, the detections in `points` and positive
        forced photometry of at least 5 sigma. Limits do not count.
    magnitude
        AB magnitude of the size of the trigger's difference flux; its sign is `is_positive`.
    scores, score_versions
        The alert's own scores, 0 to 1, absent ones left out, and their versions.
    n_detections
        How often the survey saw something at this place, or None.
    gaia_separation_arcsec
        Separation of the nearest Gaia source, or None where there is none.
    cutouts
        Gzipped FITS stamps by `science`, `template` and `difference`; absent ones left out.
    template_changes
        From when on the points of a band rest on another template.
    host
        The galaxy that the survey takes it to belong to, or None.
    withdrawn
        The kind and key of each point that the survey has marked as invalid.
    cutout_middle
        Column and row of the source in the stamps, from 0, where the detector's edge cut them;
        None where it did not.
    """

    survey: str
    object_id: str
    alert_id: str
    time: datetime
    ra: float
    dec: float
    points: tuple[Point, ...]
    program: int
    first_seen: datetime
    magnitude: float
    is_positive: bool
    schema_version: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    score_versions: Mapping[str, str] = field(default_factory=dict)
    history_start: datetime | None = None
    other_names: tuple[str, ...] = ()
    is_by_hand: bool = False
    is_retold: bool = False
    star: NearbyStar | None = None
    reference: ReferenceSource | None = None
    solar_system: SolarSystemMatch | None = None
    n_detections: int | None = None
    gaia_separation_arcsec: float | None = None
    cutouts: Mapping[str, bytes] = field(default_factory=dict)
    cutout_middle: tuple[float, float] | None = None
    template_changes: tuple[TemplateChange, ...] = ()
    host: Host | None = None
    withdrawn: tuple[tuple[PointKind, str], ...] = ()
    history: frozenset[bytes] = frozenset()

    @property
    def trigger(self) -> Point:
        """The detection that caused the alert."""
        return next(point for point in self.points if point.is_trigger)


def keep_best(points: Iterable[Point]) -> tuple[Point, ...]:
    """Keep the best copy of each point, in order of time."""
    best: dict[tuple[PointKind, str], Point] = {}
    for point in points:
        identity = (point.kind, point.key)
        other = best.get(identity)
        if other is None or other.merit < point.merit:
            best[identity] = point
    return tuple(sorted(best.values(), key=lambda point: (point.time, point.kind, point.key)))


def nameless_key(band: str, time: datetime) -> str:
    """Return the key of a point without an id: its band and its time, UTC, in milliseconds."""
    return f"{NAMELESS}{band}{time.timestamp() * 1000:.0f}"


def flux_of_magnitude(magnitude: float) -> float:
    """Convert an AB magnitude to a flux in nJy.

    Raises
    ------
    OverflowError
        If the magnitude is so bright that its flux is not a finite number.
    """
    return math.pow(10.0, 0.4 * (AB_ZERO_POINT_NJY - magnitude))
