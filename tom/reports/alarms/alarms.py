"""Alarms: call the people on shift, once per event and cause, and note who acknowledged it.

An alarm that may have arrived is not sent again on that channel. Three things make up for a lost
alarm: each channel is independent, a definite refusal is tried again, and an alarm stays on the
screen until a person acknowledges it.
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.models import NonLocalizedEvent
from tom.outbox.models import due
from tom.outbox.moves import move
from tom.outbox.sending import give_up, send
from tom.reports.alarms.channels import send_email, send_webhook
from tom.reports.alarms.models import Alarm, AlarmCause, AlarmSend, Channel, SendState

SIGNIFICANT_FAR_HZ: Final = 1 / (30 * 86_400)
"""One false alarm a month: below this rate LVK calls a merger significant
(https://emfollow.docs.ligo.org/userguide/analysis/)."""


_LOST: Final = "the worker was lost while it sent"


def raise_alarm(event: NonLocalizedEvent) -> Alarm | None:
    """Make the alarm for an event's newest message; None if there is none to make.

    A significant live event raises one alarm, and the retraction of an event raises one. These
    raise none: a test event, an event of a kind that is not in ALARM_KINDS, and an event whose
    newest message is older than ALARM_HOURS. Call this after every message of the event. The
    pipeline then wakes `send_alarm`.
    """
    cause = _cause(event)
    if cause is None:
        return None
    with transaction.atomic():
        alarm, created = Alarm.objects.get_or_create(
            event=event, cause=cause, defaults={"title": _title(event, cause), "body": _body(event)}
        )
        if not created:
            return None
        now = timezone.now()
        AlarmSend.objects.bulk_create(
            [AlarmSend(alarm=alarm, channel=channel, due_at=now) for channel in _channels()]
        )
        publish(Topic.EVENT, event.event_id)
    return alarm


def send_alarm(alarm: Alarm, *, now: datetime) -> None:
    """Send an alarm on every channel on which it is due; a failure of one does not stop others."""
    for each in alarm.sends.all():
        each.alarm = alarm
        if alarm.event.test_reasons and each.state == SendState.DUE:  # it became a test since then
            move(each, SendState.FAILED, reason="the event is a test")
        elif not give_up(each, _LOST, now=now):
            _send(each, now=now)


def acknowledge_alarm(alarm: Alarm, by: User) -> bool:
    """Note that a person acknowledges an alarm; return whether this was the first person."""
    with transaction.atomic():
        first = (
            Alarm.objects.filter(pk=alarm.pk)
            .unacknowledged()
            .update(acknowledged_by=by, acknowledged_at=timezone.now())
        )
        if first:
            publish(Topic.EVENT, alarm.event.event_id)
    return bool(first)


def due_alarms(now: datetime) -> QuerySet[Alarm]:
    """Return the alarms for which the sweep should wake `send_alarm`."""
    watched = AlarmSend.objects.filter(due(now), state__in=[SendState.DUE, SendState.SENDING])
    return Alarm.objects.filter(pk__in=watched.values("alarm"))


def _cause(event: NonLocalizedEvent) -> AlarmCause | None:
    if event.test_reasons or _is_old(event) or event.kind not in settings.ALARM_KINDS:
        return None
    if event.retracted:
        return AlarmCause.RETRACTION
    return AlarmCause.SIGNIFICANT if _is_significant(event) else None


def _is_significant(event: NonLocalizedEvent) -> bool:
    """Whether the messages call the event significant; if they do not say, whether its rate does.

    One alarm too many is better than an event that nobody notices.
    """
    if event.significant is None:
        return event.far is not None and event.far <= SIGNIFICANT_FAR_HZ
    return event.significant


def _is_old(event: NonLocalizedEvent) -> bool:
    """Whether the newest message is older than ALARM_HOURS: a past event that is sent again."""
    news = timezone.now() - timedelta(hours=settings.ALARM_HOURS)
    return event.time_created is not None and event.time_created < news


def _channels() -> list[Channel]:
    channels = []
    if settings.ALARM_EMAILS:
        channels.append(Channel.EMAIL)
    if settings.ALARM_WEBHOOK:
        channels.append(Channel.WEBHOOK)
    return channels


def _send(each: AlarmSend, *, now: datetime) -> None:
    if each.due_at is None or each.due_at <= now:
        send(each, lambda: _deliver(each), lambda _: _keep_sent(each), now=now)


def _deliver(each: AlarmSend) -> None:
    alarm = each.alarm
    if each.channel == Channel.EMAIL:
        name = f"{alarm.event.event_id}.{alarm.cause}.{alarm.pk}"
        send_email(subject=alarm.title, body=alarm.body, to=settings.ALARM_EMAILS, name=name)
    else:
        send_webhook(settings.ALARM_WEBHOOK, title=alarm.title, body=alarm.body)


def _keep_sent(each: AlarmSend) -> None:
    move(each, SendState.SENT, sent_at=timezone.now())


def _title(event: NonLocalizedEvent, cause: AlarmCause) -> str:
    if cause is AlarmCause.RETRACTION:
        return f"{event.event_id} is retracted"
    return f"{event.event_id}: significant {event.get_kind_display().lower()}"


def _body(event: NonLocalizedEvent) -> str:
    """Return a few lines with the event's present type, time, rate and classes."""
    lines = [f"{event.alert_type} of {_time(event.time_created)}"]
    if event.time is not None:
        lines.append(f"Time of the event: {_time(event.time)}")
    if event.far:
        lines.append(f"False alarms: one in {_years(event.far)}")
    likely = sorted(event.classification.items(), key=lambda item: -float(item[1]))
    if likely:
        lines.append(", ".join(f"{name} {float(chance):.0%}" for name, chance in likely[:3]))
    return "\n".join(lines)


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "unknown time"


def _years(far: float) -> str:
    years = 1 / far / 31_557_600
    return f"{years:.3g} years" if years >= 1 else f"{years * 365.25:.3g} days"
