"""Alerts as the parser returns them, for tests of what is stored."""

from datetime import UTC, datetime, timedelta

from tom.records.alert import (
    NearbyStar,
    ObjectAlert,
    Point,
    PointKind,
    SolarSystemMatch,
    flux_of_magnitude,
)

NIGHT = datetime(2026, 11, 1, 4, 0, tzinfo=UTC)


def make_point(
    key: str,
    *,
    days: float = 0.0,
    magnitude: float = 19.0,
    band: str = "g",
    positive: bool = True,
    trigger: bool = False,
    program: int = 1,
    snr: float = 20.0,
) -> Point:
    """Make a detection."""
    flux = flux_of_magnitude(magnitude) * (1 if positive else -1)
    return Point(
        kind=PointKind.ALERT,
        key=key,
        time=NIGHT + timedelta(days=days),
        band=band,
        flux_njy=flux,
        flux_error_njy=abs(flux) / snr,
        program=program,
        is_trigger=trigger,
        real_bogus=0.9,
    )


def make_limit(key: str, *, days: float = -1.0, magnitude: float = 20.5, program: int = 1) -> Point:
    """Make an upper limit."""
    return Point(
        kind=PointKind.LIMIT,
        key=key,
        time=NIGHT + timedelta(days=days),
        band="g",
        flux_njy=float("nan"),
        flux_error_njy=flux_of_magnitude(magnitude) / 5,
        program=program,
        magnitude_limit=magnitude,
    )


def make_alert(
    object_id: str = "ZTF26aaaaaaa",
    *points: Point,
    ra: float = 150.0,
    dec: float = 2.0,
    program: int = 1,
) -> ObjectAlert:
    """Make an alert; without points it has one detection."""
    points = points or (make_point(f"{object_id}-1", trigger=True),)
    trigger = max(points, key=lambda point: point.time)
    return ObjectAlert(
        survey="ZTF",
        object_id=object_id,
        alert_id=trigger.key,
        time=trigger.time,
        ra=ra,
        dec=dec,
        points=points,
        program=program,
        first_seen=min(point.time for point in points if point.kind is PointKind.ALERT),
        magnitude=19.0,
        is_positive=True,
        scores={"rb": 0.9, "drb": 0.99},
        star=NearbyStar(separation_arcsec=0.4, star_galaxy_score=0.1),
        solar_system=SolarSystemMatch("2010 AB", 12.0, 19.5),
        cutouts={"science": b"fits"},
    )
