"""From a message that speaks of objects to what it says, without what is stored already."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.circulars import LATEST_AFTER_RECEIVED
from tom.events.locks import hold_events
from tom.formats.errors import MalformedAlertError, UnhandledAlertError, UnknownSchemaError
from tom.forms.declared import Form
from tom.forms.networks import ANYBODYS
from tom.forms.recognition import identify
from tom.forms.registry import forms
from tom.intake_verdicts import STREAM_GONE, refused
from tom.records import Classification, Notice, ObjectAlert, Opened, Retelling, Text
from tom.records.alert import Point
from tom.records.classification import Judgement
from tom.streams.claims import finish
from tom.streams.models import AlertMessage, Stream
from tom.targets.histories import find_stored
from tom.targets.objects import ObjectKey
from tom.targets.sightings import key_of
from tom.targets.stream_programs import in_private


def form_of(message: AlertMessage, payload: bytes) -> Form | None:
    """The form of a message. What no form of its own read is looked at again: one may now."""
    form = forms().get(message.kind)
    if form is not None and form.parse is not None and form.name not in ANYBODYS:
        return form
    message.kind = identify(message.topic, payload)
    AlertMessage.objects.filter(pk=message.pk).update(kind=message.kind)
    return forms().get(message.kind)


def read_batch(
    messages: Sequence[AlertMessage], unknown: dict[int, list[int]]
) -> Iterator[tuple[AlertMessage, Retelling]]:
    """Yield what each message says; one at fault gets its verdict, and is left out.

    What is stored of an object's history is not read again, except in a replay.
    """
    begun: list[tuple[AlertMessage, Opened | Retelling]] = []
    for message in messages:
        with _judged(message, unknown):
            begun.append((message, _open_of_objects(message)))
    opened = [packet for _, packet in begun if isinstance(packet, Opened)]
    stored: dict[ObjectKey, frozenset[bytes]] = {}
    if opened:
        hold_events()
        stored |= find_stored((packet.survey, packet.object_id) for packet in opened)
    for message, packet in begun:
        with _judged(message, unknown):
            told = packet if isinstance(packet, Retelling) else _read(packet, message, stored)
            _check_times(told, message)
            told = _of_stream(_without_future(_telling_withdrawn(told), message), message)
            # Stored with this batch: its other packets of the object need not read it again.
            for alert in told.alerts:
                stored[key_of(alert)] = stored.get(key_of(alert), frozenset()) | alert.history
            yield message, told


def _read(
    packet: Opened, message: AlertMessage, stored: Mapping[ObjectKey, frozenset[bytes]]
) -> Retelling:
    key = (packet.survey, packet.object_id)
    # What is stored for others is none of a group's.
    is_whole = message.replays or message.group_id is not None
    known = frozenset[bytes]() if is_whole else stored.get(key, frozenset())
    return Retelling(alerts=(packet.read(known),))


@contextmanager
def _judged(message: AlertMessage, unknown: dict[int, list[int]]) -> Iterator[None]:
    """Make a fault of a message's bytes its verdict; one of an unknown schema waits."""
    try:
        yield
    except UnknownSchemaError as error:
        unknown.setdefault(error.schema_id, []).append(message.pk)
    except (MalformedAlertError, UnhandledAlertError) as error:
        verdict = refused(message, error)
        finish([message.pk], verdict.state, verdict.reason)
        publish(Topic.MESSAGE, message.pk)


def _open_of_objects(message: AlertMessage) -> Opened | Retelling:
    form, payload = forms()[message.kind], bytes(message.payload or b"")
    if form.open is not None:
        return form.open(payload)
    record = form.parse(payload) if form.parse else None
    if record is None or isinstance(record, Notice | Text):
        reason = f"{message.kind} speaks of no object"
        raise TypeError(reason)
    return as_retelling(record)


def _of_stream(told: Retelling, message: AlertMessage) -> Retelling:
    """What a message says; what came by a group's stream is in the programs of that stream.

    Raises
    ------
    UnhandledAlertError
        If the stream is deleted: nobody could say any more whose it is.
    """
    if message.group_id is None:
        return told
    stream = message.stream
    if stream is None or not Stream.objects.filter(pk=stream).exists():
        raise UnhandledAlertError(STREAM_GONE)
    return in_private(told, stream)


def as_retelling(record: ObjectAlert | Classification | Retelling) -> Retelling:
    """What a record says of objects."""
    match record:
        case ObjectAlert() as alert:
            return Retelling(alerts=(alert,))
        case Classification() as said:
            return Retelling(opinions=(said,), left_out=said.left_out)
        case Retelling() as told:
            return told


def as_told(record: ObjectAlert | Classification | Retelling, message: AlertMessage) -> Retelling:
    """What a message says of objects, in the programs of its stream.

    Raises
    ------
    MalformedAlertError
        If it tells of a time to come.
    UnhandledAlertError
        If its stream is deleted.
    """
    told = _of_stream(as_retelling(record), message)
    _check_times(told, message)
    return _without_future(_telling_withdrawn(told), message)


def _without_future(told: Retelling, message: AlertMessage) -> Retelling:
    """Leave out points and opinions of a time to come: they would stay the newest for good."""
    latest = message.received + LATEST_AFTER_RECEIVED
    points = [each for alert in told.alerts for each in _late_points(alert, latest)]
    words = [each for said in told.opinions for each in said.judgements if _is_late(each, latest)]
    if not points and not words:
        return told
    faults = [f"{each.classifier} (said at a time to come)" for each in words]
    if points:
        faults.append(f"points of a time to come ({len(points)})")
    return replace(
        told,
        alerts=tuple(
            replace(alert, points=tuple(p for p in alert.points if p.time <= latest))
            for alert in told.alerts
        ),
        opinions=tuple(
            replace(said, judgements=tuple(j for j in said.judgements if not _is_late(j, latest)))
            for said in told.opinions
        ),
        left_out=(*told.left_out, *faults),
    )


def _telling_withdrawn(told: Retelling) -> Retelling:
    """Say how many points a survey withdrew: they leave the light curve."""
    withdrawn = sum(len(alert.withdrawn) for alert in told.alerts)
    if not withdrawn:
        return told
    return replace(
        told, left_out=(*told.left_out, f"points that the survey withdrew ({withdrawn})")
    )


def _late_points(alert: ObjectAlert, latest: datetime) -> list[Point]:
    if not alert.points or alert.points[-1].time <= latest:  # they stand in order of time
        return []
    return [point for point in alert.points if point.time > latest]


def _is_late(judgement: Judgement, latest: datetime) -> bool:
    return judgement.time is not None and judgement.time > latest


def _check_times(told: Retelling, message: AlertMessage) -> None:
    for alert in told.alerts:
        _check_time(alert, message)
    for said in told.opinions:
        _check_time(said, message)


def _check_time(record: ObjectAlert | Classification, message: AlertMessage) -> None:
    """Refuse a detection of tomorrow: it would stay the newest of its object for good."""
    if record.time and record.time - message.received > LATEST_AFTER_RECEIVED:
        reason = "its detection is of a time after the message was received"
        raise MalformedAlertError(reason)
