"""Packets that plain data describes: parsed as it says."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tom.formats.containers import WriterSchema, decode_block, find_record
from tom.formats.errors import MalformedAlertError
from tom.formats.values import finite, integer, magnitude, name_of, natural, separation, text
from tom.forms.mapped.declared import HostFields, Packet
from tom.forms.mapped.points import (
    lacks_of,
    read_measured,
    read_points,
    read_share,
    read_time,
)
from tom.forms.mapped.values import usable_name, value_at
from tom.forms.retelling import place_of
from tom.photometry import SHINING_SIGMA
from tom.records.alert import (
    AB_ZERO_POINT_NJY,
    Host,
    NearbyStar,
    ObjectAlert,
    Point,
    PointKind,
    SolarSystemMatch,
)

Fields = Mapping[str, Any]

MAX_DECODED_BYTES: Final = 4 * 1024 * 1024
MOST_REDSHIFT: Final = 20.0
_FITS: Final = (b"SIMPLE  ", b"\x1f\x8b")


def parser_of(packet: Packet) -> Callable[[bytes], ObjectAlert]:
    """Return what parses object container files of such packets."""
    return parser_by_schema(lambda _: packet)


def parser_by_schema(
    packet_of: Callable[[WriterSchema], Packet],
) -> Callable[[bytes], ObjectAlert]:
    """Return what parses object container files that `packet_of` describes by their schema."""

    def parse(payload: bytes) -> ObjectAlert:
        data, schema = find_record(payload, MAX_DECODED_BYTES)
        ((record, _),) = decode_block(1, data, schema.parsed)
        return read_packet(packet_of(schema), record)

    return parse


def named(name: str, packet: Packet) -> Callable[[WriterSchema], bool]:
    """Return what knows such packets by the first part of their schema's name."""

    def recognises(schema: WriterSchema) -> bool:
        own = schema.name.partition(".")[0].lower() == name
        return own and packet.trigger.at in schema.fields

    return recognises


def read_packet(packet: Packet, record: Fields) -> ObjectAlert:
    """Read one packet.

    Raises
    ------
    MalformedAlertError
        If it lacks its identity, position, time or flux, or is of a source that was put in.
        Retrying cannot help.
    """
    for path, least in packet.fakes.items():
        number = integer(value_at(record, path))
        if number is not None and number >= least:
            reason = f"{path} says that its source was put into the image"
            raise MalformedAlertError(reason)
    object_id = usable_name(value_at(record, packet.object_id), packet.object_id)
    trigger = _read_trigger(packet, record, object_id)
    points = read_points(packet, record, object_id, trigger)
    ra, dec = _position(packet, record)
    start = read_time(packet, value_at(record, packet.history_start), None)
    sights = [point.time for point in points if _is_sight(point)]
    scores = dict(_scores(packet, record))
    return ObjectAlert(
        survey=packet.survey,
        object_id=object_id,
        alert_id=trigger.key,
        time=trigger.time,
        ra=ra,
        dec=dec,
        points=points,
        program=trigger.program,
        first_seen=min(sights if start is None else [start, *sights]),
        history_start=start,
        magnitude=AB_ZERO_POINT_NJY - 2.5 * math.log10(abs(trigger.flux_njy)),
        is_positive=trigger.flux_njy > 0,
        schema_version=text(value_at(record, packet.version)),
        scores=scores if any(scores.values()) else {},
        star=_star(packet, record),
        solar_system=_planet(packet, record),
        n_detections=natural(value_at(record, packet.n_detections)),
        host=_host(packet.host, record) if packet.host else None,
        cutouts=dict(_cutouts(packet, record)),
    )


def _read_trigger(packet: Packet, record: Fields, object_id: str) -> Point:
    columns = packet.trigger
    epoch = value_at(record, columns.at)
    if not isinstance(epoch, dict):
        reason = f"no {columns.at}"
        raise MalformedAlertError(reason)
    whole = {**record, **epoch}
    point = read_measured(packet, columns, whole, object_id, is_trigger=True)
    if point is None or not point.flux_njy:
        # Whoever may see messages reads this: it names fields, and quotes nothing of the alert.
        lacking = ", ".join(lacks_of(packet, columns, whole, object_id))
        reason = f"no usable detection: {lacking} missing or unfit"
        raise MalformedAlertError(reason)
    return point


def _is_sight(point: Point) -> bool:
    if point.kind is PointKind.FORCED:
        return point.signal_to_noise >= SHINING_SIGMA
    return point.kind is PointKind.ALERT


def _position(packet: Packet, record: Fields) -> tuple[float, float]:
    ra, dec = finite(value_at(record, packet.ra)), finite(value_at(record, packet.dec))
    if ra is None or dec is None or not packet.least_ra <= ra <= 360 or not -90 <= dec <= 90:
        reason = f"no usable position: {packet.ra} and {packet.dec} are missing, or out of range"
        raise MalformedAlertError(reason)
    return ra % 360, dec


def _scores(packet: Packet, record: Fields) -> Iterator[tuple[str, float]]:
    for name, path in packet.scores.items():
        score = read_share(value_at(record, path), packet.score_share)
        if score is not None:
            yield name, score


def _star(packet: Packet, record: Fields) -> NearbyStar | None:
    away, score = packet.star
    distance = separation(value_at(record, away))
    if distance is None:
        return None
    return NearbyStar(distance, read_share(value_at(record, score)))


def _planet(packet: Packet, record: Fields) -> SolarSystemMatch | None:
    named, away, bright = (value_at(record, path) for path in packet.planet)
    name, distance = name_of(named), separation(away)
    if name is None or distance is None:
        return None
    return SolarSystemMatch(name=name, separation_arcsec=distance, magnitude=magnitude(bright))


def _host(fields: HostFields, record: Fields) -> Host | None:
    for path, error_path in fields.redshifts:
        redshift, error = finite(value_at(record, path)), finite(value_at(record, error_path))
        if redshift is not None and 0 < redshift < MOST_REDSHIFT:
            place = place_of(value_at(record, fields.ra), value_at(record, fields.dec))
            ra, dec = place or (None, None)
            return Host(
                redshift=redshift,
                redshift_error=error if error is not None and 0 < error < MOST_REDSHIFT else None,
                ra=ra,
                dec=dec,
                separation_arcsec=separation(value_at(record, fields.separation)),
            )
    return None


def _cutouts(packet: Packet, record: Fields) -> Iterator[tuple[str, bytes]]:
    """Yield the stamps: FITS, gzipped or not."""
    for name, path in packet.cutouts.items():
        stamp = value_at(record, path)
        if isinstance(stamp, bytes) and stamp.startswith(_FITS):
            yield name, stamp
