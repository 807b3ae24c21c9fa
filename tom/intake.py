"""From a kept message to what it says: parsed, stored and matched in one transaction.

The message's new state is part of that transaction, so whatever dies in between leaves the
message waiting and nothing half done.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress

from django.db import InterfaceError, OperationalError, transaction

from tom.candidates.services import doubt_candidates, match_targets
from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.locks import hold_events
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.forms.registry import batch_forms
from tom.intake_events import store_notice, store_text
from tom.intake_objects import (
    Classified,
    Told,
    keep_alerts,
    keep_memberships,
    keep_words,
)
from tom.intake_reading import as_told, form_of, read_batch
from tom.intake_verdicts import FOR_GROUP, Verdict, refused, stored, unread
from tom.ranking.forgetting import forget_audiences, forget_scores
from tom.records import Classification, Notice, ObjectAlert, Retelling, Text
from tom.reports.notifications.messages import notify_message
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
from tom.streams.models import AlertMessage, MessageState
from tom.streams.packets import PacketStoreError
from tom.streams.schema_registry import NoSchemaError, learn_schema
from tom.targets.settling import settle_program as settle_targets

logger = logging.getLogger(__name__)

# Survey alerts in one transaction.
BATCH = 200


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
    form = form_of(message, payload)
    if form is None or form.parse is None:
        return unread(message)
    match form.parse(payload):
        case Notice() | Text() if message.group_id is not None:
            return FOR_GROUP
        case Notice() as notice:
            return store_notice(message, notice)
        case Text() as text:
            return store_text(message, text)
        case ObjectAlert() | Classification() | Retelling() as record:
            told = as_told(record, message)
            keep_alerts([(message, alert) for alert in told.alerts])
            keep_words([(message, said) for said in told.opinions])
            keep_memberships(message, told)
            return stored(told.left_out)


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
        for message, told in read_batch(messages, unknown):
            alerts += [(message, alert) for alert in told.alerts]
            classifications += [(message, said) for said in told.opinions]
            if told.left_out:
                _note_left_out(message, told)
        keep_alerts(alerts)
        keep_words(classifications)
        later = {pk for waiting in unknown.values() for pk in waiting}
        read = [message for message in messages if message.pk not in later]
        finish(_still_waiting(read), MessageState.STORED)


def _note_left_out(message: AlertMessage, told: Retelling) -> None:
    verdict = stored(told.left_out)
    finish([message.pk], verdict.state, verdict.reason)


def _still_waiting(messages: Sequence[AlertMessage]) -> list[int]:
    rows = AlertMessage.objects.filter(pk__in=[message.pk for message in messages])
    return list(rows.filter(state=MessageState.RECEIVED).values_list("pk", flat=True))


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
