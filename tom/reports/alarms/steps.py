"""The steps of a rule: whom to call now, and when to call the next one.

Who is on shift is asked when a step is called. A step that reaches nobody does not wait: the next
one is called at once.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from tom.events.models import NonLocalizedEvent
from tom.reports.alarms.contacts import Contact
from tom.reports.alarms.models import Alarm, AlarmSend, tell_of
from tom.reports.alarms.rules import AlarmRule, AlarmStep
from tom.shifts.services import people_on_shift


def call_next(alarm: Alarm, *, now: datetime) -> None:
    """Make the sends of the next step of an alarm's rule, if that is due.

    In the rule's quiet hours it waits for their end. While the event is not live, no step is
    called. The event is locked meanwhile, so that its retraction sees who was called. A step that
    is more than ALARM_HOURS late is not called, nor one after an answer.
    """
    if alarm.event_id is None or alarm.next_at is None or alarm.next_at > now:
        return
    with transaction.atomic():
        events = NonLocalizedEvent.objects.filter(pk=alarm.event_id)
        list(events.select_for_update(no_key=True).values_list("pk"))
        rows = Alarm.objects.select_related("event", "rule").select_for_update(of=("self",))
        locked = rows.get(pk=alarm.pk)
        if locked.next_at is not None and locked.next_at <= now:
            _call(locked, now=now)
    alarm.step, alarm.next_at = locked.step, locked.next_at


def first_call(rule: AlarmRule, *, now: datetime) -> datetime | None:
    """Return when the first step of a rule is due; None if it has no step."""
    first = rule.steps.order_by("number").first()
    return now + timedelta(minutes=first.after_minutes) if first is not None else None


def unfinished(alarm: Alarm) -> str:
    """Say why an alarm of an event must not be sent as the event stands now; "" if it may."""
    event = alarm.event
    if event is None:
        return ""
    if event.test_reasons:
        return "the event is a test"
    if event.joined_to_id is not None:
        return "the event was joined to another one"
    if alarm.stands:
        return ""
    return "the event was retracted" if event.retracted else "the event is not retracted any more"


def sends_to(
    alarm: Alarm, contacts: Collection[Contact], *, step: int, now: datetime
) -> list[AlarmSend]:
    """Return the sends of an alarm to contacts, due at once, each contact once; none is stored."""
    return [
        AlarmSend(
            alarm=alarm,
            contact=contact,
            reaches=_words(contact),
            channel=contact.channel,
            step=step,
            due_at=now,
        )
        for contact in {contact.pk: contact for contact in contacts}.values()
    ]


def _call(alarm: Alarm, *, now: datetime) -> None:
    """Call the steps that are due, as far as one that reaches somebody."""
    if unfinished(alarm):
        return
    if alarm.acknowledged_at or alarm.rule is None or _is_too_late(alarm, now=now):
        _keep(alarm, step=alarm.step, next_at=None)
        return
    quiet = alarm.rule.quiet_until(now)
    if quiet is not None:
        _keep(alarm, step=alarm.step, next_at=quiet)
        return
    steps = list(alarm.rule.steps.filter(number__gt=alarm.step).order_by("number"))
    for place, step in enumerate(steps):
        sends = sends_to(alarm, _contacts_of(step, now=now), step=step.number, now=now)
        if sends:
            AlarmSend.objects.bulk_create(sends, ignore_conflicts=True)
            _keep(alarm, step=step.number, next_at=_time_of(steps, place + 1, now=now))
            return
    _keep(alarm, step=steps[-1].number if steps else alarm.step, next_at=None)


def _is_too_late(alarm: Alarm, *, now: datetime) -> bool:
    hours = timedelta(hours=settings.ALARM_HOURS)
    return alarm.next_at is not None and alarm.next_at < now - hours


def _time_of(steps: list[AlarmStep], place: int, *, now: datetime) -> datetime | None:
    """Return when a step is due after the one before it, which is called now."""
    if place >= len(steps):
        return None
    return now + timedelta(minutes=steps[place].after_minutes - steps[place - 1].after_minutes)


def _contacts_of(step: AlarmStep, *, now: datetime) -> list[Contact]:
    people = {user.pk for user in people_on_shift(now)} if step.on_shift else set()
    people |= set(step.people.filter(is_active=True).values_list("pk", flat=True))
    reached = Q(person__in=people, channel__in=step.channels)
    reached |= Q(pk__in=step.contacts.values("pk"))
    return list(Contact.objects.standing().filter(reached).select_related("person"))


def _keep(alarm: Alarm, *, step: int, next_at: datetime | None) -> None:
    alarm.step, alarm.next_at = step, next_at
    alarm.save(update_fields=["step", "next_at"])
    tell_of(alarm)


def _words(contact: Contact) -> str:
    who = contact.person.get_username() if contact.person else "the team"
    return f"{who}: {contact.name}"[:200]
