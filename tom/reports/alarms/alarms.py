"""Alarms: call people, once per event, cause and rule, and note who acknowledged it.

An alarm that may have arrived is not sent again on that channel. Three things make up for a lost
alarm: each channel is independent, a definite refusal is tried again, and an alarm stays on the
screen until a person acknowledges it. While an event is retracted, its calls are withheld; they go
on once it is live again.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.models import NonLocalizedEvent
from tom.events.naming import root_of
from tom.outbox.models import due
from tom.outbox.moves import move
from tom.outbox.sending import give_up, send
from tom.reports.alarms.channels import send_email, send_webhook
from tom.reports.alarms.contacts import Channel, Contact
from tom.reports.alarms.hearing import (
    contacts_to_tell,
    is_retraction,
    is_told_retracted,
    last_heard,
    release_calls,
    withhold,
    withhold_calls,
)
from tom.reports.alarms.matching import is_old, is_significant, matching_rules
from tom.reports.alarms.models import Alarm, AlarmCause, AlarmSend, SendState, tell_of
from tom.reports.alarms.reaching import reach
from tom.reports.alarms.rules import AlarmRule
from tom.reports.alarms.steps import call_next, first_call, sends_to, unfinished
from tom.reports.alarms.words import body_of, hint_of, link_to, title_of

_LOST: Final = "the worker was lost while it sent"


def raise_alarm(event: NonLocalizedEvent) -> Alarm | None:
    """Make the alarms for an event's newest message; return the first, None if there is none.

    Each rule that the event meets raises one alarm. A significant event that meets no rule raises
    one for whom the settings name. A retraction, and its end, raise one each for whoever last heard
    the contrary. These raise none: a test event, and an event whose newest message is older than
    ALARM_HOURS, but for the end of its retraction. Call this after every message of the event. The
    pipeline then wakes `send_alarm`.
    """
    if event.test_reasons:
        return None
    now = timezone.now()
    is_past = is_old(event, now=now)
    with transaction.atomic():
        withhold_calls(event)
        made = [] if event.retracted and is_past else _by_turn(event)
        if not (event.retracted or is_past):
            release_calls(event, now=now)
            made += _by_message(event)
    return made[0] if made else None


def try_contact(contact: Contact, *, by: User) -> Alarm:
    """Make a test alarm to one contact, which tells nobody else. The caller wakes `send_alarm`."""
    with transaction.atomic():
        alarm = Alarm.objects.create(
            cause=AlarmCause.TRIAL,
            title=f"{settings.TOM_NAME}: test alarm",
            body=f"{by.get_username()} tests whether alarms arrive. Nothing has happened.",
        )
        AlarmSend.objects.bulk_create(sends_to(alarm, [contact], step=0, now=timezone.now()))
        tell_of(alarm)
    return alarm


def send_alarm(alarm: Alarm, *, now: datetime) -> None:
    """Call the next step if it is due, and send the alarm wherever it is due.

    A failure of one send does not stop the others.
    """
    call_next(alarm, now=now)
    for each in alarm.sends.select_related("contact").defer("contact__address"):
        each.alarm = alarm
        if each.state == SendState.DUE and (why := unfinished(alarm)):
            withhold(each, why)
        elif each.state == SendState.DUE and (why := _why_not(each)):
            move(each, SendState.FAILED, reason=why)
        elif not give_up(each, _LOST, now=now):
            _send(each, now=now)


def acknowledge_alarm(alarm: Alarm, by: User) -> bool:
    """Note that a person acknowledges an event's alarms; return whether this was the first person.

    The answer counts for every alarm of the event as it stands that nobody answered: no further
    step is called. Whoever answers a retraction does not answer the event. If the event was joined
    to another one, the answer is for that one.
    """
    if alarm.event is None:
        return False
    event = root_of(alarm.event)
    with transaction.atomic():
        unanswered = Alarm.objects.unacknowledged().filter(event=event)
        answered = {"acknowledged_by": by, "acknowledged_at": timezone.now(), "next_at": None}
        first = bool(unanswered.update(**answered))
        if first:
            publish(Topic.EVENT, event.event_id)
    return first


def due_alarms(now: datetime) -> QuerySet[Alarm]:
    """Return the alarms for which the sweep should wake `send_alarm`."""
    watched = AlarmSend.objects.filter(due(now), state__in=[SendState.DUE, SendState.SENDING])
    live = Q(event__retracted=False, event__joined_to=None, event__test_reasons=[])
    return Alarm.objects.filter(Q(pk__in=watched.values("alarm")) | Q(live, next_at__lte=now))


def _by_message(event: NonLocalizedEvent) -> list[Alarm]:
    rules = list(AlarmRule.objects.in_force())
    met = matching_rules(event, rules)
    made = [_make(event, AlarmCause.SIGNIFICANT, rule=rule) for rule in met]
    if _cause(event) is AlarmCause.SIGNIFICANT and (not met or _channels()):
        made.append(_make(event, AlarmCause.SIGNIFICANT, channels=_channels()))
    return [alarm for alarm in made if alarm is not None]


def _by_turn(event: NonLocalizedEvent) -> list[Alarm]:
    """Tell that the event is retracted, or live again, to whoever last heard the contrary."""
    if is_told_retracted(event) == event.retracted:
        return []
    if _cause(event) is None and not event.alarms.exists():
        return []
    cause = AlarmCause.RETRACTION if event.retracted else AlarmCause.RESTORED
    heard = last_heard(event)
    contacts = contacts_to_tell(heard, retracted=event.retracted)
    contrary = [
        each for each in _channels() if is_retraction(heard.get(each)) is not event.retracted
    ]
    turn = event.alarms.filter(cause=cause).count()
    made = _make(event, cause, contacts=contacts, channels=contrary, turn=turn)
    return [made] if made is not None else []


def _make(
    event: NonLocalizedEvent,
    cause: AlarmCause,
    *,
    rule: AlarmRule | None = None,
    contacts: Collection[Contact] = (),
    channels: Collection[Channel] = (),
    turn: int = 0,
) -> Alarm | None:
    """Make an alarm with its first sends; None if it was made before."""
    now = timezone.now()
    words = {"title": title_of(event, cause, rule), "body": body_of(event)}
    alarm, created = Alarm.objects.get_or_create(
        event=event,
        cause=cause,
        rule=rule,
        turn=turn,
        defaults={**words, "next_at": first_call(rule, now=now) if rule is not None else None},
    )
    if not created:
        return None
    sends = sends_to(alarm, contacts, step=0, now=now)
    sends += [AlarmSend(alarm=alarm, channel=channel, due_at=now) for channel in channels]
    AlarmSend.objects.bulk_create(sends)
    tell_of(alarm)
    return alarm


def _cause(event: NonLocalizedEvent) -> AlarmCause | None:
    """Why the event calls for an alarm by the settings alone; None if it does not."""
    if (
        event.test_reasons
        or is_old(event, now=timezone.now())
        or event.kind not in settings.ALARM_KINDS
    ):
        return None
    if event.retracted:
        return AlarmCause.RETRACTION
    return AlarmCause.SIGNIFICANT if is_significant(event) else None


def _channels() -> list[Channel]:
    channels = []
    if settings.ALARM_EMAILS:
        channels.append(Channel.EMAIL)
    if settings.ALARM_WEBHOOK:
        channels.append(Channel.WEBHOOK)
    return channels


def _why_not(each: AlarmSend) -> str:
    """Say why a send is no longer wanted; "" if it is."""
    if each.step and each.alarm.acknowledged_at:
        return "somebody had answered"
    if each.reaches and each.contact is None:
        return "the contact was removed"
    return ""


def _send(each: AlarmSend, *, now: datetime) -> None:
    if each.due_at is None or each.due_at <= now:
        send(each, lambda: _deliver(each), lambda _: _keep_sent(each), now=now)


def _deliver(each: AlarmSend) -> None:
    alarm = each.alarm
    what = alarm.event.event_id if alarm.event else "test"
    name = f"{what}.{alarm.cause}.{alarm.pk}.{each.pk}"
    hint = hint_of(alarm) if each.channel != Channel.EMAIL else ""
    body = "\n".join(filter(None, (hint, alarm.body, link_to(alarm))))
    if each.contact is not None:
        reach(each.contact, title=alarm.title, body=body, name=name)
    elif each.channel == Channel.EMAIL:
        send_email(subject=alarm.title, body=body, to=settings.ALARM_EMAILS, name=name)
    else:
        send_webhook(settings.ALARM_WEBHOOK, title=alarm.title, body=body)


def _keep_sent(each: AlarmSend) -> None:
    move(each, SendState.SENT, sent_at=timezone.now())
