"""From a kept message to what it says: parsed, stored and matched in one transaction.

The message's new state is part of that transaction, so whatever dies in between leaves the
message waiting and nothing half done.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from django.db import InterfaceError, OperationalError, transaction

from tom.candidates.hosts import note_given_redshifts
from tom.candidates.services import doubt_candidates, match_event, match_targets, match_told
from tom.candidates.told import note_told
from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.circulars import LATEST_AFTER_RECEIVED, dated_late, record_circular
from tom.events.locks import hold_events
from tom.events.models import NonLocalizedEvent
from tom.events.services import record_notice
from tom.followup.services import stop_requests
from tom.formats.errors import MalformedAlertError, UnhandledAlertError, UnknownSchemaError
from tom.forms.declared import Form
from tom.forms.networks import ANYBODYS
from tom.forms.recognition import identify
from tom.forms.registry import batch_forms, forms, survey_of
from tom.forms.topics import is_test_topic
from tom.intake_verdicts import (
    FOR_GROUP,
    KNOWN,
    STORED,
    STREAM_GONE,
    Verdict,
    refused,
    stored,
    unread,
)
from tom.joining.agreeing import join_told
from tom.ranking.forgetting import forget_audiences, forget_scores
from tom.records import Classification, Notice, ObjectAlert, Opened, Retelling, Text
from tom.reports.alarms.alarms import raise_alarm
from tom.reports.hermes.taking_back import take_back
from tom.reports.notifications.messages import notify_alerts, notify_message
from tom.scoring.services import note_given
from tom.streams.claims import (
    claim,
    claim_one,
    fetch,
    find_waiting,
    finish,
    locked,
    note_failure,
    put_off,
)
from tom.streams.models import AlertMessage, MessageState, Stream
from tom.streams.packets import PacketStoreError
from tom.streams.schema_registry import NoSchemaError, learn_schema
from tom.targets.arrivals import keep_arrivals
from tom.targets.classified import keep_classifications
from tom.targets.histories import find_stored
from tom.targets.hosts import keep_hosts
from tom.targets.objects import ObjectKey, targets_of
from tom.targets.programs import Program
from tom.targets.redshifts import REDSHIFT, keep_told_redshifts
from tom.targets.settling import settle_program as settle_targets
from tom.targets.sightings import key_of
from tom.targets.store import store_alerts
from tom.targets.stream_programs import in_private, programs_of_words
from tom.targets.tags import keep_tags

logger = logging.getLogger(__name__)

# Survey alerts in one transaction.
BATCH = 200
# From the next attempt on, an alert is stored without its maps.
ATTEMPTS_WITH_MAPS = 2


# A message and what it says of an object.
Told = tuple[AlertMessage, ObjectAlert]
Classified = tuple[AlertMessage, Classification]


def work_message(pk: int) -> None:
    """Do the work of one message that goes alone. Safe to call twice, or late."""
    if not claim_one(pk):
        return
    try:
        packets = fetch([pk])
        with transaction.atomic():
            for message in locked([pk], packets):
                verdict = _judge(message)
                finish([pk], verdict.state, verdict.reason)
                notify_message(message)
                publish(Topic.MESSAGE, pk)
    except PacketStoreError as error:
        put_off([pk], str(error))
    except OperationalError as error:
        _note_broken_off([pk], error)
        raise
    # The message boundary: one message's fault, whatever it is, must not stop the others. It
    # stays waiting with its reason, and is dead after the last attempt.
    except Exception as error:
        logger.exception("A message failed", extra={"message_id": pk})
        note_failure(pk, f"{type(error).__name__}: {error}")


def work_alerts() -> bool:
    """Do the work of one batch of each form that goes in batches; return whether any waited."""
    worked = [work_form(name) for name in find_waiting(batch_forms())]
    return any(worked)


def work_form(name: str) -> bool:
    """Do the work of one batch of a form; return whether any message waited."""
    ids = claim(name, most=BATCH)
    if not ids:
        return False
    try:
        _work_batch(ids)
    except PacketStoreError as error:
        put_off(ids, str(error))
        return False
    except OperationalError as error:
        _note_broken_off(ids, error)
        raise
    # The message boundary, as above; alone, the one at fault is found.
    except Exception as error:
        logger.exception("A batch of alerts failed", extra={"first": ids[0], "n": len(ids)})
        if len(ids) == 1:
            note_failure(ids[0], _why(error))
        else:
            _work_each(ids)
    return True


def _note_broken_off(ids: Sequence[int], error: OperationalError) -> None:
    """Leave the reason on messages that wait; where the database is away, they wait without it."""
    with suppress(OperationalError, InterfaceError):
        for pk in ids:
            note_failure(pk, f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")


def _why(error: Exception) -> str:
    """Name what failed at a survey alert, which may be private: the error itself may quote it."""
    return f"{type(error).__name__}: see the worker's log"


def _judge(message: AlertMessage) -> Verdict:
    """Parse and store one message; a fault of its bytes becomes its verdict."""
    try:
        with transaction.atomic():
            return _handle(message)
    except (MalformedAlertError, UnhandledAlertError) as error:
        return refused(message, error)


def _handle(message: AlertMessage) -> Verdict:
    payload = bytes(message.payload or b"")
    form = _form_of(message, payload)
    if form is None or form.parse is None:
        return unread(message)
    match form.parse(payload):
        case Notice() | Text() if message.group_id is not None:
            return FOR_GROUP
        case Notice() as notice:
            return _record_notice(message, notice)
        case Text() as text:
            return _record_text(message, text)
        case ObjectAlert() | Classification() | Retelling() as record:
            told = _of_stream(_as_retelling(record), message)
            _check_times(told, message)
            _store_alerts([(message, alert) for alert in told.alerts])
            _store_classifications([(message, said) for said in told.opinions])
            _store_memberships(message, told)
            return stored(told.left_out)


def _form_of(message: AlertMessage, payload: bytes) -> Form | None:
    """The form of a message. What no form of its own read is looked at again: one may now."""
    form = forms().get(message.kind)
    if form is not None and form.parse is not None and form.name not in ANYBODYS:
        return form
    message.kind = identify(message.topic, payload)
    AlertMessage.objects.filter(pk=message.pk).update(kind=message.kind)
    return forms().get(message.kind)


def _record_notice(message: AlertMessage, notice: Notice) -> Verdict:
    # Rather an event without its map than none: reading one may end its worker each time.
    recorded = record_notice(message, notice, with_maps=message.attempts <= ATTEMPTS_WITH_MAPS)
    joined = join_told(recorded)
    if joined is not None:
        react_to_change(joined)
    elif recorded.is_new:
        react_to_change(recorded.event)
    elif not recorded.left_out:
        return KNOWN
    return stored(recorded.left_out)


def react_to_change(event: NonLocalizedEvent) -> None:
    """Do what a changed chain calls for: stop requests, match targets, page."""
    if event.retracted:
        stop_requests(event, reason="The event was retracted")
        take_back(event.reports.all())
    else:
        match_event(event)
    raise_alarm(event)


def _record_text(message: AlertMessage, text: Text) -> Verdict:
    """Keep a circular in its newest version; any other text is the message itself."""
    if text.circular_id is None:
        return STORED
    left_out = (*text.left_out, *dated_late(message, text))
    if not record_circular(message, text) and not left_out:
        return KNOWN
    return stored(left_out)


def _work_each(ids: Sequence[int]) -> None:
    for pk in ids:
        try:
            _work_batch([pk])
        except PacketStoreError as error:
            put_off([pk], str(error))
        except OperationalError as error:
            _note_broken_off([pk], error)
            raise
        # The message boundary, as above.
        except Exception as error:
            logger.exception("An alert failed", extra={"message_id": pk})
            note_failure(pk, _why(error))


def _work_batch(ids: Sequence[int]) -> None:
    """Parse and store what speaks of objects in one transaction, the new states in it.

    What names an unknown schema waits; the schema is asked for once the transaction is over.
    """
    unknown: dict[int, list[int]] = {}
    _store_batch(ids, unknown)
    for schema_id, waiting in unknown.items():
        try:
            learn_schema(schema_id)
        except NoSchemaError as error:
            finish(waiting, MessageState.DEAD, str(error))
            publish(Topic.MESSAGE)


def _store_batch(ids: Sequence[int], unknown: dict[int, list[int]]) -> None:
    packets = fetch(ids)
    with transaction.atomic():
        messages = locked(ids, packets)
        alerts: list[Told] = []
        classifications: list[Classified] = []
        for message, told in _read_batch(messages, unknown):
            alerts += [(message, alert) for alert in told.alerts]
            classifications += [(message, said) for said in told.opinions]
            if told.left_out:
                _note_left_out(message, told)
        _store_alerts(alerts)
        _store_classifications(classifications)
        later = {pk for waiting in unknown.values() for pk in waiting}
        read = [message for message in messages if message.pk not in later]
        finish(_still_waiting(read), MessageState.STORED)


def _read_batch(
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
            told = _of_stream(told, message)
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
    return _as_retelling(record)


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


def _as_retelling(record: ObjectAlert | Classification | Retelling) -> Retelling:
    """What a record says of objects."""
    match record:
        case ObjectAlert() as alert:
            return Retelling(alerts=(alert,))
        case Classification() as said:
            return Retelling(opinions=(said,), left_out=said.left_out)
        case Retelling() as told:
            return told


def _note_left_out(message: AlertMessage, told: Retelling) -> None:
    verdict = stored(told.left_out)
    finish([message.pk], verdict.state, verdict.reason)


def _store_classifications(told: Sequence[Classified]) -> None:
    """Keep what brokers say of objects: their classes, and their tags."""
    tests = [
        message.pk
        for message, said in told
        if survey_of(said.survey).is_simulated or is_test_topic(message.topic)
    ]
    programs = programs_of_words(told)
    n_new = keep_classifications(told, tests=tests, programs=programs)
    openly = [said for message, said in told if message.pk not in programs]
    targets = targets_of((said.survey, said.object_id) for said in openly)
    if n_new:
        note_given("classifications", targets)
        for program, theirs in _targets_in_private(told, programs).items():
            note_given("classifications", theirs, program=program)
    if keep_told_redshifts(openly):
        note_given(REDSHIFT, targets)
        note_given_redshifts(targets)
    if keep_tags(told, tests=tests, programs=programs) or n_new:
        publish(Topic.ALERTS)


def _store_memberships(message: AlertMessage, told: Retelling) -> None:
    """Make objects candidates of the events that a public message says they belong to."""
    if not told.memberships or message.group_id is not None or is_test_topic(message.topic):
        return
    hold_events()
    for event in note_told(message, told.memberships):
        match_told(event)
        publish(Topic.EVENT, event.event_id)


def _targets_in_private(
    told: Sequence[Classified], programs: Mapping[int, Mapping[str, Program]]
) -> dict[int, set[int]]:
    """The targets of what groups' streams say, by the program that it is in."""
    keys: dict[int, set[ObjectKey]] = {}
    for message, said in told:
        if message.pk in programs:
            program = programs[message.pk][said.survey].pk
            keys.setdefault(program, set()).add((said.survey, said.object_id))
    return {program: targets_of(theirs) for program, theirs in keys.items()}


def _store_alerts(told: Sequence[Told]) -> None:
    if not told:
        return
    hold_events()
    changes = store_alerts([alert for _, alert in told], tests=_known_from_tests(told))
    keep_arrivals(told)
    keep_hosts([alert for _, alert in told], changes.targets)
    match_targets(changes.changed)
    # Of a public message and a private one the public one is named.
    told = sorted(told, key=lambda pair: pair[0].group_id is None)
    senders = {changes.targets[key_of(alert)]: message for message, alert in told}
    notify_alerts(senders, programs=changes.programs)
    if changes.changed:
        publish(Topic.ALERTS)


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


def settle_program(pk: int) -> bool:
    """Settle some more targets of a program whose readers changed; return whether any was due."""
    with transaction.atomic():
        hold_events()
        settled = settle_targets(pk, most=BATCH)
        if settled is None:
            return False
        if settled.program.public:
            forget_audiences(settled.target_ids, pk)
        forget_scores(settled.closed)
        doubt_candidates(settled.closed)
        match_targets(settled.target_ids)
        if settled.target_ids:
            publish(Topic.ALERTS)
    return True


def _known_from_tests(told: Sequence[Told]) -> set[ObjectKey]:
    """The objects that only messages on test topics speak of, and those that are made up."""
    topics: dict[ObjectKey, set[str]] = {}
    for message, alert in told:
        topics.setdefault(key_of(alert), set()).add(message.topic)
    return {
        (survey, name)
        for (survey, name), where in topics.items()
        if survey_of(survey).is_simulated or all(map(is_test_topic, where))
    }


def _still_waiting(messages: Sequence[AlertMessage]) -> list[int]:
    rows = AlertMessage.objects.filter(pk__in=[message.pk for message in messages])
    return list(rows.filter(state=MessageState.RECEIVED).values_list("pk", flat=True))
